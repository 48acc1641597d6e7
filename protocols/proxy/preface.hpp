/// The PROXY protocol: how a load balancer tells which peer it speaks for.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <type_traits>

#include <weir/base/bytes.hpp>
#include <weir/base/error.hpp>

namespace weir::proxy {

enum class errc : std::uint8_t {
    need_more = 1,  ///< The preface is incomplete so far.
    not_a_preface,  ///< The bytes are something else.
    malformed,
    unsupported,  ///< A version, command or family that is not TCP over IPv4 or IPv6.
    too_long,     ///< Over kPrefaceBytesMax.
};

[[nodiscard]] const boost::system::error_category& category() noexcept;
[[nodiscard]] error_code make_error_code(errc code) noexcept;

/// Bound of a version 2 preface with its extensions; version 1 has 107 bytes at most.
inline constexpr std::size_t kPrefaceBytesMax = 16 + 1024;

/// IPv4 in the first 4 bytes of `ip`, or IPv6; network order.
struct Address {
    std::array<Byte, 16> ip{};
    std::uint16_t port = 0;
    bool v6 = false;

    friend bool operator==(const Address&, const Address&) = default;
};

/// "192.0.2.1:1883", "[2001:db8::1]:1883".
[[nodiscard]] std::string to_text(const Address& address);

struct Preface {
    /// False: the proxy speaks for itself (health check) or does not know; the socket's own
    /// addresses hold.
    bool proxied = false;
    Address source = {};
    Address destination = {};
    std::size_t size = 0;  ///< Bytes of the preface; the peer's own bytes follow.
};

/// Reads a preface of either version. Extensions (TLV) are checked for their lengths, a checksum
/// (CRC-32C) for its value; otherwise they are ignored.
/// @param in  The connection's first bytes, kept by the caller until this says more than need_more.
[[nodiscard]] Result<Preface> parse_preface(ByteView in) noexcept;

}  // namespace weir::proxy

template <>
struct boost::system::is_error_code_enum<weir::proxy::errc> : std::true_type {};
