/// What the store knows in memory about each stream and each outbox.
#pragma once

#include <algorithm>
#include <atomic>
#include <boost/unordered/unordered_flat_map.hpp>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <weir/storage/store.hpp>

namespace weir::storage::detail {

/// A stream gets an index entry at least this often. They bound how finely it is trimmed and how
/// far a search scans; what lies between two is a segment.
inline constexpr std::uint64_t kIndexRecords = 256;
inline constexpr std::uint64_t kIndexBytes = 64 * 1024;

/// A place in a stream where it may be cut and where searches start.
struct IndexEntry {
    std::uint64_t offset = 1;
    std::uint64_t bytes_before = 0;  ///< Of all records before `offset`, removed ones included.
    /// Latest time of the records before `offset`; when this was written, if the clock had been ahead before and was set back.
    std::int64_t time_max = 0;
    /// What compaction removed from the segment that ends here.
    std::uint64_t gone_records = 0;
    std::uint64_t gone_bytes = 0;
};

/// State of a stream, written with every group that touches it.
struct StreamHead {
    std::uint64_t first = 1;
    std::uint64_t next = 1;
    std::uint64_t bytes_ever = 0;          ///< Of all records ever appended.
    std::uint64_t bytes_before_first = 0;  ///< Of those that were trimmed.
    std::uint64_t index_offset = 1;        ///< The newest index entry, or 1.
    std::uint64_t index_bytes = 0;         ///< bytes_ever at it.
    std::int64_t time_max = std::numeric_limits<std::int64_t>::min();
    /// What compaction removed from `first` on: the sums of the index entries behind it.
    std::uint64_t gone_records = 0;
    std::uint64_t gone_bytes = 0;

    [[nodiscard]] std::uint64_t bytes() const noexcept {
        return bytes_ever - bytes_before_first - gone_bytes;
    }
    [[nodiscard]] std::uint64_t records() const noexcept { return next - first - gone_records; }
    /// Bytes that are there before a cut, which has the sums of what compaction removed before it.
    [[nodiscard]] std::uint64_t bytes_until(const IndexEntry& cut) const noexcept {
        return cut.bytes_before - bytes_before_first - cut.gone_bytes;
    }
};

/// State of an outbox, written with every group that touches it.
struct OutboxHead {
    std::uint64_t first = 1;  ///< No unsettled entry is older.
    std::uint64_t next = 1;
    std::uint64_t records = 0;
    std::uint64_t bytes = 0;
    std::uint64_t dead_records = 0;
    std::uint64_t dead_bytes = 0;

    /// Of both, as the budget counts.
    [[nodiscard]] std::uint64_t all_bytes() const noexcept { return bytes + dead_bytes; }
};

void encode(Bytes& out, const StreamHead& head);
void encode(Bytes& out, const IndexEntry& entry);
void encode(Bytes& out, const OutboxHead& head);
/// @errors malformed_record, newer_version
[[nodiscard]] Result<StreamHead> decode_stream_head(ByteView in) noexcept;
[[nodiscard]] Result<IndexEntry> decode_index_entry(std::uint64_t offset, ByteView in) noexcept;
[[nodiscard]] Result<OutboxHead> decode_outbox_head(ByteView in) noexcept;

/// Lets tables of strings be searched with views.
struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
        return std::hash<std::string_view>{}(text);
    }
};

/// Who wants to know about appends. The lock is held while watchers run, so that remove() waits for
/// them.
class Watchers {
public:
    void add(WatchId id, Watcher watcher);
    void remove(WatchId id);
    void notify(std::uint64_t last_offset);

private:
    std::mutex mutex_;
    std::vector<std::pair<WatchId, Watcher>> watchers_;
};

/// A stream or an outbox: the head that the storage thread works on, and the committed one that
/// readers see.
template <class Head>
class Log {
public:
    explicit Log(std::string log_name, const Head& head)
        : name{std::move(log_name)}, working{head}, committed_{head} {}

    /// Any thread.
    [[nodiscard]] Head committed() const {
        const std::lock_guard lock{mutex_};
        return committed_;
    }
    /// Storage thread: the group is durable.
    void publish() {
        const std::lock_guard lock{mutex_};
        committed_ = working;
    }
    /// Storage thread: the group failed.
    void revert() { working = committed(); }

    const std::string name;
    Head working;          ///< Storage thread only.
    bool touched = false;  ///< Storage thread only: in the list of the current group.
    Watchers watchers;

private:
    mutable std::mutex mutex_;
    Head committed_;
};

class StreamLog final : public Log<StreamHead> {
public:
    StreamLog(std::string log_name, const StreamHead& head, const Budgets& /*budgets*/)
        : Log{std::move(log_name), head} {}

    [[nodiscard]] Retention retention() const noexcept {
        return {std::chrono::milliseconds{age_ms_.load()}, bytes_.load(), compact_.load()};
    }
    void set_retention(Retention retention) noexcept {
        age_ms_ = retention.age.count();
        bytes_ = retention.bytes;
        compact_ = retention.compact;
    }

private:
    std::atomic<std::int64_t> age_ms_{0};
    std::atomic<std::uint64_t> bytes_{0};
    std::atomic<bool> compact_{false};
};

class OutboxLog final : public Log<OutboxHead> {
public:
    OutboxLog(std::string log_name, const OutboxHead& head, Budgets& budgets)
        : Log{std::move(log_name), head}, room{&budgets} {
        room.set_stored(head.bytes);
    }

    OutboxRoom room;
    std::uint64_t group_reserved =
        0;  ///< Storage thread: reservations that end with the current group.
};

/// All logs by name. Logs are made on first mention and stay; their number is bounded by the
/// configuration.
class Catalog {
public:
    /// Any thread.
    [[nodiscard]] StreamLog& stream(std::string_view name) { return get(streams_, name); }
    [[nodiscard]] OutboxLog& outbox(std::string_view name) { return get(outboxes_, name); }
    [[nodiscard]] StreamLog* find_stream(std::string_view name) const {
        return find(streams_, name);
    }
    [[nodiscard]] OutboxLog* find_outbox(std::string_view name) const {
        return find(outboxes_, name);
    }
    /// By name.
    [[nodiscard]] std::vector<StreamLog*> streams() const { return list(streams_); }
    [[nodiscard]] std::vector<OutboxLog*> outboxes() const { return list(outboxes_); }

    void load(std::string name, const StreamHead& head) {
        budgets_.add(Area::streams, static_cast<std::int64_t>(head.bytes()));
        load_into(streams_, std::move(name), head);
    }
    void load(std::string name, const OutboxHead& head) {
        budgets_.add(Area::outbox, static_cast<std::int64_t>(head.all_bytes()));
        load_into(outboxes_, std::move(name), head);
    }

    /// Any thread.
    [[nodiscard]] Budgets& budgets() noexcept { return budgets_; }
    [[nodiscard]] WatchId next_watch_id() noexcept { return ++watch_ids_; }

private:
    template <class T>
    using Map =
        boost::unordered_flat_map<std::string, std::unique_ptr<T>, TextHash, std::equal_to<>>;

    template <class T>
    T& get(Map<T>& map, std::string_view name) {
        const std::lock_guard lock{mutex_};
        auto found = map.find(name);
        if (found == map.end()) {
            found = map.emplace(
                           std::string{name},
                           std::make_unique<T>(
                               std::string{name}, decltype(T::working){}, budgets_
                           )
            )
                        .first;
        }
        return *found->second;
    }
    template <class T>
    T* find(const Map<T>& map, std::string_view name) const {
        const std::lock_guard lock{mutex_};
        const auto found = map.find(name);
        return found == map.end() ? nullptr : found->second.get();
    }
    template <class T>
    std::vector<T*> list(const Map<T>& map) const {
        std::vector<T*> out;
        {
            const std::lock_guard lock{mutex_};
            for (const auto& [name, log] : map) {
                out.push_back(log.get());
            }
        }
        std::ranges::sort(out, {}, &T::name);
        return out;
    }
    template <class T, class Head>
    void load_into(Map<T>& map, std::string name, const Head& head) {
        auto log = std::make_unique<T>(name, head, budgets_);
        map.insert_or_assign(std::move(name), std::move(log));
    }

    Budgets budgets_;
    mutable std::mutex mutex_;
    Map<StreamLog> streams_;
    Map<OutboxLog> outboxes_;
    std::atomic<WatchId> watch_ids_{0};
};

}  // namespace weir::storage::detail
