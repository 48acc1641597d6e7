#include <weir/base/clock.hpp>

namespace weir {

SteadyTime SystemClock::steady() const noexcept {
    return std::chrono::duration_cast<SteadyTime>(std::chrono::steady_clock::now().time_since_epoch());
}

WallTime SystemClock::wall() const noexcept {
    return std::chrono::duration_cast<WallTime>(std::chrono::system_clock::now().time_since_epoch());
}

}  // namespace weir
