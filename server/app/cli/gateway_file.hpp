/// weir.yaml without the folders beside it.
#pragma once

#include <filesystem>

#include <weir/app_config/config.hpp>

namespace weir::cli {

/// For commands that only want to know where the gateway and its data are: broken policies, rules,
/// sinks and streams do not matter. Throws Failure with ExitCode::bad_config.
[[nodiscard]] app::Config load_gateway_file(const std::filesystem::path& config);

}  // namespace weir::cli
