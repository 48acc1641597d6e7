// PUBLISH from an MQTT client, and the acknowledgements that it is owed.
#include <weir/endpoints/mqtt.hpp>

#include <algorithm>
#include <vector>

#include <weir/endpoints/connection.hpp>
#include <weir/endpoints/mqtt_extra.hpp>
#include <weir/endpoints/mqtt_send.hpp>

namespace weir::endpoints {

using model::Reason;
using mqtt::Next;
using mqtt::PacketType;
using mqtt::ReasonCode;
using pipeline::Progress;

pipeline::Origin MqttEndpoint::origin() const noexcept {
    auto origin = connection_.origin(*session_);
    origin.session = session_;
    return origin;
}

Next MqttEndpoint::on_publish(const mqtt::Publish& packet) noexcept {
    if (session_ == nullptr) {
        return Next::stop;
    }
    if (packet.qos == mqtt::Qos::exactly_once && !may_await_release(packet.packet_id)) {
        return refuse_unreleased(packet);
    }
    if (packet.qos == mqtt::Qos::exactly_once && session_->has_inbound_id(packet.packet_id)) {
        protocol_.settled();  // Sent again: the id counts once against the receive maximum.
        owe_known(packet.packet_id);
        return next();
    }
    if (packet.retain && connection_.limits().retained_messages == 0) {  // [MQTT5-3.2.2-14]
        leave(ReasonCode::retain_not_supported, {Reason::retain_denied});
        return Next::stop;
    }
    const Services& services = connection_.services();
    const auto verdict = services.publisher.admit(origin(), packet.topic, packet.retain);
    if (!verdict.accepted()) {
        return violation(packet, verdict);
    }
    services.metrics().received[static_cast<std::size_t>(packet.qos)].add();

    Bytes scattered;
    if (!packet.properties.empty()) {
        scattered.resize(packet.properties.raw().size());
    }
    const WallTime now = services.shard.wall_now();
    publish(
        packet,
        model::Message::make({
            .topic = packet.topic,
            .payload = packet.payload,
            .properties = mqtt::forwardable_properties(packet.properties, scattered),
            .qos = static_cast<model::Qos>(packet.qos),
            .retain = packet.retain,
            .protocol = model::Protocol::mqtt,
            .created = now,
            .expires = packet.message_expiry_s
                           ? now + std::chrono::seconds{*packet.message_expiry_s}
                           : WallTime{0},
            .publisher_session = session_->id(),
        })
    );
    return next();
}

bool MqttEndpoint::forget_inbound(std::uint16_t packet_id) {
    if (extra_) {
        extra_->unreleased.erase(packet_id);
    }
    return session_->drop_inbound_id(packet_id);
}

bool MqttEndpoint::release_inbound(std::uint16_t packet_id) {
    if (extra_) {
        extra_->unreleased.erase(packet_id);
    }
    return session_->release_inbound_id(packet_id);
}

std::uint32_t MqttEndpoint::seconds_now() const noexcept {
    const auto now = connection_.services().shard.now();
    return static_cast<std::uint32_t>(std::chrono::floor<std::chrono::seconds>(now).count());
}

bool MqttEndpoint::may_await_release(std::uint16_t packet_id) {
    const model::Limits& limits = connection_.limits();
    if (protocol_.version() == mqtt::Version::v5) {
        // Who keeps to the Receive Maximum is not stopped before it.
        const auto most = std::max(limits.unreleased, limits.receive_maximum);
        return session_->has_inbound_id(packet_id) || make_room_to_await_release(most);
    }
    auto& unreleased = extra().unreleased;
    if (const auto found = unreleased.find(packet_id); found != unreleased.end()) {
        if (!is_release_overdue(packet_id, found->second)) {
            return true;
        }
        release_inbound(packet_id);
    }
    if (!make_room_to_await_release(limits.unreleased)) {
        return false;
    }
    unreleased.emplace(packet_id, seconds_now());
    return true;
}

bool MqttEndpoint::make_room_to_await_release(std::uint64_t most) {
    if (session_->unreleased() < most) {
        return true;
    }
    std::vector<std::uint16_t> overdue;
    for (const auto& [id, since] : extra().unreleased) {
        if (is_release_overdue(id, since)) {
            overdue.push_back(id);
        }
    }
    for (const std::uint16_t id : overdue) {
        release_inbound(id);
    }
    return !overdue.empty();
}

bool MqttEndpoint::is_release_overdue(std::uint16_t packet_id, std::uint32_t since) const {
    return std::chrono::seconds{seconds_now() - since} >= connection_.limits().release_timeout &&
           !session_->is_storing_inbound_id(packet_id);
}

Next MqttEndpoint::refuse_unreleased(const mqtt::Publish& packet) {
    constexpr auto kReason = Reason::receive_maximum_exceeded;
    if (protocol_.version() != mqtt::Version::v5) {
        leave(ReasonCode::receive_maximum_exceeded, {kReason});
        return Next::stop;
    }
    // Its Receive Maximum began anew with this connection and is not exceeded: the limit is ours. [MQTT5-4.9.0-1]
    connection_.refuse(model::Action::publish, {kReason}, packet.topic);
    owe(PacketType::pubrec, packet.packet_id, ReasonCode::quota_exceeded, kReason);
    return Next::go_on;
}

Next MqttEndpoint::violation(const mqtt::Publish& packet, model::Verdict verdict) {
    const auto on_violation = session_->policies().on_violation();
    if (on_violation == policy::OnViolation::disconnect) {
        connection_.close(verdict.reason);
        return Next::stop;
    }
    // A 3.1.1 client cannot be told: it gets the acknowledgement, and `why` says that the message was refused.
    const bool told =
        on_violation == policy::OnViolation::nack && protocol_.version() == mqtt::Version::v5;
    const auto code = told ? reason_code_of(verdict.reason) : ReasonCode::success;
    if (packet.qos == mqtt::Qos::at_least_once) {
        owe(PacketType::puback, packet.packet_id, code, verdict.reason);
    } else if (packet.qos == mqtt::Qos::exactly_once) {
        if (!told) {
            session_->take_inbound_id(packet.packet_id);
        } else if (extra_) {
            extra_->unreleased.erase(packet.packet_id);
        }
        owe(PacketType::pubrec, packet.packet_id, code, verdict.reason);
    }
    return next();
}

void MqttEndpoint::publish(const mqtt::Publish& packet, const model::MessagePtr& message) {
    const Services& services = connection_.services();
    std::uint64_t number = 0;
    const bool is_first = acks_.empty();
    const auto type =
        packet.qos == mqtt::Qos::at_least_once ? PacketType::puback : PacketType::pubrec;
    const std::uint16_t inbound_id = packet.qos == mqtt::Qos::exactly_once ? packet.packet_id : 0;
    if (inbound_id != 0) {
        session_->take_inbound_id(inbound_id);
    }
    Progress progress = Progress::blocked;
    if (!extra_ || !extra_->parking) {
        number = acks_.next_number();
        progress = services.publisher.route(
            origin(),
            message,
            {packet.qos == mqtt::Qos::at_most_once ? 0 : connection_.id(), number, inbound_id}
        );
    }
    if (is_held_back(progress)) {
        if (!extra().parking) {
            extra().parking = std::make_unique<Parking>();
        }
        number = packet.qos == mqtt::Qos::at_most_once ? 0 : acks_.next_number();
        if (!extra().parking->hold(connection_, message, number, inbound_id)) {
            forget_inbound(inbound_id);
        }
    }
    if (packet.qos == mqtt::Qos::at_most_once) {
        return;
    }
    const auto code =
        progress == Progress::unclaimed ? ReasonCode::no_matching_subscribers : ReasonCode::success;
    if (is_done(progress) && is_first) {
        send_ack(type, packet.packet_id, code);
        if (type == PacketType::puback) {
            protocol_.settled();
        }
        return;
    }
    acks_.push(
        {.type = type,
         .packet_id = packet.packet_id,
         .reason_code = code,
         .ready = is_done(progress)}
    );
    send_ready_acks();
}

void MqttEndpoint::on_retry() noexcept {
    if (session_ == nullptr || !extra_ || !extra_->parking) {
        return;
    }
    extra_->parking->retry(connection_, origin(), [this](std::uint64_t number) {
        settle(number, true);
    });
    if (extra_->parking->empty()) {
        extra_->parking.reset();
    }
}

void MqttEndpoint::owe(PacketType type, std::uint16_t packet_id, ReasonCode code, Reason reason) {
    acks_.push({
        .type = type,
        .packet_id = packet_id,
        .reason_code = code,
        .ready = true,
        .reason = mqtt::is_error(code) ? reason : Reason::none,
    });
    send_ready_acks();
}

void MqttEndpoint::owe_known(std::uint16_t packet_id) {
    // Its first publish may have come on an earlier connection, and still be on its way to the disk.
    const broker::AckToken token{connection_.id(), acks_.next_number(), packet_id};
    const broker::AckToken waits = session_->await_inbound_id(token);
    if (waits.connection == 0) {
        owe(PacketType::pubrec, packet_id, ReasonCode::success);
    } else if (waits.number == token.number) {  // Else it came more than twice: one answer is owed already.
        acks_.push({.type = PacketType::pubrec, .packet_id = packet_id});
    }
}

void MqttEndpoint::drop_parked() noexcept {
    if (session_ != nullptr && extra_ && extra_->parking) {
        extra_->parking->for_each_inbound_id([this](std::uint16_t packet_id) {
            session_->drop_inbound_id(packet_id);
        });
    }
}

void MqttEndpoint::on_durable(std::uint64_t number, bool stored) noexcept {
    settle(number, stored);
}

void MqttEndpoint::settle(std::uint64_t number, bool stored) {
    if (!acks_.holds(number)) {
        return;
    }
    auto& owed = acks_.at(number);
    if (!stored) {
        if (session_ != nullptr && owed.type == PacketType::pubrec) {
            forget_inbound(owed.packet_id);
        }
        // What a failed disk has of it is not known: an error would end an exchange at QoS 2 that may have begun there.
        const bool may_be_begun = owed.type == PacketType::pubrec && session_ != nullptr &&
                                  session_->stored_id() != storage::SessionId{};
        if (protocol_.version() != mqtt::Version::v5 || may_be_begun) {
            connection_.close(Reason::storage_failed
            );  // The only way to say no: the client will send it again.
            return;
        }
        owed.reason_code = ReasonCode::unspecified_error;
        owed.reason = Reason::storage_failed;
    }
    owed.ready = true;
    send_ready_acks();
}

void MqttEndpoint::send_ready_acks() {
    const bool was_full = acks_.size() >= kOwedMax;
    acks_.release([this](const AckQueue::Owed& owed) {
        send_ack(owed.type, owed.packet_id, owed.reason_code, owed.reason);
        if (owed.type == PacketType::puback || mqtt::is_error(owed.reason_code)) {
            protocol_.settled();
        }
    });
    if (was_full && !is_waiting()) {
        connection_.resume();
    }
}

}  // namespace weir::endpoints
