#include <weir/storage/outbox_room.hpp>

#include <algorithm>
#include <limits>

namespace weir::storage {

bool OutboxRoom::reserve(
    std::uint64_t bytes, std::uint64_t limit, Budgets::Bound bound
) noexcept {
    if (!reserve_own(bytes, limit)) {
        return false;
    }
    if (budgets_ != nullptr && !budgets_->reserve(Area::outbox, bytes, bound)) {
        release_own(bytes);
        return false;
    }
    return true;
}

void OutboxRoom::promise(std::uint64_t bytes) noexcept {
    static_cast<void>(reserve_own(bytes, std::numeric_limits<std::uint64_t>::max()));
    if (budgets_ != nullptr) {
        budgets_->add(Area::outbox, static_cast<std::int64_t>(bytes));
    }
}

void OutboxRoom::release(std::uint64_t bytes) noexcept {
    const std::uint64_t released = release_own(bytes);
    if (budgets_ != nullptr) {
        budgets_->add(Area::outbox, -static_cast<std::int64_t>(released));
    }
}

void OutboxRoom::count_over_budget() noexcept {
    if (budgets_ != nullptr) {
        budgets_->count_lost(Area::outbox);
    }
}

bool OutboxRoom::reserve_own(std::uint64_t bytes, std::uint64_t limit) noexcept {
    auto reserved = reserved_.load(std::memory_order_acquire);
    for (;;) {
        const std::uint64_t taken = stored() + reserved;
        if (bytes > limit || taken > limit - bytes) {
            return false;
        }
        if (reserved_.compare_exchange_weak(
                reserved, reserved + bytes, std::memory_order_acq_rel
            )) {
            return true;
        }
    }
}

std::uint64_t OutboxRoom::release_own(std::uint64_t bytes) noexcept {
    auto reserved = reserved_.load(std::memory_order_acquire);
    // Saturates: a batch that was built without a reservation must not make room out of nothing.
    while (!reserved_.compare_exchange_weak(
        reserved, reserved - std::min(reserved, bytes), std::memory_order_acq_rel
    )) {
    }
    return std::min(reserved, bytes);
}

}  // namespace weir::storage
