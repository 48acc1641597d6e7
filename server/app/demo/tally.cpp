#include <weir/demo/tally.hpp>

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include <weir/metering/formula.hpp>

namespace weir::demo {

std::string to_json(const Reading& reading) {
    const auto trace = reading.trace_bytes == 0
                           ? std::string{}
                           : fmt::format(R"(,"trace":"{:.>{}}")", "", reading.trace_bytes);
    return fmt::format(
        R"({{"temp":{}.{},"seq":{}{}}})",
        reading.tenths / 10,
        reading.tenths % 10,
        reading.sequence,
        trace
    );
}

Reading make_reading(std::size_t device, std::uint64_t sequence) {
    constexpr double kStep = 0.5;  // Radians per reading: a period of some 12 readings.
    constexpr std::size_t kTracing = 1;
    constexpr std::uint64_t kTraceEvery = 5;
    constexpr std::size_t kTraceBytes = 6'000;
    const double phase = kStep * static_cast<double>(sequence) + 2.0 * static_cast<double>(device);
    return {
        .tenths = std::llround(750.0 + 100.0 * std::sin(phase)),
        .sequence = sequence,
        .trace_bytes = device == kTracing && sequence % kTraceEvery == 0 ? kTraceBytes : 0,
    };
}

void Tally::on_connected() {
    online = true;
    usage += metering::connect(0);
}

void Tally::on_subscribed(std::string_view filter) {
    usage += metering::subscribe(filter.size());
}

void Tally::on_acknowledged(const SentPublish& publish, mqtt::ReasonCode reason) {
    if (reason == mqtt::ReasonCode::not_authorized) {
        ++denied;
        return;
    }
    if (mqtt::is_error(reason)) {
        ++refused;
        return;
    }
    ++acknowledged;
    hot += publish.is_hot ? 1 : 0;
    usage += metering::publish_in(
        {.payload_bytes = publish.payload_bytes, .topic_bytes = publish.topic_bytes}
    );
}

void Tally::on_command(std::size_t topic_bytes, std::size_t payload_bytes, bool with_puback) {
    ++received;
    usage += metering::publish_out({.payload_bytes = payload_bytes, .topic_bytes = topic_bytes});
    if (with_puback) {
        usage += metering::puback_in(0);
    }
}

void Tally::on_failure(std::string reason) {
    online = false;
    ++failures;
    last_failure = std::move(reason);
}

}  // namespace weir::demo
