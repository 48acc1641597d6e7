/// Bytes -> packets: every rule of MQTT 3.1, 3.1.1 and 5 that one packet can break.
///
/// Rules that need what came before (order, aliases, receive maximum) are the protocols'. Nothing
/// here allocates.
#pragma once

#include <cstddef>
#include <cstdint>

#include <weir/base/bytes.hpp>
#include <weir/mqtt/error.hpp>
#include <weir/mqtt/packet.hpp>
#include <weir/mqtt/topic.hpp>

namespace weir::mqtt {

/// A packet whose bytes are all there.
struct Frame {
    PacketType type = PacketType::pingreq;
    std::uint8_t flags = 0;  ///< Lower four bits of the first byte.
    ByteView body = {};      ///< What the remaining length counts.
    std::size_t size = 0;    ///< Of the whole packet.
};

/// Size of the whole packet that starts `in`, as its fixed header declares it.
/// @errors need_more: `in` ends inside the fixed header. malformed_packet: packet type 0, or the
/// length.
///         packet_too_large: over `packet_bytes_max`; known before the body came.
[[nodiscard]] Result<std::size_t> read_packet_size(
    ByteView in, std::uint32_t packet_bytes_max
) noexcept;

/// The packet that starts `in`. @errors As read_packet_size; need_more also while the body is not
/// complete.
[[nodiscard]] Result<Frame> read_frame(ByteView in, std::uint32_t packet_bytes_max) noexcept;

struct DecodeOptions {
    Version version = Version::v311;  ///< CONNECT brings its own.
    Role sender = Role::client;
    TopicLimits topics = {};  ///< For the topic names of PUBLISH and will.
    PropertyLimits properties = {};
};

/// One function per packet. The frame is of that type.
/// @errors Those of `errc` but need_more; see each clause in the source.
[[nodiscard]] Result<Connect> decode_connect(
    const Frame& frame, const DecodeOptions& options
) noexcept;
[[nodiscard]] Result<Connack> decode_connack(
    const Frame& frame, const DecodeOptions& options
) noexcept;
[[nodiscard]] Result<Publish> decode_publish(
    const Frame& frame, const DecodeOptions& options
) noexcept;
[[nodiscard]] Result<Ack> decode_ack(const Frame& frame, const DecodeOptions& options) noexcept;
[[nodiscard]] Result<Subscribe> decode_subscribe(
    const Frame& frame, const DecodeOptions& options
) noexcept;
[[nodiscard]] Result<Suback> decode_suback(
    const Frame& frame, const DecodeOptions& options
) noexcept;
[[nodiscard]] Result<Unsubscribe> decode_unsubscribe(
    const Frame& frame, const DecodeOptions& options
) noexcept;
[[nodiscard]] Result<Unsuback> decode_unsuback(
    const Frame& frame, const DecodeOptions& options
) noexcept;
[[nodiscard]] Result<Disconnect> decode_disconnect(
    const Frame& frame, const DecodeOptions& options
) noexcept;
[[nodiscard]] Result<Auth> decode_auth(const Frame& frame, const DecodeOptions& options) noexcept;
/// PINGREQ and PINGRESP: nothing may be in them.
[[nodiscard]] Result<void> check_empty(const Frame& frame) noexcept;

/// Any packet, whoever may send it: for tools and tests.
[[nodiscard]] Result<Packet> decode(const Frame& frame, const DecodeOptions& options) noexcept;

/// The protocol level that a CONNECT with a known protocol name asks for, even if the rest of it is
/// not valid: it says how a refusal is to be written.
/// @errors malformed_packet: cut short. unsupported_version: some other protocol.
[[nodiscard]] Result<std::uint8_t> read_protocol_level(ByteView body) noexcept;

}  // namespace weir::mqtt
