/// Leaves a receiver that fails alone, and finds out when it is back.
#pragma once

#include <cstdint>

#include <weir/base/clock.hpp>
#include <weir/sinks/config.hpp>
#include <weir/sinks/status.hpp>

namespace weir::sinks::detail {

/// Closed: requests go. After BreakerPolicy::failures in a row: open, none goes. After a pause:
/// half open, one goes as a probe, and its outcome closes or opens it again.
class Breaker {
public:
    [[nodiscard]] BreakerState state() const noexcept { return state_; }

    /// Whether a request may be sent now. True in the half open state makes it the probe.
    [[nodiscard]] bool admit(SteadyTime now) noexcept;
    /// When an open breaker admits its probe; 0 if it is not open.
    [[nodiscard]] SteadyTime opens_at() const noexcept {
        return state_ == BreakerState::open ? until_ : SteadyTime{0};
    }

    /// The receiver answered, whether it took the records or refused them.
    void succeed() noexcept;
    /// @param pause  How long nothing is sent, if this opens it.
    void fail(
        const BreakerPolicy& policy, SteadyTime now, std::chrono::milliseconds pause
    ) noexcept;
    /// The request says nothing about the receiver: it was not sent, or the client stopped.
    void forget() noexcept;
    void reset() noexcept { *this = {}; }

private:
    BreakerState state_ = BreakerState::closed;
    std::uint32_t failures_ = 0;  ///< In a row.
    SteadyTime until_{0};
};

}  // namespace weir::sinks::detail
