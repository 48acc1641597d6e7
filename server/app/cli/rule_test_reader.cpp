#include "rule_test_reader.hpp"

#include <boost/json.hpp>
#include <cstdint>
#include <utility>

#include <weir/base/digest.hpp>
#include <weir/base/text.hpp>
#include <weir/document/codes.hpp>
#include <weir/document/readers.hpp>
#include <weir/document/to_json.hpp>

namespace weir::cli {
namespace {

namespace json = boost::json;
using document::Node;

constexpr std::int64_t kDefaultTimeMs = 1'767'225'600'000;  // 2026-01-01T00:00:00Z
constexpr std::size_t kPayloadBytesMax = 1024 * 1024;

bool is_text(const Node& node) {
    return node.is_scalar() && document::scalar_type(node) == document::ScalarType::text;
}

}  // namespace

std::optional<std::string> TestReader::text(const Node& parent, std::string_view key) {
    const auto node = parent.get(key);
    return node ? document::as_string(*node, diagnostics_, {.min = 0, .max = kPayloadBytesMax})
                : std::nullopt;
}

void TestReader::refuse(const Node& node, std::string message, std::string help) {
    document::report(
        diagnostics_, node, document::code::kWrongType, std::move(message), std::move(help)
    );
}

void TestReader::read_payload(RuleMessage& message, const Node& node) {
    if (const auto payload = node.get("payload")) {
        message.set_payload(
            is_text(*payload) ? std::string{payload->text()} : document::to_json(*payload)
        );
    }
    if (const auto encoded = text(node, "payload_base64")) {
        if (const auto bytes = from_base64(*encoded)) {
            message.set_payload(as_text(*bytes));
        } else {
            refuse(*node.get("payload_base64"), "this is not base64");
        }
    }
}

void TestReader::read_who(RuleMessage& message, const Node& node) {
    message.principal.thing = text(node, "device").value_or("");
    message.principal.thing_type = text(node, "thing_type").value_or("");
    message.client_id = text(node, "client_id").value_or(message.principal.thing);
    message.source_ip = text(node, "source_ip").value_or("");
    if (const auto attributes = node.get("attributes")) {
        for (const auto& entry : attributes->entries()) {
            message.principal.attributes.emplace_back(entry.key.text(), entry.value.text());
        }
    }
    if (const auto properties = node.get("user_properties")) {
        for (const auto& entry : properties->entries()) {
            if (!message.add_user_property(entry.key.text(), entry.value.text())) {
                refuse(entry.key, "a user property has at most 65535 bytes");
            }
        }
    }
}

std::optional<std::vector<RuleMessage>> TestReader::before(
    const Node& test, std::string_view topic
) {
    std::vector<RuleMessage> messages;
    const auto node = test.get("before");
    if (!node) {
        return messages;
    }
    for (const Node& item : document::one_or_more(*node)) {
        auto message = given(item, topic);
        if (!message) {
            return std::nullopt;
        }
        messages.push_back(std::move(*message));
    }
    return messages;
}

std::optional<RuleMessage> TestReader::given(const Node& node, std::string_view topic) {
    const auto errors_before = diagnostics_.errors();
    if (!document::expect_mapping(node, diagnostics_, "{topic: data/p7/temp, payload: {...}}")) {
        return std::nullopt;
    }
    document::check_keys(
        node,
        diagnostics_,
        {"topic",
         "payload",
         "payload_base64",
         "device",
         "client_id",
         "thing_type",
         "attributes",
         "user_properties",
         "source_ip",
         "qos",
         "at"},
        "a part of a message"
    );
    RuleMessage message;
    message.topic = topic;
    if (!topic.empty() ? node.get("topic") : document::require_key(node, diagnostics_, "topic")) {
        message.topic = text(node, "topic").value_or("");
    }
    read_payload(message, node);
    read_who(message, node);
    if (const auto qos = node.get("qos")) {
        const auto level = document::as_int(*qos, diagnostics_, {.min = 0, .max = 2});
        message.qos = static_cast<model::Qos>(level.value_or(0));
    }
    message.now_ms = kDefaultTimeMs;
    if (const auto at = text(node, "at")) {
        if (const auto time = parse_time(*at)) {
            message.now_ms = *time;
        } else {
            refuse(*node.get("at"), "this is not a time", "write it as 2026-01-31T12:00:00Z");
        }
    }
    return diagnostics_.errors() == errors_before ? std::optional{std::move(message)} : std::nullopt;
}

ExpectedOutput TestReader::output(const Node& node) {
    ExpectedOutput expected;
    if (!document::expect_mapping(node, diagnostics_, "{to: stream/alarms, payload: {...}}")) {
        return expected;
    }
    document::check_keys(node, diagnostics_, {"to", "payload"}, "a part of an output");
    expected.to = text(node, "to").value_or("");
    if (const auto payload = node.get("payload")) {
        expected.payload = json::parse(document::to_json(*payload));
        expected.any_payload = false;
    }
    return expected;
}

std::optional<Expectation> TestReader::expect(const Node& node) {
    const auto errors_before = diagnostics_.errors();
    Expectation result;
    if (!document::expect_mapping(node, diagnostics_, "{match: true}")) {
        return std::nullopt;
    }
    document::check_keys(
        node,
        diagnostics_,
        {"match", "output", "outputs", "undefined", "error"},
        "something that a rule does"
    );
    if (const auto match = node.get("match")) {
        result.match = document::as_bool(*match, diagnostics_);
    }
    result.error = text(node, "error");
    if (const auto payload = node.get("output")) {
        result.outputs.push_back({{}, json::parse(document::to_json(*payload)), false});
    }
    if (const auto outputs = node.get("outputs")) {
        for (const auto& item : document::one_or_more(*outputs)) {
            result.outputs.push_back(output(item));
        }
    }
    if (const auto undefined = node.get("undefined")) {
        for (const auto& item : document::one_or_more(*undefined)) {
            if (auto expression = document::as_string(item, diagnostics_)) {
                result.undefined.push_back(std::move(*expression));
            }
        }
    }
    if (node.size() == 0) {
        refuse(node, "the test expects nothing", "write match: true or match: false");
    }
    return diagnostics_.errors() == errors_before ? std::optional{std::move(result)} : std::nullopt;
}

}  // namespace weir::cli
