// What a Batch does to sessions, queues and retained messages.
#include <algorithm>

#include <weir/base/assert.hpp>
#include <weir/storage/batch.hpp>
#include <weir/storage/detail/batch_reader.hpp>
#include <weir/storage/detail/session_keys.hpp>

namespace weir::storage {
namespace {

constexpr std::size_t kTextBytesMax = 65'535;

bool fits(const MessageRecord& record) {
    return record.topic.size() <= kTextBytesMax;
}
bool fits(const SessionRecord& record) {
    return record.tenant.size() <= kNameBytesMax && record.client_id.size() <= kTextBytesMax &&
           record.owner.size() <= kNameBytesMax && record.principal.size() <= kTextBytesMax;
}
bool fits(const SubscriptionRecord& /*record*/) {
    return true;
}
bool fits(const WillRecord& record) {
    return fits(record.message);
}
bool fits(const RetainedRecord& record) {
    return record.tenant.size() <= kNameBytesMax && record.owner.size() <= kNameBytesMax &&
           record.client_id.size() <= kTextBytesMax &&
           record.principal.size() <= kTextBytesMax && fits(record.message) &&
           !record.message.topic.empty();
}

/// A filter shares the key with the session's id.
constexpr std::size_t kFilterBytesMax = kKeyBytesMax - 16;

}  // namespace

template <class Record>
void Batch::put_record(Family family, std::string_view key, const Record& record) {
    if (!fits(record)) {
        invalid_ = true;
        return;
    }
    const auto at = open_op({.kind = OpKind::put, .family = family}, key);
    encode(ops_, record);
    close_op(at);
}

void Batch::erase_record(Family family, std::string_view key) {
    open_op({.kind = OpKind::erase, .family = family}, key);
}

void Batch::put_session(SessionId session, const SessionRecord& record) {
    put_record(
        Family::sessions, detail::session_key(detail::kSessionKind, session).view(), record
    );
}

void Batch::put_subscription(
    SessionId session, std::string_view filter, const SubscriptionRecord& record
) {
    if (filter.empty() || filter.size() > kFilterBytesMax) {
        invalid_ = true;
        return;
    }
    put_record(Family::sessions, detail::filter_key(session, filter), record);
}

void Batch::erase_subscription(SessionId session, std::string_view filter) {
    erase_record(Family::sessions, detail::filter_key(session, filter));
}

void Batch::put_will(SessionId session, const WillRecord& record) {
    put_record(Family::sessions, detail::session_key(detail::kWillKind, session).view(), record);
}

void Batch::erase_will(SessionId session) {
    erase_record(Family::sessions, detail::session_key(detail::kWillKind, session).view());
}

void Batch::put_inbound_id(SessionId session, std::uint16_t packet_id) {
    const auto at = open_op(
        {.kind = OpKind::put, .family = Family::sessions}, detail::inbound_key(session, packet_id)
    );
    ops_.push_back(1);
    close_op(at);
}

void Batch::erase_inbound_id(SessionId session, std::uint16_t packet_id) {
    erase_record(Family::sessions, detail::inbound_key(session, packet_id));
}

void Batch::drop_session(SessionId session) {
    open_op({.kind = OpKind::drop_session, .from = static_cast<std::uint64_t>(session)}, {});
}

void Batch::keep(MessageId message, const MessageRecord& record) {
    if (message == MessageId{} || !fits(record)) {
        invalid_ = true;
        return;
    }
    const auto at =
        open_op({.kind = OpKind::keep, .from = static_cast<std::uint64_t>(message)}, {});
    encode(ops_, record);
    close_op(at);
    kept_ = message;
    kept_bytes_ =
        static_cast<std::uint32_t>(std::min<std::size_t>(record.bytes(), 0xFFFF'FFFFU));
}

void Batch::enqueue(SessionId session, std::uint64_t sequence, QueueEntry entry) {
    if (invalid_) {
        return;
    }
    WEIR_ASSERT(kept_ != MessageId{} && entry.state != EntryState::released);
    if (entry.subscription_ids.size() > kTextBytesMax ||
        (entry.state == EntryState::queued) != (entry.packet_id == 0)) {
        invalid_ = true;
        return;
    }
    entry.message = kept_;
    entry.bytes = kept_bytes_;
    const auto at = open_op(
        {.kind = OpKind::enqueue, .from = static_cast<std::uint64_t>(session), .to = sequence}, {}
    );
    encode(ops_, entry);
    close_op(at);
}

void Batch::mark(const Op& op, std::uint16_t packet_id) {
    if (packet_id == 0) {
        invalid_ = true;
        return;
    }
    const auto at = open_op(op, {});
    append_be(ops_, packet_id);
    close_op(at);
}

void Batch::mark_sent(SessionId session, std::uint64_t sequence, std::uint16_t packet_id) {
    mark(
        {.kind = OpKind::mark_sent, .from = static_cast<std::uint64_t>(session), .to = sequence},
        packet_id
    );
}

void Batch::mark_released(SessionId session, std::uint64_t sequence, std::uint16_t packet_id) {
    mark(
        {.kind = OpKind::mark_released,
         .from = static_cast<std::uint64_t>(session),
         .to = sequence},
        packet_id
    );
}

void Batch::mark_queued(SessionId session, std::uint64_t sequence) {
    open_op(
        {.kind = OpKind::mark_queued, .from = static_cast<std::uint64_t>(session), .to = sequence},
        {}
    );
}

void Batch::settle(SessionId session, std::uint64_t sequence) {
    open_op(
        {.kind = OpKind::settle, .from = static_cast<std::uint64_t>(session), .to = sequence}, {}
    );
}

void Batch::retain(const RetainedRecord& record) {
    put_record(
        Family::retained, detail::retained_key(record.tenant, record.message.topic), record
    );
}

void Batch::erase_retained(std::string_view tenant, std::string_view topic) {
    if (tenant.size() > kNameBytesMax || topic.empty() || topic.size() > kTextBytesMax) {
        invalid_ = true;
        return;
    }
    erase_record(Family::retained, detail::retained_key(tenant, topic));
}

}  // namespace weir::storage
