#include <weir/app_config/reason_reference.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include <weir/base/text.hpp>

namespace weir::app {
namespace {

using model::Reason;

constexpr std::string_view kSilence = "The connection ends without a word.";
constexpr std::string_view kConnack =
    "CONNACK with the MQTT 5 code (MQTT 3.1.1: return code 5); AMQP: the connection ends with the "
    "condition.";
constexpr std::string_view kCredentials =
    "CONNACK with the MQTT 5 code (MQTT 3.1.1: return code 4); AMQP: SASL outcome auth; HTTP: 401.";
constexpr std::string_view kDisconnect =
    "MQTT 5: DISCONNECT with the code; MQTT 3.1.1: the connection ends; AMQP: it ends with the "
    "condition.";
constexpr std::string_view kPuback =
    "MQTT 5: PUBACK or PUBREC with the code; MQTT 3.1.1: an acknowledgement as if it were done; "
    "QoS 0: nothing; AMQP: rejected; HTTP: 403. By on_violation of its policies, MQTT and AMQP "
    "instead get an acknowledgement (drop), or the connection ends (disconnect).";
constexpr std::string_view kSuback =
    "SUBACK with the code for that filter (MQTT 3.1.1: 0x80); AMQP: the link is detached with the "
    "condition.";
constexpr std::string_view kLost = "Nothing: the subscriber does not get the message.";
constexpr std::string_view kRule = "Nothing: the publish was acknowledged.";
constexpr std::string_view kCanI =
    "`weir why DEVICE` names the line that refused it or came closest; `weir can-i DEVICE ...` "
    "tries it again. Extend a policy of the device, or correct the device.";
constexpr std::string_view kQueue =
    "`weir sessions show DEVICE` shows the queue beside its limits. Let the device connect more "
    "often or read faster, or raise the limit (`weir explain limits`).";

// clang-format off
constexpr std::array kHelp = {
    ReasonHelp{Reason::none, "What it asked for.", "Nothing."},
    ReasonHelp{Reason::handshake_timeout, kSilence, "Look at the network and the client: it opened a connection and did not say who it is within limits.handshake. Many of them from one address are an attack or a port scan."},
    ReasonHelp{Reason::tls_failed, "A TLS alert, or the connection ends.", "The client does not trust the gateway's certificate (give it ca.crt, use a name that stands in the certificate), shows one that no CA in tls.client_ca signed or that is over, or speaks an older TLS than tls.min_version."},
    ReasonHelp{Reason::protocol_not_allowed, "The connection ends; a request to upgrade to WebSocket gets 4xx.", "Name the protocol in listeners.protocols, the path in ws.paths and a browser's origin in ws.origins; a load balancer that sends the PROXY header belongs into proxy_protocol.from."},
    ReasonHelp{Reason::malformed_packet, kDisconnect, "Correct the client; HTTP clients see which part in the answer."},
    ReasonHelp{Reason::protocol_error, kDisconnect, "Correct the client: the packet is well formed and may not come now, or not twice."},
    ReasonHelp{Reason::unsupported_version, "CONNACK with the MQTT 5 code (others: return code 1).", "Let the client speak MQTT 3.1, 3.1.1 or 5."},
    ReasonHelp{Reason::bad_credentials, kCredentials, "Compare with `weir devices show DEVICE`: the certificate is not registered, the password wrong, the token withdrawn or past its end. A token is for HTTP only, never an MQTT password."},
    ReasonHelp{Reason::anonymous_refused, "CONNACK with the MQTT 5 code (MQTT 3.1.1: return code 5); AMQP: SASL outcome auth, or the connection ends; HTTP: 401.", "Give the device a credential of a kind in listeners.auth.methods; a certificate counts only where listeners.tls.client_ca is set."},
    ReasonHelp{Reason::device_disabled, "CONNACK with the MQTT 5 code (MQTT 3.1.1: return code 5), or DISCONNECT with it; HTTP: 401.", "`weir devices enable DEVICE`, if it is to come back."},
    ReasonHelp{Reason::client_id_invalid, "CONNACK with the MQTT 5 code (MQTT 3.1.1: return code 2); AMQP: the connection ends with the condition.", "Choose another client id: no + # * and no control characters, at most limits.client_id_bytes."},
    ReasonHelp{Reason::client_id_conflict, kConnack, "Another device has a session under this client id: let each use its own name. `connect: \"{thing}\"` in the policies sees to it."},
    ReasonHelp{Reason::connect_denied, kConnack, kCanI},
    ReasonHelp{Reason::publish_denied, kPuback, kCanI},
    ReasonHelp{Reason::retain_denied, "As publish_denied; where the limit retained_messages is 0, MQTT 5: DISCONNECT or CONNACK 0x9A.", "Only RETAIN is in the way: add `retain: true` to the entry that allows the publish, or let the device publish without it."},
    ReasonHelp{Reason::subscribe_denied, kSuback, "The filter must lie within one filter of an allow, and touch none of a deny. `weir can-i DEVICE subscribe FILTER` tells which line."},
    ReasonHelp{Reason::receive_denied, kLost, "An entry of its own for receive, or a deny, is narrower than the subscription. `weir can-i DEVICE receive TOPIC` tells which line."},
    ReasonHelp{Reason::will_denied, "CONNACK with the MQTT 5 code (MQTT 3.1.1: return code 5). If the policy changed later: nothing, the will is not published.", "Allow the device to publish to the topic of its will, with `retain: true` if the will is retained. Topics that begin with $ are never wills."},
    ReasonHelp{Reason::packet_too_large, "MQTT 5: DISCONNECT with the code; MQTT 3.1.1: the connection ends; AMQP: the link is detached; HTTP: 413. Of a message to the device: nothing, it is not sent.", "Send less at a time or raise limits.packet_bytes. A message to the device was above the Maximum Packet Size of its CONNECT."},
    ReasonHelp{Reason::topic_invalid, "MQTT 5: SUBACK 0x8F, or DISCONNECT 0x90 for a publish; MQTT 3.1.1: SUBACK 0x80, or the connection ends; AMQP: refused; HTTP: 400. Of a republish: nothing.", "No wildcards in a topic name, no empty topic, no control characters, at most limits.topic_bytes and limits.topic_levels. For a rule: `weir rules stats RULE` has its last error."},
    ReasonHelp{Reason::topic_too_deep, kDisconnect, "Shorten the topic, or raise limits.topic_levels."},
    ReasonHelp{Reason::subscriptions_limit, kSuback, "Use wildcards instead of many filters, or raise limits.subscriptions."},
    ReasonHelp{Reason::receive_maximum_exceeded, kDisconnect, "The client sends more unacknowledged publishes than CONNACK permits (limits.receive_maximum), or releases no QoS 2 (limits.unreleased). Correct it or raise the limit."},
    ReasonHelp{Reason::quota_exceeded, "Its publishes are acknowledged later; HTTP: 429 with Retry-After. Beyond storage.budgets.retained: nothing, a message is delivered and not retained.", "Let it publish less, or raise publish_rate and byte_rate in its policies and under limits; `standing: application` lifts those of the listener. Of what is retained: raise storage.budgets.retained, or let devices erase what nobody needs."},
    ReasonHelp{Reason::parked_bytes_exceeded, kDisconnect, "The device went on publishing while it was held back by a rate or a full outbox: see `weir sinks list`, and limits.parked_bytes."},
    ReasonHelp{Reason::connections_limit, "The connection ends; behind a password, CONNACK with the MQTT 5 code (MQTT 3.1.1: return code 3).", "More connections, or more passwords to verify at a time, than there is room for: let clients come back after a random pause, or raise limits.connections."},
    ReasonHelp{Reason::keep_alive_timeout, kDisconnect, "The network broke, or the client sends no PINGREQ within its keep-alive."},
    ReasonHelp{Reason::taken_over, kDisconnect, "Expected after a reconnect. If it goes on, two clients use one client id: give each its own."},
    ReasonHelp{Reason::peer_closed, "Nothing: it closed the connection itself.", "Nothing; often a network that broke, or a client that crashed."},
    ReasonHelp{Reason::peer_disconnected, "Nothing: it said goodbye.", "Nothing."},
    ReasonHelp{Reason::server_shutdown, kDisconnect, "Nothing: clients come back by themselves. listeners.mqtt.server_reference sends them elsewhere meanwhile."},
    ReasonHelp{Reason::administrative, kDisconnect, "Nothing: an operator did it."},
    ReasonHelp{Reason::slow_consumer, "MQTT 5: DISCONNECT with the code; else the connection ends. Of a QoS 0 message: nothing, it is not sent.", "The device takes nothing for limits.stall, or asks on while 1 MiB of answers beyond limits.backlog_bytes wait for it, or QoS 0 comes faster than it reads (limits.backlog_bytes). Let it subscribe to less."},
    ReasonHelp{Reason::policy_changed, kDisconnect, "Expected after a change of its policies. `weir can-i DEVICE connect` tells which line says no now."},
    ReasonHelp{Reason::no_subscriber, "MQTT 5 from QoS 1 on: PUBACK or PUBREC 0x10, which is a success; others: an acknowledgement.", "Nothing if that is meant; else look for a typing error in topic, filters and rules."},
    ReasonHelp{Reason::queue_full, kLost, kQueue},
    ReasonHelp{Reason::queue_dropped_oldest, kLost, kQueue},
    ReasonHelp{Reason::queue_too_old, kLost, "The session was away for longer than limits.queue_age. Raise it, or let the device connect more often."},
    ReasonHelp{Reason::message_expired, kLost, "Nothing: the publisher gave the message that life (Message Expiry Interval)."},
    ReasonHelp{Reason::mailbox_full, "Nothing: a message of QoS 0 did not reach subscribers on another shard.", "The gateway has more to do than its processors can: publish less, at QoS 1 (which waits instead), or give it more processors."},
    ReasonHelp{Reason::session_ended, kLost, "The session expired, was cleaned by the device, or was ended with messages in its queue. Longer lives: limits.session_expiry and session_expiry_max."},
    ReasonHelp{Reason::republish_loop, kRule, "Rules publish to each other: `weir rules lint` shows the ring; limits.hops bounds it."},
    ReasonHelp{Reason::sink_full, "Nothing; the acknowledgement came late if outbox.on_full is block; HTTP: 503 with Retry-After.", "`weir sinks list` tells what waits and the last error. Bring the receiver back, or enlarge outbox.size, or storage.budgets.outbox where `weir why` names it."},
    ReasonHelp{Reason::sink_rejected, kRule, "`weir sinks dead SINK` shows records and answers: correct rule or receiver, then `weir sinks retry SINK`."},
    ReasonHelp{Reason::sink_expired, kRule, "The receiver was away for longer than outbox.age: `weir sinks dead SINK`, `weir sinks retry SINK`."},
    ReasonHelp{Reason::rule_failed, kRule, "`weir rules stats RULE` has the last error; `weir rules explain RULE --topic T --payload P` the value of every expression. `on_error` can keep such messages."},
    ReasonHelp{Reason::storage_failed, "MQTT 5: PUBACK or SUBACK 0x80, or CONNACK 0x88; what else a lasting session waits for, and in MQTT 3.1.1: no acknowledgement, the connection ends; HTTP: 503. It sends the message again.", "`weir status` tells what is wrong with the disk; see docs/operations.md, Disk."},
    ReasonHelp{Reason::shared_no_member, kLost, "No member of the $share group may receive it or has room: see the policies (`weir can-i DEVICE receive TOPIC`) and the queues of its members."},
    ReasonHelp{Reason::rule_not_found, kRule, "The device publishes to $aws/rules/NAME: correct the name, or `weir rules enable NAME`."},
    ReasonHelp{Reason::sessions_limit, "CONNACK with the MQTT 5 code (MQTT 3.1.1: return code 3); AMQP: the connection ends with the condition.", "Raise limits.sessions, or let fewer clients ask for sessions that outlive their connections."},
    ReasonHelp{Reason::packet_too_slow, kDisconnect, "A packet was begun and came at less than 512 B/s, or not at all for limits.stall: the network, a broken client, or an attack."},
    ReasonHelp{Reason::wildcards_unavailable, "MQTT 5: DISCONNECT with the code; MQTT 3.1.1: SUBACK 0x80.", "The listener says so: listeners.mqtt.wildcard_subscriptions."},
    ReasonHelp{Reason::shared_unavailable, "MQTT 5: DISCONNECT with the code; MQTT 3.1.1: SUBACK 0x80.", "The listener says so: listeners.mqtt.shared_subscriptions."},
    ReasonHelp{Reason::credential_removed, "MQTT 5: DISCONNECT with the code; MQTT 3.1.1: the connection ends; AMQP: it ends with the condition.", "Expected after its credential or the device was removed: give it a new one."},
    ReasonHelp{Reason::delivery_rejected, "Nothing: it is the receiver that refused.", "The receiver answered AMQP `rejected`: it cannot use such messages. Correct its sender, or let a rule keep them off its topics."},
    ReasonHelp{Reason::delivery_failed, "Nothing: it is the receivers that gave it back.", "Ten attempts ended with AMQP `modified`: look at why the receivers fail over this message. A rule with a stream keeps such messages for later."},
};
// clang-format on

constexpr bool in_order() {
    for (std::size_t i = 0; i < kHelp.size(); ++i) {
        if (kHelp[i].reason != static_cast<Reason>(i)) {
            return false;
        }
    }
    return kHelp.size() == static_cast<std::size_t>(Reason::count_);
}
static_assert(in_order(), "one row per reason, in the order of the enum");

}  // namespace

const ReasonHelp& help(Reason reason) noexcept {
    return kHelp[static_cast<std::size_t>(reason)];
}

std::optional<std::string> explain_reason(std::string_view name) {
    const auto all = model::all_reasons();
    const auto found = std::ranges::find(all, name, &model::ReasonInfo::name);
    if (found == all.end()) {
        return std::nullopt;
    }
    auto out = fmt::format(
        "{}\n    {}\n\n    MQTT 5   0x{:02X}\n", found->name, found->text, found->mqtt5
    );
    const auto into = std::back_inserter(out);
    if (!found->amqp.empty()) {
        fmt::format_to(into, "    AMQP     {}\n", found->amqp);
    }
    const auto& more = help(found->reason);
    constexpr std::size_t kIndent = 13;
    fmt::format_to(
        into,
        "    device   {}\n    do       {}\n",
        wrapped(more.device, kExplainWidth, kIndent, kIndent),
        wrapped(more.remedy, kExplainWidth, kIndent, kIndent)
    );
    return out;
}

}  // namespace weir::app
