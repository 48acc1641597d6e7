#include <weir/proxy/preface.hpp>

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

namespace weir::proxy {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kV1Start = "PROXY ";
constexpr std::size_t kV1BytesMax = 107;
constexpr std::string_view kV2Signature = "\r\n\r\n\0\r\nQUIT\n"sv;
constexpr std::size_t kV2HeaderBytes = 16;

constexpr Byte kV2Version = 0x20;
constexpr Byte kLocal = 0x20;
constexpr Byte kProxy = 0x21;
constexpr Byte kUnspecified = 0x00;
constexpr Byte kTcp4 = 0x11;
constexpr Byte kTcp6 = 0x21;
constexpr Byte kChecksumType = 0x03;

[[nodiscard]] std::string_view text_of(errc code) noexcept {
    switch (code) {
        case errc::need_more:
            return "the PROXY preface is incomplete";
        case errc::not_a_preface:
            return "the connection does not start with a PROXY preface";
        case errc::malformed:
            return "the PROXY preface is malformed";
        case errc::unsupported:
            return "the PROXY preface names a version, command or family that is not supported";
        case errc::too_long:
            return "the PROXY preface is too long";
    }
    return "unknown PROXY error";
}

/// The next word of a version 1 line; words are parted by exactly one space.
std::string_view take_word(std::string_view& line) noexcept {
    const auto end = line.find(' ');
    const auto word = line.substr(0, end);
    line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
    return word;
}

bool parse_ip(std::string_view text, bool v6, Address& out) noexcept {
    std::array<char, INET6_ADDRSTRLEN> terminated{};
    if (text.size() >= terminated.size()) {
        return false;
    }
    std::copy(text.begin(), text.end(), terminated.begin());
    out.v6 = v6;
    return inet_pton(v6 ? AF_INET6 : AF_INET, terminated.data(), out.ip.data()) == 1;
}

bool parse_port(std::string_view text, Address& out) noexcept {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out.port);
    const bool leading_zero = text.size() > 1 && text.front() == '0';
    return error == std::errc{} && end == text.data() + text.size() && !leading_zero;
}

Result<Preface> parse_v1(std::string_view text) noexcept {
    const auto line_end = text.substr(0, kV1BytesMax).find("\r\n");
    if (line_end == std::string_view::npos) {
        return text.size() < kV1BytesMax ? errc::need_more : errc::too_long;
    }
    auto line = text.substr(kV1Start.size(), line_end - kV1Start.size());
    Preface out{.size = line_end + 2};
    const auto family = take_word(line);
    if (family == "UNKNOWN") {
        return out;
    }
    if (family != "TCP4" && family != "TCP6") {
        return errc::unsupported;
    }
    const bool v6 = family == "TCP6";
    out.proxied = true;
    const bool valid = parse_ip(take_word(line), v6, out.source) &&
                       parse_ip(take_word(line), v6, out.destination) &&
                       parse_port(take_word(line), out.source) && parse_port(line, out.destination);
    if (!valid) {
        return errc::malformed;
    }
    return out;
}

/// CRC-32C over `bytes`, as if those of `zeros`, which lie in them, were 0.
std::uint32_t crc32c(ByteView bytes, ByteView zeros) noexcept {
    constexpr std::uint32_t kReversedPolynomial = 0x82F6'3B78;
    std::uint32_t crc = 0xFFFF'FFFF;
    for (const Byte& byte : bytes) {
        const bool is_zero = &byte >= zeros.data() && &byte < zeros.data() + zeros.size();
        crc ^= is_zero ? 0U : byte;
        for (int bit = 0; bit < 8; ++bit) {
            crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? kReversedPolynomial : 0U);
        }
    }
    return ~crc;
}

/// @param cursor The extensions, at the end of `preface`. Each must be whole, and a checksum right.
bool extensions_hold(ByteView preface, ByteCursor cursor) noexcept {
    while (!cursor.empty()) {
        const auto type = cursor.read_be<std::uint8_t>();
        const auto length = type ? cursor.read_be<std::uint16_t>() : std::nullopt;
        const auto value = length ? cursor.read(*length) : std::nullopt;
        if (!value) {
            return false;
        }
        const bool is_checksum = *type == kChecksumType;
        if (is_checksum && (value->size() != sizeof(std::uint32_t) ||
                            load_be<std::uint32_t>(value->data()) != crc32c(preface, *value))) {
            return false;
        }
    }
    return true;
}

bool read_addresses(ByteCursor& cursor, bool v6, Preface& out) noexcept {
    for (Address* address : {&out.source, &out.destination}) {
        const auto ip = cursor.read(v6 ? 16 : 4);
        if (!ip) {
            return false;
        }
        std::copy(ip->begin(), ip->end(), address->ip.begin());
        address->v6 = v6;
    }
    const auto source_port = cursor.read_be<std::uint16_t>();
    const auto destination_port = cursor.read_be<std::uint16_t>();
    if (!source_port || !destination_port) {
        return false;
    }
    out.source.port = *source_port;
    out.destination.port = *destination_port;
    return true;
}

Result<Preface> parse_v2(ByteView in) noexcept {
    if (in.size() < kV2HeaderBytes) {
        return errc::need_more;
    }
    const Byte command = in[12];
    const Byte family = in[13];
    const std::size_t size = kV2HeaderBytes + load_be<std::uint16_t>(in.data() + 14);
    if ((command & 0xF0U) != kV2Version || (command != kLocal && command != kProxy)) {
        return errc::unsupported;
    }
    if (size > kPrefaceBytesMax) {
        return errc::too_long;
    }
    if (in.size() < size) {
        return errc::need_more;
    }
    Preface out{.size = size};
    if (command == kLocal || family == kUnspecified) {
        return out;
    }
    if (family != kTcp4 && family != kTcp6) {
        return errc::unsupported;
    }
    ByteCursor cursor{in.subspan(kV2HeaderBytes, size - kV2HeaderBytes)};
    out.proxied = true;
    if (!read_addresses(cursor, family == kTcp6, out) || !extensions_hold(in.first(size), cursor)) {
        return errc::malformed;
    }
    return out;
}

/// True if `text` is, or may still become, something that starts with `start`.
bool may_start_with(std::string_view text, std::string_view start) noexcept {
    return text.starts_with(start) || start.starts_with(text);
}

}  // namespace

const boost::system::error_category& category() noexcept {
    static const ErrorCategory<errc> instance{"proxy", text_of};
    return instance;
}

error_code make_error_code(errc code) noexcept {
    return {static_cast<int>(code), category()};
}

std::string to_text(const Address& address) {
    std::array<char, INET6_ADDRSTRLEN> ip{};
    inet_ntop(address.v6 ? AF_INET6 : AF_INET, address.ip.data(), ip.data(), ip.size());
    const std::string text{ip.data()};
    return (address.v6 ? '[' + text + ']' : text) + ':' + std::to_string(address.port);
}

Result<Preface> parse_preface(ByteView in) noexcept {
    const auto text = as_text(in);
    if (text.starts_with(kV1Start)) {
        return parse_v1(text);
    }
    if (text.starts_with(kV2Signature)) {
        return parse_v2(in);
    }
    return may_start_with(text, kV1Start) || may_start_with(text, kV2Signature)
               ? errc::need_more
               : errc::not_a_preface;
}

}  // namespace weir::proxy
