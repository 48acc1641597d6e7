/// Decoded packets back to bytes, for tests that hold the decoder against the encoder.
#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include <weir/mqtt/encoder.hpp>
#include <weir/mqtt/packet.hpp>

namespace weir::test {

/// What was decoded of a PUBLISH becomes what the encoder wants.
inline void encode(Bytes& out, const mqtt::Publish& publish, mqtt::Version version) {
    std::vector<std::uint32_t> subscription_ids;
    for (const mqtt::Property property : publish.properties) {
        if (property.id == mqtt::PropertyId::subscription_identifier) {
            subscription_ids.push_back(property.number);
        }
    }
    Bytes buffer(publish.properties.raw().size());
    const mqtt::PublishHeader header{
        .topic = publish.topic,
        .payload_bytes = publish.payload.size(),
        .properties = forwardable_properties(publish.properties, buffer),
        .message_expiry_s = publish.message_expiry_s,
        .subscription_ids = subscription_ids,
        .packet_id = publish.packet_id,
        .topic_alias = publish.topic_alias,
        .qos = publish.qos,
        .retain = publish.retain,
        .dup = publish.dup,
    };
    append_publish(out, header, publish.payload, version);
}

template <class P>
void encode(Bytes& out, const P& packet, mqtt::Version version) {
    append_packet(out, packet, version);
}

[[nodiscard]] inline Bytes encode(const mqtt::Packet& packet, mqtt::Version version) {
    Bytes out;
    std::visit([&](const auto& one) { encode(out, one, version); }, packet);
    return out;
}

}  // namespace weir::test
