#include <weir/base/payload.hpp>

#include <cstring>
#include <limits>
#include <new>

#include <weir/base/assert.hpp>

namespace weir {

Payload Payload::copy(ByteView first, ByteView second, ByteView third) {
    const std::size_t size = first.size() + second.size() + third.size();
    WEIR_ASSERT(size <= std::numeric_limits<std::uint32_t>::max());
    auto* const raw = static_cast<Byte*>(::operator new(sizeof(Block) + size + kSpareBytes));
    auto* const block = new (raw) Block{.references = 1, .size = static_cast<std::uint32_t>(size)};
    Byte* out = raw + sizeof(Block);
    for (const ByteView part : {first, second, third}) {
        if (!part.empty()) {
            std::memcpy(out, part.data(), part.size());
            out += part.size();
        }
    }
    std::memset(out, 0, kSpareBytes);
    return Payload{block};
}

const Byte* Payload::data() const noexcept {
    return block_ == nullptr ? nullptr : reinterpret_cast<const Byte*>(block_ + 1);
}

void Payload::release() noexcept {
    if (block_ != nullptr && block_->references.fetch_sub(1, std::memory_order_acq_rel) == 1) {
        block_->~Block();
        ::operator delete(block_);
    }
}

}  // namespace weir
