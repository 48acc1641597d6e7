#include <weir/sinks/detail/breaker.hpp>

namespace weir::sinks::detail {

bool Breaker::admit(SteadyTime now) noexcept {
    if (state_ == BreakerState::open && now >= until_) {
        state_ = BreakerState::half_open;
        return true;
    }
    return state_ == BreakerState::closed;
}

void Breaker::succeed() noexcept {
    reset();
}

void Breaker::fail(
    const BreakerPolicy& policy, SteadyTime now, std::chrono::milliseconds pause
) noexcept {
    ++failures_;
    const bool opens = policy.failures != 0 && failures_ >= policy.failures;
    if (state_ != BreakerState::open && (opens || state_ == BreakerState::half_open)) {
        state_ = BreakerState::open;
        until_ = now + pause;
    }
}

void Breaker::forget() noexcept {
    if (state_ == BreakerState::half_open) {
        state_ = BreakerState::open;
    }
}

}  // namespace weir::sinks::detail
