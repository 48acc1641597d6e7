// From the session to the client.
#include <weir/endpoints/connection.hpp>
#include <weir/endpoints/mqtt.hpp>
#include <weir/endpoints/mqtt_extra.hpp>
#include <weir/endpoints/mqtt_send.hpp>
#include <weir/metering/formula.hpp>

namespace weir::endpoints {

using model::Reason;

namespace {

/// From here on a payload is sent from where it lies instead of being copied behind its head.
constexpr std::size_t kByReferenceFrom = 4 * 1024;

}  // namespace

bool MqttEndpoint::ready(model::Qos qos) const noexcept {
    // What is not acknowledged may go where it is not sent any more; the rest stays with the session.
    const bool takes = qos == model::Qos::at_most_once || !connection_.closing();
    return takes && !connection_.out().congested();
}

void MqttEndpoint::deliver(const broker::Delivery& delivery) noexcept {
    if (connection_.closing()) {  // [MQTT5-3.14.4-1]
        return;
    }
    const model::Message& message = *delivery.message;
    const auto version = protocol_.version();
    mqtt::PublishHeader header{
        .topic = message.topic(),
        .payload_bytes = message.payload().size(),
        .properties = message.properties(),
        .subscription_ids = delivery.subscription_ids,
        .packet_id = delivery.packet_id,
        .qos = static_cast<mqtt::Qos>(delivery.qos),
        .retain = delivery.retain,
        .dup = delivery.duplicate,
    };
    if (message.expires().count() != 0) {
        const auto left = message.expires() - connection_.services().shard.wall_now();
        header.message_expiry_s = static_cast<std::uint32_t>(
            std::max<std::int64_t>(0, std::chrono::ceil<std::chrono::seconds>(left).count())
        );
    }
    mqtt::AliasGiver::Use use;
    if (aliases_max_ > 0) {
        use = extra().aliases.use_for(header.topic, aliases_max_);
        header.topic_alias = use.alias;
        if (use.alias != 0 && !use.is_new) {
            header.topic = {};
        }
    }
    const std::size_t head = mqtt::publish_head_size(header, version);
    if (!fits(head + header.payload_bytes)) {
        return drop_too_large(delivery);
    }
    if (use.is_new) {
        extra().aliases.give(message.topic());
    }
    auto& out = connection_.out();
    const ByteView payload = message.payload();
    if (payload.size() < kByReferenceFrom) {
        Byte* const memory = out.reserve(head + payload.size());
        Byte* const end = mqtt::write_publish_head(memory, header, version);
        std::ranges::copy(payload, end);
        out.commit(head + payload.size());
    } else {
        static_cast<void>(mqtt::write_publish_head(out.reserve(head), header, version));
        out.commit(head);
        out.append_shared(payload, delivery.message);
    }
    if (!delivery.duplicate) {
        connection_.meter_add(
            metering::add_publish_out,
            {
                .payload_bytes = payload.size(),
                .topic_bytes = message.topic().size(),
                .property_bytes = message.properties().size(),
            }
        );
    }
    connection_.flush_later();
}

void MqttEndpoint::drop_too_large(const broker::Delivery& delivery) {
    const Services& services = connection_.services();
    services.metrics().lose(Reason::packet_too_large);
    services.context().decisions.record(
        session_->who(),
        model::Action::deliver,
        Reason::packet_too_large,
        services.shard.wall_now(),
        delivery.message->topic()
    );
    if (delivery.packet_id != 0) {
        connection_.later([this, packet_id = delivery.packet_id] {
            if (session_ != nullptr) {
                session_->settled(packet_id);
            }
        });
    }
}

void MqttEndpoint::release(std::uint16_t packet_id) noexcept {
    send_ack(mqtt::PacketType::pubrel, packet_id, mqtt::ReasonCode::success);
}

void MqttEndpoint::send_ack(
    mqtt::PacketType type, std::uint16_t packet_id, mqtt::ReasonCode code, Reason reason
) {
    connection_.services().metrics().acks_sent.add();
    send_why(mqtt::Ack{.type = type, .packet_id = packet_id, .reason_code = code}, reason);
}

void MqttEndpoint::end(Reason reason) noexcept {
    drop_parked();
    session_ = nullptr;
    connection_.close(reason);
}

broker::PeerInfo MqttEndpoint::peer() const noexcept {
    switch (protocol_.version()) {
        case mqtt::Version::v31:
            return connection_.peer_info("mqtt 3.1");
        case mqtt::Version::v311:
            return connection_.peer_info("mqtt 3.1.1");
        case mqtt::Version::v5:
            return connection_.peer_info("mqtt 5");
    }
    return connection_.peer_info(protocol());
}

}  // namespace weir::endpoints
