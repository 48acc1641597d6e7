/// What `weir devices create` hands to a device.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "command.hpp"

namespace weir::cli {

/// Where `weir init` keeps the CA: "certs" beside weir.yaml.
[[nodiscard]] std::filesystem::path certificate_folder(const Globals& globals);

/// device.key (0600), device.crt and ca.crt of a new device. Removed again unless keep() is called.
class DeviceFiles {
public:
    /// Issues and writes. Throws Failure, and then nothing was left behind; never overwrites.
    /// @param ca  Folder of ca.crt and ca.key.
    DeviceFiles(
        const std::filesystem::path& folder,
        const std::filesystem::path& ca,
        const std::string& name
    );
    ~DeviceFiles();
    DeviceFiles(const DeviceFiles&) = delete;
    DeviceFiles& operator=(const DeviceFiles&) = delete;

    /// SHA-256 of the certificate, in hex.
    [[nodiscard]] const std::string& fingerprint() const noexcept { return fingerprint_; }
    void keep() noexcept { written_.clear(); }

private:
    void write(
        const std::filesystem::path& folder,
        const std::filesystem::path& ca,
        const std::string& name
    );
    void remove() noexcept;

    std::vector<std::filesystem::path> written_;
    std::string fingerprint_;
};

}  // namespace weir::cli
