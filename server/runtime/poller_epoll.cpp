#include <weir/runtime/poller_epoll.hpp>

#include <sys/epoll.h>

#include <cerrno>
#include <system_error>

#include <weir/base/assert.hpp>

namespace weir::runtime {
namespace {

std::uint64_t pack(PollKey key) noexcept {
    return (std::uint64_t{key.generation} << 32U) | key.slot;
}

PollKey unpack(std::uint64_t data) noexcept {
    return {
        .slot = static_cast<std::uint32_t>(data),
        .generation = static_cast<std::uint32_t>(data >> 32U)
    };
}

Readiness readiness_of(std::uint32_t events) noexcept {
    const bool ended = (events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP)) != 0;
    return {
        .readable = ended || (events & EPOLLIN) != 0,
        .writable = (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0,
        .peer_closed = ended,
    };
}

std::uint32_t events_of(Watch watch) noexcept {
    const std::uint32_t in = std::uint32_t{EPOLLET} | EPOLLIN;
    return watch == Watch::stream ? in | EPOLLOUT | EPOLLRDHUP : in;
}

}  // namespace

Poller::Poller() : epoll_{::epoll_create1(EPOLL_CLOEXEC)}, events_(kEventsPerWait) {
    if (!epoll_) {
        throw std::system_error{errno, std::generic_category(), "epoll_create1"};
    }
}

Poller::~Poller() = default;

Result<PollKey> Poller::add(int fd, PollHandler& handler, Watch watch) noexcept {
    if (free_.empty()) {
        free_.push_back(static_cast<std::uint32_t>(slots_.size()));
        slots_.emplace_back();
    }
    const std::uint32_t index = free_.back();
    Slot& slot = slots_[index];
    const PollKey key{.slot = index, .generation = slot.generation};
    epoll_event event{};
    event.events = events_of(watch);
    event.data.u64 = pack(key);
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
        return error_code{errno, boost::system::system_category()};
    }
    free_.pop_back();
    slot.handler = &handler;
    return key;
}

void Poller::remove(PollKey key, int fd) noexcept {
    if (find(key) == nullptr) {
        return;
    }
    epoll_event unused{};
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, &unused);
    release(key.slot);
}

void Poller::again(PollKey key) noexcept {
    if (Slot* const slot = find(key); slot != nullptr && !slot->again) {
        slot->again = true;
        again_.push_back(key);
    }
}

void Poller::finish_later(PollKey key) noexcept {
    if (Slot* const slot = find(key); slot != nullptr && !slot->finish) {
        slot->finish = true;
        finish_.push_back(key);
    }
}

int Poller::wait(std::chrono::milliseconds timeout) noexcept {
    const int wait_ms = has_more() ? 0 : static_cast<int>(timeout.count());
    fetched_ = ::epoll_wait(epoll_.get(), events_.data(), kEventsPerWait, wait_ms);
    if (fetched_ < 0) {
        WEIR_ASSERT(errno == EINTR);
        fetched_ = 0;
    }
    return fetched_;
}

void Poller::dispatch() noexcept {
    turn_.swap(again_);
    const int fetched = std::exchange(fetched_, 0);
    for (int i = 0; i < fetched; ++i) {
        const epoll_event& event = events_[static_cast<std::size_t>(i)];
        if (Slot* const slot = find(unpack(event.data.u64)); slot != nullptr) {
            slot->handler->on_ready(readiness_of(event.events));
        }
    }
    for (const PollKey key : turn_) {
        if (Slot* const slot = find(key); slot != nullptr) {
            slot->again = false;
            slot->handler->on_ready({.readable = true, .again = true});
        }
    }
    turn_.clear();
}

void Poller::finish() noexcept {
    turn_.swap(finish_);
    for (const PollKey key : turn_) {
        if (Slot* const slot = find(key); slot != nullptr) {
            slot->finish = false;
            slot->handler->on_wake_end();
        }
    }
    turn_.clear();
}

Poller::Slot* Poller::find(PollKey key) noexcept {
    if (key.slot >= slots_.size() || slots_[key.slot].generation != key.generation) {
        return nullptr;
    }
    Slot* const slot = &slots_[key.slot];
    return slot->handler == nullptr ? nullptr : slot;
}

void Poller::release(std::uint32_t slot) noexcept {
    slots_[slot] = {.handler = nullptr, .generation = slots_[slot].generation + 1};
    free_.push_back(slot);
}

}  // namespace weir::runtime
