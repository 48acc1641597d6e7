#include <weir/mqtt/client_protocol.hpp>

#include <limits>

namespace weir::mqtt {

void ClientProtocol::connect(Bytes& out, const Connect& packet) {
    version_ = packet.version;
    auth_agreed_ = packet.properties.find(PropertyId::authentication_method).has_value();
    topic_alias_maximum_ = static_cast<std::uint16_t>(
        packet.properties.number(PropertyId::topic_alias_maximum).value_or(0)
    );
    state_ = auth_agreed_ ? ConnectionState::authenticating : ConnectionState::connecting;
    append_packet(out, packet, packet.version);
}

Result<std::size_t> ClientProtocol::feed(ByteView in, Handler& handler) noexcept {
    const std::size_t offered = in.size();
    auto next = Next::go_on;
    while (next == Next::go_on && state_ != ConnectionState::closed) {
        WEIR_CHECK(check_order(in));
        const auto frame = reader_.next(in, packet_bytes_max_);
        if (!frame) {
            if (frame.error() == errc::need_more) {
                break;
            }
            return frame.error();
        }
        const auto handled = dispatch(*frame, handler);
        reader_.done();
        if (!handled) {
            return handled.error();
        }
        next = *handled;
    }
    return offered - in.size();
}

Result<void> ClientProtocol::check_order(ByteView in) const noexcept {
    const auto type = reader_.peek_type(in);
    if (!type) {
        return {};
    }
    if (*type == 0) {
        return errc::malformed_packet;
    }
    const auto packet = static_cast<PacketType>(*type);
    const bool only_v5 = packet == PacketType::disconnect || packet == PacketType::auth;
    if (!is_legal(Role::server, state_, packet) || (only_v5 && version_ != Version::v5) ||
        (packet == PacketType::auth && !auth_agreed_)) {
        return errc::protocol_error;
    }
    return {};
}

Result<Next> ClientProtocol::dispatch(const Frame& frame, Handler& handler) noexcept {
    switch (frame.type) {
        case PacketType::connack:
            return take_connack(frame, handler);
        case PacketType::publish:
            return take_publish(frame, handler);
        case PacketType::puback:
        case PacketType::pubrec:
        case PacketType::pubrel:
        case PacketType::pubcomp: {
            WEIR_TRY(const Ack ack, decode_ack(frame, options()));
            return handler.on_ack(ack);
        }
        case PacketType::suback: {
            WEIR_TRY(const Suback suback, decode_suback(frame, options()));
            return handler.on_suback(suback);
        }
        case PacketType::unsuback: {
            WEIR_TRY(const Unsuback unsuback, decode_unsuback(frame, options()));
            return handler.on_unsuback(unsuback);
        }
        case PacketType::pingresp: {
            WEIR_CHECK(check_empty(frame));
            return handler.on_pingresp();
        }
        case PacketType::disconnect: {
            WEIR_TRY(const Disconnect disconnect, decode_disconnect(frame, options()));
            state_ = ConnectionState::closed;
            return handler.on_disconnect(disconnect);
        }
        case PacketType::auth: {
            WEIR_TRY(const Auth auth, decode_auth(frame, options()));
            return handler.on_auth(auth);
        }
        default:
            return errc::protocol_error;
    }
}

Result<Next> ClientProtocol::take_connack(const Frame& frame, Handler& handler) noexcept {
    WEIR_TRY(const Connack connack, decode_connack(frame, options()));
    const bool accepted = connack.reason_code == ReasonCode::success;
    state_ = accepted ? ConnectionState::connected : ConnectionState::closed;
    return handler.on_connack(connack);
}

Result<Next> ClientProtocol::take_publish(const Frame& frame, Handler& handler) noexcept {
    WEIR_TRY(Publish publish, decode_publish(frame, options()));
    if (publish.topic_alias != 0) {
        WEIR_CHECK(aliases_.resolve(publish, topic_alias_maximum_));
    }
    return handler.on_publish(publish);
}

DecodeOptions ClientProtocol::options() const noexcept {
    constexpr auto kAny16 = std::numeric_limits<std::uint16_t>::max();
    return {
        .version = version_,
        .sender = Role::server,
        .topics = {.bytes = kAny16, .levels = kAny16},
        .properties = {.user_properties = kAny16, .user_property_bytes = packet_bytes_max_},
    };
}

}  // namespace weir::mqtt
