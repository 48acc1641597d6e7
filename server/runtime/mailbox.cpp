#include <weir/runtime/mailbox.hpp>

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <weir/base/assert.hpp>
#include <weir/runtime/detail/spsc_ring.hpp>

namespace weir::runtime {

struct Mailbox::Lanes {
    explicit Lanes(const MailboxOptions& options)
        : requests{options.ring_entries, options.ring_bytes},
          replies{options.ring_entries, options.ring_bytes} {}

    detail::SpscRing requests;
    detail::SpscRing replies;
};

Mailbox::Mailbox(const MailboxOptions& options)
    : replies_max_{options.ring_entries}, event_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)} {
    if (!event_) {
        throw std::system_error{errno, std::generic_category(), "eventfd"};
    }
    for (std::size_t i = 0; i < options.shards; ++i) {
        lanes_.push_back(std::make_unique<Lanes>(options));
    }
}

Mailbox::~Mailbox() = default;

bool Mailbox::try_send(ShardId from, Task&& task, std::size_t cost_bytes) noexcept {
    return lanes_[index_of(from)]->requests.try_push(std::move(task), cost_bytes);
}

void Mailbox::reply(ShardId from, Task&& task) noexcept {
    const bool pushed = lanes_[index_of(from)]->replies.try_push(std::move(task), 0);
    WEIR_ASSERT(pushed);  // A reply without a request.
}

bool Mailbox::has_room(ShardId from) noexcept {
    return lanes_[index_of(from)]->requests.has_room();
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

bool Mailbox::drain(std::vector<std::uint32_t>& replies_open) noexcept {
    bool more = false;
    for (std::size_t from = 0; from < lanes_.size(); ++from) {
        Lanes& lanes = *lanes_[from];
        const std::size_t replies = lanes.replies.drain(kTasksPerTurn);
        replies_open[from] -= static_cast<std::uint32_t>(replies);
        const std::size_t requests = lanes.requests.drain(kTasksPerTurn);
        more = more || std::max(replies, requests) == kTasksPerTurn;
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
           std::ranges::all_of(lanes_, [](const auto& lanes) {
               return lanes->requests.empty() && lanes->replies.empty();
           });
}

}  // namespace weir::runtime
