// AUTH: the rounds between CONNECT and CONNACK, and those of a client that authenticates again. [MQTT5-4.12]
#include <utility>
#include <variant>

#include <weir/endpoints/connection.hpp>
#include <weir/endpoints/mqtt.hpp>
#include <weir/endpoints/mqtt_connecting.hpp>
#include <weir/endpoints/mqtt_extra.hpp>
#include <weir/endpoints/mqtt_send.hpp>

namespace weir::endpoints {

using model::Reason;
using mqtt::Next;
using mqtt::PropertyId;
using mqtt::ReasonCode;

namespace {

[[nodiscard]] bool is_challenge(const identity::Step& step) noexcept {
    return step && std::holds_alternative<identity::Challenge>(*step);
}

}  // namespace

std::unique_ptr<MqttEndpoint::Rounds> MqttEndpoint::begin_rounds(std::string_view method) const {
    const Services& services = connection_.services();
    const auto* const mechanism = identity::find_mechanism(services.mechanisms, method);
    if (mechanism == nullptr) {
        return nullptr;
    }
    return std::make_unique<Rounds>(
        Rounds{.method = std::string{method}, .exchange = mechanism->begin(services.registry)}
    );
}

identity::Step MqttEndpoint::advance(Rounds& rounds, ByteView data) {
    if (rounds.left-- == 0) {
        return identity::errc::bad_credentials;
    }
    auto step = rounds.exchange->next(data);
    if (is_challenge(step)) {
        send_auth(
            ReasonCode::continue_authentication,
            rounds.method,
            std::get<identity::Challenge>(*step).data
        );
    }
    return step;
}

void MqttEndpoint::send_auth(ReasonCode code, std::string_view method, ByteView data) {
    Bytes memory(method.size() + data.size() + 6);
    mqtt::PropertyWriter properties{memory};
    properties.text(PropertyId::authentication_method, method);
    if (!data.empty()) {
        properties.binary(PropertyId::authentication_data, data);
    }
    send(mqtt::Auth{.reason_code = code, .properties = properties.properties()});
}

void MqttEndpoint::exchange() {
    Connecting& connecting = *connecting_;
    auto step = advance(*connecting.rounds, std::exchange(connecting.data, {}));
    connecting.awaits_auth = is_challenge(step);
    if (connecting.awaits_auth) {
        return;
    }
    if (!step) {
        return authenticated(step.error());
    }
    auto& [principal, data] = std::get<identity::Proved>(*step);
    connecting.data = std::move(data);
    authenticated(std::move(principal));
}

Next MqttEndpoint::on_auth(const mqtt::Auth& packet) noexcept {
    const auto data =
        packet.properties.binary(PropertyId::authentication_data).value_or(ByteView{});
    if (connecting_) {
        connecting_->data.assign(data.begin(), data.end());
        connecting_->begun = false;
        return Next::stop;
    }
    if (session_ == nullptr) {
        return Next::stop;
    }
    if (packet.reason_code == ReasonCode::reauthenticate) {
        const auto method = packet.properties.text(PropertyId::authentication_method);
        extra().reauthentication = begin_rounds(method.value_or(std::string_view{}));
    }
    reauthenticate(data);
    return connection_.closing() ? Next::stop : Next::go_on;
}

void MqttEndpoint::reauthenticate(ByteView data) {
    auto& rounds = extra().reauthentication;
    const auto step =
        rounds ? advance(*rounds, data) : identity::Step{identity::errc::bad_credentials};
    if (is_challenge(step)) {
        return;
    }
    if (!step) {
        return leave(ReasonCode::not_authorized, {identity::reason_of(step.error())});
    }
    const auto& proved = std::get<identity::Proved>(*step);
    // The session stays with who opened it. [MQTT5-4.12.1-1]
    if (!session_->principal().same_identity(*proved.principal)) {
        return leave(ReasonCode::not_authorized, {Reason::client_id_conflict});
    }
    if (!connection_.services().broker.renew(*session_, proved.principal)) {
        return;
    }
    send_auth(ReasonCode::success, rounds->method, proved.data);
    rounds.reset();
    protocol_.reauthenticated();
}

}  // namespace weir::endpoints
