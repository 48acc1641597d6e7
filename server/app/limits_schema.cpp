#include <weir/app_config/limits_schema.hpp>

#include <fmt/format.h>

#include <type_traits>
#include <weir/app_config/detail/written.hpp>
#include <weir/base/assert.hpp>
#include <weir/base/text.hpp>

namespace weir::app {
namespace {

using model::kUnlimited;

constexpr std::uint64_t kKiB = 1024;
constexpr std::uint64_t kMiB = 1024 * kKiB;
constexpr std::uint64_t kSecond = 1'000;
constexpr std::uint64_t kDay = 86'400 * kSecond;

template <class T>
constexpr bool kIsRate = std::is_same_v<T, std::optional<document::Rate>>;

/// Sets a limit to a value of the row's own table.
void assign(model::Limits& limits, const LimitKey& key, std::string_view text) {
    std::visit(
        [&](auto member) {
            using T = std::remove_cvref_t<decltype(limits.*member)>;
            if constexpr (kIsRate<T>) {
                const auto slash = text.find('/');
                const auto amount = parse_size(text.substr(0, slash));
                WEIR_ASSERT(amount && text.substr(slash) == "/s");
                limits.*member = document::Rate{*amount, std::chrono::seconds{1}};
            } else {
                const auto value = [&] {
                    if constexpr (std::is_same_v<T, std::uint64_t>) {
                        return parse_size(text);
                    } else {
                        return parse_duration(text);
                    }
                }();
                WEIR_ASSERT(value);
                limits.*member = *value;
            }
        },
        key.member
    );
}

void assign_maximum(model::Limits& limits, const LimitKey& key) {
    std::visit(
        [&](auto member) {
            using T = std::remove_cvref_t<decltype(limits.*member)>;
            if constexpr (kIsRate<T>) {
                limits.*member = std::nullopt;
            } else {
                limits.*member = T{key.max};
            }
        },
        key.member
    );
}

}  // namespace

// clang-format off
const std::vector<LimitKey>& limit_keys() {
    using L = model::Limits;
    using enum Type;
    static const std::vector<LimitKey> keys = {
        {"handshake",           &L::handshake,           duration, kSecond, 600 * kSecond, "10s",    "From TCP accept to a complete CONNECT or Open."},
        {"connect_bytes",       &L::connect_bytes,       size,     1 * kKiB, 256 * kMiB - 1, "", "Largest CONNECT, if that is less than packet_bytes: what a peer that nobody knows yet can make the gateway hold."},
        {"packet_bytes",        &L::packet_bytes,        size,     1 * kKiB, 256 * kMiB - 1, "128KiB", "Largest MQTT packet, AMQP message or HTTP body."},
        {"topic_bytes",         &L::topic_bytes,         size,     16,  65'535,      "",       "Longest topic name or filter."},
        {"topic_levels",        &L::topic_levels,        integer,  1,   65'535,      "",       "Most levels of a topic name or filter."},
        {"client_id_bytes",     &L::client_id_bytes,     size,     23,  65'535,      "128",    "Longest client id."},
        {"subscriptions",       &L::subscriptions,       integer,  1,   kUnlimited,  "50",     "Subscriptions of a session."},
        {"receive_maximum",     &L::receive_maximum,     integer,  1,   65'535,      "100",    "QoS 1 and 2 publishes of a device that await our acknowledgement."},
        {"unreleased",          &L::unreleased,          integer,  1,   65'535,      "100",    "QoS 2 publishes that a device has not released, on this connection and earlier ones; beyond, MQTT 3.1.1 is disconnected, MQTT 5 gets PUBREC 0x97. An MQTT 5 device may have receive_maximum of them in any case."},
        {"release_timeout",     &L::release_timeout,     duration, kSecond, 365 * kDay, "",    "How long a connected device may take to release a QoS 2 publish; then its packet id is free again."},
        {"in_flight",           &L::in_flight,           integer,  1,   65'535,      "100",    "QoS 1 and 2 messages to a device that await its acknowledgement."},
        {"topic_alias_maximum", &L::topic_alias_maximum, integer,  0,   65'535,      "",       "Topic aliases that a device may use."},
        {"queue_messages",      &L::queue_messages,      integer,  0,   kUnlimited,  "1000",   "Messages kept for a session that is offline or behind."},
        {"queue_bytes",         &L::queue_bytes,         size,     0,   kUnlimited,  "4MiB",   "Bytes kept for a session that is offline or behind."},
        {"queue_age",           &L::queue_age,           duration, kSecond, 365 * kDay, "",     "How long a message may wait for a session; what is older is dropped instead of sent."},
        {"backlog_bytes",       &L::backlog_bytes,       size,     4 * kKiB, kUnlimited, "",   "Unsent bytes of a connection; QoS 0 beyond is dropped and counted."},
        {"parked_bytes",        &L::parked_bytes,        size,     4 * kKiB, kUnlimited, "",   "Publishes of a connection that are held back; beyond, it is closed."},
        {"keep_alive_max",      &L::keep_alive_max,      duration, kSecond, 65'535 * kSecond, "", "Longest keep-alive; 0 and longer ones become this. At its maximum, 0 stays: never."},
        {"session_expiry",      &L::session_expiry,      duration, 0,   365 * kDay,  "",       "How long a 3.1.1 session that is not clean outlives its connection."},
        {"session_expiry_max",  &L::session_expiry_max,  duration, 0,   0xFFFF'FFFF * kSecond, "", "Longest session expiry that a device may ask for."},
        {"connections",         &L::connections,         integer,  1,   kUnlimited,  "",       "Connections of a listener."},
        {"sessions",            &L::sessions,            integer,  1,   kUnlimited,  "",       "Sessions of the gateway, those of connected devices included. While there are that many, none that outlives its connection is begun."},
        {"packet_grace",        &L::packet_grace,        duration, kSecond, 365 * kDay, "",    "From when on an MQTT packet, AMQP frame or HTTP request that has begun must have come at 512 B/s or more; else its connection is closed."},
        {"stall",               &L::stall,               duration, kSecond, 365 * kDay, "",    "How long a device may leave a packet unfinished without going on with it, or take nothing of what is sent to it, before it is disconnected."},
        {"retained_messages",   &L::retained_messages,   integer,  0,   kUnlimited,  "10000",  "Retained messages of a tenant; 0: none may be retained, and a listener may say so for itself."},
        {"user_properties",     &L::user_properties,     integer,  0,   kUnlimited,  "",       "User properties of an MQTT 5 packet."},
        {"hops",                &L::hops,                integer,  0,   255,         "",       "How often rules may republish one message."},
        {"publish_rate",        &L::publish_rate,        rate,     0,   kUnlimited,  "100/s",  "Messages in per device."},
        {"byte_rate",           &L::byte_rate,           rate,     0,   kUnlimited,  "512KiB/s", "Topic and payload bytes in per device."},
    };
    return keys;
}
// clang-format on

model::Limits limits_of(Preset preset) {
    model::Limits limits;
    for (const auto& key : limit_keys()) {
        if (preset == Preset::none) {
            assign_maximum(limits, key);
        } else if (preset == Preset::cloud && !key.cloud.empty()) {
            assign(limits, key, key.cloud);
        }
    }
    return limits;
}

std::string written(const model::Limits& limits, const LimitKey& key) {
    return std::visit(
        [&](auto member) -> std::string {
            const auto& value = limits.*member;
            using T = std::remove_cvref_t<decltype(value)>;
            if constexpr (kIsRate<T>) {
                return value ? fmt::format("{}/s", value->amount) : "unlimited";
            } else if constexpr (std::is_same_v<T, std::chrono::milliseconds>) {
                return detail::written_duration(value);
            } else if (value == kUnlimited) {
                return "unlimited";
            } else {
                return key.type == Type::size ? detail::written_size(value) : std::to_string(value);
            }
        },
        key.member
    );
}

}  // namespace weir::app
