#include <weir/storage/records.hpp>

#include <algorithm>
#include <optional>

namespace weir::storage {
namespace {

constexpr Byte kVersion = 1;
constexpr std::string_view kDefaultTenant = "default";

/// The default tenant is stored as nothing: it would be most of a small record.
std::string_view stored_tenant(std::string_view tenant) {
    return tenant == kDefaultTenant ? "" : tenant;
}
std::string_view read_tenant(std::string_view tenant) {
    return tenant.empty() ? kDefaultTenant : tenant;
}

template <class Size>
void append_sized(Bytes& out, ByteView field) {
    append_be(out, static_cast<Size>(field.size()));
    append(out, field);
}
template <class Size>
void append_sized(Bytes& out, std::string_view field) {
    append_sized<Size>(out, as_bytes(field));
}

/// Reads a record's fields in order; remembers whether all of them were there.
class RecordReader {
public:
    explicit RecordReader(ByteView in) noexcept : in_{in} {}

    template <class T>
    T integer() noexcept {
        const auto value = in_.read_be<T>();
        complete_ = complete_ && value.has_value();
        return value.value_or(0);
    }
    template <class Size>
    ByteView sized() noexcept {
        const auto field = in_.read(integer<Size>());
        complete_ = complete_ && field.has_value();
        return field.value_or(ByteView{});
    }
    template <class Size>
    std::string_view text() noexcept {
        return as_text(sized<Size>());
    }
    ByteView rest() noexcept { return in_.rest(); }
    [[nodiscard]] bool complete() const noexcept { return complete_; }

private:
    ByteCursor in_;
    bool complete_ = true;
};

Result<RecordReader> open_record(ByteView in) noexcept {
    if (in.empty() || in[0] == 0) {
        return errc::malformed_record;
    }
    if (in[0] > kVersion) {
        return errc::newer_version;
    }
    return RecordReader{in.subspan(1)};
}

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
    out.push_back(kVersion);
    append_be(out, static_cast<std::uint64_t>(record.time_ms));
    append_sized<std::uint8_t>(out, stored_tenant(record.tenant));
    append_sized<std::uint16_t>(out, record.topic);
    append_sized<std::uint16_t>(out, record.key);
    append_sized<std::uint32_t>(out, record.properties);
    append(out, record.payload);
}

void encode(Bytes& out, const OutboxRecord& record) {
    out.push_back(kVersion);
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
    out.push_back(kVersion);
    append_be(out, static_cast<std::uint64_t>(note.time_ms));
    append_be(out, note.attempts);
    append_sized<std::uint16_t>(out, note.reason.substr(0, 65'535));
    append(out, encoded_outbox_record);
}

void encode(Bytes& out, const UsageDelta& delta) {
    out.push_back(kVersion);
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
