#include <weir/mqtt/encoder.hpp>

namespace weir::mqtt {
namespace {

constexpr std::string_view kName = "MQTT";
constexpr std::string_view kName31 = "MQIsdp";
constexpr unsigned kReservedFlags = 2;  // Of PUBREL, SUBSCRIBE, UNSUBSCRIBE. [MQTT5-2.1.3]

std::string_view protocol_name(Version version) noexcept {
    return version == Version::v31 ? kName31 : kName;
}

std::size_t text_size(std::size_t bytes) noexcept {
    return sizeof(std::uint16_t) + bytes;
}

std::size_t packet_size(std::size_t body) noexcept {
    return 1 + varint_size(static_cast<std::uint32_t>(body)) + body;
}

/// A property list with its length, in the versions that have one.
std::size_t properties_size(std::size_t raw, Version version) noexcept {
    return version == Version::v5 ? varint_size(static_cast<std::uint32_t>(raw)) + raw : 0;
}

Byte* write_properties(Byte* out, const Properties& properties, Version version) noexcept {
    if (version != Version::v5) {
        return out;
    }
    out = write_varint(out, static_cast<std::uint32_t>(properties.raw().size()));
    return write_raw(out, properties.raw());
}

Byte* write_header(Byte* out, PacketType type, unsigned flags, std::size_t body) noexcept {
    *out++ = static_cast<Byte>((static_cast<unsigned>(type) << 4U) | flags);
    return write_varint(out, static_cast<std::uint32_t>(body));
}

Byte* write_code(Byte* out, ReasonCode code) noexcept {
    return write_int(out, static_cast<std::uint8_t>(code));
}

/// Reason code and properties where both may be left out: success without properties is an empty
/// tail, and a code without properties ends the packet. [MQTT5-3.4.2.1]
std::size_t tail_size(ReasonCode code, const Properties& properties, Version version) noexcept {
    if (version != Version::v5 || (code == ReasonCode::success && properties.empty())) {
        return 0;
    }
    return 1 + (properties.empty() ? 0 : properties_size(properties.raw().size(), version));
}

Byte* write_tail(
    Byte* out, ReasonCode code, const Properties& properties, Version version
) noexcept {
    if (tail_size(code, properties, version) == 0) {
        return out;
    }
    out = write_code(out, code);
    return properties.empty() ? out : write_properties(out, properties, version);
}

std::size_t publish_properties_size(const PublishHeader& publish) noexcept {
    std::size_t size = publish.properties.size();
    size += publish.message_expiry_s ? 1 + sizeof(std::uint32_t) : 0;
    size += publish.topic_alias != 0 ? 1 + sizeof(std::uint16_t) : 0;
    for (const std::uint32_t id : publish.subscription_ids) {
        size += 1 + varint_size(id);
    }
    return size;
}

Byte* write_publish_properties(Byte* out, const PublishHeader& publish) noexcept {
    out = write_varint(out, static_cast<std::uint32_t>(publish_properties_size(publish)));
    if (publish.topic_alias != 0) {
        *out++ = static_cast<Byte>(PropertyId::topic_alias);
        out = write_int(out, publish.topic_alias);
    }
    if (publish.message_expiry_s) {
        *out++ = static_cast<Byte>(PropertyId::message_expiry_interval);
        out = write_int(out, *publish.message_expiry_s);
    }
    for (const std::uint32_t id : publish.subscription_ids) {
        *out++ = static_cast<Byte>(PropertyId::subscription_identifier);
        out = write_varint(out, id);
    }
    return write_raw(out, publish.properties);
}

/// Variable header of a PUBLISH.
std::size_t publish_header_size(const PublishHeader& publish, Version version) noexcept {
    std::size_t size = text_size(publish.topic.size()) +
                       (publish.qos == Qos::at_most_once ? 0 : sizeof(std::uint16_t));
    if (version == Version::v5) {
        size += properties_size(publish_properties_size(publish), version);
    }
    return size;
}

std::size_t connect_body(const Connect& connect) noexcept {
    const Version version = connect.version;
    std::size_t size = text_size(protocol_name(version).size()) + 1 + 1 + sizeof(std::uint16_t);
    size += properties_size(connect.properties.raw().size(), version) +
            text_size(connect.client_id.size());
    if (connect.will) {
        size += properties_size(connect.will->properties.raw().size(), version) +
                text_size(connect.will->topic.size()) + text_size(connect.will->payload.size());
    }
    size += connect.user_name ? text_size(connect.user_name->size()) : 0;
    size += connect.password ? text_size(connect.password->size()) : 0;
    return size;
}

Byte connect_flags(const Connect& connect) noexcept {
    unsigned flags = connect.clean_start ? 0x02U : 0U;
    if (connect.will) {
        flags |= 0x04U | (static_cast<unsigned>(connect.will->qos) << 3U) |
                 (connect.will->retain ? 0x20U : 0U);
    }
    flags |= connect.password ? 0x40U : 0U;
    flags |= connect.user_name ? 0x80U : 0U;
    return static_cast<Byte>(flags);
}

std::size_t connack_body(const Connack& connack, Version version) noexcept {
    return 2 + properties_size(connack.properties.raw().size(), version);
}

/// Packet id, properties, then a list.
std::size_t list_body(const Properties& properties, std::size_t list, Version version) noexcept {
    return sizeof(std::uint16_t) + properties_size(properties.raw().size(), version) + list;
}

template <class P>
std::size_t unsuback_codes(const P& packet, Version version) noexcept {
    return version == Version::v5 ? packet.reason_codes.size() : 0;
}

template <class P>
Byte* write_list_head(
    Byte* out, PacketType type, unsigned flags, const P& packet, std::size_t list, Version version
) noexcept {
    out = write_header(out, type, flags, list_body(packet.properties, list, version));
    out = write_int(out, packet.packet_id);
    return write_properties(out, packet.properties, version);
}

}  // namespace

std::size_t publish_size(const PublishHeader& publish, Version version) noexcept {
    return packet_size(publish_header_size(publish, version) + publish.payload_bytes);
}

std::size_t publish_head_size(const PublishHeader& publish, Version version) noexcept {
    return publish_size(publish, version) - publish.payload_bytes;
}

Byte* write_publish_head(Byte* out, const PublishHeader& publish, Version version) noexcept {
    const unsigned flags = (publish.dup ? 8U : 0U) | (static_cast<unsigned>(publish.qos) << 1U) |
                           (publish.retain ? 1U : 0U);
    out = write_header(
        out,
        PacketType::publish,
        flags,
        publish_header_size(publish, version) + publish.payload_bytes
    );
    out = write_text(out, publish.topic);
    if (publish.qos != Qos::at_most_once) {
        out = write_int(out, publish.packet_id);
    }
    return version == Version::v5 ? write_publish_properties(out, publish) : out;
}

std::size_t size_of(const Connect& packet, Version /*version*/) noexcept {
    return packet_size(connect_body(packet));
}

Byte* write(Byte* out, const Connect& packet, Version /*version*/) noexcept {
    const Version version = packet.version;
    out = write_header(out, PacketType::connect, 0, connect_body(packet));
    out = write_text(out, protocol_name(version));
    out = write_int(out, static_cast<std::uint8_t>(version));
    out = write_int(out, connect_flags(packet));
    out = write_int(out, packet.keep_alive_s);
    out = write_properties(out, packet.properties, version);
    out = write_text(out, packet.client_id);
    if (packet.will) {
        out = write_properties(out, packet.will->properties, version);
        out = write_text(out, packet.will->topic);
        out = write_binary(out, packet.will->payload);
    }
    if (packet.user_name) {
        out = write_text(out, *packet.user_name);
    }
    if (packet.password) {
        out = write_binary(out, *packet.password);
    }
    return out;
}

std::size_t size_of(const Connack& packet, Version version) noexcept {
    return packet_size(connack_body(packet, version));
}

Byte* write(Byte* out, const Connack& packet, Version version) noexcept {
    out = write_header(out, PacketType::connack, 0, connack_body(packet, version));
    // The flag came with 3.1.1; a refusal never has it. [MQTT5-3.2.2-6]
    const bool session_present = packet.session_present && version != Version::v31 &&
                                 packet.reason_code == ReasonCode::success;
    *out++ = session_present ? 1 : 0;
    if (version == Version::v5) {
        return write_properties(write_code(out, packet.reason_code), packet.properties, version);
    }
    const auto code =
        return_code_of(packet.reason_code).value_or(ConnectReturnCode::server_unavailable);
    return write_int(out, static_cast<std::uint8_t>(code));
}

std::size_t size_of(const Ack& packet, Version version) noexcept {
    return packet_size(
        sizeof(packet.packet_id) + tail_size(packet.reason_code, packet.properties, version)
    );
}

Byte* write(Byte* out, const Ack& packet, Version version) noexcept {
    const std::size_t body =
        sizeof(packet.packet_id) + tail_size(packet.reason_code, packet.properties, version);
    out = write_header(
        out, packet.type, packet.type == PacketType::pubrel ? kReservedFlags : 0, body
    );
    out = write_int(out, packet.packet_id);
    return write_tail(out, packet.reason_code, packet.properties, version);
}

std::size_t size_of(const Subscribe& packet, Version version) noexcept {
    return packet_size(list_body(packet.properties, packet.subscriptions.raw().size(), version));
}

Byte* write(Byte* out, const Subscribe& packet, Version version) noexcept {
    const auto list = packet.subscriptions.raw();
    out = write_list_head(out, PacketType::subscribe, kReservedFlags, packet, list.size(), version);
    return write_raw(out, list);
}

std::size_t size_of(const Suback& packet, Version version) noexcept {
    return packet_size(list_body(packet.properties, packet.reason_codes.size(), version));
}

Byte* write(Byte* out, const Suback& packet, Version version) noexcept {
    out = write_list_head(out, PacketType::suback, 0, packet, packet.reason_codes.size(), version);
    for (std::size_t i = 0; i < packet.reason_codes.size(); ++i) {
        const ReasonCode code = packet.reason_codes[i];
        const bool fold = version != Version::v5 && is_error(code);  // [MQTT3-3.9.3-2]
        out = write_code(out, fold ? ReasonCode::unspecified_error : code);
    }
    return out;
}

std::size_t size_of(const Unsubscribe& packet, Version version) noexcept {
    return packet_size(list_body(packet.properties, packet.filters.raw().size(), version));
}

Byte* write(Byte* out, const Unsubscribe& packet, Version version) noexcept {
    const auto list = packet.filters.raw();
    out =
        write_list_head(out, PacketType::unsubscribe, kReservedFlags, packet, list.size(), version);
    return write_raw(out, list);
}

std::size_t size_of(const Unsuback& packet, Version version) noexcept {
    return packet_size(list_body(packet.properties, unsuback_codes(packet, version), version));
}

Byte* write(Byte* out, const Unsuback& packet, Version version) noexcept {
    const std::size_t codes = unsuback_codes(packet, version);
    out = write_list_head(out, PacketType::unsuback, 0, packet, codes, version);
    return write_raw(out, packet.reason_codes.raw().first(codes));
}

std::size_t size_of(const Pingreq& /*packet*/, Version /*version*/) noexcept {
    return packet_size(0);
}

Byte* write(Byte* out, const Pingreq& /*packet*/, Version /*version*/) noexcept {
    return write_header(out, PacketType::pingreq, 0, 0);
}

std::size_t size_of(const Pingresp& /*packet*/, Version /*version*/) noexcept {
    return packet_size(0);
}

Byte* write(Byte* out, const Pingresp& /*packet*/, Version /*version*/) noexcept {
    return write_header(out, PacketType::pingresp, 0, 0);
}

std::size_t size_of(const Disconnect& packet, Version version) noexcept {
    return packet_size(tail_size(packet.reason_code, packet.properties, version));
}

Byte* write(Byte* out, const Disconnect& packet, Version version) noexcept {
    out = write_header(
        out, PacketType::disconnect, 0, tail_size(packet.reason_code, packet.properties, version)
    );
    return write_tail(out, packet.reason_code, packet.properties, version);
}

std::size_t size_of(const Auth& packet, Version version) noexcept {
    const bool empty = packet.reason_code == ReasonCode::success && packet.properties.empty();
    return packet_size(empty ? 0 : 1 + properties_size(packet.properties.raw().size(), version));
}

Byte* write(Byte* out, const Auth& packet, Version version) noexcept {
    if (packet.reason_code == ReasonCode::success && packet.properties.empty()) {
        return write_header(out, PacketType::auth, 0, 0);
    }
    out = write_header(
        out, PacketType::auth, 0, 1 + properties_size(packet.properties.raw().size(), version)
    );
    return write_properties(write_code(out, packet.reason_code), packet.properties, version);
}

void append_publish(Bytes& out, const PublishHeader& publish, ByteView payload, Version version) {
    const std::size_t before = out.size();
    out.resize(before + publish_size(publish, version));
    static_cast<void>(write_raw(write_publish_head(out.data() + before, publish, version), payload)
    );
}

void append_subscription(Bytes& out, const Subscription& subscription) {
    append_filter(out, subscription.filter);
    const unsigned options = static_cast<unsigned>(subscription.qos) |
                             (subscription.no_local ? 4U : 0U) |
                             (subscription.retain_as_published ? 8U : 0U) |
                             (static_cast<unsigned>(subscription.retain_handling) << 4U);
    out.push_back(static_cast<Byte>(options));
}

void append_filter(Bytes& out, std::string_view filter) {
    append_be(out, static_cast<std::uint16_t>(filter.size()));
    append(out, filter);
}

}  // namespace weir::mqtt
