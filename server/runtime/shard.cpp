#include <weir/runtime/shard.hpp>

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <weir/base/assert.hpp>

namespace weir::runtime {
namespace {

constexpr std::chrono::milliseconds kPatienceMax{60'000};
constexpr std::chrono::milliseconds kWaiterInterval{1};

Shard*& current_shard() noexcept {
    static thread_local Shard* shard = nullptr;
    return shard;
}

/// Marks this thread as the one that runs the shard.
class CurrentScope {
public:
    explicit CurrentScope(Shard& shard) noexcept
        : before_{std::exchange(current_shard(), &shard)} {}
    CurrentScope(const CurrentScope&) = delete;
    CurrentScope& operator=(const CurrentScope&) = delete;
    ~CurrentScope() { current_shard() = before_; }

private:
    Shard* before_;
};

}  // namespace

/// The io_context and the two ways to wait: while nothing is pending in it the shard sleeps in its
/// own poller and the io_context costs no system call; else it sleeps in the io_context, which
/// watches the poller's descriptor.
class Shard::Asio {
public:
    explicit Asio(int poller_fd) : poller_ready_{io_} {
        const int copy = ::dup(poller_fd);
        WEIR_ASSERT(copy >= 0);
        poller_ready_.assign(copy);
    }

    [[nodiscard]] boost::asio::io_context& io() noexcept {
        used_ = true;
        pending_ = true;  // Of whatever the caller starts, until serve() knows better.
        return io_;
    }

    /// Runs what is ready. Something may have been started from anywhere in the wake, so this is
    /// its last step.
    void serve() noexcept {
        if (used_) {
            io_.restart();
            io_.poll();
            pending_ = !io_.stopped();
        }
    }

    /// The watch on the poller counts as well: after the last user is gone it takes one more event
    /// to notice.
    [[nodiscard]] bool pending() const noexcept { return pending_; }

    /// Sleeps until the poller has events, the io_context has run something, or `timeout`.
    void sleep(std::chrono::milliseconds timeout) noexcept {
        if (!watching_) {
            watching_ = true;
            poller_ready_.async_wait(
                boost::asio::posix::stream_descriptor::wait_read,
                [this](const error_code&) { watching_ = false; }
            );
        }
        io_.restart();
        io_.run_one_for(timeout);
    }

private:
    boost::asio::io_context io_{1};
    boost::asio::posix::stream_descriptor poller_ready_;
    bool used_ = false;  ///< Ever.
    bool pending_ = false;
    bool watching_ = false;
};

Shard::Shard(ShardId id, ShardGroup& group, const MailboxOptions& mailbox, const Clock& clock)
    : id_{id},
      group_{&group},
      clock_{&clock},
      now_{clock.steady()},
      wall_now_{clock.wall()},
      coarse_timers_{kCoarseResolution, now_},
      fine_timers_{kFineResolution, now_},
      scratch_{std::make_unique_for_overwrite<Byte[]>(kScratchBytes)},
      asio_{std::make_unique<Asio>(poller_.fd())},
      mailbox_{mailbox},
      written_(mailbox.shards) {
    poller_.add(mailbox_.fd(), wake_handler_, Watch::incoming).value();
}

Shard::~Shard() = default;

Shard* Shard::current() noexcept {
    return current_shard();
}

boost::asio::io_context& Shard::io() noexcept {
    return asio_->io();
}

void Shard::run() noexcept {
    const CurrentScope scope{*this};
    while (!stopping_.load(std::memory_order_acquire)) {
        run_once(kPatienceMax);
    }
}

void Shard::run_once(std::chrono::milliseconds at_most) noexcept {
    const CurrentScope scope{*this};
    fetch(patience(at_most));
    progress_.fetch_add(1, std::memory_order_relaxed);
    read_clocks();
    poller_.dispatch();
    mail_left_ = mailbox_.drain();
    coarse_timers_.advance(now_);
    fine_timers_.advance(now_);
    serve_waiters();
    end_wake();
    asio_->serve();
    progress_.fetch_add(1, std::memory_order_relaxed);
}

void Shard::read_clocks() const noexcept {
    clocks_stale_ = false;
    now_ = clock_->steady();
    wall_now_ = clock_->wall();
}

std::chrono::milliseconds Shard::patience(std::chrono::milliseconds at_most) const noexcept {
    if (mail_left_ || poller_.has_more() || !deferred_.empty() ||
        stopping_.load(std::memory_order_relaxed)) {
        return std::chrono::milliseconds{0};
    }
    if (!waiters_.empty()) {
        at_most = std::min(at_most, kWaiterInterval);
    }
    for (const TimerWheel* wheel : {&coarse_timers_, &fine_timers_}) {
        if (const auto idle = wheel->idle_for(now_); idle) {
            at_most = std::min(at_most, *idle);
        }
    }
    return at_most;
}

void Shard::fetch(std::chrono::milliseconds timeout) noexcept {
    if (timeout.count() == 0 || !prepare_sleep()) {
        poller_.wait(std::chrono::milliseconds{0});
        return;
    }
    if (asio_->pending()) {
        clocks_stale_ = true;  // Its handlers run before the wake begins.
        asio_->sleep(timeout);
        poller_.wait(std::chrono::milliseconds{0});
    } else {
        poller_.wait(timeout);
    }
    mailbox_.end_sleep();
}

bool Shard::prepare_sleep() noexcept {
    if (!mailbox_.prepare_sleep()) {
        return false;
    }
    if (stopping_.load(std::memory_order_acquire
        )) {  // Set before its wake(), which may have come too early.
        mailbox_.end_sleep();
        return false;
    }
    return true;
}

void Shard::serve_waiters() noexcept {
    for (std::size_t i = 0; i < waiters_.size();) {
        if (!(*group_)[waiters_[i].to].mailbox_.has_room(id_)) {
            ++i;
            continue;
        }
        Task task = std::move(waiters_[i].task);
        waiters_.erase(waiters_.begin() + static_cast<std::ptrdiff_t>(i));
        task();
    }
}

void Shard::end_wake() noexcept {
    poller_.finish();
    running_.swap(deferred_);
    for (Task& task : running_) {
        task();
    }
    running_.clear();
    for (const ShardId to : written_list_) {
        written_[index_of(to)] = false;
        (*group_)[to].mailbox_.wake();
    }
    written_list_.clear();
}

void Shard::mark_written(ShardId to) noexcept {
    if (!written_[index_of(to)]) {
        written_[index_of(to)] = true;
        written_list_.push_back(to);
    }
}

bool Shard::try_send(ShardId to, Task&& task, std::size_t cost_bytes) noexcept {
    WEIR_DEBUG_ASSERT(current() == nullptr || current() == this);
    if (!(*group_)[to].mailbox_.try_send(id_, std::move(task), cost_bytes)) {
        return false;
    }
    mark_written(to);
    return true;
}

void Shard::when_room(ShardId to, Task task) {
    waiters_.push_back({.to = to, .task = std::move(task)});
}

void Shard::stop() noexcept {
    stopping_.store(true, std::memory_order_release);
    mailbox_.wake();
}

ShardGroup::ShardGroup(ShardGroupOptions options) : options_{std::move(options)} {
    WEIR_ASSERT(options_.shards > 0);
    const Clock& clock = options_.clock != nullptr ? *options_.clock : system_clock_;
    const MailboxOptions mailbox{
        .shards = options_.shards,
        .ring_entries = options_.ring_entries,
        .ring_bytes = options_.ring_bytes
    };
    for (std::size_t i = 0; i < options_.shards; ++i) {
        shards_.push_back(
            std::unique_ptr<Shard>{new Shard{static_cast<ShardId>(i), *this, mailbox, clock}}
        );
    }
}

ShardGroup::~ShardGroup() {
    stop();
}

void ShardGroup::start() {
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    ::sched_getaffinity(0, sizeof allowed, &allowed);
    int cpu = -1;
    for (const auto& shard : shards_) {
        threads_.emplace_back([target = shard.get()] { target->run(); });
        const pthread_t thread = threads_.back().native_handle();
        const std::string name = options_.thread_name + std::to_string(index_of(shard->id()));
        ::pthread_setname_np(thread, name.substr(0, 15).c_str());
        if (options_.pin) {
            do {
                cpu = (cpu + 1) % CPU_SETSIZE;
            } while (!CPU_ISSET(cpu, &allowed));
            cpu_set_t one;
            CPU_ZERO(&one);
            CPU_SET(cpu, &one);
            ::pthread_setaffinity_np(thread, sizeof one, &one);
        }
    }
}

void ShardGroup::stop() noexcept {
    for (const auto& shard : shards_) {
        shard->stop();
    }
    threads_.clear();
}

}  // namespace weir::runtime
