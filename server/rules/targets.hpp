/// Actions that write for people, and what a republish says beside topic and payload.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <weir/base/log.hpp>
#include <weir/document/readers.hpp>
#include <weir/rules/template.hpp>

namespace weir::rules {

/// Writes a line into the gateway's log.
struct LogAction {
    log::Level level = log::Level::info;
    std::optional<Template> message = {};  ///< Nothing: the output as it is.
    document::Rate rate{10};               ///< On all shards together; the rest is counted.
};

/// Sends a text for people to an HTTP sink: at most one per key and interval.
struct AlertAction {
    std::string sink;
    Template text;
    std::optional<Template> key = {};  ///< Nothing: the rule as a whole has one.
    std::chrono::milliseconds interval{5 * 60'000};
};

/// MQTT 5 properties of a republished message. [MQTT5-3.3.2.3]
struct MessageProperties {
    std::optional<bool> is_text = {};  ///< Payload format indicator.
    std::optional<Template> content_type = {};
    std::optional<Template> response_topic = {};
    std::optional<Template> correlation_data = {};
    std::optional<Template> message_expiry = {};  ///< Gives a duration, or seconds.
    std::vector<std::pair<std::string, Template>> user_properties = {};
};

/// What `message_expiry` may say: "90s", "1h", or a number of seconds; rounded up to seconds.
/// Nothing for anything else, and for less than 1 s.
[[nodiscard]] std::optional<std::chrono::seconds> parse_expiry(std::string_view text);

}  // namespace weir::rules
