/// What a listener serves, and to whom.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <weir/identity/authenticator.hpp>
#include <weir/model/limits.hpp>
#include <weir/net/tls_context.hpp>
#include <weir/proxy/preface.hpp>
#include <weir/websocket/upgrade.hpp>

namespace weir::endpoints {

/// An address or a network, by its leading bits.
struct Network {
    proxy::Address address;
    unsigned bits = 0;

    [[nodiscard]] bool contains(const proxy::Address& peer) const noexcept;
};

/// What a listener has for MQTT clients; those of MQTT 5 are told.
struct MqttRules {
    bool wildcard_subscriptions = true;
    bool shared_subscriptions = true;
    std::string server_reference;  ///< Where to go when the gateway stops; empty: it does not say.
};

/// Immutable; a reload makes a new one, connections keep the one that they began with.
struct Listener {
    std::string name;
    bool mqtt = true;
    bool amqp = true;
    bool http = true;
    websocket::UpgradeRules upgrade;             ///< With its own `mqtt` and `amqp`.
    std::shared_ptr<const net::TlsContext> tls;  ///< Null: clear text.
    MqttRules mqtt_rules;
    identity::Methods methods;
    model::Limits limits;
    std::vector<Network> proxies;  ///< Peers that begin with a PROXY preface.

    [[nodiscard]] bool is_proxy(const proxy::Address& peer) const noexcept;
    [[nodiscard]] bool serves_websocket() const noexcept { return upgrade.mqtt || upgrade.amqp; }
};

using ListenerPtr = std::shared_ptr<const Listener>;

}  // namespace weir::endpoints
