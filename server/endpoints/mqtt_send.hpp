/// Writing packets of the MQTT endpoint. Private to it.
#pragma once

#include <weir/endpoints/connection.hpp>
#include <weir/endpoints/mqtt.hpp>
#include <weir/mqtt/encoder.hpp>

namespace weir::endpoints {

template <class Packet>
void MqttEndpoint::send(const Packet& packet) {
    const auto version = protocol_.version();
    const std::size_t size = mqtt::size_of(packet, version);
    Byte* const out = connection_.out().reserve(size);
    static_cast<void>(mqtt::write(out, packet, version));
    connection_.out().commit(size);
    connection_.flush_later();
}

}  // namespace weir::endpoints
