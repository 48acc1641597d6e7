/// Bringing an outbox and its dead letters back under their limits, oldest first.
#pragma once

#include <cstdint>
#include <string_view>

#include <weir/sinks/detail/read_ahead.hpp>
#include <weir/storage/store.hpp>

namespace weir::sinks::detail {

/// Adds to `changes` the removal of the oldest entries that are in no batch under way, until
/// `excess` bytes are freed (at most 4,096 entries at a time).
/// @return How many entries that are.
[[nodiscard]] Result<std::uint64_t> drop_oldest(
    storage::Batch& changes,
    const storage::Store& store,
    std::string_view sink,
    const ReadAhead& ahead,
    std::uint64_t excess
);

/// Adds to `changes` the removal of the oldest dead letters, until no more than `limit_bytes` are
/// left.
[[nodiscard]] Result<void> purge_dead_letters(
    storage::Batch& changes,
    const storage::Store& store,
    std::string_view sink,
    std::uint64_t limit_bytes
);

}  // namespace weir::sinks::detail
