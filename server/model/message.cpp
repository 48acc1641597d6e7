#include <weir/model/message.hpp>

#include <cstring>
#include <new>

#include <weir/base/assert.hpp>

namespace weir::model {

Message::Message(const MessageParts& parts) noexcept
    : payload_size_{static_cast<std::uint32_t>(parts.payload.size())},
      properties_size_{static_cast<std::uint32_t>(parts.properties.size())},
      topic_size_{static_cast<std::uint16_t>(parts.topic.size())},
      qos_{parts.qos},
      protocol_{parts.protocol},
      retain_{parts.retain},
      hops_{parts.hops},
      created_{parts.created},
      expires_{parts.expires},
      publisher_session_{parts.publisher_session} {}

MessagePtr Message::make(const MessageParts& parts) {
    WEIR_ASSERT(parts.topic.size() <= 0xFFFF && parts.payload.size() < (1ULL << 31U) && parts.properties.size() < (1ULL << 31U));
    const std::size_t size =
        sizeof(Message) + parts.topic.size() + parts.properties.size() + parts.payload.size() + kSpareBytes;
    void* const raw = ::operator new(size);
    auto* const message = new (raw) Message{parts};
    char* out = static_cast<char*>(raw) + sizeof(Message);
    const auto put = [&out](const void* from, std::size_t count) {
        if (count != 0) {
            std::memcpy(out, from, count);
            out += count;
        }
    };
    put(parts.topic.data(), parts.topic.size());
    put(parts.properties.data(), parts.properties.size());
    put(parts.payload.data(), parts.payload.size());
    std::memset(out, 0, kSpareBytes);
    return MessagePtr{message};
}

void MessagePtr::release() noexcept {
    if (message_ != nullptr && message_->references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
        message_->~Message();
        ::operator delete(message_);
    }
}

}  // namespace weir::model
