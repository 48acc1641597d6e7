#include <weir/app/message_rates.hpp>

#include <algorithm>

namespace weir::app {

void MessageRates::sample(SteadyTime now, const MessageTotals& totals) noexcept {
    samples_[taken_++ % samples_.size()] = {now, totals};
}

MessagesPerSecond MessageRates::per_second(
    SteadyTime now, const MessageTotals& totals
) const noexcept {
    const std::size_t kept = std::min(taken_, samples_.size());
    for (std::size_t i = taken_ - kept; i < taken_; ++i) {
        const Sample& oldest = samples_[i % samples_.size()];
        if (now - oldest.time > kWindow) {
            continue;
        }
        const std::chrono::duration<double> span = now - oldest.time;
        const double seconds = std::max(span.count(), 1.0);
        return {
            static_cast<double>(totals.in - oldest.totals.in) / seconds,
            static_cast<double>(totals.out - oldest.totals.out) / seconds,
        };
    }
    return {};
}

}  // namespace weir::app
