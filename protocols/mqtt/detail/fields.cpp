#include <weir/mqtt/detail/fields.hpp>

#include <weir/mqtt/wire.hpp>

namespace weir::mqtt::detail {

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

Result<void> check_authentication(const Properties& properties) noexcept {
    if (properties.find(PropertyId::authentication_data) &&
        !properties.find(PropertyId::authentication_method)) {
        return errc::protocol_error;
    }
    return {};
}

}  // namespace weir::mqtt::detail
