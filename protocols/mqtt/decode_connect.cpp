// CONNECT and CONNACK.
#include <weir/mqtt/decoder.hpp>

#include <weir/mqtt/detail/fields.hpp>
#include <weir/mqtt/wire.hpp>

namespace weir::mqtt {
namespace {

using namespace detail;

constexpr std::string_view kName = "MQTT";
constexpr std::string_view kName31 = "MQIsdp";

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

}  // namespace

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

}  // namespace weir::mqtt
