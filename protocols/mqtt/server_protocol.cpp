#include <weir/mqtt/server_protocol.hpp>

#include <limits>

#include <weir/mqtt/encoder.hpp>

namespace weir::mqtt {
namespace {

constexpr auto kCountMax = std::numeric_limits<std::uint16_t>::max();

/// A reason as it may be told in a packet.
ReasonCode nearest(ReasonCode reason, PacketContext context) noexcept {
    if (is_allowed(reason, context)) {
        return reason;
    }
    switch (reason) {
        case ReasonCode::server_shutting_down:
            return ReasonCode::server_unavailable;
        case ReasonCode::bad_user_name_or_password:
            return ReasonCode::not_authorized;
        default:
            return ReasonCode::unspecified_error;
    }
}

}  // namespace

Result<std::size_t> ServerProtocol::feed(ByteView in, Handler& handler) noexcept {
    const std::size_t offered = in.size();
    auto next = Next::go_on;
    while (next == Next::go_on && state_ != ConnectionState::connecting &&
           state_ != ConnectionState::closed) {
        WEIR_CHECK(check_order(in));
        const bool known = state_ == ConnectionState::connected;
        const auto frame = reader_.next(in, known ? limits_.packet_bytes : limits_.connect_bytes);
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

void ServerProtocol::accept(std::uint16_t keep_alive_s, const ServerLimits& limits) noexcept {
    state_ = ConnectionState::connected;
    keep_alive_s_ = keep_alive_s;
    limits_ = limits;
}

Farewell ServerProtocol::farewell(ReasonCode reason, const Properties& properties) const noexcept {
    Farewell out;
    if (state_ == ConnectionState::connected) {
        if (version_ == Version::v5) {
            const auto code = nearest(reason, PacketContext::disconnect_from_server);
            append_packet(
                out.bytes, Disconnect{.reason_code = code, .properties = properties}, version_
            );
        }
    } else if (state_ != ConnectionState::closed && version_known_) {
        if (version_ == Version::v5 || return_code_of(reason)) {
            const bool v5 = version_ == Version::v5;
            const auto code = v5 ? nearest(reason, PacketContext::connack) : reason;
            append_packet(
                out.bytes, Connack{.reason_code = code, .properties = properties}, version_
            );
        }
    }
    return out;
}

std::size_t ServerProtocol::footprint() const noexcept {
    std::size_t bytes = reader_.footprint();
    if (extra_) {
        bytes +=
            sizeof(Extra) + extra_->aliases.footprint() + extra_->authentication_method.capacity();
    }
    return bytes;
}

/// A packet that may not come now is refused at its first byte.
Result<void> ServerProtocol::check_order(ByteView in) const noexcept {
    const auto type = reader_.peek_type(in);
    if (!type) {
        return {};
    }
    if (*type == 0) {
        return errc::malformed_packet;
    }
    const auto packet = static_cast<PacketType>(*type);
    const bool auth_agreed = extra_ && !extra_->authentication_method.empty();
    if (!is_legal(Role::client, state_, packet) || (packet == PacketType::auth && !auth_agreed)) {
        return errc::protocol_error;
    }
    return {};
}

Result<Next> ServerProtocol::dispatch(const Frame& frame, Handler& handler) noexcept {
    switch (frame.type) {
        case PacketType::connect:
            return take_connect(frame, handler);
        case PacketType::publish:
            return take_publish(frame, handler);
        case PacketType::puback:
        case PacketType::pubrec:
        case PacketType::pubrel:
        case PacketType::pubcomp: {
            WEIR_TRY(const Ack ack, decode_ack(frame, options()));
            return handler.on_ack(ack);
        }
        case PacketType::subscribe: {
            WEIR_TRY(const Subscribe subscribe, decode_subscribe(frame, options()));
            return handler.on_subscribe(subscribe);
        }
        case PacketType::unsubscribe: {
            WEIR_TRY(const Unsubscribe unsubscribe, decode_unsubscribe(frame, options()));
            return handler.on_unsubscribe(unsubscribe);
        }
        case PacketType::pingreq: {
            WEIR_CHECK(check_empty(frame));
            return handler.on_pingreq();
        }
        case PacketType::disconnect:
            return take_disconnect(frame, handler);
        case PacketType::auth:
            return take_auth(frame, handler);
        default:
            return errc::protocol_error;
    }
}

Result<Next> ServerProtocol::take_connect(const Frame& frame, Handler& handler) noexcept {
    note_version(frame.body);
    WEIR_TRY(const Connect connect, decode_connect(frame, options()));
    const auto method = connect.properties.text(PropertyId::authentication_method);
    state_ = method ? ConnectionState::authenticating : ConnectionState::connecting;
    if (method) {
        if (method->empty()) {
            return errc::bad_authentication_method;
        }
        extra().authentication_method = *method;
    }
    keep_alive_s_ = connect.keep_alive_s;
    session_expires_at_once_ =
        connect.properties.number(PropertyId::session_expiry_interval).value_or(0) == 0;
    return handler.on_connect(connect);
}

Result<Next> ServerProtocol::take_publish(const Frame& frame, Handler& handler) noexcept {
    WEIR_TRY(Publish publish, decode_publish(frame, options()));
    if (publish.topic_alias != 0) {
        if (limits_.topic_alias_maximum == 0) {
            return errc::topic_alias_invalid;
        }
        WEIR_CHECK(extra().aliases.resolve(publish, limits_.topic_alias_maximum));
    }
    if (publish.qos != Qos::at_most_once) {
        if (version_ == Version::v5 && unsettled_ >= limits_.receive_maximum) {  // [MQTT5-3.3.4-7]
            return errc::receive_maximum_exceeded;
        }
        unsettled_ =
            unsettled_ == kCountMax ? kCountMax : static_cast<std::uint16_t>(unsettled_ + 1);
    }
    return handler.on_publish(publish);
}

Result<Next> ServerProtocol::take_disconnect(const Frame& frame, Handler& handler) noexcept {
    WEIR_TRY(const Disconnect disconnect, decode_disconnect(frame, options()));
    const auto expiry = disconnect.properties.number(PropertyId::session_expiry_interval);
    if (session_expires_at_once_ && expiry.value_or(0) != 0) {  // [MQTT5-3.14.2.2.2]
        return errc::protocol_error;
    }
    state_ = ConnectionState::closed;
    return handler.on_disconnect(disconnect);
}

Result<Next> ServerProtocol::take_auth(const Frame& frame, Handler& handler) noexcept {
    WEIR_TRY(const Auth auth, decode_auth(frame, options()));
    if (auth.properties.text(PropertyId::authentication_method) != extra().authentication_method) {
        return errc::bad_authentication_method;  // [MQTT5-4.12.0-5]
    }
    const bool starts = auth.reason_code == ReasonCode::reauthenticate;
    const bool in_exchange = state_ == ConnectionState::authenticating || reauthenticating_;
    if (starts == in_exchange) {  // [MQTT5-4.12.1-1]
        return errc::protocol_error;
    }
    reauthenticating_ = reauthenticating_ || starts;
    return handler.on_auth(auth);
}

/// How a refusal would have to be written, before the CONNECT is known to be good. A level that we
/// do not know is answered in the nearest form. [MQTT5-3.1.2-2]
void ServerProtocol::note_version(ByteView body) noexcept {
    if (const auto level = read_protocol_level(body)) {
        constexpr auto kNewest = static_cast<std::uint8_t>(Version::v5);
        version_ = *level >= kNewest && *level < 0x80U ? Version::v5 : Version::v311;
        version_known_ = true;
        if (*level == static_cast<std::uint8_t>(Version::v31)) {
            version_ = Version::v31;
        }
    }
}

DecodeOptions ServerProtocol::options() const noexcept {
    return {
        .version = version_,
        .sender = Role::client,
        .topics = limits_.topics,
        .properties = limits_.properties
    };
}

ServerProtocol::Extra& ServerProtocol::extra() {
    if (!extra_) {
        extra_ = std::make_unique<Extra>();
    }
    return *extra_;
}

}  // namespace weir::mqtt
