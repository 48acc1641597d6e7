#include <weir/storage/records.hpp>

#include <algorithm>
#include <optional>

#include <weir/storage/detail/record_codec.hpp>

namespace weir::storage {
namespace {

using detail::append_sized;
using detail::open_record;
using detail::read_tenant;
using detail::stored_tenant;

/// LEB128, as counters are mostly small.
void append_varint(Bytes& out, std::uint64_t value) {
    for (; value >= 0x80U; value >>= 7U) {
        out.push_back(static_cast<Byte>(value | 0x80U));
    }
    out.push_back(static_cast<Byte>(value));
}

std::optional<std::uint64_t> read_varint(ByteCursor& in) noexcept {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        const auto byte = in.read_be<Byte>();
        if (!byte || (shift == 63 && *byte > 1)) {
            return std::nullopt;
        }
        value |= std::uint64_t{*byte & 0x7FU} << shift;
        if ((*byte & 0x80U) == 0) {
            return value;
        }
    }
    return std::nullopt;
}

}  // namespace

bool UsageDelta::empty() const noexcept {
    return std::ranges::all_of(counters, [](std::uint64_t value) { return value == 0; });
}

UsageDelta& UsageDelta::operator+=(const UsageDelta& other) noexcept {
    for (std::size_t i = 0; i < kUsageCounters; ++i) {
        counters[i] += other.counters[i];
    }
    return *this;
}

void encode(Bytes& out, const StreamRecord& record) {
    out.push_back(detail::kRecordVersion);
    append_be(out, static_cast<std::uint64_t>(record.time_ms));
    append_sized<std::uint8_t>(out, stored_tenant(record.tenant));
    append_sized<std::uint16_t>(out, record.topic);
    append_sized<std::uint16_t>(out, record.key);
    append_sized<std::uint32_t>(out, record.properties);
    append(out, record.payload);
}

void encode(Bytes& out, const OutboxRecord& record) {
    out.push_back(detail::kRecordVersion);
    append_be(out, static_cast<std::uint64_t>(record.time_ms));
    append_sized<std::uint8_t>(out, stored_tenant(record.tenant));
    append_sized<std::uint8_t>(out, record.rule);
    append_sized<std::uint16_t>(out, record.topic);
    append_sized<std::uint16_t>(out, record.key);
    append_sized<std::uint16_t>(out, record.target);
    append_sized<std::uint32_t>(out, record.headers);
    append(out, record.payload);
}

void encode(Bytes& out, const DeadLetterNote& note, ByteView encoded_outbox_record) {
    out.push_back(detail::kRecordVersion);
    append_be(out, static_cast<std::uint64_t>(note.time_ms));
    append_be(out, note.attempts);
    append_sized<std::uint16_t>(out, note.reason.substr(0, 65'535));
    append(out, encoded_outbox_record);
}

void encode(Bytes& out, const UsageDelta& delta) {
    out.push_back(detail::kRecordVersion);
    for (std::size_t i = 0; i < kUsageCounters; ++i) {
        if (delta.counters[i] != 0) {
            out.push_back(static_cast<Byte>(i));
            append_varint(out, delta.counters[i]);
        }
    }
}

Result<StreamRecord> decode_stream_record(ByteView in) noexcept {
    WEIR_TRY(auto reader, open_record(in));
    StreamRecord record;
    record.time_ms = static_cast<std::int64_t>(reader.integer<std::uint64_t>());
    record.tenant = read_tenant(reader.text<std::uint8_t>());
    record.topic = reader.text<std::uint16_t>();
    record.key = reader.text<std::uint16_t>();
    record.properties = reader.sized<std::uint32_t>();
    record.payload = reader.rest();
    if (!reader.complete()) {
        return errc::malformed_record;
    }
    return record;
}

Result<OutboxRecord> decode_outbox_record(ByteView in) noexcept {
    WEIR_TRY(auto reader, open_record(in));
    OutboxRecord record;
    record.time_ms = static_cast<std::int64_t>(reader.integer<std::uint64_t>());
    record.tenant = read_tenant(reader.text<std::uint8_t>());
    record.rule = reader.text<std::uint8_t>();
    record.topic = reader.text<std::uint16_t>();
    record.key = reader.text<std::uint16_t>();
    record.target = reader.text<std::uint16_t>();
    record.headers = reader.sized<std::uint32_t>();
    record.payload = reader.rest();
    if (!reader.complete()) {
        return errc::malformed_record;
    }
    return record;
}

Result<DeadLetter> decode_dead_letter(ByteView in) noexcept {
    WEIR_TRY(auto reader, open_record(in));
    DeadLetter letter;
    letter.note.time_ms = static_cast<std::int64_t>(reader.integer<std::uint64_t>());
    letter.note.attempts = reader.integer<std::uint32_t>();
    letter.note.reason = reader.text<std::uint16_t>();
    if (!reader.complete()) {
        return errc::malformed_record;
    }
    WEIR_TRY(letter.record, decode_outbox_record(reader.rest()));
    return letter;
}

Result<UsageDelta> decode_usage(ByteView in) noexcept {
    WEIR_TRY(auto reader, open_record(in));
    UsageDelta delta;
    for (ByteCursor rest{reader.rest()}; !rest.empty();) {
        const Byte id = *rest.read_be<Byte>();
        const auto value = read_varint(rest);
        if (!value) {
            return errc::malformed_record;
        }
        if (id >= kUsageCounters) {
            return errc::newer_version;
        }
        delta.counters[id] += *value;
    }
    return delta;
}

std::size_t encoded_size(const StreamRecord& record) noexcept {
    return 1 + 8 + 1 + 2 + 2 + 4 + stored_tenant(record.tenant).size() + record.topic.size() +
           record.key.size() + record.properties.size() + record.payload.size();
}

std::size_t encoded_size(const OutboxRecord& record) noexcept {
    return 1 + 8 + 1 + 1 + 2 + 2 + 2 + 4 + stored_tenant(record.tenant).size() +
           record.rule.size() + record.topic.size() + record.key.size() + record.target.size() +
           record.headers.size() + record.payload.size();
}

}  // namespace weir::storage
