/// The index of a stream, in order.
#pragma once

#include <cstdint>
#include <string_view>

#include <weir/storage/detail/catalog.hpp>
#include <weir/storage/detail/keys.hpp>
#include <weir/storage/engine.hpp>

namespace weir::storage::detail {

/// Calls `visit(const IndexEntry&)` for the entries from <= offset < to, ascending; `false` ends it.
/// @errors malformed_record, newer_version: of an entry, which ends it too; those of the engine.
template <class Visit>
[[nodiscard]] Result<void> scan_index(
    const Engine& engine, std::string_view stream, std::uint64_t from, std::uint64_t to, Visit visit
) {
    Result<void> outcome;
    WEIR_CHECK(engine.scan(
        Family::streams,
        LogKey{kIndex, stream, from}.view(),
        LogKey{kIndex, stream, to}.view(),
        [&](std::string_view key, std::string_view value) {
            const auto entry = decode_index_entry(LogKey::offset_of(key), as_bytes(value));
            if (!entry) {
                outcome = entry.error();
                return false;
            }
            return visit(*entry);
        }
    ));
    return outcome;
}

}  // namespace weir::storage::detail
