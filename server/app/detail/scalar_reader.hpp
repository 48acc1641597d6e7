/// Reads single values of the configuration, written there or referred to.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <weir/app_config/config_values.hpp>

namespace weir::app::detail {

class ScalarReader {
public:
    static constexpr std::size_t kTextBytesMax = 4096;

    /// All of them outlive the reader.
    ScalarReader(
        const std::filesystem::path& folder,
        const ConfigFiles& files,
        document::Diagnostics& diagnostics
    )
        : folder_{folder}, files_{files}, diagnostics_{diagnostics} {}

    /// The value of a scalar by its row; nothing after an error.
    [[nodiscard]] std::optional<Value> read(const document::Node& node, const Key& key);
    /// `{file: path}` or `{env: NAME}`, not looked up.
    [[nodiscard]] std::optional<Secret> read_reference(const document::Node& node);
    /// Calls `use` with the node, or with what the reference that it is stands for.
    void with_substitution(
        const document::Node& node, const std::function<void(const document::Node&)>& use
    );
    void bad_address(const document::Node& node, std::string_view expected, std::string help);

private:
    [[nodiscard]] std::optional<Value> read_text(const document::Node& node, const Key& key);
    [[nodiscard]] std::filesystem::path absolute(std::string_view text) const;

    const std::filesystem::path& folder_;
    const ConfigFiles& files_;
    document::Diagnostics& diagnostics_;
};

}  // namespace weir::app::detail
