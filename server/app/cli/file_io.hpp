/// Files that commands read and write for the operator.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace weir::cli {

/// At most 1 MiB. Throws Failure.
[[nodiscard]] std::string read_text(const std::filesystem::path& path);
/// Creates the file, and the folders above it; never overwrites one. Throws Failure.
void write_new(const std::filesystem::path& path, std::string_view text);
/// As write_new, readable by the owner alone.
void write_new_key(const std::filesystem::path& path, std::string_view pem);

}  // namespace weir::cli
