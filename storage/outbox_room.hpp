/// Room in an outbox, as seen by those who fill it.
#pragma once

#include <atomic>
#include <cstdint>

#include <weir/storage/budgets.hpp>

namespace weir::storage {

/// Bytes stored in one outbox, and bytes promised to batches that are not committed yet. Lives as
/// long as the Store. Any thread, lock-free. The limit is the caller's (a reload may change it); it
/// bounds stored and promised together. So does the budget of all outboxes, if there is one.
class OutboxRoom {
public:
    /// @param budgets  Outlives it; null: no budget.
    explicit OutboxRoom(Budgets* budgets = nullptr) noexcept : budgets_{budgets} {}
    OutboxRoom(const OutboxRoom&) = delete;
    OutboxRoom& operator=(const OutboxRoom&) = delete;
    ~OutboxRoom() = default;

    /// Promises `bytes` if they fit under `limit` and the budget of all outboxes. The promise ends
    /// with the commit of the batch that enqueues, or with release() if there will be none.
    /// @param bound  Budgets::Bound::slack if the outbox gives up older entries for it.
    [[nodiscard]] bool reserve(
        std::uint64_t bytes, std::uint64_t limit, Budgets::Bound bound = Budgets::Bound::budget
    ) noexcept;
    /// The same without asking whether they fit.
    void promise(std::uint64_t bytes) noexcept;
    void release(std::uint64_t bytes) noexcept;
    /// A record was lost because of the budget.
    void count_over_budget() noexcept;

    [[nodiscard]] std::uint64_t stored() const noexcept {
        return stored_.load(std::memory_order_acquire);
    }
    [[nodiscard]] std::uint64_t used() const noexcept {
        return stored() + reserved_.load(std::memory_order_acquire);
    }

    /// For the storage thread: what the outbox holds now.
    void set_stored(std::uint64_t bytes) noexcept {
        stored_.store(bytes, std::memory_order_release);
    }

private:
    [[nodiscard]] bool reserve_own(std::uint64_t bytes, std::uint64_t limit) noexcept;
    /// @return What was promised of them.
    std::uint64_t release_own(std::uint64_t bytes) noexcept;

    Budgets* budgets_;
    std::atomic<std::uint64_t> stored_{0};
    std::atomic<std::uint64_t> reserved_{0};
};

}  // namespace weir::storage
