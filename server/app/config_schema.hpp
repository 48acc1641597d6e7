/// What may stand in the files of a configuration: a table for each kind. Validation, `weir
/// explain`, the JSON Schema for editors and the reference page come from them.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include <weir/document/schema.hpp>

namespace weir::app {

/// One kind of file has one schema.
enum class FileKind : std::uint8_t {
    gateway,
    sink,
    stream,
    file_sink,
    s3_sink,
    policy,
    rule,  ///< Its head.
    price_list,
};

using document::Child;
using document::describe;
using document::Key;
using document::name;
using document::Reload;
using document::Schema;
using document::Type;

/// All keys of a kind of file, parents before their children.
[[nodiscard]] const Schema& schema(FileKind kind);
/// Null if there is none.
[[nodiscard]] const Key* find_key(FileKind kind, std::string_view path);
/// Those directly below `path`, "" for the file.
[[nodiscard]] std::vector<Child> children(FileKind kind, std::string_view path);

/// "weir.yaml", "a sink", "a stream", "a file sink", "an S3 sink", "a policy", "the head of a
/// rule", "a price list".
[[nodiscard]] std::string_view describe(FileKind kind) noexcept;

}  // namespace weir::app
