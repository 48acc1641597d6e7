#include <weir/bench/detail/worker.hpp>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <system_error>

#include <weir/bench/process.hpp>

namespace weir::bench::detail {
namespace {

using std::chrono::nanoseconds;

constexpr nanoseconds kWaitMax = std::chrono::milliseconds{100};
constexpr std::uint64_t kPingLook_ns = 250'000'000;

int checked(int fd, const char* what) {
    if (fd < 0) {
        throw std::system_error{errno, std::generic_category(), what};
    }
    return fd;
}

nanoseconds until(std::uint64_t due_ns, std::uint64_t now_ns) {
    return due_ns > now_ns ? std::min(nanoseconds{due_ns - now_ns}, kWaitMax) : nanoseconds{0};
}

}  // namespace

Worker::Worker(Board& board, unsigned number) : crew_{board, number} {
    crew_.epoll = checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
    wake_fd_ = checked(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd");
    epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
    checked(::epoll_ctl(crew_.epoll, EPOLL_CTL_ADD, wake_fd_, &event), "epoll_ctl");
}

Worker::~Worker() {
    join();
    clients_.clear();
    ::close(wake_fd_);
    ::close(crew_.epoll);
}

void Worker::add(Client::Role role, std::uint32_t id, std::uint32_t number) {
    clients_.push_back(std::make_unique<Client>(crew_, role, id, number));
    if (role == Client::Role::publisher) {
        crew_.publishers.push_back(clients_.back().get());
    }
}

void Worker::start(const std::vector<std::unique_ptr<Worker>>& all) {
    all_ = &all;
    thread_ = std::thread{[this] { run(); }};
}

void Worker::join() {
    if (thread_.joinable()) {
        thread_.join();
    }
}

void Worker::wake() const noexcept {
    const std::uint64_t one = 1;
    static_cast<void>(::write(wake_fd_, &one, sizeof one));
}

std::uint64_t Worker::skipped() const noexcept {
    std::uint64_t sum = 0;
    for (const auto& client : clients_) {
        sum += client->skipped();
    }
    return sum;
}

std::uint64_t Worker::reordered() const noexcept {
    std::uint64_t sum = 0;
    for (const auto& client : clients_) {
        sum += client->reordered();
    }
    return sum;
}

void Worker::run() {
    ::prctl(PR_SET_TIMERSLACK, 1);
    begin_ns_ = steady_ns();
    while (crew_.board.phase.load(std::memory_order_acquire) != Phase::quit) {
        auto wait = kWaitMax;
        if (next_client_ < clients_.size()) {
            wait = std::min(wait, start_clients(steady_ns()));
        }
        const auto phase = crew_.board.phase.load(std::memory_order_acquire);
        if ((phase == Phase::run || phase == Phase::measure) && !crew_.publishers.empty()) {
            wait = std::min(wait, publish(steady_ns()));
        }
        flush();
        wake_others();
        handle_events(wait);
        ping(steady_ns());
    }
    end();
}

/// As many as may be under way; with a rate, those that are due.
Worker::Wait Worker::start_clients(std::uint64_t now_ns) {
    const auto& options = crew_.board.options;
    const auto at_a_time = std::max(1U, options.concurrency / options.threads);
    const double rate = has_messages(options.scenario) ? 0 : options.rate / options.threads;
    while (next_client_ < clients_.size() && crew_.starting < at_a_time) {
        auto due_ns = now_ns;
        if (rate > 0) {
            due_ns = begin_ns_ +
                     static_cast<std::uint64_t>(static_cast<double>(next_client_) / rate * 1e9);
        }
        if (due_ns > now_ns) {
            return until(due_ns, now_ns);
        }
        clients_[next_client_++]->start(due_ns);
    }
    return kWaitMax;
}

Worker::Wait Worker::publish(std::uint64_t now_ns) {
    if (!publishing_) {
        publishing_ = true;
        make_all_eager();
    }
    if (crew_.board.options.rate > 0) {
        return publish_paced(now_ns);
    }
    const auto stalls = crew_.board.stalls.load(std::memory_order_relaxed);
    if (stalls != stalls_seen_) {
        stalls_seen_ = stalls;
        for (auto* publisher : crew_.publishers) {
            publisher->write_off();
        }
    }
    return publish_eager();
}

/// Messages that are due, even late: their latency counts from when they were due, so that a broker
/// that stops for a while cannot hide it.
Worker::Wait Worker::publish_paced(std::uint64_t now_ns) {
    const auto& board = crew_.board;
    const auto mine = crew_.publishers.size();
    const double interval_ns = 1e9 * static_cast<double>(board.plan.counts().publishers) /
                               (board.options.rate * static_cast<double>(mine));
    for (;;) {
        const auto due_ns =
            board.rate_begin_ns +
            static_cast<std::uint64_t>(static_cast<double>(paced_) * interval_ns);
        if (due_ns > now_ns) {
            return until(due_ns, now_ns);
        }
        auto* const publisher = crew_.publishers[paced_ % mine];
        if (!publisher->may_publish()) {
            return kWaitMax;
        }
        publisher->publish(due_ns);
        ++paced_;
    }
}

Worker::Wait Worker::publish_eager() {
    taken_.swap(crew_.eager);
    for (auto* publisher : taken_) {
        if (publisher->publish_burst()) {
            publisher->become_eager();
        }
    }
    taken_.clear();
    return crew_.eager.empty() ? kWaitMax : Wait{0};
}

void Worker::flush() {
    for (std::size_t i = 0; i < crew_.unsent.size(); ++i) {
        crew_.unsent[i]->flush();
    }
    crew_.unsent.clear();
}

void Worker::wake_others() {
    if (!crew_.others_have_room) {
        return;
    }
    crew_.others_have_room = false;
    for (const auto& other : *all_) {
        if (other.get() != this && !other->crew_.publishers.empty()) {
            other->wake();
        }
    }
}

void Worker::handle_events(Wait wait) {
    std::array<epoll_event, 512> events{};
    const timespec timeout{
        .tv_sec = wait.count() / 1'000'000'000, .tv_nsec = wait.count() % 1'000'000'000
    };
    const int count = ::epoll_pwait2(
        crew_.epoll, events.data(), static_cast<int>(events.size()), &timeout, nullptr
    );
    for (int i = 0; i < count; ++i) {
        const auto& event = events[static_cast<std::size_t>(i)];
        if (event.data.ptr != nullptr) {
            static_cast<Client*>(event.data.ptr)->on_event(event.events);
            continue;
        }
        std::uint64_t ignored = 0;
        static_cast<void>(::read(wake_fd_, &ignored, sizeof ignored));
        make_all_eager();
    }
}

void Worker::make_all_eager() {
    if (publishing_) {
        for (auto* publisher : crew_.publishers) {
            publisher->become_eager();
        }
    }
}

void Worker::ping(std::uint64_t now_ns) {
    if (now_ns - last_ping_look_ns_ < kPingLook_ns) {
        return;
    }
    last_ping_look_ns_ = now_ns;
    for (const auto& client : clients_) {
        client->ping_if_due(now_ns);
    }
}

void Worker::end() {
    for (const auto& client : clients_) {
        client->close();
        client->flush();
    }
}

}  // namespace weir::bench::detail
