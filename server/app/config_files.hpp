/// Where configuration comes from: files, folders and the environment.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::app {

/// What a run of the configuration reader may see. `check` and `serve` see the system, tests and
/// the fuzzer a table.
class ConfigFiles {
public:
    /// A file with more bytes than this reads as if it were cut behind the next one; parsers refuse
    /// it then.
    static constexpr std::size_t kBytesMax = 1024 * 1024;

    virtual ~ConfigFiles() = default;
    /// Nothing if it cannot be read.
    [[nodiscard]] virtual std::optional<std::string> read(const std::filesystem::path& file
    ) const = 0;
    /// Names of the regular files in a folder, in byte order, without hidden ones. Nothing if it
    /// cannot be read.
    [[nodiscard]] virtual std::optional<std::vector<std::string>> list(
        const std::filesystem::path& folder
    ) const = 0;
    [[nodiscard]] virtual std::optional<std::string> variable(const std::string& name) const = 0;
};

class SystemFiles final : public ConfigFiles {
public:
    [[nodiscard]] std::optional<std::string> read(const std::filesystem::path& file) const override;
    [[nodiscard]] std::optional<std::vector<std::string>> list(const std::filesystem::path& folder
    ) const override;
    [[nodiscard]] std::optional<std::string> variable(const std::string& name) const override;
};

/// A table of files: "/etc/weir/weir.yaml" -> text. Folders exist by the files in them.
class MemoryFiles final : public ConfigFiles {
public:
    [[nodiscard]] std::optional<std::string> read(const std::filesystem::path& file) const override;
    [[nodiscard]] std::optional<std::vector<std::string>> list(const std::filesystem::path& folder
    ) const override;
    [[nodiscard]] std::optional<std::string> variable(const std::string& name) const override;

    std::map<std::string, std::string> files;
    std::map<std::string, std::string> variables;
};

}  // namespace weir::app
