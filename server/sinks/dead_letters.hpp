/// What an operator does with dead letters, and with what a removed sink left behind.
#pragma once

#include <cstdint>
#include <string>
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

/// Forgets the dead letters with offsets from..to. They stay counted as `dead`.
/// Blocks on the store: control threads only.
/// @return How many there were.
/// @errors storage errors; those forgotten before stay forgotten.
[[nodiscard]] Result<std::uint64_t> drop_dead_letters(
    storage::Store& store, std::string_view sink, std::uint64_t from, std::uint64_t to
);

struct Dropped {
    std::uint64_t records = 0;  ///< Undelivered; counted as `lost` from now on.
    std::uint64_t dead_letters = 0;
};

/// Forgets all that is in the outbox of a sink that nobody delivers: it is not configured. Blocks on
/// the store: control threads only.
/// @errors storage errors; what was forgotten before stays forgotten, and is counted.
[[nodiscard]] Result<Dropped> drop_outbox(storage::Store& store, const std::string& sink);

}  // namespace weir::sinks
