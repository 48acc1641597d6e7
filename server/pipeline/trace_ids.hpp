/// What tells one message apart from all others, for traceid() and for reports of what failed.
#pragma once

#include <string>
#include <string_view>

namespace weir::pipeline {

/// One shard's. A random UUID whose last twelve digits count up: an id costs next to nothing, and no two of all shards
/// and of all starts of a gateway are the same.
class TraceIds {
public:
    TraceIds();

    /// "8c1f0b52-6d0e-4b7a-9d3c-00a1b2c3d4e5"; valid until the next call.
    [[nodiscard]] std::string_view next() noexcept;

private:
    std::string text_;
};

}  // namespace weir::pipeline
