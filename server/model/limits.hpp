/// Limits that the config sets per gateway, listener or policy. Zero is never "no limit": kUnlimited is.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>

#include <weir/document/readers.hpp>

namespace weir::model {

inline constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

/// What gives way when a session's queue is full.
enum class QueueFull : std::uint8_t { drop_oldest, reject_new };

/// Defaults are the `standard` preset.
struct Limits {
    std::chrono::milliseconds handshake{10'000};       ///< TCP accept to a complete CONNECT or Open.
    std::uint64_t connect_bytes = 64 * 1024;           ///< Largest CONNECT: what an unknown peer can make us hold.
    std::uint64_t packet_bytes = 256 * 1024;           ///< Largest MQTT packet, AMQP message, HTTP body.
    std::uint64_t topic_bytes = 1'024;
    std::uint64_t topic_levels = 32;
    std::uint64_t client_id_bytes = 256;
    std::uint64_t subscriptions = 1'000;               ///< Per session.
    std::uint64_t receive_maximum = 100;               ///< QoS 1/2 publishes of a device that await our ack.
    std::uint64_t unreleased = 1'000;                  ///< QoS 2 publishes of a device that it did not release, on any connection.
    std::chrono::milliseconds release_timeout{300'000};  ///< How long one of them is remembered on a connection.
    std::uint64_t in_flight = 100;                     ///< QoS 1/2 messages to a device that await its ack.
    std::uint64_t topic_alias_maximum = 10;
    std::uint64_t queue_messages = 10'000;             ///< Per session, offline or behind a full window.
    std::uint64_t queue_bytes = 16 * 1024 * 1024;
    std::chrono::milliseconds queue_age{365 * 86'400'000LL};    ///< Of a message, from its publishing to its sending.
    QueueFull queue_full = QueueFull::drop_oldest;
    std::uint64_t backlog_bytes = 1024 * 1024;         ///< Unsent bytes per connection; QoS 0 beyond is dropped.
    std::uint64_t parked_bytes = 256 * 1024;           ///< Publishes held back per connection.
    std::chrono::milliseconds keep_alive_max{1'200'000};
    std::chrono::milliseconds session_expiry{3'600'000};        ///< For 3.1.1 sessions that are not clean.
    std::chrono::milliseconds session_expiry_max{7 * 86'400'000LL};
    std::uint64_t connections = kUnlimited;            ///< Per listener.
    std::uint64_t sessions = 1'000'000;                ///< Of the gateway, from which on no persistent one is begun.
    std::chrono::milliseconds packet_grace{5'000};     ///< Then a packet that has begun must come at 512 B/s.
    std::chrono::milliseconds stall{30'000};           ///< How long a peer may neither go on with a packet nor take anything.
    std::uint64_t retained_messages = 100'000;
    std::uint64_t user_properties = 32;
    std::optional<document::Rate> publish_rate = {};   ///< Messages in per device; nothing: not limited.
    std::optional<document::Rate> byte_rate = {};      ///< Topic and payload bytes in per device; nothing: not limited.
    std::uint64_t hops = 8;                            ///< Republishes of one message.
};

}  // namespace weir::model
