/// One thread and everything that it owns.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <weir/base/bytes.hpp>
#include <weir/base/clock.hpp>
#include <weir/runtime/mailbox.hpp>
#include <weir/runtime/poller_epoll.hpp>
#include <weir/runtime/timer_wheel.hpp>

namespace boost::asio {
class io_context;
}

namespace weir::runtime {

class ShardGroup;

/// A loop over poller, mailbox, timers and, if someone uses it, an io_context. Owned by a
/// ShardGroup; but for post(), stop() and progress() everything is called on its own thread.
///
/// A wake: fetch events, read the clocks, call ready handlers, run mail, fire timers, then end the
/// wake: PollHandler::on_wake_end() of those that asked, deferred work, one notification per shard
/// that was written to.
class Shard {
public:
    static constexpr std::size_t kScratchBytes = 64 * 1024;
    static constexpr std::chrono::milliseconds kCoarseResolution{1000};
    static constexpr std::chrono::milliseconds kFineResolution{10};

    Shard(const Shard&) = delete;
    Shard& operator=(const Shard&) = delete;
    ~Shard();

    [[nodiscard]] ShardId id() const noexcept { return id_; }
    /// The shard whose wake is running on this thread; nullptr outside.
    [[nodiscard]] static Shard* current() noexcept;

    [[nodiscard]] Poller& poller() noexcept { return poller_; }
    /// Keep-alives, handshakes, expiry: seconds.
    [[nodiscard]] TimerWheel& coarse_timers() noexcept { return coarse_timers_; }
    /// The few that need better: retries, back-off.
    [[nodiscard]] TimerWheel& fine_timers() noexcept { return fine_timers_; }
    /// For coroutines on this shard. A wake is cheapest while nothing is pending on it. Other
    /// threads use post() rather than boost::asio::post, which does not end the shard's sleep.
    [[nodiscard]] boost::asio::io_context& io() noexcept;

    /// Time at the start of this wake.
    [[nodiscard]] SteadyTime now() const noexcept {
        refresh_clocks();
        return now_;
    }
    [[nodiscard]] WallTime wall_now() const noexcept {
        refresh_clocks();
        return wall_now_;
    }
    /// Overwritten by the next reader on this shard: keep nothing in it across calls.
    [[nodiscard]] std::span<Byte> scratch() noexcept { return {scratch_.get(), kScratchBytes}; }

    /// Runs `work` at the end of this wake; from within deferred work: of the next one, which comes
    /// at once. The place to destroy what may still be on the call stack.
    void defer(Task work) { deferred_.push_back(std::move(work)); }

    /// Runs `task` on shard `to`, which may be this one, with this wake's batch. false: its ring is
    /// full and `task` untouched. @param cost_bytes what the task keeps alive; the ring is bounded
    /// by its sum.
    [[nodiscard]] bool try_send(
        ShardId to, Task&& task, std::size_t cost_bytes = sizeof(Task)
    ) noexcept;
    /// Runs `task` in the first wake that finds a quarter of the ring to `to` free; checked every
    /// millisecond.
    void when_room(ShardId to, Task task);

    /// Any thread: runs `task` here, soon.
    void post(Task task) { mailbox_.post(std::move(task)); }
    /// Any thread: run() returns after the wake.
    void stop() noexcept;
    /// Any thread: odd while a wake runs; changes with every wake. For the watchdog.
    [[nodiscard]] std::uint64_t progress() const noexcept {
        return progress_.load(std::memory_order_relaxed);
    }

    /// Loops until stop().
    void run() noexcept;
    /// One wake; sleeps `patience` at most. For tests and benches, which step shards by hand.
    void run_once(std::chrono::milliseconds patience) noexcept;

private:
    friend class ShardGroup;
    class Asio;
    struct WakeHandler final : PollHandler {
        void on_ready(Readiness /*readiness*/) noexcept override {}
    };
    struct Waiter {
        ShardId to;
        Task task;
    };

    Shard(ShardId id, ShardGroup& group, const MailboxOptions& mailbox, const Clock& clock);

    [[nodiscard]] std::chrono::milliseconds patience(std::chrono::milliseconds at_most
    ) const noexcept;
    void read_clocks() const noexcept;
    void refresh_clocks() const noexcept {
        if (clocks_stale_) [[unlikely]] {
            read_clocks();
        }
    }
    void fetch(std::chrono::milliseconds timeout) noexcept;
    [[nodiscard]] bool prepare_sleep() noexcept;
    void serve_waiters() noexcept;
    void end_wake() noexcept;
    void mark_written(ShardId to) noexcept;

    const ShardId id_;
    ShardGroup* const group_;
    const Clock* const clock_;
    mutable SteadyTime now_;
    mutable WallTime wall_now_;
    mutable bool clocks_stale_ = false;
    Poller poller_;
    TimerWheel coarse_timers_;
    TimerWheel fine_timers_;
    std::unique_ptr<Byte[]> scratch_;
    std::unique_ptr<Asio> asio_;
    Mailbox mailbox_;
    WakeHandler wake_handler_;
    std::vector<bool> written_;  ///< Shards to notify when the wake ends.
    std::vector<ShardId> written_list_;
    std::vector<Waiter> waiters_;
    std::vector<Task> deferred_;
    std::vector<Task> running_;
    bool mail_left_ = false;
    std::atomic<bool> stopping_{false};
    std::atomic<std::uint64_t> progress_{0};
};

struct ShardGroupOptions {
    std::size_t shards = 1;
    std::size_t ring_entries = 1024;
    std::size_t ring_bytes = 4 * 1024 * 1024;
    const Clock* clock = nullptr;  ///< nullptr: the system's. Outlives the group.
    std::string thread_name = "weir-shard";
    bool pin = false;  ///< Shard i to the i-th processor that the process may use.
};

/// All shards of a process, and their threads.
class ShardGroup {
public:
    explicit ShardGroup(ShardGroupOptions options);
    ShardGroup(const ShardGroup&) = delete;
    ShardGroup& operator=(const ShardGroup&) = delete;
    /// stop()
    ~ShardGroup();

    [[nodiscard]] std::size_t size() const noexcept { return shards_.size(); }
    [[nodiscard]] Shard& operator[](ShardId id) noexcept { return *shards_[index_of(id)]; }
    [[nodiscard]] Shard& operator[](std::size_t index) noexcept { return *shards_[index]; }

    void start();
    /// Ends the threads and waits for them. Idempotent.
    void stop() noexcept;

private:
    ShardGroupOptions options_;
    SystemClock system_clock_;
    std::vector<std::unique_ptr<Shard>> shards_;
    std::vector<std::jthread> threads_;
};

}  // namespace weir::runtime
