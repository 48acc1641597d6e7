#include <weir/storage/session_records.hpp>

#include <weir/storage/detail/record_codec.hpp>

namespace weir::storage {
namespace {

using detail::append_sized;
using detail::open_record;

constexpr std::uint8_t kQosMax = 2;
/// A queue entry with `share`; one without is written as older releases read it.
constexpr Byte kSharedEntryVersion = 2;

/// Of wills whose expiry is 0 seconds, and of these only: in version 1, 0 is none.
constexpr Byte kWillVersion2 = 2;

/// Bits of one byte: QoS 0-1, retain 2.
constexpr unsigned kRetainBit = 2;
/// Bits of a subscription's byte: QoS 0-1, no local 2, retain as published 3, retain handling 4-5.
constexpr unsigned kNoLocalBit = 2;
constexpr unsigned kRetainAsPublishedBit = 3;
constexpr unsigned kRetainHandlingBit = 4;

Byte flags_of(std::uint8_t qos, bool retain) {
    return static_cast<Byte>((qos & 3U) | (retain ? 1U << kRetainBit : 0U));
}

/// False if bits are set that mean nothing.
bool read_flags(Byte flags, std::uint8_t& qos, bool& retain) noexcept {
    qos = flags & 3U;
    retain = (flags >> kRetainBit & 1U) != 0;
    return qos <= kQosMax && flags >> (kRetainBit + 1) == 0;
}

}  // namespace

void encode(Bytes& out, const SessionRecord& record) {
    out.push_back(detail::kRecordVersion);
    append_sized<std::uint8_t>(out, detail::stored_tenant(record.tenant));
    append_sized<std::uint16_t>(out, record.client_id);
    append_sized<std::uint8_t>(out, record.owner);
    append_sized<std::uint16_t>(out, record.principal);
    append_be(out, record.expiry_s);
    append_be(out, static_cast<std::uint64_t>(record.offline_since_ms));
    append_be(out, record.next_packet_id);
}

void encode(Bytes& out, const SubscriptionRecord& record) {
    out.push_back(detail::kRecordVersion);
    out.push_back(static_cast<Byte>(
        (record.qos & 3U) | (record.no_local ? 1U << kNoLocalBit : 0U) |
        (record.retain_as_published ? 1U << kRetainAsPublishedBit : 0U) |
        (record.retain_handling & 3U) << kRetainHandlingBit
    ));
    append_be(out, record.id);
}

void encode(Bytes& out, const MessageRecord& record) {
    out.push_back(detail::kRecordVersion);
    append_be(out, static_cast<std::uint64_t>(record.created_ms));
    append_be(out, static_cast<std::uint64_t>(record.expires_ms));
    out.push_back(flags_of(record.qos, record.retain));
    out.push_back(record.protocol);
    out.push_back(record.hops);
    append_sized<std::uint16_t>(out, record.topic);
    append_sized<std::uint32_t>(out, record.properties);
    append(out, record.payload);
}

void encode(Bytes& out, const WillRecord& record) {
    out.push_back(record.expiry_s == 0U ? kWillVersion2 : detail::kRecordVersion);
    append_be(out, record.delay_s);
    append_be(out, record.expiry_s.value_or(0));
    encode(out, record.message);
}

void encode(Bytes& out, const QueueEntry& entry) {
    out.push_back(entry.share == 0 ? detail::kRecordVersion : kSharedEntryVersion);
    append_be(out, static_cast<std::uint64_t>(entry.message));
    append_be(out, entry.bytes);
    out.push_back(flags_of(entry.qos, entry.retain));
    out.push_back(static_cast<Byte>(entry.state));
    append_be(out, entry.packet_id);
    if (entry.share != 0) {
        append_be(out, entry.share);
    }
    append_be(out, static_cast<std::uint16_t>(entry.subscription_ids.size()));
    for (const auto id : entry.subscription_ids) {
        append_be(out, id);
    }
}

void encode(Bytes& out, const RetainedRecord& record) {
    out.push_back(detail::kRecordVersion);
    append_sized<std::uint8_t>(out, detail::stored_tenant(record.tenant));
    append_sized<std::uint8_t>(out, record.owner);
    append_sized<std::uint16_t>(out, record.client_id);
    append_sized<std::uint16_t>(out, record.principal);
    encode(out, record.message);
}

Result<SessionRecord> decode_session(ByteView in) noexcept {
    WEIR_TRY(auto reader, open_record(in));
    SessionRecord record;
    record.tenant = detail::read_tenant(reader.text<std::uint8_t>());
    record.client_id = reader.text<std::uint16_t>();
    record.owner = reader.text<std::uint8_t>();
    record.principal = reader.sized<std::uint16_t>();
    record.expiry_s = reader.integer<std::uint32_t>();
    record.offline_since_ms = static_cast<std::int64_t>(reader.integer<std::uint64_t>());
    record.next_packet_id = reader.integer<std::uint16_t>();
    if (!reader.at_end() || record.next_packet_id == 0) {
        return errc::malformed_record;
    }
    return record;
}

Result<SubscriptionRecord> decode_subscription(ByteView in) noexcept {
    WEIR_TRY(auto reader, open_record(in));
    const auto options = reader.integer<Byte>();
    SubscriptionRecord record;
    record.qos = options & 3U;
    record.no_local = (options >> kNoLocalBit & 1U) != 0;
    record.retain_as_published = (options >> kRetainAsPublishedBit & 1U) != 0;
    record.retain_handling = static_cast<std::uint8_t>(options >> kRetainHandlingBit);
    record.id = reader.integer<std::uint32_t>();
    if (!reader.at_end() || record.qos > kQosMax || record.retain_handling > 2) {
        return errc::malformed_record;
    }
    return record;
}

Result<MessageRecord> decode_message(ByteView in) noexcept {
    WEIR_TRY(auto reader, open_record(in));
    MessageRecord record;
    record.created_ms = static_cast<std::int64_t>(reader.integer<std::uint64_t>());
    record.expires_ms = static_cast<std::int64_t>(reader.integer<std::uint64_t>());
    const bool known = read_flags(reader.integer<Byte>(), record.qos, record.retain);
    record.protocol = reader.integer<std::uint8_t>();
    record.hops = reader.integer<std::uint8_t>();
    record.topic = reader.text<std::uint16_t>();
    record.properties = reader.sized<std::uint32_t>();
    record.payload = reader.rest();
    if (!reader.complete() || !known) {
        return errc::malformed_record;
    }
    return record;
}

Result<WillRecord> decode_will(ByteView in) noexcept {
    WEIR_TRY(auto reader, open_record(in, kWillVersion2));
    WillRecord record;
    record.delay_s = reader.integer<std::uint32_t>();
    const auto expiry_s = reader.integer<std::uint32_t>();
    const bool is_version2 = in[0] == kWillVersion2;
    if (expiry_s != 0 || is_version2) {
        record.expiry_s = expiry_s;
    }
    if (!reader.complete() || (is_version2 && expiry_s != 0)) {
        return errc::malformed_record;
    }
    WEIR_TRY(record.message, decode_message(reader.rest()));
    return record;
}

Result<QueueEntry> decode_queue_entry(ByteView in) noexcept {
    WEIR_TRY(auto reader, open_record(in, kSharedEntryVersion));
    const bool is_shared = in[0] == kSharedEntryVersion;
    QueueEntry entry;
    entry.message = MessageId{reader.integer<std::uint64_t>()};
    entry.bytes = reader.integer<std::uint32_t>();
    const bool known = read_flags(reader.integer<Byte>(), entry.qos, entry.retain);
    const auto state = reader.integer<Byte>();
    entry.packet_id = reader.integer<std::uint16_t>();
    entry.share = is_shared ? reader.integer<std::uint32_t>() : 0;
    const std::size_t ids = reader.integer<std::uint16_t>();
    if (!reader.complete() || !known || is_shared != (entry.share != 0) || state > static_cast<Byte>(EntryState::released) ||
        reader.rest().size() != ids * sizeof(std::uint32_t)) {
        return errc::malformed_record;
    }
    entry.state = EntryState{state};
    entry.subscription_ids.reserve(ids);
    for (std::size_t i = 0; i < ids; ++i) {
        entry.subscription_ids.push_back(reader.integer<std::uint32_t>());
    }
    const bool in_flight = entry.state != EntryState::queued;
    const bool has_message = entry.message != MessageId{};
    if (in_flight != (entry.packet_id != 0) ||
        has_message != (entry.state != EntryState::released)) {
        return errc::malformed_record;
    }
    return entry;
}

Result<RetainedRecord> decode_retained(ByteView in) noexcept {
    WEIR_TRY(auto reader, open_record(in));
    RetainedRecord record;
    record.tenant = detail::read_tenant(reader.text<std::uint8_t>());
    record.owner = reader.text<std::uint8_t>();
    record.client_id = reader.text<std::uint16_t>();
    record.principal = reader.sized<std::uint16_t>();
    if (!reader.complete()) {
        return errc::malformed_record;
    }
    WEIR_TRY(record.message, decode_message(reader.rest()));
    return record;
}

}  // namespace weir::storage
