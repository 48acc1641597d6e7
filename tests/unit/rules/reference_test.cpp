// docs/rules.md is true: its tables are those of the code, its examples give what they say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include <weir/base/digest.hpp>
#include <weir/rules/compiler.hpp>
#include <weir/rules/detail/text.hpp>
#include <weir/rules/evaluator.hpp>
#include <weir/rules/reference.hpp>
#include <weir/rules/state_memory.hpp>

namespace weir::rules {
namespace {

std::string read_page() {
    std::ifstream in{WEIR_TEST_DATA "/../docs/rules.md", std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
}

/// The outputs of a statement, a line each; `no match`; the messages of its errors.
/// @param before  Payloads of messages that the rule saw before.
std::vector<std::string> outcome(
    std::string_view sql,
    Profile profile,
    std::string_view topic,
    std::string_view payload,
    const std::vector<std::string>& before = {}
) {
    document::Diagnostics diagnostics;
    RuleDefinition rule{.name = "example"};
    rule.program = compile_statement(sql, {.profile = profile}, diagnostics);
    std::vector<std::string> lines;
    if (rule.program == nullptr) {
        for (const auto& each : diagnostics.sorted()) {
            lines.push_back("error: " + each.message);
        }
        return lines;
    }
    rule.profile = profile;
    const auto rules = RuleSet::build({std::move(rule)});
    model::Principal principal;
    principal.thing = "p7";
    principal.thing_type = "probe";
    principal.attributes = {{"site", "north"}};
    Bytes properties{0x03, 0x00, 16};
    append(properties, "application/json");
    append(properties, std::string_view{"\x26\x00\x04unit\x00\x01" "C", 10});
    Evaluator evaluator;
    Input input{
        .topic = topic,
        .client_id = "p7",
        .principal = &principal,
        .qos = model::Qos::at_least_once,
        .timestamp_ms = kExampleTimeMs,
        .source_ip = "192.0.2.14",
        .trace_id = "t-1",
        .properties = properties,
    };
    StateMemory state;
    const auto run = [&](std::string_view of_message) {
        const std::string padded =
            std::string{of_message} + std::string(model::Message::kSpareBytes, '\0');
        input.payload = as_bytes(std::string_view{padded}.substr(0, of_message.size()));
        lines.clear();
        evaluator.evaluate(*rules, input, &state, [&](const Rule&, const Evaluated& evaluated) {
            for (const Output& output : evaluated.outputs) {
                lines.emplace_back(
                    output.kind == Output::Kind::failed ? "error: " + output.error.message()
                                                        : std::string{as_text(output.bytes)}
                );
            }
        });
    };
    std::ranges::for_each(before, run);
    run(payload);
    return lines.empty() ? std::vector<std::string>{"no match"} : lines;
}

TEST(Reference, HasAnExampleOfEachFunction_WhichGivesWhatItSays) {
    for (const Function& function : functions()) {
        const bool shown =
            std::ranges::find(examples(), function.name, &Example::function) != examples().end();
        EXPECT_EQ(shown, function.call != nullptr || function.remembers) << function.name;
    }
    for (const Example& example : examples()) {
        EXPECT_NE(find_function(example.function), nullptr) << example.function;
        EXPECT_THAT(detail::lowered(example.expression), testing::HasSubstr(example.function));
        const auto lines = outcome(
            "SELECT VALUE (" + std::string{example.expression} + ") FROM 'data/#'",
            Profile::native,
            kExampleTopic,
            kExamplePayload,
            {std::string{kExampleBefore}}
        );
        ASSERT_EQ(lines.size(), 1U);
        if (example.result.empty()) {
            EXPECT_THAT(lines[0], testing::Not(testing::IsEmpty())) << example.expression;
        } else {
            EXPECT_EQ(lines[0], example.result == "Undefined" ? "" : example.result)
                << example.expression;
        }
    }
}

TEST(Reference, HasTheTablesOfTheCode) {
    const std::string page = read_page();
    EXPECT_NE(page.find(reference_markdown()), std::string::npos)
        << "docs/rules.md is out of date: put what `weir rules functions --markdown` prints between "
           "its marks";
    EXPECT_NE(page.find(kExamplePayload), std::string::npos);
    EXPECT_NE(page.find(kExampleBefore), std::string::npos);
}

TEST(Reference, RecordsEachChoiceThatAwsLeavesOpen) {
    const std::string page = read_page();
    simdjson::dom::parser parser;
    const simdjson::dom::element file = parser.load(WEIR_TEST_DATA "/data/rules/sql-cases.json").value();
    const simdjson::dom::array cases = file["cases"].get_array().value();
    for (const simdjson::dom::element test : cases) {
        if (test["confidence"].get_string().value() == "low") {
            const auto id = '`' + std::string{test["id"].get_string().value()} + '`';
            EXPECT_NE(page.find(id), std::string::npos) << id;
        }
    }
}

std::string_view take_line(std::string_view& rest) {
    const auto end = std::min(rest.find('\n'), rest.size());
    const auto line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return line;
}

/// What stands behind `-- key: ` in a block; each is taken out of it.
std::vector<std::string> take_notes(std::string& block, std::string_view key) {
    const std::string mark = "-- " + std::string{key} + ": ";
    std::vector<std::string> notes;
    std::string left;
    for (std::string_view rest = block; !rest.empty();) {
        const auto line = take_line(rest);
        if (line.starts_with(mark)) {
            notes.emplace_back(line.substr(mark.size()));
        } else {
            left += std::string{line} + '\n';
        }
    }
    block = left;
    return notes;
}

TEST(Reference, GivesWhatItsExamplesSay) {
    const std::string page = read_page();
    std::size_t count = 0;
    constexpr std::string_view kOpen = "```sql\n";
    for (auto at = page.find(kOpen); at != std::string::npos; at = page.find(kOpen, at)) {
        at += kOpen.size();
        std::string block = page.substr(at, page.find("```", at) - at);
        const auto expected = take_notes(block, "gives");
        if (expected.empty()) {
            continue;
        }
        ++count;
        const auto first_or = [&](std::string_view key, std::string_view fallback) {
            const auto notes = take_notes(block, key);
            return notes.empty() ? std::string{fallback} : notes.front();
        };
        const auto profile = parse_profile(first_or("profile", "native"));
        ASSERT_TRUE(profile) << block;
        const auto topic = first_or("topic", kExampleTopic);
        const auto before = take_notes(block, "before");
        const auto hex = from_hex(first_or("payload in hex", ""));
        ASSERT_TRUE(hex) << block;
        const auto payload =
            hex->empty() ? first_or("payload", kExamplePayload) : std::string{as_text(*hex)};
        EXPECT_EQ(outcome(block, *profile, topic, payload, before), expected) << block;
    }
    EXPECT_GE(count, 15U);
}

}  // namespace
}  // namespace weir::rules
