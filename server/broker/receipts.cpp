#include <weir/broker/receipts.hpp>

namespace weir::broker {

std::uint32_t Receipts::open(const Creditor& creditor) {
    if (free_.empty()) {
        free_.push_back(static_cast<std::uint32_t>(open_.size()));
        open_.emplace_back();
    }
    const std::uint32_t receipt = free_.back();
    free_.pop_back();
    open_[receipt] = {.creditor = creditor, .shares = 1};
    return receipt;
}

std::optional<Receipts::Finished> Receipts::give_back(std::uint32_t receipt, bool stored) noexcept {
    Open& open = open_[receipt];
    open.stored = open.stored && stored;
    if (--open.shares > 0) {
        return std::nullopt;
    }
    free_.push_back(receipt);
    return Finished{open.creditor, open.stored};
}

}  // namespace weir::broker
