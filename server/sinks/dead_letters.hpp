/// What an operator does with dead letters.
#pragma once

#include <cstdint>
#include <string_view>

#include <weir/storage/store.hpp>

namespace weir::sinks {

/// Puts the dead letters with offsets from..to back at the end of the sink's outbox, as one batch
/// per 256. They get new offsets, count as `in` once more, and their time starts anew at `now`.
/// Blocks on the store: control threads only.
/// @return How many were put back.
/// @errors storage errors; those moved before stay moved.
[[nodiscard]] Result<std::uint64_t> requeue_dead_letters(
    storage::Store& store, std::string_view sink, std::uint64_t from, std::uint64_t to, WallTime now
);

}  // namespace weir::sinks
