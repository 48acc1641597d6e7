/// Time as values: protocols and sessions are told the time, they never read it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace weir {

/// Monotonic time since an arbitrary start, in milliseconds. For deadlines and durations.
using SteadyTime = std::chrono::duration<std::int64_t, std::milli>;
/// UTC since 1970-01-01, in milliseconds. For records and people.
using WallTime = std::chrono::duration<std::int64_t, std::milli>;

/// The source of time of a shard or of a control-side component. Any thread.
class Clock {
public:
    virtual ~Clock() = default;
    [[nodiscard]] virtual SteadyTime steady() const noexcept = 0;
    [[nodiscard]] virtual WallTime wall() const noexcept = 0;
};

class SystemClock final : public Clock {
public:
    [[nodiscard]] SteadyTime steady() const noexcept override;
    [[nodiscard]] WallTime wall() const noexcept override;
};

/// Moves only when told to: for tests and for replays.
class ManualClock final : public Clock {
public:
    [[nodiscard]] SteadyTime steady() const noexcept override { return SteadyTime{steady_ms_.load()}; }
    [[nodiscard]] WallTime wall() const noexcept override { return WallTime{wall_ms_.load()}; }
    void advance(std::chrono::milliseconds by) noexcept {
        steady_ms_ += by.count();
        wall_ms_ += by.count();
    }
    void set_wall(WallTime now) noexcept { wall_ms_ = now.count(); }

private:
    std::atomic<std::int64_t> steady_ms_{1'000};
    std::atomic<std::int64_t> wall_ms_{1'700'000'000'000};
};

}  // namespace weir
