/// The files of a first configuration.
#pragma once

#include <array>
#include <string_view>

namespace weir::cli {

struct InitFile {
    std::string_view path;
    std::string_view text;
};

/// Valid as they are, once the certificates are beside them.
[[nodiscard]] const std::array<InitFile, 7>& init_files() noexcept;

}  // namespace weir::cli
