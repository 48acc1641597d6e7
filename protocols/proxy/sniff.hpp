/// Tells protocols apart by the first bytes that a peer sends.
#pragma once

#include <cstdint>
#include <string_view>

#include <weir/base/bytes.hpp>

namespace weir::proxy {

enum class Sniffed : std::uint8_t {
    need_more,      ///< Every continuation is still open; at most kSniffBytesMax bytes are needed.
    tls,            ///< A handshake record. [RFC8446-5.1]
    http,           ///< A method of HTTP/1 and a space.
    mqtt,           ///< A CONNECT fixed header.
    amqp,           ///< "AMQP", of any protocol id and version.
    proxy_preface,  ///< PROXY protocol 1 or 2: legal only from configured peers.
    unknown,
};

inline constexpr std::size_t kSniffBytesMax = 8;

/// Decides on the shortest prefix that is unambiguous; whether the rest is valid is for the
/// protocol to say.
[[nodiscard]] Sniffed sniff(ByteView in) noexcept;

/// "tls", "http", ... for logs.
[[nodiscard]] std::string_view name(Sniffed sniffed) noexcept;

}  // namespace weir::proxy
