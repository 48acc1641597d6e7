/// Whether a subscriber gets everything, once, in order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace weir::bench {

/// One subscriber's view of the flows that reach it. A flow is what one publisher sends it.
class SequenceCheck {
public:
    explicit SequenceCheck(std::size_t flows) : next_(flows) {}

    void take(std::size_t flow, std::uint32_t sequence) noexcept {
        auto& next = next_[flow];
        if (sequence < next) {
            ++reordered_;
            return;
        }
        skipped_ += sequence - next;
        next = sequence + 1;
    }

    /// Numbers that did not come before a higher one. Lost, on its way still, or another's, where a
    /// flow is shared among subscribers.
    [[nodiscard]] std::uint64_t skipped() const noexcept { return skipped_; }
    /// Messages that came after a higher number: out of order, or a second time.
    [[nodiscard]] std::uint64_t reordered() const noexcept { return reordered_; }

private:
    std::vector<std::uint32_t> next_;
    std::uint64_t skipped_ = 0;
    std::uint64_t reordered_ = 0;
};

}  // namespace weir::bench
