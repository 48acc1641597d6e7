/// The files of a first configuration.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace weir::cli {

/// Where an installed gateway is configured; all paths of the data have their defaults there.
inline constexpr std::string_view kSystemFolder = "/etc/weir";

struct InitFile {
    std::string_view path;
    std::string text;
};

/// Valid as they are, once the certificates are beside them. In any folder but the system's the
/// data stays in that folder too.
[[nodiscard]] std::vector<InitFile> init_files(const std::filesystem::path& folder);

}  // namespace weir::cli
