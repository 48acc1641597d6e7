/// Files that commands read and write for the operator.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace weir::cli {

/// At most 1 MiB. Throws Failure.
[[nodiscard]] std::string read_text(const std::filesystem::path& path);
/// The same for more; "-" is standard input.
/// @param bytes_max  Whole MiB.
[[nodiscard]] std::string read_input(const std::string& file, std::size_t bytes_max);

/// What becomes of a file that is there already.
enum class Existing : std::uint8_t {
    refuse,   ///< It stays; that is a Failure.
    replace,  ///< Whoever opens it sees the old one or the new one, whole.
};

/// Writes the file, and makes the folders above it. Throws Failure.
void write_text(
    const std::filesystem::path& path, std::string_view text, Existing existing = Existing::refuse
);
/// As write_text, readable by the owner alone.
void write_key(
    const std::filesystem::path& path, std::string_view pem, Existing existing = Existing::refuse
);

}  // namespace weir::cli
