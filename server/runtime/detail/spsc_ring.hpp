/// A bounded ring from one thread to one other.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

#include <weir/runtime/task.hpp>

namespace weir::runtime::detail {

/// Carries tasks with a declared cost in bytes; full when either the entries or the bytes are used
/// up. A task that alone costs more than the bound passes when the ring is empty. Entries are
/// touched only as far as the ring fills.
class SpscRing {
public:
    /// @param entries A power of two.
    SpscRing(std::size_t entries, std::size_t bytes_max)
        : mask_{entries - 1},
          bytes_max_{bytes_max},
          entries_{std::make_unique_for_overwrite<Entry[]>(entries)} {
        WEIR_ASSERT(std::has_single_bit(entries));
    }
    SpscRing(const SpscRing&) = delete;
    SpscRing& operator=(const SpscRing&) = delete;

    /// Producer. false: full, and `task` is untouched.
    [[nodiscard]] bool try_push(Task&& task, std::size_t cost_bytes) noexcept {
        if (!fits(cost_bytes)) {
            seen_head_ = head_.load(std::memory_order_acquire);
            seen_bytes_ = bytes_done_.load(std::memory_order_relaxed);
            if (!fits(cost_bytes)) {
                return false;
            }
        }
        const std::uint64_t tail = tail_.load(std::memory_order_relaxed);
        Entry& entry = entries_[tail & mask_];
        entry.task = std::move(task);
        entry.cost_bytes = static_cast<std::uint32_t>(cost_bytes);
        bytes_sent_ += cost_bytes;
        tail_.store(tail + 1, std::memory_order_release);
        return true;
    }

    /// Producer. At least a quarter of the ring is free.
    [[nodiscard]] bool has_room() noexcept {
        seen_head_ = head_.load(std::memory_order_acquire);
        seen_bytes_ = bytes_done_.load(std::memory_order_relaxed);
        const std::uint64_t used = tail_.load(std::memory_order_relaxed) - seen_head_;
        return used <= mask_ - mask_ / 4 &&
               (bytes_sent_ - seen_bytes_) <= bytes_max_ - bytes_max_ / 4;
    }

    /// Consumer. Runs up to `budget` tasks. @return how many ran.
    std::size_t drain(std::size_t budget) noexcept {
        std::uint64_t head = head_.load(std::memory_order_relaxed);
        const std::uint64_t tail = tail_.load(std::memory_order_acquire);
        std::uint64_t bytes = bytes_done_.load(std::memory_order_relaxed);
        std::size_t ran = 0;
        for (; head != tail && ran < budget; ++ran) {
            Entry& entry = entries_[head & mask_];
            entry.task();
            entry.task.reset();
            bytes += entry.cost_bytes;
            ++head;
        }
        if (ran != 0) {
            bytes_done_.store(bytes, std::memory_order_relaxed);
            head_.store(head, std::memory_order_release);
        }
        return ran;
    }

    /// Consumer.
    [[nodiscard]] bool empty() const noexcept {
        return head_.load(std::memory_order_relaxed) == tail_.load(std::memory_order_acquire);
    }

private:
    struct Entry {
        Task task;
        std::uint32_t cost_bytes = 0;
    };
    static_assert(sizeof(Entry) == 64);
    static constexpr std::size_t kCacheLine = 64;

    [[nodiscard]] bool fits(std::size_t cost_bytes) const noexcept {
        const std::uint64_t used = tail_.load(std::memory_order_relaxed) - seen_head_;
        const std::uint64_t bytes = bytes_sent_ - seen_bytes_;
        return used == 0 || (used <= mask_ && bytes + cost_bytes <= bytes_max_);
    }

    const std::size_t mask_;
    const std::size_t bytes_max_;
    const std::unique_ptr<Entry[]> entries_;

    alignas(kCacheLine) std::atomic<std::uint64_t> tail_{0};
    std::uint64_t bytes_sent_ = 0;  ///< Producer's own, with the two below.
    std::uint64_t seen_head_ = 0;
    std::uint64_t seen_bytes_ = 0;

    alignas(kCacheLine) std::atomic<std::uint64_t> head_{0};
    std::atomic<std::uint64_t> bytes_done_{0};
};

}  // namespace weir::runtime::detail
