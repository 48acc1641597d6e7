/// Seeded random numbers: the same on every run and every machine.
#pragma once

#include <cstddef>
#include <cstdint>

namespace weir::test {

/// SplitMix64.
class Random {
public:
    explicit Random(std::uint64_t seed) noexcept : state_{seed} {}

    std::uint64_t next() noexcept {
        std::uint64_t z = state_ += 0x9E3779B97F4A7C15ULL;
        z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
        z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
        return z ^ (z >> 31U);
    }

    /// 0..limit-1; limit is not 0.
    std::size_t below(std::size_t limit) noexcept {
        return static_cast<std::size_t>(next() % limit);
    }

private:
    std::uint64_t state_;
};

}  // namespace weir::test
