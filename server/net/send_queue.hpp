/// What a connection has still to send.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

#include <weir/base/bytes.hpp>
#include <weir/net/chunk_pool.hpp>

struct iovec;

namespace weir::net {

/// Bytes at which a producer should stop, and at which it may go on.
struct Watermarks {
    std::uint32_t high = 1024 * 1024;
    std::uint32_t low = 256 * 1024;
};

/// Bytes in order: small ones copied into pooled chunks, large ones referred to. Holds no memory
/// while it is empty. Never refuses: who appends looks at congested() first and decides what is
/// lost or parked.
class SendQueue {
public:
    /// Up to here a copy is cheaper than a reference.
    static constexpr std::size_t kCopyBytesMax = 1024;

    SendQueue(ChunkPool& pool, Watermarks marks) noexcept : pool_{&pool}, marks_{marks} {}
    SendQueue(const SendQueue&) = delete;
    SendQueue& operator=(const SendQueue&) = delete;
    ~SendQueue() { clear(); }

    /// Copies.
    void append(ByteView bytes);
    /// Refers to `bytes`, which `owner` (Payload, MessagePtr: one pointer) keeps alive and in
    /// place; small ones are copied.
    template <class Owner>
    void append_shared(ByteView bytes, Owner owner) {
        static_assert(sizeof(Owner) == sizeof(void*) && std::is_nothrow_move_constructible_v<Owner>);
        if (bytes.size() <= kCopyBytesMax) {
            append(bytes);
            return;
        }
        Node& node = push_reference(bytes);
        ::new (node.owner) Owner(std::move(owner));
        node.release = [](void* stored) noexcept { static_cast<Owner*>(stored)->~Owner(); };
    }

    /// Room for `size` contiguous bytes, to be written in place; commit() says how many were. One
    /// at a time.
    [[nodiscard]] Byte* reserve(std::size_t size);
    void commit(std::size_t size) noexcept;

    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
    [[nodiscard]] bool empty() const noexcept { return bytes_ == 0; }
    /// From the high watermark until drained to the low one.
    [[nodiscard]] bool congested() const noexcept { return congested_; }

    /// Names the first bytes, `limit` at most, without consuming. @return how many of `parts` are
    /// used.
    [[nodiscard]] std::size_t gather(std::span<iovec> parts, std::size_t limit) const noexcept;
    /// Drops the first `size` bytes; emptied chunks go back to the pool.
    void consume(std::size_t size) noexcept;
    void clear() noexcept;

    /// Takes chunks from another shard's pool from now on. The queue is empty.
    void rebind(ChunkPool& pool) noexcept;

private:
    /// In front of a chunk's bytes, or alone for a reference.
    struct Node {
        Node* next;
        const Byte* begin;       ///< First unsent byte.
        std::uint32_t size;      ///< Unsent bytes.
        std::uint32_t room;      ///< Free bytes behind them; 0 for references.
        std::size_t chunk_size;  ///< As the pool gave it.
        void (*release)(void* owner) noexcept;
        alignas(void*) std::byte owner[sizeof(void*)];
    };

    [[nodiscard]] Byte* end_of_tail() const noexcept {
        return const_cast<Byte*>(tail_->begin) + tail_->size;
    }
    void push_chunk(std::size_t payload_bytes);
    Node& push_reference(ByteView bytes);
    void link(Node* node) noexcept;
    void pop() noexcept;
    void grew(std::size_t size) noexcept;

    ChunkPool* pool_;
    Node* head_ = nullptr;
    Node* tail_ = nullptr;
    std::size_t bytes_ = 0;
    Watermarks marks_;
    bool congested_ = false;
};

}  // namespace weir::net
