/// What a Document owns.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <weir/document/yaml.hpp>

namespace weir::document::detail {

struct TreeNode {
    Kind kind = Kind::null;
    bool quoted = false;
    Range range = {};
    std::string text = {};
    std::vector<std::uint32_t> children = {};  ///< Items; for a mapping key, value, key, value ...
};

/// nodes[0] is the root.
struct Tree {
    std::string file;
    std::vector<TreeNode> nodes;
};

}  // namespace weir::document::detail
