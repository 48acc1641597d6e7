#include <weir/bench/histogram.hpp>

#include <cmath>

namespace weir::bench {

void Histogram::merge(const Histogram& other) noexcept {
    for (std::size_t i = 0; i < kBuckets; ++i) {
        buckets_[i] += other.buckets_[i];
    }
    count_ += other.count_;
    sum_ += other.sum_;
    max_ = std::max(max_, other.max_);
}

std::uint64_t Histogram::quantile(double share) const noexcept {
    const auto wanted = std::max(
        std::uint64_t{1},
        static_cast<std::uint64_t>(std::llround(share * static_cast<double>(count_)))
    );
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < kBuckets; ++i) {
        seen += buckets_[i];
        if (seen >= wanted) {
            return std::min(middle_of(i), max_);
        }
    }
    return max_;
}

std::uint64_t Histogram::middle_of(std::size_t index) noexcept {
    if (index < kPerPower) {
        return index;
    }
    const auto shift = index / kPerPower - 1;
    const std::uint64_t first = (kPerPower + index % kPerPower) << shift;
    return first + ((std::uint64_t{1} << shift) >> 1U);
}

}  // namespace weir::bench
