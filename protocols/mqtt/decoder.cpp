#include <weir/mqtt/decoder.hpp>

#include <weir/mqtt/detail/fields.hpp>
#include <weir/mqtt/wire.hpp>

namespace weir::mqtt {
namespace {

using namespace detail;

PacketContext ack_context(PacketType type) noexcept {
    switch (type) {
        case PacketType::puback:
            return PacketContext::puback;
        case PacketType::pubrec:
            return PacketContext::pubrec;
        case PacketType::pubrel:
            return PacketContext::pubrel;
        default:
            return PacketContext::pubcomp;
    }
}

template <class T>
Result<Packet> as_packet(Result<T>&& decoded) noexcept {
    if (!decoded) {
        return decoded.error();
    }
    return Packet{*decoded};
}

template <class T>
Result<Packet> empty_packet(const Frame& frame) noexcept {
    WEIR_CHECK(check_empty(frame));
    return Packet{T{}};
}

}  // namespace

Result<std::size_t> read_packet_size(ByteView in, std::uint32_t packet_bytes_max) noexcept {
    if (in.empty()) {
        return errc::need_more;
    }
    if ((in[0] >> 4U) == 0) {
        return errc::malformed_packet;
    }
    ByteView rest = in.subspan(1);
    WEIR_TRY(const std::uint32_t remaining, read_varint(rest));
    const std::size_t size = in.size() - rest.size() + remaining;
    if (size > packet_bytes_max) {
        return errc::packet_too_large;
    }
    return size;
}

Result<Frame> read_frame(ByteView in, std::uint32_t packet_bytes_max) noexcept {
    WEIR_TRY(const std::size_t size, read_packet_size(in, packet_bytes_max));
    if (in.size() < size) {
        return errc::need_more;
    }
    std::size_t header = 2;
    while ((in[header - 1] & 0x80U) != 0) {
        ++header;
    }
    return Frame{
        .type = static_cast<PacketType>(in[0] >> 4U),
        .flags = static_cast<std::uint8_t>(in[0] & 0x0FU),
        .body = in.subspan(header, size - header),
        .size = size,
    };
}

Result<Publish> decode_publish(const Frame& frame, const DecodeOptions& options) noexcept {
    const unsigned qos = (frame.flags >> 1U) & 3U;
    Publish publish;
    publish.retain = (frame.flags & 1U) != 0;
    publish.dup = (frame.flags & 8U) != 0;
    publish.qos = static_cast<Qos>(qos);
    if (qos == 3 || (qos == 0 && publish.dup)) {  // [MQTT5-3.3.1-2, -4]
        return errc::malformed_packet;
    }
    ByteView in = frame.body;
    WEIR_TRY(publish.topic, read_text(in));
    if (qos != 0) {
        WEIR_TRY(publish.packet_id, read_packet_id(in));
    }
    if (options.version == Version::v5) {
        const bool from_client = options.sender == Role::client;
        const auto context =
            from_client ? PacketContext::publish_from_client : PacketContext::publish_from_server;
        WEIR_TRY(publish.properties, parse_properties(in, context, options.properties));
        for (const Property property : publish.properties) {
            if (property.id == PropertyId::message_expiry_interval) {
                publish.message_expiry_s = property.number;
            } else if (property.id == PropertyId::topic_alias) {
                publish.topic_alias = static_cast<std::uint16_t>(property.number);
            }
        }
    }
    publish.payload = in;
    if (publish.topic.empty() && options.version == Version::v5) {  // [MQTT5-3.3.2-8]
        if (publish.topic_alias == 0) {
            return errc::protocol_error;
        }
        return publish;
    }
    WEIR_CHECK(check_topic_name(publish.topic, options.topics));  // [MQTT5-3.3.2-2]
    return publish;
}

Result<Ack> decode_ack(const Frame& frame, const DecodeOptions& options) noexcept {
    WEIR_CHECK(check_flags(frame, options.version));
    const auto context = ack_context(frame.type);
    ByteView in = frame.body;
    Ack ack{.type = frame.type};
    WEIR_TRY(ack.packet_id, read_packet_id(in));
    if (options.version == Version::v5 && !in.empty()) {
        WEIR_TRY(ack.reason_code, read_reason_code(in, context));
        if (!in.empty()) {
            WEIR_TRY(ack.properties, read_properties(in, context, options));
        }
    }
    WEIR_CHECK(check_end(in));
    return ack;
}

Result<Disconnect> decode_disconnect(const Frame& frame, const DecodeOptions& options) noexcept {
    WEIR_CHECK(check_flags(frame, options.version));
    const bool from_client = options.sender == Role::client;
    const auto context =
        from_client ? PacketContext::disconnect_from_client : PacketContext::disconnect_from_server;
    ByteView in = frame.body;
    Disconnect disconnect;
    if (options.version == Version::v5 && !in.empty()) {
        WEIR_TRY(disconnect.reason_code, read_reason_code(in, context));
        if (!in.empty()) {
            WEIR_TRY(disconnect.properties, read_properties(in, context, options));
        }
    }
    WEIR_CHECK(check_end(in));
    return disconnect;
}

Result<Auth> decode_auth(const Frame& frame, const DecodeOptions& options) noexcept {
    WEIR_CHECK(check_flags(frame, options.version));
    const bool from_client = options.sender == Role::client;
    const auto context =
        from_client ? PacketContext::auth_from_client : PacketContext::auth_from_server;
    ByteView in = frame.body;
    Auth auth;
    if (in.empty() && !from_client) {  // Success without properties. [MQTT5-3.15.2.1]
        return auth;
    }
    WEIR_TRY(auth.reason_code, read_reason_code(in, context));
    WEIR_TRY(auth.properties, read_properties(in, context, options));
    WEIR_CHECK(check_end(in));
    if (!auth.properties.find(PropertyId::authentication_method)) {  // [MQTT5-3.15.2.2.2]
        return errc::protocol_error;
    }
    return auth;
}

Result<void> check_empty(const Frame& frame) noexcept {
    if (frame.flags != 0 || !frame.body.empty()) {
        return errc::malformed_packet;
    }
    return {};
}

Result<Packet> decode(const Frame& frame, const DecodeOptions& options) noexcept {
    switch (frame.type) {
        case PacketType::connect:
            return as_packet(decode_connect(frame, options));
        case PacketType::connack:
            return as_packet(decode_connack(frame, options));
        case PacketType::publish:
            return as_packet(decode_publish(frame, options));
        case PacketType::puback:
        case PacketType::pubrec:
        case PacketType::pubrel:
        case PacketType::pubcomp:
            return as_packet(decode_ack(frame, options));
        case PacketType::subscribe:
            return as_packet(decode_subscribe(frame, options));
        case PacketType::suback:
            return as_packet(decode_suback(frame, options));
        case PacketType::unsubscribe:
            return as_packet(decode_unsubscribe(frame, options));
        case PacketType::unsuback:
            return as_packet(decode_unsuback(frame, options));
        case PacketType::pingreq:
            return empty_packet<Pingreq>(frame);
        case PacketType::pingresp:
            return empty_packet<Pingresp>(frame);
        case PacketType::disconnect:
            return as_packet(decode_disconnect(frame, options));
        case PacketType::auth:
            return options.version == Version::v5 ? as_packet(decode_auth(frame, options))
                                                  : Result<Packet>{errc::protocol_error};
    }
    return errc::malformed_packet;
}

}  // namespace weir::mqtt
