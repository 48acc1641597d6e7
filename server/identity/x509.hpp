/// What a certificate says.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <weir/base/bytes.hpp>
#include <weir/base/clock.hpp>
#include <weir/base/digest.hpp>
#include <weir/identity/error.hpp>

namespace weir::identity {

inline constexpr std::size_t kCertificateBytesMax = 64 * 1024;
inline constexpr std::size_t kAlternativeNamesMax = 256;

/// Plain values; all text is UTF-8 without control characters. Nothing here was verified: that a CA
/// vouches for it is the business of the TLS handshake.
struct CertificateFacts {
    Sha256 sha256{};      ///< Of the whole certificate: what the registry knows it by.
    std::string subject;  ///< As RFC 2253 writes it.
    std::string issuer;
    std::string common_name;  ///< Of the subject; empty if it has none.
    std::string serial;       ///< Lower-case hex.
    std::vector<std::string> dns_names;
    std::vector<std::string> ip_addresses;
    std::vector<std::string> emails;
    std::vector<std::string> uris;
    WallTime not_before{0};
    WallTime not_after{0};
    std::string key;  ///< "EC P-256", "RSA 2048".
    bool is_ca = false;
};

/// @param der  One certificate from a peer; nothing may follow it.
/// @errors bad_certificate: cannot be parsed, too large, several common names, or names that are
/// not UTF-8, contain NUL or
///         other control characters, or are too many.
/// @threads Reentrant.
[[nodiscard]] Result<CertificateFacts> parse_certificate(ByteView der);
/// The first certificate of a PEM file.
[[nodiscard]] Result<CertificateFacts> parse_certificate_pem(std::string_view pem);

/// `weir cert inspect`, for people and for programs.
[[nodiscard]] std::string to_text(const CertificateFacts& facts);
[[nodiscard]] std::string to_json(const CertificateFacts& facts);

}  // namespace weir::identity
