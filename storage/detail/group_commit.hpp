/// Many submitters, one writing thread, one fsync per group.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include <weir/storage/detail/disk_watch.hpp>
#include <weir/storage/detail/writer.hpp>
#include <weir/storage/engine.hpp>
#include <weir/storage/store.hpp>

namespace weir::storage::detail {

/// A batch on its way to the storage thread.
struct Submission {
    Batch batch;
    Completion done;
    error_code refused;  ///< Set: not to be applied, only completed.
    Submission* next = nullptr;
};

/// The storage thread. It sleeps until something is submitted, takes all that is there, and writes
/// it in groups of bounded size. Completions run in the order of submission.
class GroupCommit {
public:
    GroupCommit(Engine& engine, Writer& writer, const StoreOptions& options, const Clock& clock);
    ~GroupCommit();
    GroupCommit(const GroupCommit&) = delete;
    GroupCommit& operator=(const GroupCommit&) = delete;

    void submit(Batch&& batch, Completion done) noexcept;
    /// The storage thread trims before its next group.
    void request_trim() noexcept { trim_requested_ = true; }
    /// The storage thread does a step of compaction before each group until nothing is left to do.
    void request_compaction() noexcept { compaction_requested_ = true; }

    [[nodiscard]] HealthReport health() const;
    [[nodiscard]] DiskReport disk() const;
    [[nodiscard]] StoreStats stats() const;
    [[nodiscard]] std::uint64_t progress() const noexcept {
        return progress_.load(std::memory_order_relaxed);
    }
    [[nodiscard]] bool busy() const noexcept {
        return busy_.load(std::memory_order_relaxed) || head_.load() != nullptr;
    }

private:
    /// First in, first out; owns its members.
    struct Queue {
        Submission* first = nullptr;
        Submission* last = nullptr;
        std::size_t size = 0;

        [[nodiscard]] bool empty() const noexcept { return first == nullptr; }
        void push(Submission* submission) noexcept;
        [[nodiscard]] std::unique_ptr<Submission> pop() noexcept;
    };

    void run();
    /// Moves what was submitted to the end of `queue_`; waits for it if there is nothing to do.
    void collect();
    /// Until StoreOptions::group_wait is over, or the next group has no room left.
    void wait_for_company();
    void take_submitted();
    /// Retention and the state of the disk; once per idle interval.
    void maintain();
    void compact(SteadyTime now);
    /// Stops committing when the disk fills up, goes on when there is room.
    void look_at_disk();
    DiskLevel observe_disk(std::uint64_t free);
    void write_group();
    void fill_group();
    void complete_group(const Result<void>& outcome);
    void fail(error_code error, std::string_view what);
    void set_health(Health state, std::string reason);
    void count_write(std::chrono::microseconds took, std::uint64_t batches, std::uint64_t bytes);

    Engine& engine_;
    Writer& writer_;
    const StoreOptions options_;
    const Clock& clock_;

    // Shared with the submitters.
    std::atomic<Submission*> head_{nullptr};  ///< A stack: newest first.
    std::atomic<std::uint64_t> pending_bytes_{0};
    std::atomic<bool> stopping_{false};
    std::atomic<bool> trim_requested_{false};
    std::atomic<bool> compaction_requested_{false};
    std::mutex wake_mutex_;  ///< Only between a thread that sleeps and whoever wakes it.
    std::condition_variable wake_;

    // The storage thread's.
    struct Member {
        std::unique_ptr<Submission> submission;
        std::size_t offsets_at;  ///< Its offsets start here in offsets_.
        std::size_t offsets_count;
    };
    Queue queue_;
    std::vector<Member> group_;
    std::vector<std::uint64_t> offsets_;
    std::uint64_t group_bytes_ = 0;
    std::uint64_t group_number_ = 0;
    std::uint64_t bytes_since_check_ = 0;
    DiskWatch disk_watch_;
    bool fills_ = false;  ///< Said so.
    SteadyTime next_maintenance_{0};
    SteadyTime next_compaction_{0};

    // Read by others.
    std::atomic<Health> state_{Health::ok};
    mutable std::mutex reason_mutex_;
    std::string reason_;
    DiskReport disk_;
    std::atomic<std::uint64_t> progress_{0};
    std::atomic<bool> busy_{false};
    struct Counters {
        std::atomic<std::uint64_t> groups{0};
        std::atomic<std::uint64_t> commits{0};
        std::atomic<std::uint64_t> failed{0};
        std::atomic<std::uint64_t> bytes{0};
        std::atomic<std::uint64_t> last_group{0};
        std::atomic<std::uint64_t> write_us_last{0};
        std::atomic<std::uint64_t> write_us_total{0};
        std::array<std::atomic<std::uint64_t>, StoreStats::kBuckets> write_us_buckets{};
    } counters_;

    std::thread thread_;  ///< Uses all of the above.
};

}  // namespace weir::storage::detail
