/// Everything that may stand in a document of one kind, as a table: readers check keys against it,
/// `weir explain`, the JSON Schema for editors and the reference page print it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <weir/document/readers.hpp>

namespace weir::document {

enum class Type : std::uint8_t {
    mapping,
    list,      ///< Of mappings; their keys are rows under "path[]".
    mappings,  ///< A mapping or a list of them; their keys are rows under "path[]".
    boolean,
    integer,
    size,      ///< Bytes: 128KiB.
    duration,  ///< 30s.
    rate,      ///< 20/s.
    text,
    name,      ///< Of an object: letters, digits, '_', '-', '.'.
    word,      ///< One of Key::words.
    words,     ///< One or a list of Key::words.
    address,   ///< An IP address.
    endpoint,  ///< An IP address and a port.
    networks,  ///< A list of networks: 10.0.0.0/8.
    path,      ///< Relative to the file in which it stands.
    paths,     ///< A list of them.
    texts,     ///< One text or a list of them.
    headers,   ///< A mapping of any keys to texts.
    url,
    secret,  ///< Only {file: ...} or {env: ...}.
};

/// What a change of the key needs.
enum class Reload : std::uint8_t {
    live,     ///< Taken over by a reload, for existing sessions too.
    restart,  ///< Needs a restart of the gateway.
};

struct Key {
    std::string path;  ///< "listeners[].tls.cert"; "[]" stands for any item.
    Type type;
    std::string fallback = {
    };  ///< The default as one would write it; a list is separated by spaces; empty: none.
    /// Type::word(s): the words that are accepted. Other types: words that are accepted beside a
    /// value.
    std::vector<std::string_view> words = {};
    std::uint64_t min = 0;  ///< In bytes, milliseconds, characters, or as a number; by the type.
    std::uint64_t max = 0;  ///< 0: no bounds.
    bool required = false;  ///< If the mapping around it is there.
    Reload reload = Reload::live;
    std::string_view help = {};
    std::string_view since = "0.1";
};

/// Parents before their children.
using Schema = std::vector<Key>;

/// Null if there is none.
[[nodiscard]] const Key* find_key(const Schema& schema, std::string_view path);

/// "listeners[].tls" -> the names and rows of its direct children; "" -> those of the document.
struct Child {
    std::string_view name;
    const Key* key;
};
[[nodiscard]] std::vector<Child> children(const Schema& schema, std::string_view path);

/// check_keys() with what the table has below `path`, "" for the document.
bool check_keys(
    const Node& mapping,
    Diagnostics& diagnostics,
    const Schema& schema,
    std::string_view path,
    std::string_view what
);

[[nodiscard]] std::string_view name(Type type) noexcept;
[[nodiscard]] std::string_view describe(Reload reload) noexcept;

}  // namespace weir::document
