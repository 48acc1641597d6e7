/// What a shard counts. One instance per shard, written by it alone; readers add the shards up.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <weir/base/clock.hpp>
#include <weir/base/counters.hpp>
#include <weir/model/message.hpp>
#include <weir/model/reason.hpp>

namespace weir::model {

/// What bounds a session's queue.
enum class QueueLimit : std::uint8_t { messages, bytes, age, budget, count_ };
inline constexpr std::size_t kQueueLimits = static_cast<std::size_t>(QueueLimit::count_);
/// As in the configuration.
inline constexpr std::array<std::string_view, kQueueLimits> kQueueLimitNames = {
    "queue_messages", "queue_bytes", "queue_age", "storage.budgets.queues"};

/// How often such a limit cost a message, and when it did so last.
struct LimitHits {
    std::uint64_t lost = 0;
    WallTime last{0};
};

/// `in = out + pending + lost{reason}` is written with these: `received` messages each end in
/// `lost` (no subscriber among them), or in deliveries: `delivered` + `lost` + queued = `routed`.
struct ShardMetrics {
    std::array<Counter, 3> received;   ///< Messages accepted from devices, by QoS.
    std::array<Counter, 3> delivered;  ///< Messages handed to subscribers' connections, by QoS.
    Counter routed;                    ///< Copies of messages that some session was to get.
    Counter redelivered;               ///< Copies sent again after a reconnect.
    Counter acks_sent;
    Counter rule_outputs;
    Counter stream_records;
    Counter republished;
    Counter parked;  ///< Publishes held back by storage or an outbox.
    Counter connects;
    Counter moves;  ///< Connections that went to the shard that owns their session.
    Gauge connections;
    Gauge sessions;
    Gauge subscriptions;
    Gauge queued;  ///< Copies waiting in sessions.
    Gauge retained;
    std::array<Counter, static_cast<std::size_t>(Reason::count_)>
        refused;  ///< Denials, closes: devices were told, or closed.
    std::array<Counter, static_cast<std::size_t>(Reason::count_)>
        lost;  ///< Copies of messages that reached nobody.
    std::array<Counter, kQueueLimits> queue_limits;  ///< Of these, what such a limit cost.

    void refuse(Reason reason) noexcept { refused[static_cast<std::size_t>(reason)].add(); }
    void lose(Reason reason, std::uint64_t count = 1) noexcept {
        lost[static_cast<std::size_t>(reason)].add(count);
    }
};

}  // namespace weir::model
