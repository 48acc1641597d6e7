/// Immutable bytes shared by reference count: the one copy that the way of a message makes.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <weir/base/bytes.hpp>

namespace weir {

/// A handle to immutable bytes. Copies share the block; the last one frees it. Handles may go to any thread.
/// kSpareBytes readable zero bytes follow the end, which lets a SIMD parser read past it.
class Payload {
public:
    static constexpr std::size_t kSpareBytes = 64;

    Payload() noexcept = default;
    Payload(const Payload& other) noexcept : block_{other.block_} {
        if (block_ != nullptr) {
            block_->references.fetch_add(1, std::memory_order_relaxed);
        }
    }
    Payload(Payload&& other) noexcept : block_{std::exchange(other.block_, nullptr)} {}
    Payload& operator=(Payload other) noexcept {
        std::swap(block_, other.block_);
        return *this;
    }
    ~Payload() { release(); }

    /// Copies the parts, one after the other, into a new block. @cost One allocation.
    [[nodiscard]] static Payload copy(ByteView first, ByteView second = {}, ByteView third = {});

    [[nodiscard]] const Byte* data() const noexcept;
    [[nodiscard]] std::size_t size() const noexcept { return block_ == nullptr ? 0 : block_->size; }
    [[nodiscard]] bool empty() const noexcept { return size() == 0; }
    [[nodiscard]] ByteView view() const noexcept { return {data(), size()}; }
    [[nodiscard]] std::string_view text() const noexcept { return as_text(view()); }

private:
    struct Block {
        std::atomic<std::uint32_t> references;
        std::uint32_t size;
    };

    explicit Payload(Block* block) noexcept : block_{block} {}
    void release() noexcept;

    Block* block_ = nullptr;
};

}  // namespace weir
