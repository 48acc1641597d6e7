#include <weir/net/send_queue.hpp>

#include <sys/uio.h>

#include <algorithm>
#include <limits>

#include <weir/base/assert.hpp>

namespace weir::net {

void SendQueue::append(ByteView bytes) {
    grew(bytes.size());
    while (!bytes.empty()) {
        if (tail_ == nullptr || tail_->room == 0) {
            push_chunk(std::min(bytes.size(), ChunkPool::kSizes.back() - sizeof(Node)));
        }
        const std::size_t count = std::min<std::size_t>(bytes.size(), tail_->room);
        std::memcpy(end_of_tail(), bytes.data(), count);
        tail_->size += static_cast<std::uint32_t>(count);
        tail_->room -= static_cast<std::uint32_t>(count);
        bytes = bytes.subspan(count);
    }
}

Byte* SendQueue::reserve(std::size_t size) {
    if (tail_ == nullptr || tail_->room < size) {
        push_chunk(size);
    }
    return end_of_tail();
}

void SendQueue::commit(std::size_t size) noexcept {
    WEIR_DEBUG_ASSERT(tail_ != nullptr && size <= tail_->room);
    tail_->size += static_cast<std::uint32_t>(size);
    tail_->room -= static_cast<std::uint32_t>(size);
    grew(size);
}

void SendQueue::push_chunk(std::size_t payload_bytes) {
    WEIR_ASSERT(payload_bytes < std::numeric_limits<std::uint32_t>::max() / 2);
    // What waits already is a backlog: it gets the largest chunk. The first bytes of a wake get
    // what they need.
    constexpr std::size_t kFirst = ChunkPool::kSizes[1];
    constexpr std::size_t kLargest = ChunkPool::kSizes.back();
    std::size_t size = std::max(payload_bytes + sizeof(Node), head_ == nullptr ? kFirst : kLargest);
    auto* const raw = static_cast<Byte*>(pool_->take(size));
    link(::new (raw) Node{
        .next = nullptr,
        .begin = raw + sizeof(Node),
        .size = 0,
        .room = static_cast<std::uint32_t>(size - sizeof(Node)),
        .chunk_size = size,
        .release = nullptr,
        .owner = {},
    });
}

SendQueue::Node& SendQueue::push_reference(ByteView bytes) {
    WEIR_ASSERT(bytes.size() <= std::numeric_limits<std::uint32_t>::max());
    std::size_t size = sizeof(Node);
    auto* const node = ::new (pool_->take(size)) Node{
        .next = nullptr,
        .begin = bytes.data(),
        .size = static_cast<std::uint32_t>(bytes.size()),
        .room = 0,
        .chunk_size = size,
        .release = nullptr,
        .owner = {},
    };
    link(node);
    grew(bytes.size());
    return *node;
}

void SendQueue::link(Node* node) noexcept {
    (tail_ == nullptr ? head_ : tail_->next) = node;
    tail_ = node;
}

void SendQueue::pop() noexcept {
    Node* const node = head_;
    head_ = node->next;
    if (head_ == nullptr) {
        tail_ = nullptr;
    }
    if (node->release != nullptr) {
        node->release(node->owner);
    }
    pool_->give_back(node, node->chunk_size);
}

void SendQueue::grew(std::size_t size) noexcept {
    bytes_ += size;
    congested_ = congested_ || bytes_ >= marks_.high;
}

std::size_t SendQueue::gather(std::span<iovec> parts, std::size_t limit) const noexcept {
    std::size_t used = 0;
    for (const Node* node = head_; node != nullptr && limit != 0 && used < parts.size();
         node = node->next) {
        const std::size_t count = std::min<std::size_t>(node->size, limit);
        if (count != 0) {
            parts[used++] = {.iov_base = const_cast<Byte*>(node->begin), .iov_len = count};
            limit -= count;
        }
    }
    return used;
}

void SendQueue::consume(std::size_t size) noexcept {
    WEIR_DEBUG_ASSERT(size <= bytes_);
    bytes_ -= size;
    while (size != 0 && size >= head_->size) {
        size -= head_->size;
        pop();
    }
    if (size != 0) {
        head_->begin += size;
        head_->size -= static_cast<std::uint32_t>(size);
    }
    if (bytes_ == 0) {
        clear();
    }
    congested_ = congested_ && bytes_ > marks_.low;
}

void SendQueue::clear() noexcept {
    while (head_ != nullptr) {
        pop();
    }
    bytes_ = 0;
    congested_ = false;
}

void SendQueue::rebind(ChunkPool& pool) noexcept {
    WEIR_ASSERT(head_ == nullptr);
    pool_ = &pool;
}

}  // namespace weir::net
