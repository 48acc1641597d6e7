#include <weir/document/schema.hpp>

#include <algorithm>
#include <array>

namespace weir::document {

const Key* find_key(const Schema& schema, std::string_view path) {
    const auto found = std::ranges::find(schema, path, &Key::path);
    return found == schema.end() ? nullptr : &*found;
}

std::vector<Child> children(const Schema& schema, std::string_view path) {
    std::vector<Child> result;
    for (const auto& key : schema) {
        std::string_view name = key.path;
        if (!path.empty()) {
            if (!name.starts_with(path) || !name.substr(path.size()).starts_with('.')) {
                continue;
            }
            name.remove_prefix(path.size() + 1);
        }
        if (name.find_first_of(".[") == std::string_view::npos) {
            result.push_back({name, &key});
        }
    }
    return result;
}

bool check_keys(
    const Node& mapping,
    Diagnostics& diagnostics,
    const Schema& schema,
    std::string_view path,
    std::string_view what
) {
    std::vector<std::string_view> names;
    for (const auto& child : children(schema, path)) {
        names.push_back(child.name);
    }
    return check_keys(mapping, diagnostics, std::span<const std::string_view>{names}, what);
}

std::string_view name(Type type) noexcept {
    constexpr std::array<std::string_view, 21> kNames = {
        "mapping",  "list",  "mapping or a list of them",
        "true or false", "number",
        "size",     "duration", "rate",
        "text",     "name",  "word",
        "words",    "address", "address and port",
        "networks", "path",  "paths",
        "texts",    "headers", "URL",
        "secret",
    };
    return kNames.at(static_cast<std::size_t>(type));
}

std::string_view describe(Reload reload) noexcept {
    constexpr std::array<std::string_view, 2> kTexts = {
        "taken over by a reload",
        "needs a restart",
    };
    return kTexts.at(static_cast<std::size_t>(reload));
}

}  // namespace weir::document
