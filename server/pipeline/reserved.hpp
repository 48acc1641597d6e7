/// Topics with a meaning of their own.
#pragma once

#include <string_view>

#include <weir/metering/formula.hpp>
#include <weir/model/message.hpp>
#include <weir/rules/evaluator.hpp>

namespace weir::pipeline {

/// Topics that only the gateway publishes to [MQTT5-4.7.2-1], and those of Basic Ingest that name no rule.
[[nodiscard]] inline bool is_reserved(std::string_view topic) noexcept {
    return topic == "$SYS" || topic.starts_with("$SYS/") ||
           (topic.starts_with(rules::kBasicIngestPrefix) && !rules::parse_basic_ingest(topic));
}

/// What a message is to the meter.
[[nodiscard]] inline metering::Traffic traffic_of(const model::Message& message) noexcept {
    return {
        .payload_bytes = message.payload().size(),
        .topic_bytes = message.topic().size(),
        .property_bytes = message.properties().size(),
        .retain = message.retain(),
        .basic_ingest = rules::parse_basic_ingest(message.topic()).has_value(),
    };
}

}  // namespace weir::pipeline
