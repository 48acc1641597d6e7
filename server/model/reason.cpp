#include <weir/model/reason.hpp>

#include <array>

#include <weir/base/assert.hpp>

namespace weir::model {
namespace {

constexpr std::string_view kInternal = "amqp:internal-error";
constexpr std::string_view kUnauthorized = "amqp:unauthorized-access";
constexpr std::string_view kLimit = "amqp:resource-limit-exceeded";
constexpr std::string_view kForced = "amqp:connection:forced";
constexpr std::string_view kInvalid = "amqp:invalid-field";
constexpr std::string_view kFraming = "amqp:connection:framing-error";

// clang-format off
constexpr std::array kReasons = {
    ReasonInfo{Reason::none, "none", "accepted", 0x00, ""},
    ReasonInfo{Reason::handshake_timeout, "handshake_timeout", "the handshake was not finished in time", 0x80, kForced},
    ReasonInfo{Reason::tls_failed, "tls_failed", "the TLS handshake failed", 0x80, kForced},
    ReasonInfo{Reason::protocol_not_allowed, "protocol_not_allowed", "the listener does not serve this protocol", 0x84, kFraming},
    ReasonInfo{Reason::malformed_packet, "malformed_packet", "the peer sent bytes that are no valid packet", 0x81, kFraming},
    ReasonInfo{Reason::protocol_error, "protocol_error", "the peer broke the protocol", 0x82, kFraming},
    ReasonInfo{Reason::unsupported_version, "unsupported_version", "the protocol version is not served", 0x84, kFraming},
    ReasonInfo{Reason::bad_credentials, "bad_credentials", "the credentials are unknown or wrong", 0x86, kUnauthorized},
    ReasonInfo{Reason::anonymous_refused, "anonymous_refused", "no credentials were given and the listener does not take anonymous peers", 0x87, kUnauthorized},
    ReasonInfo{Reason::device_disabled, "device_disabled", "the device is disabled", 0x87, kUnauthorized},
    ReasonInfo{Reason::client_id_invalid, "client_id_invalid", "the client id is empty, too long or has forbidden characters", 0x85, kInvalid},
    ReasonInfo{Reason::client_id_conflict, "client_id_conflict", "the client id belongs to a session of another identity", 0x87, kUnauthorized},
    ReasonInfo{Reason::connect_denied, "connect_denied", "no policy allows this connect", 0x87, kUnauthorized},
    ReasonInfo{Reason::publish_denied, "publish_denied", "no policy allows this publish", 0x87, kUnauthorized},
    ReasonInfo{Reason::retain_denied, "retain_denied", "no policy allows this retained publish", 0x87, kUnauthorized},
    ReasonInfo{Reason::subscribe_denied, "subscribe_denied", "no policy allows this subscription", 0x87, kUnauthorized},
    ReasonInfo{Reason::receive_denied, "receive_denied", "no policy allows this delivery", 0x87, kUnauthorized},
    ReasonInfo{Reason::will_denied, "will_denied", "no policy allows the will", 0x87, kUnauthorized},
    ReasonInfo{Reason::packet_too_large, "packet_too_large", "the packet is larger than the limit", 0x95, "amqp:link:message-size-exceeded"},
    ReasonInfo{Reason::topic_invalid, "topic_invalid", "the topic name or filter is not valid", 0x90, kInvalid},
    ReasonInfo{Reason::topic_too_deep, "topic_too_deep", "the topic has too many levels or bytes", 0x90, kLimit},
    ReasonInfo{Reason::subscriptions_limit, "subscriptions_limit", "the session has as many subscriptions as it may", 0x97, kLimit},
    ReasonInfo{Reason::receive_maximum_exceeded, "receive_maximum_exceeded", "more messages in flight than allowed", 0x93, "amqp:link:transfer-limit-exceeded"},
    ReasonInfo{Reason::quota_exceeded, "quota_exceeded", "a rate or byte quota is used up", 0x97, kLimit},
    ReasonInfo{Reason::parked_bytes_exceeded, "parked_bytes_exceeded", "too much was sent while publishes were held back", 0x97, kLimit},
    ReasonInfo{Reason::connections_limit, "connections_limit", "the listener has as many connections as it may", 0x97, kLimit},
    ReasonInfo{Reason::keep_alive_timeout, "keep_alive_timeout", "nothing came within one and a half keep-alive intervals", 0x8D, kLimit},
    ReasonInfo{Reason::taken_over, "taken_over", "another connection of the device took the session over", 0x8E, kForced},
    ReasonInfo{Reason::peer_closed, "peer_closed", "the peer closed the connection without DISCONNECT", 0x80, kForced},
    ReasonInfo{Reason::peer_disconnected, "peer_disconnected", "the peer sent DISCONNECT", 0x00, ""},
    ReasonInfo{Reason::server_shutdown, "server_shutdown", "the server is stopping", 0x8B, kForced},
    ReasonInfo{Reason::administrative, "administrative", "an operator ended the connection", 0x98, kForced},
    ReasonInfo{Reason::slow_consumer, "slow_consumer", "the peer reads too slowly", 0x97, kLimit},
    ReasonInfo{Reason::policy_changed, "policy_changed", "a policy change withdrew the right to be connected", 0x87, kUnauthorized},
    ReasonInfo{Reason::no_subscriber, "no_subscriber", "nobody subscribes to the topic", 0x10, ""},
    ReasonInfo{Reason::queue_full, "queue_full", "the queue is full", 0x97, kLimit},
    ReasonInfo{Reason::queue_dropped_oldest, "queue_dropped_oldest", "the queue was full and its oldest message made room", 0x97, kLimit},
    ReasonInfo{Reason::queue_too_old, "queue_too_old", "the message waited in the queue for longer than the limit", 0x97, kLimit},
    ReasonInfo{Reason::message_expired, "message_expired", "the message's expiry passed", 0x80, kInternal},
    ReasonInfo{Reason::mailbox_full, "mailbox_full", "the mailbox between two shards is full", 0x97, kLimit},
    ReasonInfo{Reason::session_ended, "session_ended", "the session ended with the message still queued", 0x80, kInternal},
    ReasonInfo{Reason::republish_loop, "republish_loop", "the message was republished too often", 0x80, kInternal},
    ReasonInfo{Reason::sink_full, "sink_full", "the sink's outbox is full", 0x97, kLimit},
    ReasonInfo{Reason::sink_rejected, "sink_rejected", "the sink answered that it will never take the message", 0x80, kInternal},
    ReasonInfo{Reason::sink_expired, "sink_expired", "the message grew too old in the sink's outbox", 0x80, kInternal},
    ReasonInfo{Reason::rule_failed, "rule_failed", "a rule, or an action of it, failed", 0x80, kInternal},
    ReasonInfo{Reason::storage_failed, "storage_failed", "the storage did not take the message", 0x80, kInternal},
    ReasonInfo{Reason::shared_no_member, "shared_no_member", "the shared subscription has no member that can take it", 0x80, kInternal},
    ReasonInfo{Reason::rule_not_found, "rule_not_found", "the topic names a rule that does not exist or is off", 0x80, kInternal},
    ReasonInfo{Reason::sessions_limit, "sessions_limit", "the gateway has as many sessions as it may, and none that outlives its connection is begun", 0x97, kLimit},
    ReasonInfo{Reason::packet_too_slow, "packet_too_slow", "the rest of a packet did not come in time", 0x83, kLimit},
    ReasonInfo{Reason::wildcards_unavailable, "wildcards_unavailable", "the listener takes no subscriptions with wildcards", 0xA2, kInvalid},
    ReasonInfo{Reason::shared_unavailable, "shared_unavailable", "the listener takes no shared subscriptions", 0x9E, kInvalid},
    ReasonInfo{Reason::credential_removed, "credential_removed", "the credential that the device came with was removed, or the device itself", 0x87, kUnauthorized},
    ReasonInfo{Reason::delivery_rejected, "delivery_rejected", "the receiver rejected the message", 0x80, kInternal},
    ReasonInfo{Reason::delivery_failed, "delivery_failed", "the receivers of the subscription gave the message back too often", 0x80, kInternal},
};
// clang-format on

constexpr bool in_order() {
    for (std::size_t i = 0; i < kReasons.size(); ++i) {
        if (kReasons[i].reason != static_cast<Reason>(i)) {
            return false;
        }
    }
    return kReasons.size() == static_cast<std::size_t>(Reason::count_);
}
static_assert(in_order(), "one row per reason, in the order of the enum");

constexpr std::array<std::string_view, 10> kActions = {
    "connect", "publish", "retain", "subscribe", "receive", "will", "deliver", "rule", "sink", "disconnect"
};

}  // namespace

const ReasonInfo& info(Reason reason) noexcept {
    WEIR_DEBUG_ASSERT(reason < Reason::count_);
    return kReasons[static_cast<std::size_t>(reason)];
}

std::span<const ReasonInfo> all_reasons() noexcept { return kReasons; }

std::string_view name(Action action) noexcept { return kActions[static_cast<std::size_t>(action)]; }

}  // namespace weir::model
