/// One acknowledgement that several batches owe.
#pragma once

#include <atomic>
#include <cstdint>

#include <weir/pipeline/completions.hpp>

namespace weir::pipeline {

/// Shared by those who owe; the last one to settle answers. From any thread.
class AckShares {
public:
    AckShares(Completions& completions, AckToken token, std::uint32_t shares) noexcept
        : completions_{completions}, token_{token}, left_{shares} {}

    /// By one who has a share that is not settled.
    void add(std::uint32_t shares) noexcept { left_.fetch_add(shares, std::memory_order_relaxed); }
    /// Each share once.
    void settle(bool stored) {
        if (!stored) {
            stored_.store(false, std::memory_order_relaxed);
        }
        if (left_.fetch_sub(1, std::memory_order_acq_rel) == 1 &&
            (token_.connection != 0 || !stored_.load(std::memory_order_relaxed))) {
            completions_.add(token_, stored_.load(std::memory_order_relaxed));
        }
    }

private:
    Completions& completions_;
    const AckToken token_;
    std::atomic<std::uint32_t> left_;
    std::atomic<bool> stored_{true};
};

}  // namespace weir::pipeline
