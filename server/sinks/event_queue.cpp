#include <weir/sinks/detail/event_queue.hpp>

#include <algorithm>
#include <utility>

namespace weir::sinks::detail {

void EventQueue::push(Event event) {
    {
        const std::lock_guard lock{mutex_};
        events_.push_back(std::move(event));
    }
    changed_.notify_one();
}

void EventQueue::push_filled(std::uint32_t sink) {
    {
        const std::lock_guard lock{mutex_};
        const auto is_same = [sink](const Event& event) {
            return event.sink == sink && std::holds_alternative<Filled>(event.what);
        };
        if (std::ranges::any_of(events_, is_same)) {
            return;
        }
        events_.push_back({.sink = sink, .what = Filled{}});
    }
    changed_.notify_one();
}

void EventQueue::interrupt() {
    {
        const std::lock_guard lock{mutex_};
        interrupted_ = true;
    }
    changed_.notify_one();
}

std::vector<Event> EventQueue::take() {
    const std::lock_guard lock{mutex_};
    return std::exchange(events_, {});
}

void EventQueue::wait(std::chrono::milliseconds timeout) {
    std::unique_lock lock{mutex_};
    changed_.wait_for(lock, timeout, [this] { return !events_.empty() || interrupted_; });
    interrupted_ = false;
}

}  // namespace weir::sinks::detail
