#include "status_topics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "gateway_shard.hpp"

namespace weir::app {
namespace {

[[nodiscard]] std::uint64_t total(std::span<const Counter> counters) noexcept {
    std::uint64_t all = 0;
    for (const Counter& counter : counters) {
        all += counter.value();
    }
    return all;
}

}  // namespace

template <class Read>
std::int64_t StatusTopics::sum(Read&& read) const {
    std::int64_t all = 0;
    for (const GatewayShard* const shard : gateway_.shards) {
        all += static_cast<std::int64_t>(read(*shard));
    }
    return all;
}

void StatusTopics::tick(SteadyTime now, WallTime wall) {
    if (started_.count() == 0) {
        started_ = now;
    }
    const auto& listeners = broker_.status_listeners();
    if (gateway_.interval.count() == 0 || listeners.now == 0) {
        return;
    }
    if (now >= due_ || listeners.ever != listeners_) {
        listeners_ = listeners.ever;
        due_ = now + gateway_.interval;
        wall_ = wall;
        say_all(now);
    }
}

void StatusTopics::say(std::string_view topic, std::string_view text) const {
    broker_.tell_here(model::Message::make({
        .topic = topic,
        .payload = as_bytes(text),
        .protocol = model::Protocol::internal,
        .created = wall_,
    }));
}

void StatusTopics::say(std::string_view topic, std::int64_t number) const {
    say(topic, std::to_string(number));
}

// Names are mosquitto's where it has the same thing.
void StatusTopics::say_all(SteadyTime now) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - started_).count();
    say("$SYS/broker/version", fmt::format("weir {}", gateway_.version));
    say("$SYS/broker/uptime", fmt::format("{} seconds", seconds));

    const auto sessions = sum([](const auto& s) { return s.metrics.sessions.value(); });
    const auto connected = sum([](const auto& s) { return s.metrics.connections.value(); });
    say("$SYS/broker/clients/total", sessions);
    say("$SYS/broker/clients/connected", connected);
    say("$SYS/broker/clients/disconnected", std::max<std::int64_t>(0, sessions - connected));
    say("$SYS/broker/subscriptions/count",
        sum([](const auto& s) { return s.metrics.subscriptions.value(); }));
    say("$SYS/broker/retained messages/count",
        sum([](const auto& s) { return s.metrics.retained.value(); }));
    say("$SYS/broker/store/messages/count", sum([](const auto& s) { return s.metrics.queued.value(); }));

    say("$SYS/broker/bytes/received", sum([](const auto& s) { return s.io.counters.bytes_in.value(); }));
    say("$SYS/broker/bytes/sent", sum([](const auto& s) { return s.io.counters.bytes_out.value(); }));
    say("$SYS/broker/publish/messages/received",
        sum([](const auto& s) { return total(s.metrics.received); }));
    say("$SYS/broker/publish/messages/sent",
        sum([](const auto& s) { return total(s.metrics.delivered) + s.metrics.redelivered.value(); }));
    say("$SYS/broker/publish/messages/dropped", sum([](const auto& s) { return total(s.metrics.lost); }));
    for (const auto& info : model::all_reasons()) {
        const auto index = static_cast<std::size_t>(info.reason);
        if (const auto lost = sum([&](const auto& s) { return s.metrics.lost[index].value(); })) {
            say(fmt::format("$SYS/broker/publish/messages/dropped/{}", info.name), lost);
        }
        if (const auto refused = sum([&](const auto& s) { return s.metrics.refused[index].value(); })) {
            say(fmt::format("$SYS/broker/refused/{}", info.name), refused);
        }
    }
}

}  // namespace weir::app
