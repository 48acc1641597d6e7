/// Names and numbers of the control packets.
#pragma once

#include <cstdint>

namespace weir::mqtt {

/// The protocol level in CONNECT.
enum class Version : std::uint8_t { v31 = 3, v311 = 4, v5 = 5 };

enum class Qos : std::uint8_t { at_most_once = 0, at_least_once = 1, exactly_once = 2 };

/// Upper four bits of a packet's first byte. [MQTT5-2.1.2]
enum class PacketType : std::uint8_t {
    connect = 1,
    connack = 2,
    publish = 3,
    puback = 4,
    pubrec = 5,
    pubrel = 6,
    pubcomp = 7,
    subscribe = 8,
    suback = 9,
    unsubscribe = 10,
    unsuback = 11,
    pingreq = 12,
    pingresp = 13,
    disconnect = 14,
    auth = 15,
};

/// The end of a connection that sent a packet.
enum class Role : std::uint8_t { client, server };

/// Where properties and reason codes stand: a packet type, told apart by sender where the rules
/// differ.
enum class PacketContext : std::uint8_t {
    connect,
    will,
    connack,
    publish_from_client,
    publish_from_server,
    puback,
    pubrec,
    pubrel,
    pubcomp,
    subscribe,
    suback,
    unsubscribe,
    unsuback,
    disconnect_from_client,
    disconnect_from_server,
    auth_from_client,
    auth_from_server,
};

/// A set of PacketContexts.
using ContextMask = std::uint32_t;

[[nodiscard]] constexpr ContextMask mask_of(PacketContext context) noexcept {
    return ContextMask{1} << static_cast<unsigned>(context);
}

}  // namespace weir::mqtt
