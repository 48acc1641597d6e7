// Runs tests/data/rules/sql-cases.json: what AWS documents about its rule SQL, one fact per case.
#include <gtest/gtest.h>
#include <simdjson.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <regex>
#include <string>
#include <vector>

#include <weir/base/digest.hpp>
#include <weir/base/topic.hpp>
#include <weir/rules/evaluator.hpp>

namespace weir::rules {
namespace {

namespace dom = simdjson::dom;

dom::element load_cases() {
    static dom::parser parser;
    return parser.load(WEIR_TEST_DATA "/data/rules/sql-cases.json").value();
}

std::string text_or(const dom::element& object, std::string_view key, std::string_view fallback) {
    std::string_view value;
    return std::string{object[key].get(value) == simdjson::SUCCESS ? value : fallback};
}

void append_text(Bytes& out, std::string_view text) {
    append_be(out, static_cast<std::uint16_t>(text.size()));
    append(out, text);
}

/// The message of a case, with everything that its views point to.
struct Message {
    explicit Message(const dom::element& test) {
        dom::element context;
        const bool given = test["context"].get(context) == simdjson::SUCCESS;
        const auto from_context = [&](std::string_view key, std::string_view fallback) {
            return given ? text_or(context, key, fallback) : std::string{fallback};
        };
        topic = text_or(test, "topic", "");
        payload = text_or(test, "payload", "");
        std::string_view base64;
        if (test["payload_base64"].get(base64) == simdjson::SUCCESS) {
            payload = std::string{as_text(from_base64(base64).value())};
        }
        payload_size = payload.size();
        payload.append(model::Message::kSpareBytes, '\0');
        client_id = from_context("clientid", "dev-1");
        trace_id = from_context("traceid", "12345678-1234-1234-1234-123456789012");
        source_ip = from_context("sourceip", "");
        principal.tenant = from_context("accountid", "123456789012");
        principal.credential = from_context("principal", "pppppppp");
        principal.method = model::AuthMethod::x509;
        if (given) {
            now = context["now"].error() == simdjson::SUCCESS ? context["now"].get_int64().value()
                                                              : now;
            const bool http = context["http"].error() == simdjson::SUCCESS;
            protocol = http ? model::Protocol::http : model::Protocol::mqtt;
            add_properties(context);
        }
    }

    void add_properties(const dom::element& context) {
        dom::element mqtt5;
        if (context["mqtt5"].get(mqtt5) == simdjson::SUCCESS) {
            properties.push_back(0x01);
            properties.push_back(text_or(mqtt5, "format_indicator", "") == "UTF8_DATA" ? 1 : 0);
            properties.push_back(0x03);
            append_text(properties, text_or(mqtt5, "content_type", ""));
            properties.push_back(0x08);
            append_text(properties, text_or(mqtt5, "response_topic", ""));
            properties.push_back(0x09);
            append_text(
                properties, as_text(from_base64(text_or(mqtt5, "correlation_data", "")).value())
            );
        }
        dom::array pairs;
        if (context["user_properties"].get(pairs) == simdjson::SUCCESS) {
            for (const dom::element pair : pairs) {
                properties.push_back(0x26);
                append_text(properties, pair.at(0).get_string().value());
                append_text(properties, pair.at(1).get_string().value());
            }
        }
    }

    [[nodiscard]] Input input() const {
        return {
            .topic = topic,
            .payload = as_bytes(std::string_view{payload}.substr(0, payload_size)),
            .client_id = client_id,
            .principal = &principal,
            .timestamp_ms = now,
            .source_ip = source_ip,
            .trace_id = trace_id,
            .properties = properties,
            .protocol = protocol,
        };
    }

    std::string topic;
    std::string payload;
    std::size_t payload_size = 0;
    std::string client_id;
    std::string trace_id;
    std::string source_ip;
    model::Principal principal;
    Bytes properties;
    std::int64_t now = 1'700'000'000'123;
    model::Protocol protocol = model::Protocol::mqtt;
};

/// What came of a case: "no_match", "error", or an output.
struct Outcome {
    std::string word = {};
    std::string json = {};
    std::string raw = {};
    std::string text = {};
};

bool same(const dom::element& expected, const dom::element& got);

bool matches_rule(const dom::object& expected, const dom::element& got) {
    std::string_view text;
    double number = 0;
    if (expected["$regex"].get(text) == simdjson::SUCCESS) {
        std::string_view value;
        return got.get(value) == simdjson::SUCCESS &&
               std::regex_match(std::string{value}, std::regex{std::string{text}});
    }
    if (expected["$type"].get(text) == simdjson::SUCCESS) {
        return text == "number" ? got.is_number() : got.is_string();
    }
    if (expected["$approx"].get(number) == simdjson::SUCCESS) {
        double value = 0;
        const double tolerance = std::stod(std::string{expected["tol"].get_string().value()});
        return got.get(value) == simdjson::SUCCESS && std::abs(value - number) <= tolerance;
    }
    return false;
}

bool same_objects(const dom::object& expected, const dom::object& got) {
    if (expected.size() != got.size()) {
        return false;
    }
    for (const auto& [key, value] : expected) {
        dom::element other;
        if (got[key].get(other) != simdjson::SUCCESS || !same(value, other)) {
            return false;
        }
    }
    return true;
}

bool same(const dom::element& expected, const dom::element& got) {
    if (dom::object object; expected.get(object) == simdjson::SUCCESS) {
        if (object.size() > 0 && (*object.begin()).key.starts_with("$")) {
            return matches_rule(object, got);
        }
        dom::object other;
        return got.get(other) == simdjson::SUCCESS && same_objects(object, other);
    }
    if (dom::array array; expected.get(array) == simdjson::SUCCESS) {
        dom::array other;
        if (got.get(other) != simdjson::SUCCESS || array.size() != other.size()) {
            return false;
        }
        for (std::size_t i = 0; i < array.size(); ++i) {
            if (!same(array.at(i).value(), other.at(i).value())) {
                return false;
            }
        }
        return true;
    }
    if (expected.is_number()) {
        double a = 0;
        double b = 0;
        return got.is_number() && expected.get(a) == simdjson::SUCCESS &&
               got.get(b) == simdjson::SUCCESS && a == b;
    }
    return simdjson::minify(expected) == simdjson::minify(got);
}

bool meets(const dom::element& expect, const Outcome& outcome) {
    std::string_view word;
    if (expect.get(word) == simdjson::SUCCESS) {
        return word == outcome.word;
    }
    if (dom::array choices; expect["any_of"].get(choices) == simdjson::SUCCESS) {
        return std::any_of(choices.begin(), choices.end(), [&](const dom::element& choice) {
            return meets(choice, outcome);
        });
    }
    if (expect["raw_base64"].get(word) == simdjson::SUCCESS) {
        return to_base64(as_bytes(outcome.raw)) == word;
    }
    if (expect["text"].get(word) == simdjson::SUCCESS) {
        return outcome.word == "text" && outcome.text == word;
    }
    dom::parser parser;
    dom::element got;
    return outcome.word == "output" && parser.parse(outcome.json).get(got) == simdjson::SUCCESS &&
           same(expect["output"].value(), got);
}

Outcome run_template(const dom::element& test, Input input) {
    document::Diagnostics diagnostics;
    const auto compiled = Template::compile(
        text_or(test, "template", ""),
        {.compile = {.profile = Profile::aws_2016},
         .dollar_escape = text_or(test, "field", "") == "republish.topic"},
        diagnostics
    );
    if (!compiled) {
        return {.word = "error"};
    }
    Evaluator evaluator;
    const auto text = evaluator.render(*compiled, input);
    return text ? Outcome{.word = "text", .text = std::string{*text}}
                : Outcome{.word = text.error().message()};
}

Outcome run_statement(const dom::element& test, Input input) {
    const auto rule_name = text_or(test, "rule_name", "");
    document::Diagnostics diagnostics;
    RuleDefinition rule{.name = rule_name.empty() ? "rule" : rule_name};
    rule.profile =
        text_or(test, "version", "") == "2015-10-08" ? Profile::aws_2015 : Profile::aws_2016;
    rule.program = compile_statement(
        text_or(test, "sql", ""),
        {.profile = rule.profile, .filter_required = rule_name.empty()},
        diagnostics
    );
    if (rule.program == nullptr) {
        return {.word = "error"};
    }
    Outcome outcome{.word = "no_match"};
    const auto keep = [&](const Output& output) {
        EXPECT_NE(output.kind, Output::Kind::failed) << output.error.message();
        (output.kind == Output::Kind::raw ? outcome.raw : outcome.json) = as_text(output.bytes);
        outcome.word = "output";
    };
    const auto rules = RuleSet::build({std::move(rule)});
    Evaluator evaluator;
    if (const auto ingest = parse_basic_ingest(input.topic)) {
        input.topic = ingest->topic;
        for (const Output& output :
             evaluator.evaluate(rules->find(ingest->rule)->program(), input)) {
            keep(output);
        }
    } else {
        evaluator.evaluate(*rules, input, nullptr, [&](const Rule&, const Evaluated& evaluated) {
            std::ranges::for_each(evaluated.outputs, keep);
        });
    }
    return outcome;
}

class SqlCase : public testing::TestWithParam<std::size_t> {};

TEST_P(SqlCase, GivesWhatTheFileExpects) {
    const dom::element test = load_cases()["cases"].at(GetParam()).value();
    const Message message{test};
    const bool is_template = test["template"].error() == simdjson::SUCCESS;
    const Outcome outcome =
        is_template ? run_template(test, message.input()) : run_statement(test, message.input());
    EXPECT_TRUE(meets(test["expect"].value(), outcome))
        << simdjson::minify(test) << "\ngot " << outcome.word << ' ' << outcome.json << outcome.raw
        << outcome.text;
    std::string_view exact;
    if (test["expect_text"].get(exact) == simdjson::SUCCESS) {
        EXPECT_EQ(outcome.json, exact);
    }
    if (test["expect_text_contains"].get(exact) == simdjson::SUCCESS) {
        EXPECT_NE(outcome.json.find(exact), std::string::npos) << outcome.json;
    }
}

std::string case_name(const testing::TestParamInfo<std::size_t>& info) {
    std::string name = text_or(load_cases()["cases"].at(info.param).value(), "id", "");
    for (char& c : name) {
        c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
    }
    return name;
}

INSTANTIATE_TEST_SUITE_P(
    Aws,
    SqlCase,
    testing::Range(std::size_t{0}, load_cases()["cases"].get_array().value().size()),
    case_name
);

}  // namespace
}  // namespace weir::rules
