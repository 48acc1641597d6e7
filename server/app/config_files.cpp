#include <weir/app_config/config_files.hpp>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <system_error>

namespace weir::app {

namespace fs = std::filesystem;

std::optional<std::string> SystemFiles::read(const fs::path& file) const {
    std::error_code error;
    if (!fs::exists(file, error) || fs::is_directory(file, error)) {
        return std::nullopt;
    }
    std::ifstream in{file, std::ios::binary};
    std::string text(kBytesMax + 1, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (in.bad() || (in.fail() && !in.eof())) {
        return std::nullopt;
    }
    text.resize(static_cast<std::size_t>(in.gcount()));
    return text;
}

std::optional<std::vector<std::string>> SystemFiles::list(const fs::path& folder) const {
    std::error_code error;
    fs::directory_iterator entry{folder, error};
    std::vector<std::string> names;
    for (; !error && entry != fs::directory_iterator{}; entry.increment(error)) {
        auto name = entry->path().filename().string();
        if (!name.starts_with('.') && entry->is_regular_file(error)) {
            names.push_back(std::move(name));
        }
    }
    if (error) {
        return std::nullopt;
    }
    std::ranges::sort(names);
    return names;
}

std::optional<std::string> SystemFiles::variable(const std::string& name) const {
    const char* value =
        std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): nobody calls setenv.
    return value == nullptr ? std::nullopt : std::optional<std::string>{value};
}

std::optional<std::string> MemoryFiles::read(const fs::path& file) const {
    const auto found = files.find(file.string());
    return found == files.end() ? std::nullopt : std::optional{found->second};
}

std::optional<std::vector<std::string>> MemoryFiles::list(const fs::path& folder) const {
    std::vector<std::string> names;
    for (const auto& [path, text] : files) {
        if (fs::path{path}.parent_path() == folder) {
            names.push_back(fs::path{path}.filename().string());
        }
    }
    std::ranges::sort(names);
    return names.empty() ? std::nullopt : std::optional{names};
}

std::optional<std::string> MemoryFiles::variable(const std::string& name) const {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional{found->second};
}

}  // namespace weir::app
