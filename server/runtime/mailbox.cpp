#include <weir/runtime/mailbox.hpp>

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <weir/base/assert.hpp>
#include <weir/runtime/detail/spsc_ring.hpp>

namespace weir::runtime {

Mailbox::Mailbox(const MailboxOptions& options)
    : event_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)} {
    if (!event_) {
        throw std::system_error{errno, std::generic_category(), "eventfd"};
    }
    for (std::size_t i = 0; i < options.shards; ++i) {
        rings_.push_back(
            std::make_unique<detail::SpscRing>(options.ring_entries, options.ring_bytes)
        );
    }
}

Mailbox::~Mailbox() = default;

bool Mailbox::try_send(ShardId from, Task&& task, std::size_t cost_bytes) noexcept {
    return rings_[index_of(from)]->try_push(std::move(task), cost_bytes);
}

bool Mailbox::has_room(ShardId from) noexcept {
    return rings_[index_of(from)]->has_room();
}

void Mailbox::post(Task&& task) {
    posted_.with([&](std::vector<Task>& tasks) { tasks.push_back(std::move(task)); });
    has_posted_.store(true, std::memory_order_release);
    wake();
}

void Mailbox::wake() noexcept {
    // Both sides exchange: whichever comes second sees what the first one wrote before.
    if (sleeping_.exchange(false, std::memory_order_acq_rel)) {
        const std::uint64_t one = 1;
        const auto written = ::write(event_.get(), &one, sizeof one);
        WEIR_ASSERT(written == sizeof one || errno == EAGAIN);
    }
}

bool Mailbox::drain() noexcept {
    bool more = false;
    for (const auto& ring : rings_) {
        const bool is_whole_turn = ring->drain(kTasksPerTurn) == kTasksPerTurn;
        more = more || is_whole_turn;
    }
    if (has_posted_.load(std::memory_order_relaxed) &&
        has_posted_.exchange(false, std::memory_order_acquire)) {
        posted_.with([&](std::vector<Task>& tasks) { tasks.swap(taken_); });
        for (Task& task : taken_) {
            task();
        }
        taken_.clear();
    }
    return more;
}

bool Mailbox::prepare_sleep() noexcept {
    sleeping_.exchange(true, std::memory_order_acq_rel);
    if (empty()) {
        return true;
    }
    end_sleep();
    return false;
}

bool Mailbox::empty() const noexcept {
    return !has_posted_.load(std::memory_order_acquire) &&
           std::ranges::all_of(rings_, [](const auto& ring) { return ring->empty(); });
}

}  // namespace weir::runtime
