#include <weir/amqp/message_head.hpp>

#include <weir/amqp/value_writer.hpp>

namespace weir::amqp {
namespace {

constexpr std::uint8_t kHeader = 0x70;
constexpr std::uint8_t kMessageAnnotations = 0x72;
constexpr std::uint8_t kProperties = 0x73;
constexpr std::uint8_t kApplicationProperties = 0x74;
constexpr std::uint8_t kData = 0x75;
constexpr std::uint8_t kValue = 0x77;

void append_header(Bytes& out, const MessageHead& head) {
    append_descriptor(out, kHeader);
    auto fields = CompoundWriter::list(out);
    append_boolean(fields.element(), head.durable);
    fields.absent();  // priority
    if (head.ttl_ms) {
        append_uint(fields.element(), *head.ttl_ms);
    } else {
        fields.absent();
    }
    if (!head.first_acquirer || head.delivery_count != 0) {
        append_boolean(fields.element(), head.first_acquirer);
        append_uint(fields.element(), head.delivery_count);
    }
    fields.finish();
}

void append_annotations(Bytes& out, const MessageHead& head) {
    if (head.topic.empty() && !head.retain && head.annotations.empty()) {
        return;
    }
    append_descriptor(out, kMessageAnnotations);
    auto pairs = CompoundWriter::map(out);
    if (!head.topic.empty()) {
        append_symbol(pairs.element(), "x-opt-topic");
        append_string(pairs.element(), head.topic);
    }
    if (head.retain) {
        append_symbol(pairs.element(), "x-opt-retain");
        append_boolean(pairs.element(), true);
    }
    for (const auto& [key, value] : head.annotations) {
        append_symbol(pairs.element(), key);
        append_string(pairs.element(), value);
    }
    pairs.finish();
}

void append_id(CompoundWriter& fields, const Value& id) {
    if (id.type == Type::null) {
        fields.absent();
    } else {
        append_value(fields.element(), id);
    }
}

void append_text(CompoundWriter& fields, std::string_view text) {
    if (text.empty()) {
        fields.absent();
    } else {
        append_string(fields.element(), text);
    }
}

void append_name(CompoundWriter& fields, std::string_view symbol) {
    if (symbol.empty()) {
        fields.absent();
    } else {
        append_symbol(fields.element(), symbol);
    }
}

void append_time(CompoundWriter& fields, const std::optional<WallTime>& time) {
    if (time) {
        append_timestamp(fields.element(), time->count());
    } else {
        fields.absent();
    }
}

void append_properties(Bytes& out, const MessageHead& head) {
    append_descriptor(out, kProperties);
    auto fields = CompoundWriter::list(out);
    append_id(fields, head.message_id);
    fields.absent();  // user-id: never vouched for
    append_text(fields, head.to);
    append_text(fields, head.subject);
    append_text(fields, head.reply_to);
    append_id(fields, head.correlation_id);
    append_name(fields, head.content_type);
    append_name(fields, head.content_encoding);
    append_time(fields, head.absolute_expiry);
    append_time(fields, head.creation_time);
    fields.finish();
}

void append_application_properties(Bytes& out, const MessageHead& head) {
    if (head.application_properties.empty()) {
        return;
    }
    append_descriptor(out, kApplicationProperties);
    auto pairs = CompoundWriter::map(out);
    for (const auto& [key, value] : head.application_properties) {
        append_string(pairs.element(), key);
        append_string(pairs.element(), value);
    }
    pairs.finish();
}

void append_body_head(Bytes& out, BodyKind kind, std::size_t payload_bytes) {
    switch (kind) {
        case BodyKind::data:
            append_descriptor(out, kData);
            return append_binary_head(out, payload_bytes);
        case BodyKind::text:
            append_descriptor(out, kValue);
            return append_string_head(out, payload_bytes);
        case BodyKind::binary:
            append_descriptor(out, kValue);
            return append_binary_head(out, payload_bytes);
        case BodyKind::none:
            append_descriptor(out, kValue);
            return append_null(out);
        case BodyKind::encoded:
            return;
    }
}

}  // namespace

void append_message_head(Bytes& out, const MessageHead& head, std::size_t payload_bytes) {
    append_header(out, head);
    append_annotations(out, head);
    append_properties(out, head);
    append_application_properties(out, head);
    append_body_head(out, head.body_kind, payload_bytes);
}

}  // namespace weir::amqp
