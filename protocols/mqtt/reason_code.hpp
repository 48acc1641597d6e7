/// Reason codes of MQTT 5 and return codes of MQTT 3.1.1. [MQTT5-2.4] [MQTT3-3.2.2.3]
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <weir/mqtt/packet_type.hpp>

namespace weir::mqtt {

enum class ReasonCode : std::uint8_t {
    success = 0x00,  ///< Also "normal disconnection" and "granted QoS 0".
    granted_qos_1 = 0x01,
    granted_qos_2 = 0x02,
    disconnect_with_will = 0x04,
    no_matching_subscribers = 0x10,
    no_subscription_existed = 0x11,
    continue_authentication = 0x18,
    reauthenticate = 0x19,
    unspecified_error = 0x80,
    malformed_packet = 0x81,
    protocol_error = 0x82,
    implementation_specific_error = 0x83,
    unsupported_protocol_version = 0x84,
    client_identifier_not_valid = 0x85,
    bad_user_name_or_password = 0x86,
    not_authorized = 0x87,
    server_unavailable = 0x88,
    server_busy = 0x89,
    banned = 0x8A,
    server_shutting_down = 0x8B,
    bad_authentication_method = 0x8C,
    keep_alive_timeout = 0x8D,
    session_taken_over = 0x8E,
    topic_filter_invalid = 0x8F,
    topic_name_invalid = 0x90,
    packet_identifier_in_use = 0x91,
    packet_identifier_not_found = 0x92,
    receive_maximum_exceeded = 0x93,
    topic_alias_invalid = 0x94,
    packet_too_large = 0x95,
    message_rate_too_high = 0x96,
    quota_exceeded = 0x97,
    administrative_action = 0x98,
    payload_format_invalid = 0x99,
    retain_not_supported = 0x9A,
    qos_not_supported = 0x9B,
    use_another_server = 0x9C,
    server_moved = 0x9D,
    shared_subscriptions_not_supported = 0x9E,
    connection_rate_exceeded = 0x9F,
    maximum_connect_time = 0xA0,
    subscription_identifiers_not_supported = 0xA1,
    wildcard_subscriptions_not_supported = 0xA2,
};

/// CONNACK of 3.1 and 3.1.1.
enum class ConnectReturnCode : std::uint8_t {
    accepted = 0,
    unacceptable_protocol_version = 1,
    identifier_rejected = 2,
    server_unavailable = 3,
    bad_user_name_or_password = 4,
    not_authorized = 5,
};

struct ReasonCodeInfo {
    ReasonCode code;
    std::string_view name;  ///< As in the specification, lower case, with underscores.
    ContextMask packets;    ///< Where it may stand.
    /// For 3.1.1; none: close without CONNACK. [MQTT3-3.2.2-6]
    std::optional<ConnectReturnCode> return_code;
};

/// The row of a code, or nullptr for a number that the specification does not define.
[[nodiscard]] const ReasonCodeInfo* find_reason_code(std::uint8_t code) noexcept;

/// True if the specification lets a packet of that kind carry the code.
[[nodiscard]] bool is_allowed(ReasonCode code, PacketContext context) noexcept;

[[nodiscard]] std::string_view name(ReasonCode code) noexcept;

/// What a 3.1.1 client is told instead. None: the connection is closed without a CONNACK.
[[nodiscard]] std::optional<ConnectReturnCode> return_code_of(ReasonCode code) noexcept;

/// 0x80 and above refuse. [MQTT5-2.4]
[[nodiscard]] constexpr bool is_error(ReasonCode code) noexcept {
    return static_cast<std::uint8_t>(code) >= 0x80U;
}

}  // namespace weir::mqtt
