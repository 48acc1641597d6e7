#include <weir/net/chunk_pool.hpp>

#include <new>

#include <weir/base/assert.hpp>

namespace weir::net {
namespace {

constexpr std::size_t class_of(std::size_t size) noexcept {
    std::size_t index = 0;
    while (index < ChunkPool::kSizes.size() && ChunkPool::kSizes[index] < size) {
        ++index;
    }
    return index;
}

}  // namespace

ChunkPool::~ChunkPool() {
    WEIR_DEBUG_ASSERT(bytes_out_ == 0);
    for (List& list : lists_) {
        while (list.head != nullptr) {
            Free* const chunk = list.head;
            list.head = chunk->next;
            ::operator delete(chunk);
        }
    }
}

void* ChunkPool::take(std::size_t& size) {
    const std::size_t index = class_of(size);
    if (index == kSizes.size()) {
        bytes_out_ += size;
        return ::operator new(size);
    }
    size = kSizes[index];
    bytes_out_ += size;
    List& list = lists_[index];
    if (list.head == nullptr) {
        return ::operator new(size);
    }
    Free* const chunk = list.head;
    list.head = chunk->next;
    --list.kept;
    return chunk;
}

void ChunkPool::give_back(void* chunk, std::size_t size) noexcept {
    bytes_out_ -= size;
    const std::size_t index = class_of(size);
    if (index == kSizes.size() || lists_[index].kept * size >= kKeptBytesMax) {
        ::operator delete(chunk);
        return;
    }
    List& list = lists_[index];
    list.head = ::new (chunk) Free{list.head};
    ++list.kept;
}

}  // namespace weir::net
