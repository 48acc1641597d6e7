/// Which packet may come when: the table of legal (state, packet) for both directions.
#pragma once

#include <cstdint>

#include <weir/mqtt/packet_type.hpp>

namespace weir::mqtt {

/// Where a connection is between its two ends.
enum class ConnectionState : std::uint8_t {
    start,           ///< Nothing was sent; CONNECT must come first. [MQTT5-3.1.0-1]
    connecting,      ///< CONNECT is being answered; there is no authentication exchange.
    authenticating,  ///< CONNECT named a method; AUTH goes back and forth. [MQTT5-3.1.2-30]
    connected,       ///< CONNACK accepted it.
    closed,          ///< DISCONNECT, or a CONNACK that refused.
};

/// True if `sender` may send that packet in that state. AUTH also needs MQTT 5 and a method named
/// in CONNECT; DISCONNECT from a server needs MQTT 5.
[[nodiscard]] bool is_legal(Role sender, ConnectionState state, PacketType type) noexcept;

}  // namespace weir::mqtt
