/// From YAML to the JSON text that it stands for.
#pragma once

#include <string>

#include <weir/document/yaml.hpp>

namespace weir::document {

/// By the core schema of YAML 1.2: `null`, `true`, `0x1F` and `1.5` keep their type, infinity and
/// NaN become null, everything else is a string. Compact; keys in the order of the file.
[[nodiscard]] std::string to_json(const Node& node);

}  // namespace weir::document
