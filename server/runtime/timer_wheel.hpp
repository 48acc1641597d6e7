/// Deadlines that are set far more often than they are reached.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>

#include <weir/base/clock.hpp>

namespace weir::runtime {

namespace detail {

/// A link of a circular list.
struct TimerLink {
    TimerLink* previous = nullptr;
    TimerLink* next = nullptr;

    void unlink() noexcept;
    void insert_before(TimerLink& other) noexcept;
};

}  // namespace detail

/// Something with a deadline. 32 B with its table pointer; unlinks itself when destroyed. One
/// thread.
class Timer : private detail::TimerLink {
public:
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;

    [[nodiscard]] bool armed() const noexcept { return next != nullptr; }
    void disarm() noexcept { unlink(); }

protected:
    Timer() noexcept = default;
    ~Timer() { unlink(); }

    /// The deadline is over. @return a new deadline; nothing: not armed any more.
    /// The timer may be destroyed in here if it returns nothing.
    virtual std::optional<SteadyTime> on_deadline(SteadyTime now) noexcept = 0;

private:
    friend class TimerWheel;
    SteadyTime deadline_{0};
};

/// A ring of slots, each a list of timers. To postpone is one store: the timer keeps its slot and
/// is looked at again when that slot comes round. A deadline beyond the ring's length is re-checked
/// once per round. Never fires early; fires at most one resolution late, plus the length of the
/// wake. One thread.
class TimerWheel {
public:
    static constexpr std::size_t kSlots = 256;

    TimerWheel(std::chrono::milliseconds resolution, SteadyTime now) noexcept;
    TimerWheel(const TimerWheel&) = delete;
    TimerWheel& operator=(const TimerWheel&) = delete;
    /// Timers that are still armed are disarmed.
    ~TimerWheel();

    /// Sets or moves the deadline. @cost A store when it moves to later, else a list insertion.
    void arm(Timer& timer, SteadyTime deadline) noexcept;
    /// Calls the timers that are due. @cost A comparison if no slot is.
    void advance(SteadyTime now) noexcept;
    /// How long advance() has nothing to look at; nothing if no timer is armed.
    [[nodiscard]] std::optional<std::chrono::milliseconds> idle_for(SteadyTime now) const noexcept;

private:
    static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
    using Head = detail::TimerLink;

    [[nodiscard]] Head& slot(std::int64_t tick) noexcept {
        return slots_[static_cast<std::size_t>(tick) % kSlots];
    }
    void link(Timer& timer) noexcept;
    void run_slot(Head& head, SteadyTime now) noexcept;
    [[nodiscard]] std::int64_t first_used_tick() noexcept;

    std::chrono::milliseconds resolution_;
    std::int64_t tick_;                ///< The last tick that was run.
    std::int64_t next_used_ = kNever;  ///< No slot before this tick holds a timer.
    std::array<Head, kSlots> slots_;
};

}  // namespace weir::runtime
