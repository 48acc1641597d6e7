/// What the structured families hold, and how it is encoded.
///
/// The first byte of every record is its version. A decoder knows all versions up to its own and
/// answers errc::newer_version for the rest. Integers are big-endian. Decoders check every length:
/// the bytes may be damaged.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include <weir/base/bytes.hpp>
#include <weir/storage/error.hpp>

namespace weir::storage {

/// Longest stream name, sink name, tenant, device or rule, in bytes.
inline constexpr std::size_t kNameBytesMax = 255;

/// One message in a stream. Views: into the caller's memory when written, into the entry's buffer
/// when read.
struct StreamRecord {
    std::int64_t time_ms = 0;  ///< UTC milliseconds.
    std::string_view tenant = "default";
    std::string_view topic = {};  ///< At most 65,535 bytes.
    std::string_view key = {};    ///< The device; at most 65,535 bytes.
    ByteView properties = {};  ///< As in model::Message; at most 4 GiB together with the payload.
    ByteView payload = {};
};

/// One message on its way to a sink.
struct OutboxRecord {
    std::int64_t time_ms = 0;
    std::string_view tenant = "default";
    std::string_view rule = {};
    std::string_view topic = {};
    std::string_view key = {};  ///< The device.
    std::string_view target = {
    };  ///< What the rule resolved for this message: a URL, a topic, a file name.
    ByteView headers = {};  ///< The sink's own encoding; not looked into here.
    ByteView payload = {};
};

/// Why and when an outbox entry was given up.
struct DeadLetterNote {
    std::int64_t time_ms = 0;
    std::uint32_t attempts = 0;
    std::string_view reason = {};  ///< For people: the last error. Cut at 65,535 bytes.
};

/// An outbox entry that was given up, whole.
struct DeadLetter {
    DeadLetterNote note = {};
    OutboxRecord record = {};
};

/// How many counters a usage window has. Which is which is the business of metering; an id is never
/// given a new meaning.
inline constexpr std::size_t kUsageCounters = 32;

/// Amounts to be added to a window, or a window's sums.
struct UsageDelta {
    std::array<std::uint64_t, kUsageCounters> counters{};

    [[nodiscard]] bool empty() const noexcept;
    UsageDelta& operator+=(const UsageDelta& other) noexcept;
    friend bool operator==(const UsageDelta&, const UsageDelta&) = default;
};

/// One device in one UTC hour.
struct UsageKey {
    std::string_view tenant = "default";
    std::string_view device = {};
    std::uint32_t hour = 0;  ///< Hours since 1970-01-01 00:00 UTC.

    friend bool operator==(const UsageKey&, const UsageKey&) = default;
};

/// Append the encoded record to `out`.
void encode(Bytes& out, const StreamRecord& record);
void encode(Bytes& out, const OutboxRecord& record);
void encode(Bytes& out, const DeadLetterNote& note, ByteView encoded_outbox_record);
void encode(Bytes& out, const UsageDelta& delta);

/// @errors malformed_record, newer_version. The views point into `in`.
[[nodiscard]] Result<StreamRecord> decode_stream_record(ByteView in) noexcept;
[[nodiscard]] Result<OutboxRecord> decode_outbox_record(ByteView in) noexcept;
[[nodiscard]] Result<DeadLetter> decode_dead_letter(ByteView in) noexcept;
/// Counters with ids that this release does not know are errors: dropping them would lose what is
/// billed.
[[nodiscard]] Result<UsageDelta> decode_usage(ByteView in) noexcept;

/// Bytes that encode() appends.
[[nodiscard]] std::size_t encoded_size(const StreamRecord& record) noexcept;
[[nodiscard]] std::size_t encoded_size(const OutboxRecord& record) noexcept;

}  // namespace weir::storage
