/// How many messages came and went, and how fast in the last minute.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include <weir/base/clock.hpp>

namespace weir::app {

struct MessageTotals {
    std::uint64_t in = 0;
    std::uint64_t out = 0;
};

struct MessagesPerSecond {
    double in = 0;
    double out = 0;
};

/// Remembers totals of the last minute, to tell how fast they rise. Not for several threads at once. @cost No allocation.
class MessageRates {
public:
    static constexpr std::chrono::seconds kWindow{60};

    /// About once a second, from the start on.
    void sample(SteadyTime now, const MessageTotals& totals) noexcept;
    /// Between the oldest sample of the last minute and now; less than a second counts as one.
    [[nodiscard]] MessagesPerSecond per_second(
        SteadyTime now, const MessageTotals& totals
    ) const noexcept;

private:
    struct Sample {
        SteadyTime time{0};
        MessageTotals totals = {};
    };

    std::array<Sample, static_cast<std::size_t>(kWindow.count()) + 1> samples_;
    std::size_t taken_ = 0;  ///< Ever; the next one replaces the oldest.
};

}  // namespace weir::app
