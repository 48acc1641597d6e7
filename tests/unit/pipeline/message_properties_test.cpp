// Templates of a republish against the message that the rule took.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include <weir/pipeline/message_properties.hpp>
#include <weir/rules/document.hpp>

namespace weir::pipeline {
namespace {

using model::Reason;

struct Rendered {
    Reason failure;
    std::chrono::seconds expiry;
    Bytes bytes;
    std::string why = {};  ///< Detail and error.
};

/// A UTF-8 string as it goes over the wire. [MQTT5-1.5.4]
Bytes wire(std::string_view text) {
    Bytes out;
    append_be(out, static_cast<std::uint16_t>(text.size()));
    append(out, text);
    return out;
}

Rendered rendered(const std::string& settings, std::string_view payload) {
    document::Diagnostics diagnostics;
    auto rule = rules::parse_rule(
        "rules.d/r.sql",
        "---\nto:\n  - republish:\n      topic: x\n" + settings + "---\nSELECT * FROM 'data/#'\n",
        diagnostics
    );
    EXPECT_TRUE(rule) << diagnostics.render_text();
    std::vector<rules::RuleDefinition> definitions;
    definitions.push_back(std::move(*rule));
    const auto set = rules::RuleSet::build(std::move(definitions));
    rules::Evaluator evaluator;
    Bytes memory;
    Rendered result{};
    const std::string padded = std::string{payload} + std::string(64, '\0');
    const rules::Input input{
        .topic = "data/p7",
        .payload = as_bytes(std::string_view{padded}.substr(0, payload.size()))};
    evaluator.evaluate(*set, input, nullptr, [&](const rules::Rule& taken, const rules::Evaluated&) {
        const auto& action = std::get<rules::RepublishAction>(taken.actions().front());
        const auto made = render_properties(action.properties, evaluator, memory);
        result = {
            .failure = made.failure,
            .expiry = made.expiry,
            .bytes = {made.bytes.begin(), made.bytes.end()},
            .why = made.detail + (made.error ? ": " + made.error.message() : ""),
        };
    });
    return result;
}

TEST(RenderProperties, FillsInAllOfThem_MQTT5_3_3_2_3) {
    const auto made = rendered(
        "      payload_format: utf8\n"
        "      content_type: application/${kind}\n"
        "      response_topic: answers/${topic(2)}\n"
        "      correlation_data: ${id}\n"
        "      message_expiry: ${ttl}\n"
        "      user_properties: {unit: C, site: \"${site}\"}\n",
        R"({"kind":"json","id":42,"ttl":90,"site":"Bergen"})"
    );
    EXPECT_EQ(made.failure, Reason::none);
    EXPECT_EQ(made.expiry, std::chrono::seconds{90});
    Bytes expected{0x01, 0x01};  // Payload Format Indicator: UTF-8.
    const auto add = [&](Byte id, std::initializer_list<std::string_view> texts) {
        expected.push_back(id);
        for (const auto text : texts) {
            append(expected, wire(text));
        }
    };
    add(0x03, {"application/json"});
    add(0x08, {"answers/p7"});
    add(0x09, {"42"});
    add(0x26, {"unit", "C"});
    add(0x26, {"site", "Bergen"});
    EXPECT_EQ(made.bytes, expected);
}

TEST(RenderProperties, HasNone_IfTheRuleSaysNone) {
    const auto made = rendered("", "{}");
    EXPECT_EQ(made.failure, Reason::none);
    EXPECT_TRUE(made.bytes.empty());
    EXPECT_EQ(made.expiry.count(), 0);
}

TEST(RenderProperties, FailsTheAction_WhenAValueDoesNotFit) {
    struct Case {
        std::string settings;
        std::string payload;
        Reason failure;
    };
    for (const auto& [settings, payload, failure] : {
             Case{"      response_topic: a/${t}\n", R"({"t":"#"})", Reason::topic_invalid},
             Case{"      response_topic: a/${t}\n", R"({"t":"x\u0000"})", Reason::topic_invalid},
             Case{"      content_type: ${t}\n", "{}", Reason::rule_failed},
             Case{"      content_type: ${t}\n", R"({"t":"\u0000"})", Reason::rule_failed},
             Case{"      message_expiry: ${t}\n", R"({"t":"soon"})", Reason::rule_failed},
             Case{"      message_expiry: ${t}\n", R"({"t":0})", Reason::rule_failed},
             Case{
                 "      user_properties: {a: \"${t}\"}\n",
                 R"({"t":")" + std::string(20'000, 'x') + R"("})",
                 Reason::rule_failed},
         }) {
        EXPECT_EQ(rendered(settings, payload).failure, failure)
            << settings << payload.substr(0, 40);
    }
}

TEST(RenderProperties, TellsWhichOneFailedAndWhy) {
    const auto why = [](const std::string& settings, std::string_view payload) {
        return rendered("      " + settings + "\n", payload).why;
    };
    EXPECT_EQ(why("content_type: ${t}", R"({"t":"a/b"})"), "");
    EXPECT_EQ(
        why("content_type: x${t}", "{}"),
        "content_type x${t}: an expression of the template has no value for this message"
    );
    EXPECT_EQ(
        why("message_expiry: ${t}", R"({"t":"so\u0007on"})"),
        "message_expiry ${t}: 'so\uFFFDon' is no value of this property"
    );
    EXPECT_EQ(
        why("user_properties: {site: \"${t}\"}", "{}"),
        "site ${t}: an expression of the template has no value for this message"
    );
    EXPECT_EQ(
        why("user_properties: {a: \"${t}\"}", R"({"t":")" + std::string(20'000, 'x') + R"("})"),
        "the properties together are longer than 16 KiB"
    );
}

}  // namespace
}  // namespace weir::pipeline
