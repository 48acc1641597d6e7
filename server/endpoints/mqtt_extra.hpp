/// What few MQTT connections need: kept apart, so that the others do not pay for it. Private to the MQTT endpoint.
#pragma once

#include <boost/container/flat_map.hpp>
#include <cstdint>
#include <memory>
#include <string>

#include <weir/endpoints/mqtt.hpp>
#include <weir/endpoints/parking.hpp>
#include <weir/identity/exchange.hpp>
#include <weir/mqtt/alias_table.hpp>

namespace weir::endpoints {

/// An authentication exchange under way.
struct MqttEndpoint::Rounds {
    /// More than any SASL mechanism takes; a peer that goes on is refused.
    static constexpr unsigned kMost = 8;

    std::string method;
    std::unique_ptr<identity::Exchange> exchange;
    unsigned left = kMost;
};

struct MqttEndpoint::Extra {
    std::unique_ptr<Parking> parking;  ///< Publishes that a full outbox holds back; null: none.
    mqtt::AliasGiver aliases;
    std::unique_ptr<Rounds> reauthentication;
    /// Inbound QoS 2: packet ids that were not released, and since which second. Of MQTT 5 those of earlier connections only:
    /// Receive Maximum bounds what this one adds.
    boost::container::flat_map<std::uint16_t, std::uint32_t> unreleased;
    std::uint64_t unread_answers = 0;  ///< Bytes, since the output is congested.
};

}  // namespace weir::endpoints
