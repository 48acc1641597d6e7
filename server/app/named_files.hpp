/// Certificates, keys and secrets, which configuration only names. Private to the gateway.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include <weir/app_config/config.hpp>
#include <weir/net/tls_context.hpp>

namespace weir::app {

/// Reads what configuration names, and tries it. What is missing or of no use is reported where it
/// is named, and comes back empty.
class NamedFiles {
public:
    /// @param now  What certificates are measured by.
    NamedFiles(const ConfigFiles& files, WallTime now, document::Diagnostics& diagnostics)
        : files_{files}, now_{now}, diagnostics_{diagnostics} {}

    /// @param what  "the certificate of listener 'front'". An empty path was reported before.
    [[nodiscard]] std::string text(
        const std::filesystem::path& file, const Place& place, std::string_view what
    );
    /// Likewise.
    [[nodiscard]] std::string secret(const Secret& secret, std::string_view what);
    /// For a file that others open: it is there, and holds certificates.
    void expect_certificates(
        const std::filesystem::path& file, const Place& place, std::string_view what
    );

    /// Where the parts of net::TlsOptions are named.
    struct TlsPlaces {
        std::string_view owner;  ///< "listener 'front'"
        const Place& certificate;
        const Place& key;
        const Place& client_ca;
    };
    /// Null after an error, and for a pair of which something could not be read.
    [[nodiscard]] std::shared_ptr<const net::TlsContext> tls(
        const net::TlsOptions& options, const TlsPlaces& places
    );
    /// A pair of certificate and key that others use.
    void expect_pair(
        const std::string& certificate_pem, const std::string& key_pem, const TlsPlaces& places
    );

    [[nodiscard]] document::Diagnostics& diagnostics() noexcept { return diagnostics_; }

private:
    void warn_of_end(const net::TlsContext& context, const TlsPlaces& places);

    const ConfigFiles& files_;
    const WallTime now_;
    document::Diagnostics& diagnostics_;
};

}  // namespace weir::app
