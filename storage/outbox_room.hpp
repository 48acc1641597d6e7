/// Room in an outbox, as seen by those who fill it.
#pragma once

#include <atomic>
#include <cstdint>

namespace weir::storage {

/// Bytes stored in one outbox, and bytes promised to batches that are not committed yet. Lives as
/// long as the Store. Any thread, lock-free. The limit is the caller's (a reload may change it); it
/// bounds stored and promised together.
class OutboxRoom {
public:
    OutboxRoom() noexcept = default;
    OutboxRoom(const OutboxRoom&) = delete;
    OutboxRoom& operator=(const OutboxRoom&) = delete;
    ~OutboxRoom() = default;

    /// Promises `bytes` if they fit under `limit`. The promise ends with the commit of the batch
    /// that enqueues, or with release() if there will be none.
    [[nodiscard]] bool reserve(std::uint64_t bytes, std::uint64_t limit) noexcept;
    void release(std::uint64_t bytes) noexcept;

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
    std::atomic<std::uint64_t> stored_{0};
    std::atomic<std::uint64_t> reserved_{0};
};

}  // namespace weir::storage
