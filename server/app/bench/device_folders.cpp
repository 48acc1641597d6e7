#include <weir/bench/device_folders.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace weir::bench {

namespace fs = std::filesystem;

std::vector<DeviceFolder> find_devices(const fs::path& folder, std::size_t wanted) {
    std::vector<DeviceFolder> found;
    for (const auto& entry : fs::directory_iterator{folder}) {
        if (fs::exists(entry.path() / "device.crt") && fs::exists(entry.path() / "device.key")) {
            found.push_back({.name = entry.path().filename().string(), .path = entry.path()});
        }
    }
    if (found.size() < wanted) {
        throw std::runtime_error{fmt::format(
            "'{}' has the certificates of {} devices, {} are needed: "
            "weir devices create NAME --out {}/NAME",
            folder.string(),
            found.size(),
            wanted,
            folder.string()
        )};
    }
    std::ranges::sort(found, {}, &DeviceFolder::name);
    found.resize(wanted);
    return found;
}

}  // namespace weir::bench
