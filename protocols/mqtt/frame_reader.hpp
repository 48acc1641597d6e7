/// Cuts a stream of bytes into packets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include <weir/base/bytes.hpp>
#include <weir/mqtt/decoder.hpp>

namespace weir::mqtt {

/// Owned by one protocol. Packets that lie complete in the input are handed out in place; only one
/// that is cut is kept, and memory for it grows with the bytes that came, not with the size that it
/// declares.
class FrameReader {
public:
    /// The type of the next packet, as soon as its first byte is there.
    [[nodiscard]] std::optional<std::uint8_t> peek_type(ByteView in) const noexcept;

    /// The next packet; `in` advances past its bytes. done() must follow before the next call.
    /// @errors need_more: all of `in` was taken. malformed_packet, packet_too_large.
    [[nodiscard]] Result<Frame> next(ByteView& in, std::uint32_t packet_bytes_max) noexcept;

    /// The frame that next() returned is no longer used.
    void done() noexcept;

    /// Bytes kept of an incomplete packet.
    [[nodiscard]] std::size_t kept() const noexcept { return kept_.size(); }
    [[nodiscard]] std::size_t footprint() const noexcept { return kept_.capacity(); }

private:
    Bytes kept_;
};

}  // namespace weir::mqtt
