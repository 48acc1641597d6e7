/// Writing packets of the MQTT endpoint. Private to it.
#pragma once

#include <array>

#include <weir/endpoints/connection.hpp>
#include <weir/endpoints/mqtt.hpp>
#include <weir/mqtt/encoder.hpp>

namespace weir::endpoints {

[[nodiscard]] inline mqtt::ReasonCode reason_code_of(model::Reason reason) noexcept {
    return static_cast<mqtt::ReasonCode>(model::info(reason).mqtt5);
}

template <class Packet>
void MqttEndpoint::send(const Packet& packet) {
    if (connection_.closing()) {  // [MQTT5-3.14.4-1]
        return;
    }
    const auto version = protocol_.version();
    const std::size_t size = mqtt::size_of(packet, version);
    if (!fits(size)) {  // [MQTT5-3.1.2-24]
        return leave(mqtt::ReasonCode::packet_too_large, {model::Reason::packet_too_large});
    }
    if (connection_.out().congested() && !may_answer(size)) {
        return;
    }
    Byte* const out = connection_.out().reserve(size);
    static_cast<void>(mqtt::write(out, packet, version));
    connection_.out().commit(size);
    connection_.flush_later();
}

template <class Packet>
void MqttEndpoint::send_why(Packet packet, model::Reason reason) {
    std::array<Byte, 160> memory;
    if (needs_words(reason_code_of(reason))) {
        mqtt::PropertyWriter why{memory};
        why.text(mqtt::PropertyId::reason_string, model::info(reason).text);
        packet.properties = why.properties();
        if (!fits(mqtt::size_of(packet, protocol_.version()))) {
            packet.properties = {};
        }
    }
    send(packet);
}

}  // namespace weir::endpoints
