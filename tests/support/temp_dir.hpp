#pragma once

#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

namespace weir::test {

/// A directory of its own for one test; gone with all it holds when the test ends.
class TempDir {
public:
    TempDir() : TempDir{default_parent()} {}
    explicit TempDir(const std::filesystem::path& parent) {
        std::string pattern = (parent / "weir-test-XXXXXX").string();
        path_ = ::mkdtemp(pattern.data()) == nullptr ? std::filesystem::path{}
                                                     : std::filesystem::path{pattern};
    }
    ~TempDir() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
    [[nodiscard]] std::string operator/(std::string_view name) const {
        return (path_ / name).string();
    }

private:
    /// In memory if there is room for it: an fsync costs nothing there, and a test may need
    /// hundreds.
    [[nodiscard]] static std::filesystem::path default_parent() {
        constexpr std::uintmax_t kRoom = 256 * 1024 * 1024;
        std::error_code ec;
        const auto memory = std::filesystem::space("/dev/shm", ec);
        return !ec && memory.available > kRoom ? "/dev/shm"
                                               : std::filesystem::temp_directory_path();
    }

    std::filesystem::path path_;
};

}  // namespace weir::test
