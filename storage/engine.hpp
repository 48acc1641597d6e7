/// The ordered key-value store below a Store.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <weir/storage/batch.hpp>
#include <weir/storage/options.hpp>

namespace weir::storage {

class Disk;

/// Two implementations: RocksDB and memory; a third, in tests, fails on demand.
///
/// Writes are collected and committed by the storage thread alone; reads come from any thread at
/// any time and see only what is committed. Nothing throws.
class Engine {
public:
    /// `false` ends the scan.
    using Visitor = std::function<bool(std::string_view key, std::string_view value)>;

    virtual ~Engine() = default;

    virtual void put(Family family, std::string_view key, std::string_view value) = 0;
    virtual void erase(Family family, std::string_view key) = 0;
    /// from <= key < to.
    virtual void erase_range(Family family, std::string_view from, std::string_view to) = 0;
    /// Family::usage only: adds an encoded UsageDelta to the one that is there.
    virtual void add_usage(std::string_view key, std::string_view delta) = 0;
    /// Writes what was collected, all or nothing, and forgets it in any case. After an error
    /// nothing may be committed any more: what reached the disk is not known.
    /// disk_full is the exception: after a resume() that succeeds, commits go on.
    [[nodiscard]] virtual Result<void> commit() = 0;
    /// Ends what a full disk, or a failure in the background, stopped. Cheap if nothing did.
    /// @errors disk_full: still no room, try later. Anything else is final.
    [[nodiscard]] virtual Result<void> resume() { return {}; }
    /// Forgets what was collected.
    virtual void abandon() = 0;

    [[nodiscard]] virtual Result<std::optional<std::string>> get(
        Family family, std::string_view key
    ) const = 0;
    /// from <= key < to, ascending; an empty `to` has no bound.
    [[nodiscard]] virtual Result<void> scan(
        Family family, std::string_view from, std::string_view to, const Visitor& visit
    ) const = 0;

    /// What opening found. Damaged: nothing can be written.
    [[nodiscard]] virtual Recovery recovery() const { return {}; }
    /// Free bytes where the data is; nothing if that has no meaning.
    [[nodiscard]] virtual std::optional<std::uint64_t> free_bytes() const = 0;
    /// What only an engine on disk can do; null in memory.
    [[nodiscard]] virtual Disk* disk() noexcept { return nullptr; }
    /// What the last failed call said, for people.
    [[nodiscard]] virtual std::string last_error() const = 0;
};

}  // namespace weir::storage
