#include <weir/endpoints/amqp_link.hpp>

#include <utility>

#include <weir/endpoints/amqp.hpp>
#include <weir/endpoints/amqp_messages.hpp>
#include <weir/endpoints/connection.hpp>
#include <weir/metering/formula.hpp>

namespace weir::endpoints {

using amqp::OutcomeKind;
using broker::Refusal;
using model::Reason;

bool AmqpLink::is_withdrawn() const noexcept {
    return subscribed_ && session_ != nullptr && session_->subscriptions().empty();
}

void AmqpLink::leave(broker::Broker& broker) {
    if (session_ != nullptr) {
        broker.disconnect(*std::exchange(session_, nullptr), *this, false);
    }
}

void AmqpLink::on_credit(bool drain) {
    draining_ = drain;
    pump();
}

bool AmqpLink::pump() {
    if (session_ == nullptr) {
        return false;
    }
    const std::uint64_t before = sent_;
    for (const std::uint16_t packet_id : std::exchange(unfit_, {})) {
        session_->settled(packet_id);
    }
    session_->pump();
    // What was held back by unsent bytes alone still belongs to the drain.
    if (draining_ && (ready(qos()) || parts_.protocol.credit(parts_.id) == 0)) {
        draining_ = false;
        parts_.protocol.drained(parts_.id);
    }
    return sent_ != before;
}

void AmqpLink::on_outcome(amqp::DeliveryId delivery, const amqp::Outcome& outcome) {
    const auto found = unsettled_.find(delivery.number());
    if (found == unsettled_.end() || session_ == nullptr) {
        return;
    }
    const std::uint16_t packet_id = found->second;
    unsettled_.erase(found);
    switch (outcome.kind) {
        case OutcomeKind::accepted:
            session_->settled(packet_id);
            return;
        case OutcomeKind::rejected:
            return session_->refused(packet_id, Refusal::rejected);
        case OutcomeKind::released:
            return session_->refused(packet_id, Refusal::released);
        case OutcomeKind::modified:
            return session_->refused(
                packet_id,
                outcome.undeliverable_here ? Refusal::elsewhere
                : outcome.failed           ? Refusal::failed
                                           : Refusal::released
            );
    }
}

bool AmqpLink::ready(model::Qos /*qos*/) const noexcept {
    return !parts_.connection.out().congested() && !parts_.connection.closing() &&
           parts_.protocol.sendable(parts_.id) > 0;
}

void AmqpLink::deliver(const broker::Delivery& delivery) noexcept {
    const model::Message& message = *delivery.message;
    const Services& services = parts_.connection.services();
    const AmqpOutbound outbound{
        message, delivery.qos, delivery.retain, services.shard.wall_now(), delivery.attempts
    };
    Bytes head;
    amqp::append_message_head(head, outbound.head(), message.payload().size());
    const bool settled = delivery.qos == model::Qos::at_most_once;
    const auto sent = parts_.protocol.send(parts_.id, head, message.payload(), settled);
    if (!sent && sent.error() == amqp::errc::message_too_large) {
        return drop(delivery);
    }
    if (!sent) {  // The link has just gone, and the session goes with it.
        services.metrics().lose(Reason::session_ended);
        services.context().decisions.record(
            parts_.connection.who(),
            model::Action::deliver,
            Reason::session_ended,
            services.shard.wall_now(),
            message.topic()
        );
        return;
    }
    if (!settled) {
        unsettled_.emplace(sent->number(), delivery.packet_id);
    }
    ++sent_;
    parts_.connection.meter_add(
        metering::add_publish_out,
        {
            .payload_bytes = message.payload().size(),
            .topic_bytes = message.topic().size(),
            .property_bytes = message.properties().size(),
        }
    );
    parts_.endpoint.turn_later();
}

void AmqpLink::drop(const broker::Delivery& delivery) {
    const Services& services = parts_.connection.services();
    services.metrics().lose(Reason::packet_too_large);
    services.context().decisions.record(
        session_->device(),
        model::Action::deliver,
        Reason::packet_too_large,
        services.shard.wall_now(),
        delivery.message->topic()
    );
    if (delivery.packet_id != 0) {
        unfit_.push_back(delivery.packet_id);
        parts_.endpoint.turn_later();
    }
}

void AmqpLink::end(Reason reason) noexcept {
    session_ = nullptr;
    parts_.endpoint.detach_later(parts_.id, reason);
}

broker::PeerInfo AmqpLink::peer() const noexcept {
    return parts_.connection.peer_info("amqp 1.0");
}

}  // namespace weir::endpoints
