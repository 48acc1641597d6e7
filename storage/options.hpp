/// How a store is opened, and what it says about itself.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include <weir/base/clock.hpp>
#include <weir/storage/error.hpp>

namespace weir::storage {

/// What a completed commit has survived.
enum class Durability : std::uint8_t {
    fsync,  ///< A power cut.
    wal,    ///< A crash of the process, not of the machine.
    none,   ///< Nothing: only a clean close keeps the data.
};

struct StoreOptions {
    std::string path = {};  ///< Directory; made if missing. Unused in memory.
    Durability durability = Durability::fsync;
    std::uint64_t group_bytes_max =
        4 * 1024 * 1024;                      ///< A group takes no further batch beyond this.
    std::uint32_t group_batches_max = 1'024;  ///< As above, counted.
    /// A group that has room waits so long for more: fewer syncs, later acknowledgements.
    std::chrono::milliseconds group_wait{0};
    std::uint64_t pending_bytes_max =
        64 * 1024 * 1024;  ///< Submitted and not yet committed; beyond: overloaded.
    std::uint64_t disk_free_min =
        64 * 1024 * 1024;  ///< Under this much free space nothing is committed. 0: off.
    std::uint64_t disk_free_low = 0;  ///< Under this much, DiskLevel::low is reported. 0: off.
    std::chrono::milliseconds idle_interval{1'000
    };  ///< How often an idle store trims and looks at the disk.
    const Clock* clock =
        nullptr;  ///< For retention by age; null: the system's. Outlives the store.
};

enum class Health : std::uint8_t {
    ok,
    disk_full,  ///< Commits are refused until there is room.
    read_only,  ///< A write failed; reads go on. Stays until restart.
};

struct HealthReport {
    Health state = Health::ok;
    std::string reason = {};  ///< For people; empty when ok.
};

enum class DiskLevel : std::uint8_t {
    enough,
    low,   ///< Under StoreOptions::disk_free_low.
    full,  ///< Under StoreOptions::disk_free_min.
};

/// Free space where the data is, as it was seen last.
struct DiskReport {
    DiskLevel level = DiskLevel::enough;
    std::optional<std::uint64_t> free = {};  ///< Bytes; nothing in memory.
    /// Until it is full, at the rate of the last hour; nothing if it does not fill up, or not
    /// within a year.
    std::optional<std::chrono::seconds> full_in = {};
};

/// What opening found in the write-ahead log.
struct Recovery {
    enum class Kind : std::uint8_t {
        whole,
        tail_dropped,  ///< A group that was never acknowledged was torn by a power cut.
        damaged,       ///< Synced bytes changed; what is behind them is whole. Read-only.
    };
    Kind kind = Kind::whole;
    std::string file = {};   ///< Name of the log.
    std::uint64_t from = 0;  ///< The bytes that are dropped or damaged: from <= byte < to.
    std::uint64_t to = 0;

    friend bool operator==(const Recovery&, const Recovery&) = default;
};

/// Counters since opening. Read from any thread; not a consistent cut.
struct StoreStats {
    /// Group writes that took less than 128 us, 256 us, ... doubling; the last bucket has no bound.
    static constexpr std::size_t kBuckets = 16;

    std::uint64_t groups = 0;
    std::uint64_t commits = 0;        ///< Batches committed.
    std::uint64_t failed = 0;         ///< Batches refused or failed.
    std::uint64_t bytes = 0;          ///< Of committed batches.
    std::uint64_t pending_bytes = 0;  ///< Submitted, not completed.
    std::uint64_t last_group = 0;     ///< Batches in the newest group.
    std::uint64_t compacted = 0;      ///< Records that compaction removed from streams.
    std::uint64_t write_us_last = 0;  ///< The newest group's write with its fsync, in microseconds.
    std::uint64_t write_us_total = 0;
    std::array<std::uint64_t, kBuckets> write_us_buckets{};
};

struct Retention {
    std::chrono::milliseconds age{0};  ///< 0: no limit.
    std::uint64_t bytes = 0;           ///< 0: no limit.
    bool compact = false;              ///< Of each key only the newest record stays.
};

}  // namespace weir::storage
