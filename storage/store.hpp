/// The durable side of the gateway: one writer thread, many readers.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <weir/storage/batch.hpp>
#include <weir/storage/budgets.hpp>
#include <weir/storage/disk.hpp>
#include <weir/storage/options.hpp>
#include <weir/storage/outbox_room.hpp>
#include <weir/storage/records.hpp>

namespace weir::storage {

class Engine;

/// What a batch became.
struct CommitInfo {
    std::uint64_t group = 0;  ///< Number of the group write; rises by one.
    /// Given to the batch's append_stream and enqueue_outbox calls, in their order. Valid during
    /// the completion.
    std::span<const std::uint64_t> offsets;
};

/// Called once, on the storage thread, in the order of submission; must be short and must not
/// throw. It may submit. An error means that nothing of the batch was or will be applied.
using Completion = std::move_only_function<void(const Result<CommitInfo>&)>;

/// Tells the newest offset. Called on the storage thread after a commit; must be short, may not
/// call unwatch().
using Watcher = std::function<void(std::uint64_t last_offset)>;
using WatchId = std::uint64_t;

struct StreamEntry {
    std::uint64_t offset = 0;
    StreamRecord record;  ///< Points into `buffer`.
    Bytes buffer;

    StreamEntry() = default;
    StreamEntry(StreamEntry&&) noexcept = default;
    StreamEntry& operator=(StreamEntry&&) noexcept = default;
};

struct OutboxEntry {
    std::uint64_t offset = 0;
    OutboxRecord record;  ///< Points into `buffer`.
    Bytes buffer;

    OutboxEntry() = default;
    OutboxEntry(OutboxEntry&&) noexcept = default;
    OutboxEntry& operator=(OutboxEntry&&) noexcept = default;
};

struct DeadLetterEntry {
    std::uint64_t offset = 0;
    DeadLetter letter;  ///< Points into `buffer`.
    Bytes buffer;

    DeadLetterEntry() = default;
    DeadLetterEntry(DeadLetterEntry&&) noexcept = default;
    DeadLetterEntry& operator=(DeadLetterEntry&&) noexcept = default;
};

struct StreamInfo {
    std::string name = {};
    std::uint64_t first = 1;  ///< Oldest offset kept.
    std::uint64_t next = 1;   ///< The next record's offset; first == next: empty.
    std::uint64_t bytes = 0;
    std::uint64_t compacted = 0;  ///< Offsets from `first` on whose records compaction removed.

    [[nodiscard]] std::uint64_t records() const noexcept { return next - first - compacted; }
    /// By retention, by the budget of all streams, and by compaction; with records() all that ever came.
    [[nodiscard]] std::uint64_t removed() const noexcept { return first - 1 + compacted; }
};

struct OutboxInfo {
    std::string name = {};
    std::uint64_t first = 1;  ///< No unsettled entry is older.
    std::uint64_t next = 1;
    std::uint64_t records = 0;  ///< Unsettled.
    std::uint64_t bytes = 0;    ///< Unsettled, as outbox_cost counts.
    std::uint64_t dead_records = 0;
    std::uint64_t dead_bytes = 0;
    std::int64_t oldest_ms = 0;  ///< Time of the oldest unsettled entry; 0: none.
};

struct UsageEntry {
    std::string tenant = {};
    std::string device = {};
    std::uint32_t hour = 0;
    UsageDelta sums;
};

struct UsageQuery {
    std::uint32_t from_hour = 0;             ///< Included.
    std::uint32_t to_hour = 0;               ///< Not included.
    std::optional<std::string> tenant = {};  ///< Absent: all.
    std::optional<std::string> device = {};  ///< Absent: all. Needs a tenant.
};

/// A record of an owner-keyed family.
struct Value {
    std::uint8_t version = 0;
    Bytes body;
};

struct ReadLimit {
    std::size_t records = 1'000;
    std::size_t bytes = 1024 * 1024;  ///< The first record is given even if it alone is larger.
};

/// What a queue holds, in flight or not.
struct QueueSummary {
    std::uint64_t first = 0;  ///< Sequence of the oldest entry.
    std::uint64_t next = 1;   ///< One more than that of the newest.
    std::uint64_t entries = 0;
    std::uint64_t in_flight = 0;  ///< Of these: sent or released.
    std::uint64_t bytes = 0;
};

/// A session as it was when the gateway stopped.
struct StoredSession {
    SessionId id{};
    SessionRecord record;  ///< Points into `buffer`.
    std::vector<std::pair<std::string, SubscriptionRecord>> subscriptions;  ///< By filter.
    std::vector<std::uint16_t> inbound_ids;  ///< QoS 2: received, not released.
    std::optional<WillRecord> will;          ///< Points into `will_buffer`.
    QueueSummary queue;
    Bytes buffer;
    Bytes will_buffer;

    StoredSession() = default;
    StoredSession(StoredSession&&) noexcept = default;
    StoredSession& operator=(StoredSession&&) noexcept = default;
};

struct QueuedMessage {
    std::uint64_t sequence = 0;
    QueueEntry entry;
    MessageRecord message;  ///< Points into `buffer`. Empty when released.
    Bytes buffer;

    QueuedMessage() = default;
    QueuedMessage(QueuedMessage&&) noexcept = default;
    QueuedMessage& operator=(QueuedMessage&&) noexcept = default;
};

struct RetainedMessage {
    RetainedRecord record;  ///< Points into `buffer`.
    Bytes buffer;

    RetainedMessage() = default;
    RetainedMessage(RetainedMessage&&) noexcept = default;
    RetainedMessage& operator=(RetainedMessage&&) noexcept = default;
};

struct RetainedPage {
    std::vector<RetainedMessage> messages;
    std::string last = {};  ///< The topic that the scan reached: where the next page begins after.
    bool more = false;
};

/// Called once, on the store's reading thread; must be short and must not throw.
using QueueReader = std::move_only_function<void(Result<std::vector<QueuedMessage>>)>;
using RetainedReader = std::move_only_function<void(Result<RetainedPage>)>;

/// Returned `false` ends a scan. The views are valid during the call.
using ScanVisitor = std::function<bool(std::string_view key, std::uint8_t version, ByteView body)>;

/// Why a store cannot be opened; what() says what to do about it.
class OpenError : public std::runtime_error {
public:
    OpenError(errc code, const std::string& what) : std::runtime_error{what}, code_{code} {}
    [[nodiscard]] errc code() const noexcept { return code_; }

private:
    errc code_;
};

/// Owned by the Gateway; outlives everyone who submits or watches. The destructor commits what was
/// submitted, then joins the storage thread.
///
/// Writing: submit(), any thread. One storage thread writes groups: a group starts as soon as the
/// one before is done, and holds what arrived meanwhile. Reading: any control thread, never a
/// shard's: reads may touch the disk. Readers see what is committed.
class Store {
public:
    /// @throws OpenError
    [[nodiscard]] static std::unique_ptr<Store> open(const StoreOptions& options);
    /// Same behaviour, nothing durable: for tests and for `weir demo`.
    [[nodiscard]] static std::unique_ptr<Store> in_memory(const StoreOptions& options = {});
    /// Over an engine of the caller's: how tests inject faults. @throws OpenError
    Store(std::unique_ptr<Engine> engine, const StoreOptions& options);
    ~Store();
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;

    /// Never blocks, never fails itself: every outcome comes to `done`. @cost One allocation.
    void submit(Batch&& batch, Completion done) noexcept;
    /// Blocks until the batch is committed. Control threads only.
    [[nodiscard]] Result<void> commit(Batch&& batch);
    /// Blocks until everything submitted before is completed, reads too. Control threads only.
    void drain();

    [[nodiscard]] Result<std::optional<Value>> get(Family family, std::string_view key) const;
    /// Keys that start with `prefix`, ascending, from `start` (included) on if it is given.
    [[nodiscard]] Result<void> scan(
        Family family,
        std::string_view prefix,
        const ScanVisitor& visit,
        std::string_view start = {}
    ) const;

    /// Records with offset >= from, ascending. An offset that was trimmed reads from the oldest
    /// kept on. Only compaction leaves gaps.
    [[nodiscard]] Result<std::vector<StreamEntry>> read_stream(
        std::string_view stream, std::uint64_t from, ReadLimit limit = {}
    ) const;
    /// Offset of the oldest record that is not older than `time_ms`; the next offset if there is
    /// none.
    [[nodiscard]] Result<std::uint64_t> find_offset(std::string_view stream, std::int64_t time_ms)
        const;
    /// Offset from which on there are `records` records, or all if there are fewer.
    [[nodiscard]] Result<std::uint64_t> find_last(std::string_view stream, std::uint64_t records)
        const;
    [[nodiscard]] std::vector<StreamInfo> streams() const;
    [[nodiscard]] std::optional<StreamInfo> stream(std::string_view name) const;
    /// Trims to it from now on, in chunks of up to 64 KiB or 256 records: never more than asked.
    /// Compaction leaves the youngest chunk alone; it takes its time.
    void set_retention(std::string_view stream, Retention retention);
    /// Trims now. For tests and for the operator.
    void trim();
    /// Compacts all that can be compacted now, and waits for it. For tests.
    void compact_streams();
    [[nodiscard]] WatchId watch_stream(std::string_view stream, Watcher watcher);

    [[nodiscard]] Result<std::vector<OutboxEntry>> read_outbox(
        std::string_view sink, std::uint64_t from, ReadLimit limit = {}
    ) const;
    [[nodiscard]] Result<std::vector<DeadLetterEntry>> read_dead_letters(
        std::string_view sink, std::uint64_t from, ReadLimit limit = {}
    ) const;
    [[nodiscard]] std::vector<OutboxInfo> outboxes() const;
    [[nodiscard]] std::optional<OutboxInfo> outbox(std::string_view sink) const;
    /// Look it up once per sink, when configured; the reference stays valid as long as the store.
    /// Any thread.
    [[nodiscard]] OutboxRoom& outbox_room(std::string_view sink);
    /// What each area holds and may hold. Any thread, a shard's too.
    [[nodiscard]] Budgets& budgets() noexcept;
    [[nodiscard]] WatchId watch_outbox(std::string_view sink, Watcher watcher);

    /// After it returns the watcher is not called and not running any more.
    void unwatch(WatchId id);

    /// Ids are not used twice while anything has them. Any thread, no I/O.
    [[nodiscard]] SessionId new_session_id() noexcept;
    [[nodiscard]] MessageId new_message_id() noexcept;
    /// All sessions, for the broker's start: reads every subscription and queue entry, no message.
    [[nodiscard]] Result<void> read_sessions(const std::function<bool(StoredSession&&)>& visit
    ) const;
    /// Entries with sequence >= from, oldest first, those in flight too. Cheap if `from` is not
    /// older than the oldest entry: what was settled still has to be stepped over.
    [[nodiscard]] Result<std::vector<QueuedMessage>> read_queue(
        SessionId session, std::uint64_t from, ReadLimit limit = {}
    ) const;
    /// The same from any thread, a shard's too; sees what was committed when it runs.
    void async_read_queue(
        SessionId session, std::uint64_t from, ReadLimit limit, QueueReader done
    );
    /// A page of what an MQTT filter matches, by topic, from behind the topic `after` on. Expired
    /// messages are in it. Ends early, with `more`, after kRetainedVisitsMax topics.
    [[nodiscard]] Result<RetainedPage> read_retained(
        std::string_view tenant,
        std::string_view filter,
        std::string_view after = {},
        ReadLimit limit = {}
    ) const;
    void async_read_retained(
        std::string tenant,
        std::string filter,
        std::string after,
        ReadLimit limit,
        RetainedReader done
    );
    /// All retained messages, for the broker's start. The record is valid during the call.
    [[nodiscard]] Result<void> read_all_retained(
        const std::function<bool(const RetainedRecord&)>& visit
    ) const;
    static constexpr std::size_t kRetainedVisitsMax = 100'000;

    /// Sums per device and hour, by hour, then tenant, then device. @cost All records of the hours; of one device at most two
    /// look-ups for each hour that holds any record, however long the time is.
    [[nodiscard]] Result<void> read_usage(
        const UsageQuery& query, const std::function<bool(const UsageEntry&)>& visit
    ) const;
    /// Hours before this one are closed.
    [[nodiscard]] std::uint32_t usage_open_hour() const;

    // Control threads only; they take their time, and traffic goes on. In memory: errc::not_on_disk.
    /// One at a time; files that did not change since the last one are shared with it. If the disk was full and has room again, a backup
    /// under way is given up, so that commits go on. @errors busy: another one is under way
    [[nodiscard]] Result<BackupInfo> backup(const BackupOptions& options);
    /// For how long one has been under way; nothing: none is.
    [[nodiscard]] std::optional<std::chrono::milliseconds> backup_under_way() const;
    /// Every table and every record. @errors not_on_disk; problems are in the report.
    [[nodiscard]] Result<VerifyReport> verify();
    [[nodiscard]] Result<DiskUse> disk_use();
    [[nodiscard]] Result<void> compact();
    /// What the disk said when something failed last, for people.
    [[nodiscard]] std::string last_error() const;

    /// What opening found in the write-ahead log.
    [[nodiscard]] Recovery recovery() const;
    [[nodiscard]] HealthReport health() const;
    [[nodiscard]] DiskReport disk() const;
    [[nodiscard]] StoreStats stats() const;
    /// Odd while the storage thread works; rises whenever it finishes something. For the watchdog.
    [[nodiscard]] std::uint64_t progress() const noexcept;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace weir::storage
