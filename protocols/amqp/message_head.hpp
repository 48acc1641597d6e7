/// Writes what stands in front of a message's payload, so that the payload itself is sent without a
/// copy.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include <weir/amqp/sections.hpp>

namespace weir::amqp {

/// Everything of a message but its payload. Empty texts and null ids are absent.
struct MessageHead {
    bool durable = false;
    std::optional<std::uint32_t> ttl_ms = {};
    bool first_acquirer = true;
    std::uint32_t delivery_count = 0;

    std::string_view topic = {};  ///< Annotation x-opt-topic.
    bool retain = false;          ///< Annotation x-opt-retain.
    /// Further annotations; keys are symbols.
    std::span<const std::pair<std::string_view, std::string_view>> annotations = {};

    Value message_id = {};  ///< null, ulong, uuid, binary or string.
    std::string_view to = {};
    std::string_view subject = {};
    std::string_view reply_to = {};
    Value correlation_id = {};               ///< As message_id.
    std::string_view content_type = {};      ///< ASCII.
    std::string_view content_encoding = {};  ///< ASCII.
    std::optional<WallTime> absolute_expiry = {};
    std::optional<WallTime> creation_time = {};

    std::span<const std::pair<std::string_view, std::string_view>> application_properties = {};

    /// data; text or binary for an amqp-value; encoded if the payload already is complete body
    /// sections; none.
    BodyKind body_kind = BodyKind::data;
};

/// Appends all sections up to where the payload's first byte goes. Nothing follows the payload.
void append_message_head(Bytes& out, const MessageHead& head, std::size_t payload_bytes);

}  // namespace weir::amqp
