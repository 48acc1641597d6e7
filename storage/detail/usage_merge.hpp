#pragma once

#include <string>
#include <string_view>

#include <weir/storage/records.hpp>

namespace weir::storage::detail {

/// Sum of two encoded UsageDeltas; an empty one counts as zero.
[[nodiscard]] inline Result<std::string> merge_usage(
    std::string_view sums, std::string_view delta
) {
    if (sums.empty()) {
        return std::string{delta};
    }
    WEIR_TRY(auto total, decode_usage(as_bytes(sums)));
    WEIR_TRY(const auto added, decode_usage(as_bytes(delta)));
    total += added;
    Bytes out;
    encode(out, total);
    return std::string{as_text(out)};
}

}  // namespace weir::storage::detail
