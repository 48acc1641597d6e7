/// A small certificate authority for fleets that have none: `weir init`, `weir devices create`,
/// `weir cert`.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <weir/base/clock.hpp>
#include <weir/identity/error.hpp>

namespace weir::identity {

/// A certificate and its private key, both PEM. The key is a secret: it goes into a file or to its
/// owner, nowhere else.
struct Issued {
    std::string certificate;
    std::string key;
};

/// Under which names a server is reached; at least one.
struct ServerNames {
    std::vector<std::string> dns = {};  ///< The first becomes the common name; may begin with `*.`.
    std::vector<std::string> ip = {};   ///< IPv4 or IPv6, as text.
};

/// Starts and ends; begins an hour before `now`, for devices whose clock is late.
struct Validity {
    WallTime now{0};
    std::chrono::days days{365};  ///< 1..36,500
};

/// All keys are EC P-256, signatures ECDSA with SHA-256, serial numbers 128 random bits. Control
/// threads only: making a key takes some hundred microseconds, and reads entropy. All calls:
/// @errors crypto_failed
class DeviceCa {
public:
    /// A self-signed CA whose certificates are leaves only. @errors invalid_name: of 1 to 64
    /// characters of plain text.
    [[nodiscard]] static Result<DeviceCa> create(
        std::string_view common_name,
        WallTime now,
        std::chrono::days days = std::chrono::days{3'650}
    );
    /// @errors bad_certificate: not that of a CA. bad_key: not its key.
    [[nodiscard]] static Result<DeviceCa> load(
        std::string_view certificate_pem, std::string_view key_pem
    );

    DeviceCa(DeviceCa&&) noexcept;
    DeviceCa& operator=(DeviceCa&&) noexcept;
    ~DeviceCa();

    /// For a device: TLS client only, the thing's name as common name. @errors invalid_name
    [[nodiscard]] Result<Issued> issue_device(std::string_view thing, const Validity& validity)
        const;
    /// For a listener: TLS server only. @errors invalid_name: no names, or one that is no host name
    /// or address.
    [[nodiscard]] Result<Issued> issue_server(const ServerNames& names, const Validity& validity)
        const;

    [[nodiscard]] std::string certificate_pem() const;
    /// The CA's private key: for write_key_file only.
    [[nodiscard]] std::string key_pem() const;

private:
    struct Parts;
    explicit DeviceCa(std::unique_ptr<Parts> parts) noexcept;

    std::unique_ptr<Parts> parts_;
};

/// Creates the file with mode 0600, whatever the umask, and never overwrites one. @errors
/// file_failed
[[nodiscard]] Result<void> write_key_file(const std::filesystem::path& path, std::string_view pem);

}  // namespace weir::identity
