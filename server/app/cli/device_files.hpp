/// What `weir devices create` and `weir devices certificate --issue` hand to a device.
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

    /// In PEM.
    [[nodiscard]] const std::string& certificate() const noexcept { return certificate_; }
    void keep() noexcept { written_.clear(); }

private:
    void write(
        const std::filesystem::path& folder,
        const std::filesystem::path& ca,
        const std::string& name
    );
    void remove() noexcept;

    std::vector<std::filesystem::path> written_;
    std::string certificate_;
};

}  // namespace weir::cli
