/// The data types of MQTT on the wire. [MQTT5-1.5]
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include <weir/base/bytes.hpp>
#include <weir/mqtt/error.hpp>

namespace weir::mqtt {

inline constexpr std::size_t kVarintBytesMax = 4;
inline constexpr std::uint32_t kVarintMax = 268'435'455;
/// First byte and remaining length.
inline constexpr std::size_t kFixedHeaderBytesMax = 1 + kVarintBytesMax;
/// Strings and binary data have a length of two bytes.
inline constexpr std::size_t kFieldBytesMax = 65'535;

/// Reads a Variable Byte Integer and advances `in` past it. [MQTT5-1.5.5-1]
///
/// @param in  Untrusted bytes. Advanced on success, untouched on error.
/// @return    0..268'435'455.
/// @errors    need_more: `in` ends inside the integer; call again with more bytes (4 are always
/// enough).
///            malformed_packet: a fifth byte, or not the shortest form.
[[nodiscard]] Result<std::uint32_t> read_varint(ByteView& in) noexcept;

/// 1..4. @param value At most kVarintMax.
[[nodiscard]] constexpr std::size_t varint_size(std::uint32_t value) noexcept {
    return value < 128U ? 1 : value < 16'384U ? 2 : value < 2'097'152U ? 3 : 4;
}

/// True for what a UTF-8 Encoded String may hold: well-formed, no surrogates, no U+0000.
/// [MQTT5-1.5.4-1, -2]
/// @cost Eight bytes a step while they are ASCII.
[[nodiscard]] bool is_valid_text(std::string_view text) noexcept;

/// Readers of a packet's body, whose bytes are all there: what is cut short is malformed.
[[nodiscard]] Result<std::uint8_t> read_u8(ByteView& in) noexcept;
[[nodiscard]] Result<std::uint16_t> read_u16(ByteView& in) noexcept;
[[nodiscard]] Result<std::uint32_t> read_u32(ByteView& in) noexcept;
/// Two-byte length, then that many bytes.
[[nodiscard]] Result<ByteView> read_binary(ByteView& in) noexcept;
/// The same, and is_valid_text.
[[nodiscard]] Result<std::string_view> read_text(ByteView& in) noexcept;
/// A varint that must be complete.
[[nodiscard]] Result<std::uint32_t> read_whole_varint(ByteView& in) noexcept;

/// Writers: the caller made room; each returns the end of what it wrote.
[[nodiscard]] Byte* write_varint(Byte* out, std::uint32_t value) noexcept;

template <class T>
[[nodiscard]] Byte* write_int(Byte* out, T value) noexcept {
    store_be(out, value);
    return out + sizeof(T);
}

[[nodiscard]] inline Byte* write_raw(Byte* out, ByteView bytes) noexcept {
    if (!bytes.empty()) {
        std::memcpy(out, bytes.data(), bytes.size());
    }
    return out + bytes.size();
}

/// @param bytes At most kFieldBytesMax.
[[nodiscard]] inline Byte* write_binary(Byte* out, ByteView bytes) noexcept {
    return write_raw(write_int(out, static_cast<std::uint16_t>(bytes.size())), bytes);
}

[[nodiscard]] inline Byte* write_text(Byte* out, std::string_view text) noexcept {
    return write_binary(out, as_bytes(text));
}

}  // namespace weir::mqtt
