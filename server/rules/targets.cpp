#include <weir/rules/targets.hpp>

#include <array>
#include <charconv>

#include <fmt/format.h>

#include <weir/base/text.hpp>
#include <weir/document/codes.hpp>
#include <weir/rules/codes.hpp>
#include <weir/rules/detail/targets.hpp>
#include <weir/rules/head_schema.hpp>

namespace weir::rules {
namespace {

using document::Node;
using document::Word;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""h;

constexpr std::size_t kTextBytesMax = 4096;
constexpr std::size_t kKeyBytesMax = 1024;
constexpr std::size_t kUserPropertiesMax = 32;

constexpr std::array<Word<log::Level>, 3> kLevels = {
    {{"info", log::Level::info}, {"warn", log::Level::warn}, {"error", log::Level::error}}};

}  // namespace

std::optional<std::chrono::seconds> parse_expiry(std::string_view text) {
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc{} && end == text.data() + text.size()) {
        return number == 0 ? std::nullopt : std::optional{std::chrono::seconds{number}};
    }
    const auto duration = parse_duration(text);
    if (!duration || duration->count() <= 0) {
        return std::nullopt;
    }
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(*duration);
    return seconds.count() > UINT32_MAX ? std::nullopt : std::optional{seconds};
}

namespace detail {

std::optional<Template> TemplateContext::compile(
    const Node& node, std::size_t bytes_max, bool dollar_escape
) const {
    const auto text = document::as_string(node, diagnostics, {.min = 1, .max = bytes_max});
    if (!text) {
        return std::nullopt;
    }
    return Template::compile(
        *text,
        {.compile = {.profile = profile, .place = {node.file(), node.range().begin}},
         .dollar_escape = dollar_escape,
         .variables = variables},
        diagnostics
    );
}

std::optional<LogAction> read_log(const Node& node, const TemplateContext& context) {
    auto& diagnostics = context.diagnostics;
    if (!document::expect_mapping(node, diagnostics, "{level: info}")) {
        return std::nullopt;
    }
    document::check_keys(node, diagnostics, head_schema(), "to[].log", "a setting of a log");
    LogAction action;
    if (const auto level = node.get("level")) {
        action.level =
            document::as_enum<log::Level>(*level, diagnostics, kLevels).value_or(action.level);
    }
    if (const auto message = node.get("message")) {
        action.message = context.compile(*message, kTextBytesMax);
        if (!action.message) {
            return std::nullopt;
        }
    }
    if (const auto written = node.get("rate")) {
        const auto rate = document::as_rate(*written, diagnostics);
        if (rate && rate->amount == 0) {
            document::report(
                diagnostics,
                *written,
                document::code::kOutOfRange,
                "a log that never writes",
                "remove the action, or set a rate such as 10/s"
            );
        }
        action.rate = rate.value_or(action.rate);
    }
    return action;
}

std::optional<AlertAction> read_alert(const Node& node, const TemplateContext& context) {
    auto& diagnostics = context.diagnostics;
    if (!document::expect_mapping(node, diagnostics, "{sink: name, text: template}")) {
        return std::nullopt;
    }
    document::check_keys(node, diagnostics, head_schema(), "to[].alert", "a setting of an alert");
    const auto sink = document::require_key(node, diagnostics, "sink");
    const auto text = document::require_key(node, diagnostics, "text");
    if (!sink || !text) {
        return std::nullopt;
    }
    const auto name = document::as_string(*sink, diagnostics, {.min = 1, .max = 256});
    auto compiled = context.compile(*text, kTextBytesMax);
    if (!name || !compiled) {
        return std::nullopt;
    }
    AlertAction action{.sink = *name, .text = std::move(*compiled)};
    if (const auto key = node.get("key")) {
        action.key = context.compile(*key, kKeyBytesMax);
        if (!action.key) {
            return std::nullopt;
        }
    }
    if (const auto interval = node.get("interval")) {
        action.interval =
            document::as_duration(*interval, diagnostics, {.min = 1s, .max = 24h * 31})
                .value_or(action.interval);
    }
    return action;
}

MessageProperties read_properties(const Node& republish, const TemplateContext& context) {
    static constexpr std::array<Word<bool>, 2> kFormats = {{{"utf8", true}, {"bytes", false}}};
    auto& diagnostics = context.diagnostics;
    MessageProperties properties;
    if (const auto format = republish.get("payload_format")) {
        properties.is_text = document::as_enum<bool>(*format, diagnostics, kFormats);
    }
    const auto read = [&](std::string_view key, std::optional<Template>& into) {
        const auto node = republish.get(key);
        if (node) {
            into = context.compile(*node, kTextBytesMax, key == "response_topic");
        }
        return node;
    };
    read("content_type", properties.content_type);
    read("response_topic", properties.response_topic);
    read("correlation_data", properties.correlation_data);
    const auto expiry = read("message_expiry", properties.message_expiry);
    if (expiry && properties.message_expiry && properties.message_expiry->constant() &&
        !parse_expiry(properties.message_expiry->source())) {
        document::report(
            diagnostics,
            *expiry,
            document::code::kWrongType,
            "a message expires after at least a second",
            "write 1h, 90s, a number of seconds, or ${expression} that gives one"
        );
    }
    const auto pairs = republish.get("user_properties");
    if (!pairs || !document::expect_mapping(*pairs, diagnostics, "of names and templates")) {
        return properties;
    }
    if (pairs->size() > kUserPropertiesMax) {
        document::report(
            diagnostics,
            *pairs,
            code::kLimit,
            fmt::format("a message has at most {} user properties", kUserPropertiesMax)
        );
    }
    for (const auto& entry : pairs->entries()) {
        if (auto value = context.compile(entry.value, kTextBytesMax)) {
            properties.user_properties.emplace_back(entry.key.text(), std::move(*value));
        }
    }
    return properties;
}

}  // namespace detail
}  // namespace weir::rules
