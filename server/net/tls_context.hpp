/// A listener's TLS settings, checked and ready.
#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <weir/base/clock.hpp>

struct ssl_ctx_st;

namespace weir::net {

enum class ClientAuth : std::uint8_t { none, optional, required };

enum class TlsProfile : std::uint8_t {
    modern,        ///< TLS 1.3.
    intermediate,  ///< And 1.2 with ECDHE and AEAD.
};

struct TlsOptions {
    std::string certificate_pem = {};  ///< Leaf first, then its intermediates.
    std::string key_pem = {};          ///< Not encrypted.
    std::string client_ca_pem = {};  ///< Roots or intermediates that may sign client certificates.
    std::string client_crl_pem = {
    };  ///< Revocation lists of those; if there are any, every CA needs one.
    ClientAuth client_auth = ClientAuth::none;
    TlsProfile profile = TlsProfile::intermediate;
    std::vector<std::string> alpn = {
    };  ///< By preference. Empty: what the peer offers is not looked at.
};

/// Of TlsOptions.
enum class TlsPart : std::uint8_t { certificate, key, client_ca, client_crl, other };

/// Which part is wrong, and why, in words that need no manual of OpenSSL.
class TlsConfigError : public std::runtime_error {
public:
    TlsConfigError(TlsPart part, const std::string& what) : std::runtime_error{what}, part_{part} {}
    [[nodiscard]] TlsPart part() const noexcept { return part_; }

private:
    TlsPart part_;
};

/// Immutable; may be shared by all shards. To rotate certificates make a new one for the
/// connections to come; those that live keep what they began with.
///
/// Fixed for all: no renegotiation, no compression, no early data, client chains of at most 4
/// certificates. Sessions resume by ticket, but never one that was opened with a client
/// certificate: chain, validity and revocation are checked in full each time.
class TlsContext {
public:
    /// Throws TlsConfigError.
    [[nodiscard]] static std::shared_ptr<const TlsContext> make(const TlsOptions& options);

    TlsContext(const TlsContext&) = delete;
    TlsContext& operator=(const TlsContext&) = delete;
    ~TlsContext();

    /// End of the leaf certificate's validity.
    [[nodiscard]] WallTime not_after() const noexcept { return not_after_; }
    [[nodiscard]] ssl_ctx_st* native() const noexcept { return context_; }

private:
    explicit TlsContext(ssl_ctx_st* context) noexcept : context_{context} {}

    ssl_ctx_st* context_;
    WallTime not_after_{0};
};

}  // namespace weir::net
