/// What `weir check` judges.
#pragma once

#include <filesystem>

#include <weir/app_config/configuration.hpp>
#include <weir/base/clock.hpp>

namespace weir::app {

/// load_configuration(), and what else a start or a reload would refuse: certificates, keys and
/// secrets are read and tried, as the gateway does. Needs no gateway, binds nothing, writes nothing.
[[nodiscard]] Configuration check_configuration(
    const std::filesystem::path& path,
    const ConfigFiles& files,
    WallTime now,
    document::Diagnostics& diagnostics
);

}  // namespace weir::app
