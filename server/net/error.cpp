#include <weir/net/error.hpp>

#include <cerrno>

namespace weir::net {
namespace {

[[nodiscard]] std::string_view text_of(errc code) noexcept {
    switch (code) {
        case errc::end_of_stream:
            return "the peer closed the connection";
        case errc::timed_out:
            return "a deadline of the connection is over";
        case errc::closed:
            return "closed by this side";
        case errc::evicted:
            return "too many handshakes under way";
        case errc::tls_failed:
            return "TLS failed";
        case errc::tls_version:
            return "no TLS version or cipher in common";
        case errc::tls_alpn:
            return "no application protocol (ALPN) in common";
        case errc::tls_no_certificate:
            return "a client certificate is required";
        case errc::tls_bad_certificate:
            return "the client certificate does not verify";
        case errc::tls_refused_by_peer:
            return "the peer refused TLS with an alert";
    }
    return "unknown";
}

}  // namespace

const boost::system::error_category& category() noexcept {
    static const ErrorCategory<errc> instance{"weir.net", text_of};
    return instance;
}

error_code last_os_error() noexcept {
    return {errno, boost::system::system_category()};
}

}  // namespace weir::net
