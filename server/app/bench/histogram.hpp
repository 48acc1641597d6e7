/// Times, counted in buckets that grow with them.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace weir::bench {

/// Nanoseconds from 0 to 2^64-1. A time below 128 has a bucket of its own; above, each power of two
/// is cut into 128, so that a percentile is at most 0.8 % off. One writer.
class Histogram {
public:
    void add(std::uint64_t ns) noexcept {
        ++buckets_[index_of(ns)];
        ++count_;
        sum_ += static_cast<double>(ns);
        max_ = std::max(max_, ns);
    }
    void merge(const Histogram& other) noexcept;

    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
    [[nodiscard]] std::uint64_t max() const noexcept { return max_; }
    [[nodiscard]] double mean() const noexcept {
        return count_ == 0 ? 0 : sum_ / static_cast<double>(count_);
    }
    /// The middle of the bucket below which that share of the times lies; 0 if there are none.
    /// @param share  0 to 1.
    [[nodiscard]] std::uint64_t quantile(double share) const noexcept;

private:
    static constexpr unsigned kBits = 7;
    static constexpr std::size_t kPerPower = 1U << kBits;
    static constexpr std::size_t kBuckets = (64 - kBits + 1) * kPerPower;

    [[nodiscard]] static constexpr std::size_t index_of(std::uint64_t ns) noexcept {
        if (ns < kPerPower) {
            return ns;
        }
        const auto shift = static_cast<unsigned>(std::bit_width(ns)) - 1 - kBits;
        return (shift + 1) * kPerPower + ((ns >> shift) & (kPerPower - 1));
    }
    [[nodiscard]] static std::uint64_t middle_of(std::size_t index) noexcept;

    std::vector<std::uint64_t> buckets_ = std::vector<std::uint64_t>(kBuckets);
    std::uint64_t count_ = 0;
    std::uint64_t max_ = 0;
    double sum_ = 0;
};

}  // namespace weir::bench
