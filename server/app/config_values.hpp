/// Values as the configuration's tables define them: read, checked, with their places.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <weir/app_config/config_files.hpp>
#include <weir/app_config/config_schema.hpp>
#include <weir/base/assert.hpp>
#include <weir/document/readers.hpp>

namespace weir::app {

using document::Place;

/// Where a secret is, never the secret itself: it is loaded at the moment of use, and again by
/// every reload.
struct Secret {
    std::filesystem::path
        file;  ///< Absolute, or relative to the working directory as the configuration was.
    std::string variable;  ///< Of the environment, if `file` is empty.
    Place place = {};      ///< Of the reference.

    /// False after an error in the reference.
    [[nodiscard]] bool is_set() const noexcept { return !file.empty() || !variable.empty(); }
    /// The text without a line end behind it; nothing if it is absent or empty.
    [[nodiscard]] std::optional<std::string> load(const ConfigFiles& files) const;
};

struct Endpoint {
    std::string address;  ///< IPv4 or IPv6, without brackets.
    std::uint16_t port = 0;

    bool operator==(const Endpoint&) const = default;
};

struct Network {
    std::string address;
    std::uint8_t prefix = 0;  ///< Bits.

    bool operator==(const Network&) const = default;
};

using Headers = std::vector<std::pair<std::string, std::string>>;

/// By the row's type. integer and size: uint64 (`unlimited` is kUnlimited, `auto` is 0); duration:
/// milliseconds
/// (`unlimited` is max()); rate: nothing is `unlimited`; endpoint: nothing is `none`; word: its
/// text.
using Value = std::variant<
    bool,
    std::uint64_t,
    std::chrono::milliseconds,
    std::optional<document::Rate>,
    std::string,
    std::filesystem::path,
    std::optional<Endpoint>,
    std::vector<Network>,
    std::vector<std::string>,
    std::vector<std::filesystem::path>,
    Headers,
    Secret>;

/// The values of a file, or of one item of a list in it. Keys are paths as in the schema, within
/// the section.
class Section {
public:
    /// Null if it is neither written nor has a default.
    template <class T>
    [[nodiscard]] const T* find(std::string_view path) const {
        const auto found = values_.find(path);
        if (found == values_.end()) {
            return nullptr;
        }
        const auto* value = std::get_if<T>(&found->second);
        WEIR_ASSERT(value != nullptr);
        return value;
    }
    /// The value if there is one, else an empty one: then there was an error, and nobody uses it.
    template <class T>
    [[nodiscard]] T get(std::string_view path) const {
        const auto* value = find<T>(path);
        return value == nullptr ? T{} : *value;
    }
    /// True if the key is written in the file.
    [[nodiscard]] bool has(std::string_view path) const { return places_.contains(path); }
    /// Of the written value; of the section if there is none.
    [[nodiscard]] const Place& place(std::string_view path) const;
    [[nodiscard]] const Place& place() const noexcept { return place_; }
    /// The items of a list.
    [[nodiscard]] const std::vector<Section>& items(std::string_view path) const;

private:
    friend class SectionReader;

    Place place_;
    std::map<std::string, Value, std::less<>> values_;
    std::map<std::string, Place, std::less<>> places_;
    std::map<std::string, std::vector<Section>, std::less<>> items_;
};

/// Reads a whole file by its schema. Everything that is wrong goes to `diagnostics`; the rest is in
/// the result.
/// @param folder  What paths in the file are relative to.
[[nodiscard]] Section read_section(
    FileKind kind,
    const document::Node& root,
    const std::filesystem::path& folder,
    const ConfigFiles& files,
    document::Diagnostics& diagnostics
);

/// That two have one name. @param saying  "two sinks have the name".
void report_name_taken(
    document::Diagnostics& diagnostics,
    const Place& second,
    std::string_view saying,
    std::string_view name,
    const Place& first
);

[[nodiscard]] bool is_address(std::string_view text) noexcept;
/// True for 127.0.0.0/8 and ::1.
[[nodiscard]] bool is_loopback(std::string_view address) noexcept;

}  // namespace weir::app
