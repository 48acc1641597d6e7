/// An application message, whatever protocol it came by.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>
#include <utility>

#include <weir/base/bytes.hpp>
#include <weir/base/clock.hpp>

namespace weir::model {

enum class Qos : std::uint8_t { at_most_once = 0, at_least_once = 1, exactly_once = 2 };

enum class Protocol : std::uint8_t { mqtt, amqp, http, internal };

/// What a message is made from; the views need to live only while Message::make runs.
struct MessageParts {
    std::string_view topic;
    ByteView payload = {};
    /// PUBLISH properties that travel end to end (payload format, content type, response topic, correlation data,
    /// user properties in order), encoded as in MQTT 5 section 2.2.2.2 without the length in front.
    ByteView properties = {};
    Qos qos = Qos::at_most_once;
    bool retain = false;
    Protocol protocol = Protocol::mqtt;
    std::uint8_t hops = 0;               ///< How many rules republished it.
    WallTime created{0};
    WallTime expires{0};                 ///< 0: never.
    std::uint64_t publisher_session = 0; ///< For no-local; 0: none.
};

/// Immutable; one allocation holds everything. Handles may go to any thread.
/// The payload is followed by kSpareBytes zero bytes, so that a SIMD parser may read past its end.
class Message {
public:
    static constexpr std::size_t kSpareBytes = 64;

    /// @cost One allocation: the one copy on the way of a message.
    [[nodiscard]] static class MessagePtr make(const MessageParts& parts);

    [[nodiscard]] std::string_view topic() const noexcept { return {base(), topic_size_}; }
    [[nodiscard]] ByteView properties() const noexcept {
        return {reinterpret_cast<const Byte*>(base()) + topic_size_, properties_size_};
    }
    [[nodiscard]] ByteView payload() const noexcept {
        return {reinterpret_cast<const Byte*>(base()) + topic_size_ + properties_size_, payload_size_};
    }
    [[nodiscard]] Qos qos() const noexcept { return qos_; }
    [[nodiscard]] bool retain() const noexcept { return retain_; }
    [[nodiscard]] Protocol protocol() const noexcept { return protocol_; }
    [[nodiscard]] std::uint8_t hops() const noexcept { return hops_; }
    [[nodiscard]] WallTime created() const noexcept { return created_; }
    [[nodiscard]] WallTime expires() const noexcept { return expires_; }
    [[nodiscard]] bool expired(WallTime now) const noexcept { return expires_.count() != 0 && expires_ <= now; }
    [[nodiscard]] std::uint64_t publisher_session() const noexcept { return publisher_session_; }
    /// Bytes that this message holds in memory.
    [[nodiscard]] std::size_t footprint() const noexcept {
        return footprint_of(topic_size_ + properties_size_ + payload_size_);
    }
    /// The same of a message whose topic, properties and payload have so many bytes.
    [[nodiscard]] static constexpr std::size_t footprint_of(std::size_t bytes) noexcept {
        return sizeof(Message) + bytes + kSpareBytes;
    }

    Message(const Message&) = delete;
    Message& operator=(const Message&) = delete;
    ~Message() = default;

private:
    friend class MessagePtr;
    explicit Message(const MessageParts& parts) noexcept;
    [[nodiscard]] const char* base() const noexcept { return reinterpret_cast<const char*>(this + 1); }

    std::atomic<std::uint32_t> references_{1};
    std::uint32_t payload_size_;
    std::uint32_t properties_size_;
    std::uint16_t topic_size_;
    Qos qos_;
    Protocol protocol_;
    bool retain_;
    std::uint8_t hops_;
    WallTime created_;
    WallTime expires_;
    std::uint64_t publisher_session_;
};

/// Shared ownership of a Message.
class MessagePtr {
public:
    MessagePtr() noexcept = default;
    MessagePtr(const MessagePtr& other) noexcept : message_{other.message_} {
        if (message_ != nullptr) {
            message_->references_.fetch_add(1, std::memory_order_relaxed);
        }
    }
    MessagePtr(MessagePtr&& other) noexcept : message_{std::exchange(other.message_, nullptr)} {}
    MessagePtr& operator=(MessagePtr other) noexcept {
        std::swap(message_, other.message_);
        return *this;
    }
    ~MessagePtr() { release(); }

    [[nodiscard]] const Message& operator*() const noexcept { return *message_; }
    [[nodiscard]] const Message* operator->() const noexcept { return message_; }
    [[nodiscard]] const Message* get() const noexcept { return message_; }
    [[nodiscard]] explicit operator bool() const noexcept { return message_ != nullptr; }

private:
    friend class Message;
    explicit MessagePtr(Message* message) noexcept : message_{message} {}
    void release() noexcept;

    Message* message_ = nullptr;
};

}  // namespace weir::model
