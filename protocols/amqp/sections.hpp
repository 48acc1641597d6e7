/// The sections of an AMQP message, scanned without a full decode. [AMQP-3.2]
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <weir/amqp/value.hpp>
#include <weir/base/clock.hpp>

namespace weir::amqp {

/// What the body is, in the terms that other protocols can carry.
enum class BodyKind : std::uint8_t {
    none,     ///< No body section, or an amqp-value of null: an empty payload.
    data,     ///< One or more data sections.
    text,     ///< amqp-value with a string.
    binary,   ///< amqp-value with a binary.
    encoded,  ///< amqp-value of another type, or amqp-sequence: only the encoded sections can be
              ///< handed on.
};

/// The sections of one message. Views point into the scanned bytes; absent fields are empty.
struct Sections {
    // Header. [AMQP-3.2.1]
    bool durable = false;
    std::uint8_t priority = 4;
    std::optional<std::uint32_t> ttl_ms;
    std::uint32_t delivery_count = 0;

    // Message annotations that have a meaning here. [AMQP-3.2.3]
    bool retain = false;   ///< x-opt-retain
    bool delayed = false;  ///< x-opt-delivery-time or x-opt-delivery-delay is there.

    // Properties. [AMQP-3.2.4]
    Value message_id;  ///< null, ulong, uuid, binary or string.
    std::optional<ByteView> user_id;
    std::string_view to;
    std::string_view subject;
    std::string_view reply_to;
    Value correlation_id;  ///< As message_id.
    std::string_view content_type;
    std::string_view content_encoding;
    std::optional<WallTime> absolute_expiry;
    std::optional<WallTime> creation_time;

    /// A map, or null. Read it with MapReader; keys are strings, values never described.
    /// [AMQP-3.2.5]
    Value application_properties;

    BodyKind body_kind = BodyKind::none;
    /// The payload: content of the one data section, of the string or binary; the encoded sections
    /// for BodyKind::encoded, and for several data sections, which body_payload() joins.
    ByteView body;
    std::uint32_t data_sections = 0;
};

/// Scans a complete message: each section at most once and in order, every value well formed and
/// within the limits of ValueReader, the fields above of their right types.
/// @errors  truncated, malformed_value, too_deep, too_many_elements, unknown_section,
/// section_order, wrong_field_type.
/// @cost    No allocation; every byte that is not the content of a binary is looked at once.
[[nodiscard]] Result<Sections> scan_sections(ByteView message) noexcept;

/// The payload bytes; `scratch` is used only for several data sections, and must live as long as
/// the view.
[[nodiscard]] ByteView body_payload(const Sections& sections, Bytes& scratch);

}  // namespace weir::amqp
