/// Packets -> bytes in memory that the caller provides. Nothing here allocates or checks what our
/// own code made.
///
/// For each packet, `size_of` says how many bytes `write` will need, and `write` returns the end of
/// what it wrote. A packet over kPacketBytesMax must not be asked for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <weir/base/bytes.hpp>
#include <weir/mqtt/packet.hpp>
#include <weir/mqtt/wire.hpp>

namespace weir::mqtt {

inline constexpr std::size_t kPacketBytesMax = kFixedHeaderBytesMax + kVarintMax;

/// Bytes of a PUBLISH in front of its payload.
[[nodiscard]] std::size_t publish_head_size(const PublishHeader& publish, Version version) noexcept;
/// Bytes of the whole PUBLISH: what the receiver's Maximum Packet Size is compared with.
/// [MQTT5-3.1.2-24]
[[nodiscard]] std::size_t publish_size(const PublishHeader& publish, Version version) noexcept;
/// Writes everything in front of the payload.
[[nodiscard]] Byte* write_publish_head(
    Byte* out, const PublishHeader& publish, Version version
) noexcept;

/// CONNECT is written in the version that it names.
[[nodiscard]] std::size_t size_of(const Connect& packet, Version version) noexcept;
[[nodiscard]] Byte* write(Byte* out, const Connect& packet, Version version) noexcept;
/// To 3.1.1, a reason without a return code becomes 3, server unavailable; see return_code_of().
[[nodiscard]] std::size_t size_of(const Connack& packet, Version version) noexcept;
[[nodiscard]] Byte* write(Byte* out, const Connack& packet, Version version) noexcept;
[[nodiscard]] std::size_t size_of(const Ack& packet, Version version) noexcept;
[[nodiscard]] Byte* write(Byte* out, const Ack& packet, Version version) noexcept;
[[nodiscard]] std::size_t size_of(const Subscribe& packet, Version version) noexcept;
[[nodiscard]] Byte* write(Byte* out, const Subscribe& packet, Version version) noexcept;
[[nodiscard]] std::size_t size_of(const Suback& packet, Version version) noexcept;
[[nodiscard]] Byte* write(Byte* out, const Suback& packet, Version version) noexcept;
[[nodiscard]] std::size_t size_of(const Unsubscribe& packet, Version version) noexcept;
[[nodiscard]] Byte* write(Byte* out, const Unsubscribe& packet, Version version) noexcept;
[[nodiscard]] std::size_t size_of(const Unsuback& packet, Version version) noexcept;
[[nodiscard]] Byte* write(Byte* out, const Unsuback& packet, Version version) noexcept;
[[nodiscard]] std::size_t size_of(const Pingreq& packet, Version version) noexcept;
[[nodiscard]] Byte* write(Byte* out, const Pingreq& packet, Version version) noexcept;
[[nodiscard]] std::size_t size_of(const Pingresp& packet, Version version) noexcept;
[[nodiscard]] Byte* write(Byte* out, const Pingresp& packet, Version version) noexcept;
[[nodiscard]] std::size_t size_of(const Disconnect& packet, Version version) noexcept;
[[nodiscard]] Byte* write(Byte* out, const Disconnect& packet, Version version) noexcept;
/// MQTT 5 only.
[[nodiscard]] std::size_t size_of(const Auth& packet, Version version) noexcept;
[[nodiscard]] Byte* write(Byte* out, const Auth& packet, Version version) noexcept;

/// Appends a packet to `out`: for clients, tests and tools.
template <class P>
void append_packet(Bytes& out, const P& packet, Version version) {
    const std::size_t before = out.size();
    out.resize(before + size_of(packet, version));
    static_cast<void>(write(out.data() + before, packet, version));
}
void append_publish(Bytes& out, const PublishHeader& publish, ByteView payload, Version version);

/// Append one filter to what becomes a Subscribe's or Unsubscribe's list.
void append_subscription(Bytes& out, const Subscription& subscription);
void append_filter(Bytes& out, std::string_view filter);

}  // namespace weir::mqtt
