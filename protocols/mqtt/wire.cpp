#include <weir/mqtt/wire.hpp>

#include <weir/base/text.hpp>

namespace weir::mqtt {
namespace {

template <class T>
Result<T> read_int(ByteView& in) noexcept {
    if (in.size() < sizeof(T)) {
        return errc::malformed_packet;
    }
    const T value = load_be<T>(in.data());
    in = in.subspan(sizeof(T));
    return value;
}

/// Length of the longest prefix, in steps of eight, of bytes 0x01..0x7F.
std::size_t plain_prefix(std::string_view text) noexcept {
    constexpr std::uint64_t kOnes = 0x0101010101010101ULL;
    constexpr std::uint64_t kHigh = 0x8080808080808080ULL;
    std::size_t done = 0;
    while (text.size() - done >= sizeof(std::uint64_t)) {
        std::uint64_t word = 0;
        std::memcpy(&word, text.data() + done, sizeof word);
        // A zero byte borrows from its high bit; a byte over 0x7F has it set.
        if ((((word - kOnes) | word) & kHigh) != 0) {
            break;
        }
        done += sizeof word;
    }
    return done;
}

}  // namespace

Result<std::uint32_t> read_varint(ByteView& in) noexcept {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < kVarintBytesMax; ++i) {
        if (i == in.size()) {
            return errc::need_more;
        }
        value |= std::uint32_t{in[i] & 0x7FU} << (7 * i);
        if ((in[i] & 0x80U) == 0) {
            if (in[i] == 0 && i > 0) {
                return errc::malformed_packet;
            }
            in = in.subspan(i + 1);
            return value;
        }
    }
    return errc::malformed_packet;
}

Result<std::uint32_t> read_whole_varint(ByteView& in) noexcept {
    const auto value = read_varint(in);
    if (!value) {
        return errc::malformed_packet;
    }
    return value;
}

bool is_valid_text(std::string_view text) noexcept {
    const auto rest = text.substr(plain_prefix(text));
    return rest.find('\0') == std::string_view::npos && is_utf8(rest);
}

Result<std::uint8_t> read_u8(ByteView& in) noexcept {
    return read_int<std::uint8_t>(in);
}
Result<std::uint16_t> read_u16(ByteView& in) noexcept {
    return read_int<std::uint16_t>(in);
}
Result<std::uint32_t> read_u32(ByteView& in) noexcept {
    return read_int<std::uint32_t>(in);
}

Result<ByteView> read_binary(ByteView& in) noexcept {
    if (in.size() < sizeof(std::uint16_t)) {
        return errc::malformed_packet;
    }
    const std::size_t size = load_be<std::uint16_t>(in.data());
    if (in.size() - sizeof(std::uint16_t) < size) {
        return errc::malformed_packet;
    }
    const auto bytes = in.subspan(sizeof(std::uint16_t), size);
    in = in.subspan(sizeof(std::uint16_t) + size);
    return bytes;
}

Result<std::string_view> read_text(ByteView& in) noexcept {
    ByteView rest = in;
    WEIR_TRY(const ByteView bytes, read_binary(rest));
    const auto text = as_text(bytes);
    if (!is_valid_text(text)) {
        return errc::malformed_packet;
    }
    in = rest;
    return text;
}

Byte* write_varint(Byte* out, std::uint32_t value) noexcept {
    while (value >= 128U) {
        *out++ = static_cast<Byte>(value | 0x80U);
        value >>= 7U;
    }
    *out++ = static_cast<Byte>(value);
    return out;
}

}  // namespace weir::mqtt
