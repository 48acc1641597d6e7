/// Turns batches into the engine's writes. Storage thread only.
#pragma once

#include <boost/unordered/unordered_flat_set.hpp>
#include <vector>

#include <weir/base/clock.hpp>
#include <weir/storage/detail/batch_reader.hpp>
#include <weir/storage/detail/catalog.hpp>
#include <weir/storage/detail/compaction.hpp>
#include <weir/storage/detail/session_writer.hpp>
#include <weir/storage/engine.hpp>

namespace weir::storage::detail {

/// Builds one group after the other: apply() each batch, then commit(). Assigns offsets, keeps the
/// heads and the stream index. Between groups the catalog's working and committed heads are equal.
class Writer {
public:
    Writer(Engine& engine, Catalog& catalog) noexcept
        : engine_{engine},
          catalog_{catalog},
          sessions_{engine, catalog.budgets()},
          compaction_{engine, catalog} {}

    /// Reads heads and marks; writes the schema mark into a new store. Before the storage thread
    /// starts.
    /// @errors newer_version, malformed_record, or the engine's
    [[nodiscard]] Result<void> load();

    /// Before the first batch of a group.
    void begin_group(WallTime now) noexcept { now_ = now; }
    /// Appends the offsets it assigns. After an error the group must be abandoned.
    [[nodiscard]] Result<void> apply(const Batch& batch, std::vector<std::uint64_t>& offsets);
    /// Cuts streams down to their retention, then all of them to their budget, the oldest records
    /// first; part of the current group, and nothing of it was applied before.
    [[nodiscard]] Result<void> trim(WallTime now);
    /// A step of compaction; as above.
    void compact(WallTime now);
    /// Makes the group durable, then shows it to readers and watchers.
    [[nodiscard]] Result<void> commit();
    void abandon();
    /// Nothing to write so far.
    [[nodiscard]] bool idle() const noexcept { return !dirty_; }

    /// Returns the reservations of a batch that will not be applied. Any thread.
    void release(const Batch& batch);

    /// For its ids: any thread.
    [[nodiscard]] SessionWriter& sessions() noexcept { return sessions_; }
    [[nodiscard]] Budgets& budgets() noexcept { return catalog_.budgets(); }
    [[nodiscard]] Compaction& compaction() noexcept { return compaction_; }
    [[nodiscard]] std::uint32_t usage_open_hour() const noexcept { return usage_open_hour_.load(); }

private:
    [[nodiscard]] Result<void> apply(
        const BatchReader::Item& item, std::vector<std::uint64_t>& offsets
    );
    [[nodiscard]] Result<void> apply_queue(const BatchReader::Item& item);
    void append_stream(StreamLog& log, const BatchReader::Item& item);
    void enqueue(OutboxLog& log, const BatchReader::Item& item);
    [[nodiscard]] Result<void> settle(
        OutboxLog& log, std::uint64_t from, std::uint64_t to, std::string_view note
    );
    [[nodiscard]] Result<void> purge(OutboxLog& log, std::uint64_t from, std::uint64_t to);
    void add_usage(const BatchReader::Item& item);
    void close_usage(std::uint32_t before);
    [[nodiscard]] Result<void> trim(StreamLog& log, WallTime now);
    [[nodiscard]] Result<void> trim_to_budget();
    /// Visits the places where the stream may be cut, each with what compaction removed before it.
    template <class Visit>
    [[nodiscard]] Result<void> scan_cuts(const StreamLog& log, Visit visit) const;
    /// Where the stream may be cut, up to the first place that frees `bytes`.
    [[nodiscard]] Result<std::vector<IndexEntry>> find_cuts(
        const StreamLog& log, std::uint64_t bytes
    ) const;
    void cut(StreamLog& log, const IndexEntry& at);
    void write_heads();
    void end_group(bool committed);

    template <class T>
    static void touch(T& log, std::vector<T*>& list);

    Engine& engine_;
    Catalog& catalog_;
    SessionWriter sessions_;
    Compaction compaction_;
    WallTime now_{0};  ///< Of the group.
    bool dirty_ = false;
    std::vector<StreamLog*> streams_;  ///< Touched by the group.
    std::vector<OutboxLog*> outboxes_;
    /// Outbox entries and dead letters that the group removes: reads do not see that yet.
    boost::unordered_flat_set<std::string, TextHash, std::equal_to<>> removed_;
    std::uint32_t open_hour_ = 0;  ///< With what the group closes.
    std::atomic<std::uint32_t> usage_open_hour_{0};
    Bytes scratch_;
};

}  // namespace weir::storage::detail
