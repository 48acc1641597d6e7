/// Certificates of many clients, as `weir devices create` makes them.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace weir::bench {

struct DeviceFolder {
    std::string name;  ///< The device's, and so its client id.
    std::filesystem::path path;
};

/// The folders in `folder` that hold a device.crt and a device.key, by name.
/// @throws std::runtime_error: fewer than `wanted`.
[[nodiscard]] std::vector<DeviceFolder> find_devices(
    const std::filesystem::path& folder, std::size_t wanted
);

}  // namespace weir::bench
