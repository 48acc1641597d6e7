#include <weir/mqtt/decoder.hpp>

#include <weir/mqtt/wire.hpp>

namespace weir::mqtt {
namespace {

constexpr std::string_view kName = "MQTT";
constexpr std::string_view kName31 = "MQIsdp";

/// Lower four bits of the first byte; PUBLISH reads its own. [MQTT5-2.1.3-1]
Result<void> check_flags(const Frame& frame, Version version) noexcept {
    const bool has_qos = frame.type == PacketType::pubrel || frame.type == PacketType::subscribe ||
                         frame.type == PacketType::unsubscribe;
    const unsigned expected = has_qos ? 2U : 0U;
    // 3.1 sets DUP when it sends one of the three again.
    const unsigned ignored = has_qos && version == Version::v31 ? 8U : 0U;
    if ((frame.flags & ~ignored) != expected) {
        return errc::malformed_packet;
    }
    return {};
}

/// Properties where the version has them, else none.
Result<Properties> read_properties(
    ByteView& in, PacketContext context, const DecodeOptions& options
) noexcept {
    if (options.version != Version::v5) {
        return Properties{};
    }
    return parse_properties(in, context, options.properties);
}

Result<std::uint16_t> read_packet_id(ByteView& in) noexcept {
    WEIR_TRY(const std::uint16_t id, read_u16(in));
    if (id == 0) {  // [MQTT5-2.2.1-3]
        return errc::protocol_error;
    }
    return id;
}

Result<ReasonCode> read_reason_code(ByteView& in, PacketContext context) noexcept {
    WEIR_TRY(const std::uint8_t raw, read_u8(in));
    const auto code = static_cast<ReasonCode>(raw);
    if (!is_allowed(code, context)) {
        return errc::protocol_error;
    }
    return code;
}

Result<void> check_end(ByteView rest) noexcept {
    if (!rest.empty()) {
        return errc::malformed_packet;
    }
    return {};
}

/// [MQTT5-3.1.2.11.10] Authentication Data without a method is a protocol error.
Result<void> check_authentication(const Properties& properties) noexcept {
    if (properties.find(PropertyId::authentication_data) &&
        !properties.find(PropertyId::authentication_method)) {
        return errc::protocol_error;
    }
    return {};
}

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

// ---- CONNECT

struct ConnectFlags {
    bool clean_start;
    bool will;
    Qos will_qos;
    bool will_retain;
    bool password;
    bool user_name;
};

Result<ConnectFlags> read_connect_flags(ByteView& in, Version version) noexcept {
    WEIR_TRY(const std::uint8_t raw, read_u8(in));
    const unsigned will_qos = (raw >> 3U) & 3U;
    const ConnectFlags flags{
        .clean_start = (raw & 0x02U) != 0,
        .will = (raw & 0x04U) != 0,
        .will_qos = static_cast<Qos>(will_qos),
        .will_retain = (raw & 0x20U) != 0,
        .password = (raw & 0x40U) != 0,
        .user_name = (raw & 0x80U) != 0,
    };
    const bool reserved = (raw & 0x01U) != 0;
    if ((reserved && version != Version::v31) ||                           // [MQTT5-3.1.2-3]
        will_qos == 3 ||                                                   // [MQTT5-3.1.2-12]
        (!flags.will && (will_qos != 0 || flags.will_retain)) ||           // [MQTT5-3.1.2-11, -13]
        (version != Version::v5 && flags.password && !flags.user_name)) {  // [MQTT3-3.1.2-22]
        return errc::malformed_packet;
    }
    return flags;
}

Result<Will> read_will(
    ByteView& in, const ConnectFlags& flags, const DecodeOptions& options
) noexcept {
    Will will{.qos = flags.will_qos, .retain = flags.will_retain};
    WEIR_TRY(will.properties, read_properties(in, PacketContext::will, options));
    WEIR_TRY(will.topic, read_text(in));
    WEIR_TRY(will.payload, read_binary(in));
    WEIR_CHECK(check_topic_name(will.topic, options.topics));
    return will;
}

Result<void> read_credentials(ByteView& in, const ConnectFlags& flags, Connect& connect) noexcept {
    // In 3.1 the remaining length takes precedence over the flags: what is not there is absent.
    const auto present = [&](bool flag) {
        return flag && (connect.version != Version::v31 || !in.empty());
    };
    if (present(flags.user_name)) {
        WEIR_TRY(connect.user_name, read_text(in));
    }
    if (present(flags.password)) {
        WEIR_TRY(connect.password, read_binary(in));
    }
    return {};
}

Result<Version> read_version(ByteView& in) noexcept {
    WEIR_TRY(const std::string_view name, read_text(in));
    WEIR_TRY(const std::uint8_t level, read_u8(in));
    const bool known = name == kName ? level == 4 || level == 5 : name == kName31 && level == 3;
    if (!known) {  // [MQTT5-3.1.2-1, -2]
        return errc::unsupported_version;
    }
    return static_cast<Version>(level);
}

// ---- SUBSCRIBE

Result<void> check_options(
    std::uint8_t options, const SubscriptionFilter& filter, Version version
) noexcept {
    const unsigned reserved = version == Version::v5 ? 0xC0U : 0xFCU;
    if ((options & reserved) != 0) {  // [MQTT5-3.8.3-5] [MQTT3-3.8.3-4]
        return errc::malformed_packet;
    }
    if ((options & 3U) == 3U) {
        return version == Version::v5 ? errc::protocol_error : errc::malformed_packet;
    }
    const bool no_local = (options & 4U) != 0;
    const bool retain_handling_3 = (options & 0x30U) == 0x30U;
    if (version == Version::v5 &&
        (retain_handling_3 || (no_local && filter.is_shared()))) {  // [MQTT5-3.8.3-4]
        return errc::protocol_error;
    }
    return {};
}

/// The payload of SUBSCRIBE and UNSUBSCRIBE: at least one filter. [MQTT5-3.8.3-2] [MQTT5-3.10.3-2]
template <class Item>
Result<FilterList<Item>> read_filters(ByteView in, Version version) noexcept {
    const ByteView all = in;
    std::size_t count = 0;
    while (!in.empty()) {
        WEIR_TRY(const std::string_view text, read_text(in));
        WEIR_TRY(const SubscriptionFilter filter, parse_subscription_filter(text));
        if constexpr (std::is_same_v<Item, Subscription>) {
            WEIR_TRY(const std::uint8_t options, read_u8(in));
            WEIR_CHECK(check_options(options, filter, version));
        }
        ++count;
    }
    if (count == 0) {
        return errc::protocol_error;
    }
    return FilterList<Item>{all, count};
}

/// One code per filter, to the end of the packet.
Result<ReasonCodeList> read_reason_codes(ByteView in, PacketContext context) noexcept {
    const ReasonCodeList codes{in};
    for (std::size_t i = 0; i < codes.size(); ++i) {
        if (!is_allowed(codes[i], context)) {
            return errc::protocol_error;
        }
    }
    if (codes.size() == 0) {
        return errc::protocol_error;
    }
    return codes;
}

ReasonCode from_return_code(std::uint8_t code) noexcept {
    switch (static_cast<ConnectReturnCode>(code)) {
        case ConnectReturnCode::accepted:
            return ReasonCode::success;
        case ConnectReturnCode::unacceptable_protocol_version:
            return ReasonCode::unsupported_protocol_version;
        case ConnectReturnCode::identifier_rejected:
            return ReasonCode::client_identifier_not_valid;
        case ConnectReturnCode::server_unavailable:
            return ReasonCode::server_unavailable;
        case ConnectReturnCode::bad_user_name_or_password:
            return ReasonCode::bad_user_name_or_password;
        case ConnectReturnCode::not_authorized:
            return ReasonCode::not_authorized;
    }
    return ReasonCode::unspecified_error;
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

Result<std::uint8_t> read_protocol_level(ByteView body) noexcept {
    WEIR_TRY(const std::string_view name, read_text(body));
    if (name != kName && name != kName31) {
        return errc::unsupported_version;
    }
    return read_u8(body);
}

Result<Connect> decode_connect(const Frame& frame, const DecodeOptions& options) noexcept {
    ByteView in = frame.body;
    Connect connect;
    WEIR_TRY(connect.version, read_version(in));
    DecodeOptions own = options;
    own.version = connect.version;
    WEIR_CHECK(check_flags(frame, connect.version));
    WEIR_TRY(const ConnectFlags flags, read_connect_flags(in, connect.version));
    WEIR_TRY(connect.keep_alive_s, read_u16(in));
    WEIR_TRY(connect.properties, read_properties(in, PacketContext::connect, own));
    WEIR_CHECK(check_authentication(connect.properties));
    WEIR_TRY(connect.client_id, read_text(in));
    if (flags.will) {
        WEIR_TRY(connect.will, read_will(in, flags, own));
    }
    WEIR_CHECK(read_credentials(in, flags, connect));
    WEIR_CHECK(check_end(in));
    connect.clean_start = flags.clean_start;
    const bool id_needed =
        connect.version == Version::v31 || (connect.version == Version::v311 && !flags.clean_start);
    if (id_needed && connect.client_id.empty()) {  // [MQTT3-3.1.3-7]
        return errc::client_identifier_invalid;
    }
    return connect;
}

Result<Connack> decode_connack(const Frame& frame, const DecodeOptions& options) noexcept {
    WEIR_CHECK(check_flags(frame, options.version));
    ByteView in = frame.body;
    Connack connack;
    WEIR_TRY(const std::uint8_t flags, read_u8(in));
    if ((flags & 0xFEU) != 0 && options.version != Version::v31) {  // [MQTT5-3.2.2-1]
        return errc::malformed_packet;
    }
    connack.session_present = options.version != Version::v31 && (flags & 1U) != 0;
    if (options.version == Version::v5) {
        WEIR_TRY(connack.reason_code, read_reason_code(in, PacketContext::connack));
        WEIR_TRY(connack.properties, read_properties(in, PacketContext::connack, options));
        WEIR_CHECK(check_authentication(connack.properties));
    } else {
        WEIR_TRY(const std::uint8_t code, read_u8(in));
        connack.reason_code = from_return_code(code);
    }
    WEIR_CHECK(check_end(in));
    if (connack.session_present && connack.reason_code != ReasonCode::success) {  // [MQTT5-3.2.2-6]
        return errc::protocol_error;
    }
    return connack;
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

Result<Subscribe> decode_subscribe(const Frame& frame, const DecodeOptions& options) noexcept {
    WEIR_CHECK(check_flags(frame, options.version));
    ByteView in = frame.body;
    Subscribe subscribe;
    WEIR_TRY(subscribe.packet_id, read_packet_id(in));
    WEIR_TRY(subscribe.properties, read_properties(in, PacketContext::subscribe, options));
    WEIR_TRY(subscribe.subscriptions, read_filters<Subscription>(in, options.version));
    return subscribe;
}

Result<Suback> decode_suback(const Frame& frame, const DecodeOptions& options) noexcept {
    WEIR_CHECK(check_flags(frame, options.version));
    ByteView in = frame.body;
    Suback suback;
    WEIR_TRY(suback.packet_id, read_packet_id(in));
    WEIR_TRY(suback.properties, read_properties(in, PacketContext::suback, options));
    WEIR_TRY(suback.reason_codes, read_reason_codes(in, PacketContext::suback));
    return suback;
}

Result<Unsubscribe> decode_unsubscribe(const Frame& frame, const DecodeOptions& options) noexcept {
    WEIR_CHECK(check_flags(frame, options.version));
    ByteView in = frame.body;
    Unsubscribe unsubscribe;
    WEIR_TRY(unsubscribe.packet_id, read_packet_id(in));
    WEIR_TRY(unsubscribe.properties, read_properties(in, PacketContext::unsubscribe, options));
    WEIR_TRY(unsubscribe.filters, read_filters<std::string_view>(in, options.version));
    return unsubscribe;
}

Result<Unsuback> decode_unsuback(const Frame& frame, const DecodeOptions& options) noexcept {
    WEIR_CHECK(check_flags(frame, options.version));
    ByteView in = frame.body;
    Unsuback unsuback;
    WEIR_TRY(unsuback.packet_id, read_packet_id(in));
    if (options.version != Version::v5) {
        WEIR_CHECK(check_end(in));
        return unsuback;
    }
    WEIR_TRY(unsuback.properties, read_properties(in, PacketContext::unsuback, options));
    WEIR_TRY(unsuback.reason_codes, read_reason_codes(in, PacketContext::unsuback));
    return unsuback;
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
