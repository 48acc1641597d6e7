/// What the store keeps of sessions, their queues and retained messages, and how it is encoded.
///
/// The rules of records.hpp hold: the first byte is the version, integers are big-endian, decoders
/// check every length. Views point into the caller's memory when written, into the buffer that was
/// decoded when read.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include <weir/base/bytes.hpp>
#include <weir/storage/error.hpp>

namespace weir::storage {

/// A session of the store, for as long as it lives; from Store::new_session_id().
enum class SessionId : std::uint64_t {};
/// A message that queues refer to; from Store::new_message_id(). Zero: none.
enum class MessageId : std::uint64_t {};

struct SessionRecord {
    /// Expiry of a session that never ends by itself.
    static constexpr std::uint32_t kNeverExpires = 0xFFFF'FFFF;

    std::string_view tenant = "default";
    std::string_view client_id = {};  ///< At most 65,535 bytes.
    std::string_view owner = {};      ///< The device; empty: anonymous.
    ByteView principal = {};          ///< Who it is, in the broker's encoding; at most 64 KiB.
    std::uint32_t expiry_s = 0;       ///< After the connection ended.
    std::int64_t offline_since_ms = 0;  ///< UTC milliseconds; 0: online when it was written.
    std::uint16_t next_packet_id = 1;
};

struct SubscriptionRecord {
    std::uint8_t qos = 0;  ///< 0..2
    bool no_local = false;
    bool retain_as_published = false;
    std::uint8_t retain_handling = 0;  ///< 0..2, as in MQTT 5.
    std::uint32_t id = 0;              ///< Subscription Identifier; 0: none.

    friend bool operator==(const SubscriptionRecord&, const SubscriptionRecord&) = default;
};

struct MessageRecord {
    std::int64_t created_ms = 0;
    std::int64_t expires_ms = 0;  ///< 0: never.
    std::uint8_t qos = 0;         ///< As published; 0..2.
    bool retain = false;          ///< As published.
    std::uint8_t protocol = 0;    ///< The broker's number.
    std::uint8_t hops = 0;        ///< How many rules republished it.
    std::string_view topic = {};  ///< At most 65,535 bytes.
    ByteView properties = {};     ///< As in model::Message.
    ByteView payload = {};        ///< At most 4 GiB together with the rest.

    /// What it counts for in a queue's limit of bytes.
    [[nodiscard]] std::size_t bytes() const noexcept {
        return topic.size() + properties.size() + payload.size();
    }
};

struct WillRecord {
    std::uint32_t delay_s = 0;  ///< Between the end of the connection and publishing.
    std::optional<std::uint32_t> expiry_s = {};  ///< Of the message, once published; nothing: never.
    MessageRecord message = {};
};

/// Where a queued message stands on its way to the client.
enum class EntryState : std::uint8_t {
    queued = 0,
    sent = 1,      ///< Under its packet id; awaits PUBACK or PUBREC.
    released = 2,  ///< PUBREC came: awaits PUBCOMP. The message itself is gone.
};

/// One message in the queue of one session.
struct QueueEntry {
    std::uint8_t qos = 0;  ///< At which it is delivered; 0..2.
    bool retain = false;   ///< The flag to be delivered.
    EntryState state = EntryState::queued;
    std::uint16_t packet_id = 0;  ///< 0 while queued.
    std::uint32_t share = 0;  ///< Of which shared subscription of the session, by a hash of its text; 0: none.
    std::vector<std::uint32_t> subscription_ids = {};
    MessageId message{};      ///< Filled in by the batch. None when released.
    std::uint32_t bytes = 0;  ///< MessageRecord::bytes(); filled in by the batch.

    friend bool operator==(const QueueEntry&, const QueueEntry&) = default;
};

/// A retained message, and who is answerable for it: his right is asked again when it is handed out.
struct RetainedRecord {
    std::string_view tenant = "default";
    std::string_view owner = {};      ///< The publishing device; empty: anonymous, or a rule.
    std::string_view client_id = {};  ///< Its client id; empty: a rule republished it.
    ByteView principal = {};          ///< As in SessionRecord.
    MessageRecord message = {};       ///< Its topic is the key.
};

void encode(Bytes& out, const SessionRecord& record);
void encode(Bytes& out, const SubscriptionRecord& record);
void encode(Bytes& out, const MessageRecord& record);
void encode(Bytes& out, const WillRecord& record);
void encode(Bytes& out, const QueueEntry& entry);
void encode(Bytes& out, const RetainedRecord& record);

/// @errors malformed_record, newer_version. The views point into `in`.
[[nodiscard]] Result<SessionRecord> decode_session(ByteView in) noexcept;
[[nodiscard]] Result<SubscriptionRecord> decode_subscription(ByteView in) noexcept;
[[nodiscard]] Result<MessageRecord> decode_message(ByteView in) noexcept;
[[nodiscard]] Result<WillRecord> decode_will(ByteView in) noexcept;
[[nodiscard]] Result<QueueEntry> decode_queue_entry(ByteView in) noexcept;
[[nodiscard]] Result<RetainedRecord> decode_retained(ByteView in) noexcept;

}  // namespace weir::storage
