#include <weir/storage/outbox_room.hpp>

#include <algorithm>

namespace weir::storage {

bool OutboxRoom::reserve(std::uint64_t bytes, std::uint64_t limit) noexcept {
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

void OutboxRoom::release(std::uint64_t bytes) noexcept {
    auto reserved = reserved_.load(std::memory_order_acquire);
    // Saturates: a batch that was built without a reservation must not make room out of nothing.
    while (!reserved_.compare_exchange_weak(
        reserved, reserved - std::min(reserved, bytes), std::memory_order_acq_rel
    )) {
    }
}

}  // namespace weir::storage
