#include <weir/endpoints/amqp_messages.hpp>

#include <algorithm>

#include <weir/amqp/address.hpp>
#include <weir/amqp/conditions.hpp>
#include <weir/base/text.hpp>
#include <weir/mqtt/topic.hpp>
#include <weir/mqtt/wire.hpp>

namespace weir::endpoints {

using model::Reason;
using mqtt::PropertyId;

namespace {

// Fields of AMQP that MQTT has no place for go as user properties of these names, and come back from them.
constexpr std::string_view kMessageId = "x-message-id";
constexpr std::string_view kSubject = "x-subject";
constexpr std::string_view kReplyTo = "x-reply-to";
constexpr std::string_view kContentEncoding = "content-encoding";
constexpr std::string_view kContentType = "content-type";
constexpr std::string_view kAnnotation = "x-opt-";

/// What a symbol may be. [AMQP-1.6.21]
[[nodiscard]] bool is_ascii(std::string_view text) noexcept {
    return std::ranges::all_of(text, [](char c) { return c > 0; });
}

/// A text for an id or a value; nothing for what has no text.
[[nodiscard]] std::optional<std::string> text_of(const amqp::Value& value) {
    if (value.type == amqp::Type::string) {
        return std::string{value.text()};
    }
    return amqp::to_text(value);
}

}  // namespace

AmqpRefusal refusal_of(Reason reason) noexcept {
    const auto& info = model::info(reason);
    return {.reason = reason, .condition = info.amqp, .text = info.text};
}

// --- From AMQP -----------------------------------------------------------------------------------------------------

std::optional<AmqpRefusal> AmqpInbound::read(
    const amqp::Sections& sections,
    std::string_view thing,
    const model::Limits& limits,
    WallTime now
) {
    if (sections.delayed) {
        return AmqpRefusal{
            Reason::protocol_error,
            amqp::condition::kNotImplemented,
            "delayed delivery is not supported"
        };
    }
    if (sections.user_id && as_text(*sections.user_id) != thing) {
        return AmqpRefusal{
            Reason::publish_denied,
            amqp::condition::kUnauthorizedAccess,
            "user-id is not the authenticated identity"
        };
    }
    payload_ = amqp::body_payload(sections, joined_);
    if (sections.ttl_ms) {
        expires_ = now + std::chrono::milliseconds{*sections.ttl_ms};
    }
    if (sections.absolute_expiry) {
        const WallTime absolute = std::max(*sections.absolute_expiry, WallTime{1});
        expires_ = expires_.count() == 0 ? absolute : std::min(expires_, absolute);
    }
    read_properties(sections);
    if (!read_application_properties(sections.application_properties, limits) ||
        !properties_.ok()) {
        return AmqpRefusal{
            Reason::packet_too_large,
            amqp::condition::kResourceLimitExceeded,
            "too many properties, or too long ones"
        };
    }
    return std::nullopt;
}

void AmqpInbound::user(std::string_view name, std::string_view value) {
    if (mqtt::is_valid_text(name) && mqtt::is_valid_text(value)) {
        properties_.user(name, value);
    }
}

void AmqpInbound::read_properties(const amqp::Sections& sections) {
    if (sections.body_kind == amqp::BodyKind::text && mqtt::is_valid_text(as_text(sections.body))) {
        properties_.number(PropertyId::payload_format_indicator, 1);
    }
    if (sections.body_kind == amqp::BodyKind::encoded) {
        properties_.text(PropertyId::content_type, kAmqpSectionsType);
    } else if (!sections.content_type.empty() && mqtt::is_valid_text(sections.content_type)) {
        properties_.text(PropertyId::content_type, sections.content_type);
    }
    if (!sections.reply_to.empty()) {
        const auto address = amqp::parse_target(sections.reply_to);
        if (address && address->kind == amqp::AddressKind::topic &&
            mqtt::is_valid_topic_name(address->name)) {
            properties_.text(PropertyId::response_topic, address->name);
        } else {
            user(kReplyTo, sections.reply_to);
        }
    }
    if (const auto& id = sections.correlation_id; id.type == amqp::Type::binary) {
        properties_.binary(PropertyId::correlation_data, id.bytes);
    } else if (const auto text = text_of(id)) {
        properties_.binary(PropertyId::correlation_data, as_bytes(*text));
    }
    if (const auto text = text_of(sections.message_id)) {
        user(kMessageId, *text);
    }
    if (!sections.subject.empty()) {
        user(kSubject, sections.subject);
    }
    if (!sections.content_encoding.empty()) {
        user(kContentEncoding, sections.content_encoding);
    }
}

bool AmqpInbound::read_application_properties(const amqp::Value& map, const model::Limits& limits) {
    if (map.type != amqp::Type::map) {
        return true;
    }
    if (map.count / 2 > limits.user_properties) {
        return false;
    }
    amqp::MapReader pairs{map};
    while (const auto pair = pairs.next()) {
        if (const auto text = text_of(pair->value)) {
            user(pair->key.text(), *text);
        }
    }
    return true;
}

// --- To AMQP -------------------------------------------------------------------------------------------------------

AmqpOutbound::AmqpOutbound(
    const model::Message& message,
    model::Qos qos,
    bool retain,
    WallTime now,
    std::uint32_t attempts
) {
    head_.durable = qos != model::Qos::at_most_once;
    head_.first_acquirer = attempts == 0;
    head_.delivery_count = attempts;
    head_.topic = message.topic();
    head_.to = message.topic();
    head_.retain = retain;
    if (message.created().count() != 0) {
        head_.creation_time = message.created();
    }
    if (message.expires().count() != 0) {
        const std::int64_t left = (message.expires() - now).count();
        head_.ttl_ms = static_cast<std::uint32_t>(std::clamp<std::int64_t>(left, 0, 0xFFFF'FFFF));
    }
    for (const mqtt::Property property : mqtt::Properties{message.properties()}) {
        add(property);
    }
    head_.application_properties = user_properties_;
    head_.annotations = annotations_;
}

void AmqpOutbound::add(const mqtt::Property& property) {
    switch (property.id) {
        case PropertyId::content_type:
            if (is_ascii(property.value)) {
                head_.content_type = property.value;
            } else {
                add_user_property(kContentType, property.value);
            }
            return;
        case PropertyId::response_topic:
            reply_to_ = amqp::format_topic_address(property.value);
            head_.reply_to = reply_to_;
            return;
        case PropertyId::correlation_data:
            head_.correlation_id = is_utf8(property.value) ? amqp::Value::string(property.value)
                                                           : amqp::Value::binary(property.binary());
            return;
        case PropertyId::user_property:
            return add_user_property(property.name, property.value);
        default:
            return;
    }
}

void AmqpOutbound::add_user_property(std::string_view name, std::string_view value) {
    if (name == kMessageId && head_.message_id.type == amqp::Type::null) {
        head_.message_id = amqp::Value::string(value);
    } else if (name == kSubject && head_.subject.empty()) {
        head_.subject = value;
    } else if (name == kReplyTo && head_.reply_to.empty()) {
        head_.reply_to = value;
    } else if (name == kContentEncoding && head_.content_encoding.empty() && is_ascii(value)) {
        head_.content_encoding = value;
    } else if (name.starts_with(kAnnotation) && is_ascii(name)) {
        const bool taken =
            name == "x-opt-topic" || name == "x-opt-retain" ||
            std::ranges::find(annotations_, name, &Pair::first) != annotations_.end();
        if (!taken) {
            annotations_.emplace_back(name, value);
        }
    } else {
        user_properties_.emplace_back(unused(name), value);
    }
}

std::string_view AmqpOutbound::unused(std::string_view name) {
    const auto is_used = [this](std::string_view candidate) {
        return std::ranges::find(user_properties_, candidate, &Pair::first) !=
               user_properties_.end();
    };
    if (!is_used(name)) {
        return name;
    }
    auto made = std::make_unique<std::string>();
    for (unsigned number = 2; made->empty() || is_used(*made); ++number) {
        *made = std::string{name}.append("#").append(std::to_string(number));
    }
    return *names_.emplace_back(std::move(made));
}

}  // namespace weir::endpoints
