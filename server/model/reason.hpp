/// The closed set of reasons for everything that is not "accepted": one list for logs, metrics, `why` and devices.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace weir::model {

enum class Reason : std::uint8_t {
    none,
    // Connecting.
    handshake_timeout,
    tls_failed,
    protocol_not_allowed,
    malformed_packet,
    protocol_error,
    unsupported_version,
    bad_credentials,
    anonymous_refused,
    device_disabled,
    client_id_invalid,
    client_id_conflict,
    connect_denied,
    // Policy.
    publish_denied,
    retain_denied,
    subscribe_denied,
    receive_denied,
    will_denied,
    // Limits.
    packet_too_large,
    topic_invalid,
    topic_too_deep,
    subscriptions_limit,
    receive_maximum_exceeded,
    quota_exceeded,
    parked_bytes_exceeded,
    connections_limit,
    // Life of a connection.
    keep_alive_timeout,
    taken_over,
    peer_closed,
    peer_disconnected,
    server_shutdown,
    administrative,
    slow_consumer,
    policy_changed,
    // Loss of a message.
    no_subscriber,
    queue_full,
    queue_dropped_oldest,
    queue_too_old,
    message_expired,
    mailbox_full,
    session_ended,
    republish_loop,
    sink_full,
    sink_rejected,
    sink_expired,
    rule_failed,
    storage_failed,
    shared_no_member,
    // Later.
    rule_not_found,
    sessions_limit,
    packet_too_slow,
    wildcards_unavailable,
    shared_unavailable,
    credential_removed,
    delivery_rejected,
    delivery_failed,
    count_,
};

/// How a reason is written and told.
struct ReasonInfo {
    Reason reason;
    std::string_view name;      ///< Stable, snake_case: metric label, log field, `why -o json`.
    std::string_view text;      ///< For people.
    std::uint8_t mqtt5;         ///< Reason Code for CONNACK, PUBACK, SUBACK or DISCONNECT; 0x80 where none fits.
    std::string_view amqp;      ///< Error condition.
};

[[nodiscard]] const ReasonInfo& info(Reason reason) noexcept;
[[nodiscard]] std::span<const ReasonInfo> all_reasons() noexcept;
[[nodiscard]] inline std::string_view name(Reason reason) noexcept { return info(reason).name; }

/// What was being done when a decision fell.
enum class Action : std::uint8_t { connect, publish, retain, subscribe, receive, will, deliver, rule, sink, disconnect };
[[nodiscard]] std::string_view name(Action action) noexcept;

/// Where in the operator's files a decision comes from; empty file: built in.
struct Source {
    std::string file;
    std::uint32_t line = 0;
};

/// An answer to a device: accepted (reason none) or refused. A normal value, not an error.
struct [[nodiscard]] Verdict {
    Reason reason = Reason::none;
    const Source* source = nullptr;  ///< The deciding rule, or the closest that did not match; owned by the snapshot asked.

    [[nodiscard]] bool accepted() const noexcept { return reason == Reason::none; }
};

}  // namespace weir::model
