/// What an archive is doing, for `weir sinks list` and metrics.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include <weir/base/clock.hpp>

namespace weir::archive {

enum class Activity : std::uint8_t {
    starting,    ///< Its progress was not read yet.
    idle,        ///< Everything is written.
    gathering,   ///< A batch is open.
    writing,     ///< An object is being written.
    backing_off  ///< The last attempt failed; the next one has its time.
};

/// "starting", "idle", ...
[[nodiscard]] std::string_view name(Activity activity) noexcept;

/// Since the archive began with its stream, crash-exact. Of a stream that is compacted, what compaction
/// removed may be among the lost if retention passed by there.
struct Counters {
    std::uint64_t records = 0;  ///< In objects.
    std::uint64_t objects = 0;
    std::uint64_t bytes = 0;  ///< Of objects.
    std::uint64_t lost = 0;   ///< Removed by the stream's retention or budget before they were written.
    std::uint64_t replaced = 0;  ///< Removed by compaction before they were written.

    friend bool operator==(const Counters&, const Counters&) = default;
};

/// At any time in = counters.records + counters.lost + counters.replaced + pending: a record is lost
/// from the moment on at which its stream has it no longer.
struct ArchiveStatus {
    std::string name = {};
    std::string stream = {};
    std::string where = {};
    Activity activity = Activity::starting;
    std::uint64_t next = 1;                   ///< Offset of the first record that is in no object.
    std::uint64_t in = 0;                     ///< Records that the stream had for it.
    std::uint64_t pending = 0;                ///< Records from `next` on; if compacted, at most.
    std::chrono::milliseconds oldest_age{0};  ///< Of the first of them.
    Counters counters = {};
    std::uint64_t attempts = 0;                 ///< To write an object, since start.
    std::uint64_t failures = 0;                 ///< Of them, failed.
    std::chrono::milliseconds next_attempt{0};  ///< From now, if backing off.
    std::string last_error = {};                ///< Until an attempt succeeds.
    WallTime last_error_time{0};
};

/// What came of an object that was written to try the target, and taken away again.
struct Probe {
    std::string where = {};
    std::string object = {};             ///< Its name.
    std::string failure = {};            ///< Why it was not written; empty: it was.
    std::string left = {};               ///< Why it is still there; empty: it is not.
    std::chrono::milliseconds took{0};
};

}  // namespace weir::archive
