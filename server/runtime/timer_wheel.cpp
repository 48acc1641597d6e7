#include <weir/runtime/timer_wheel.hpp>

#include <algorithm>

namespace weir::runtime {

void detail::TimerLink::unlink() noexcept {
    if (next != nullptr) {
        previous->next = next;
        next->previous = previous;
        previous = next = nullptr;
    }
}

void detail::TimerLink::insert_before(TimerLink& other) noexcept {
    previous = other.previous;
    next = &other;
    previous->next = this;
    other.previous = this;
}

TimerWheel::TimerWheel(std::chrono::milliseconds resolution, SteadyTime now) noexcept
    : resolution_{resolution}, tick_{now / resolution} {
    for (Head& head : slots_) {
        head.previous = head.next = &head;
    }
}

TimerWheel::~TimerWheel() {
    for (Head& head : slots_) {
        while (head.next != &head) {
            head.next->unlink();
        }
    }
}

void TimerWheel::arm(Timer& timer, SteadyTime deadline) noexcept {
    const bool keeps_slot = timer.armed() && deadline >= timer.deadline_;
    timer.deadline_ = deadline;
    if (!keeps_slot) {
        timer.disarm();
        link(timer);
    }
}

void TimerWheel::link(Timer& timer) noexcept {
    const std::int64_t due =
        (timer.deadline_ + resolution_ - SteadyTime{1}) / resolution_;  // Rounded up: never early.
    const std::int64_t tick =
        std::clamp<std::int64_t>(due, tick_ + 1, tick_ + std::int64_t{kSlots} - 1);
    timer.insert_before(slot(tick));
    next_used_ = std::min(next_used_, tick);
}

void TimerWheel::advance(SteadyTime now) noexcept {
    const std::int64_t target = now / resolution_;
    if (target < next_used_) {
        tick_ = std::max(tick_, target);
        return;
    }
    const std::int64_t first =
        std::max(next_used_, target - std::int64_t{kSlots} + 1);  // One round sees every slot.
    next_used_ = kNever;
    for (std::int64_t tick = first; tick <= target; ++tick) {
        tick_ = tick;
        run_slot(slot(tick), now);
    }
    next_used_ = first_used_tick();
}

void TimerWheel::run_slot(Head& head, SteadyTime now) noexcept {
    if (head.next == &head) {
        return;
    }
    // The list moves to a head of its own, so that timers linked meanwhile wait for their tick.
    Head due;
    due.insert_before(head);
    head.unlink();
    head.previous = head.next = &head;
    while (due.next != &due) {
        Timer& timer = static_cast<Timer&>(*due.next);
        timer.disarm();
        if (timer.deadline_ > now) {
            link(timer);
        } else if (const auto next = timer.on_deadline(now); next) {
            arm(timer, *next);
        }
    }
}

std::int64_t TimerWheel::first_used_tick() noexcept {
    for (std::int64_t tick = tick_ + 1; tick <= tick_ + std::int64_t{kSlots}; ++tick) {
        if (const Head& head = slot(tick); head.next != &head) {
            return tick;
        }
    }
    return kNever;
}

std::optional<std::chrono::milliseconds> TimerWheel::idle_for(SteadyTime now) const noexcept {
    if (next_used_ == kNever) {
        return std::nullopt;
    }
    return std::max(std::chrono::milliseconds{0}, next_used_ * resolution_ - now);
}

}  // namespace weir::runtime
