/// How connections end other than by what the operating system says.
#pragma once

#include <cstdint>

#include <weir/base/error.hpp>

namespace weir::net {

enum class errc : std::uint8_t {
    end_of_stream = 1,    ///< The peer closed its side in order.
    timed_out,            ///< A deadline of this connection is over.
    closed,               ///< We closed it.
    evicted,              ///< Too many handshakes under way; this one was the oldest.
    tls_failed,           ///< The handshake or a record is not TLS, or broke its rules.
    tls_version,          ///< No version or cipher in common.
    tls_alpn,             ///< The peer named protocols, none of which the listener serves.
    tls_no_certificate,   ///< A client certificate is required, none came.
    tls_bad_certificate,  ///< The client certificate does not verify.
    tls_refused_by_peer,  ///< The peer sent an alert: it does not trust us, usually.
};

[[nodiscard]] const boost::system::error_category& category() noexcept;

[[nodiscard]] inline error_code make_error_code(errc code) noexcept {
    return {static_cast<int>(code), category()};
}

/// The operating system's last error.
[[nodiscard]] error_code last_os_error() noexcept;

}  // namespace weir::net

template <>
struct boost::system::is_error_code_enum<weir::net::errc> : std::true_type {};
