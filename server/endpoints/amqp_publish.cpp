// Messages of the peer.
#include <utility>

#include <weir/amqp/conditions.hpp>
#include <weir/endpoints/amqp.hpp>
#include <weir/endpoints/connection.hpp>
#include <weir/mqtt/topic.hpp>

namespace weir::endpoints {

using amqp::OutcomeKind;
using model::Qos;
using model::Reason;
using pipeline::Progress;

void AmqpEndpoint::on_transfer(const amqp::Transfer& transfer) noexcept {
    const auto target = targets_.find(transfer.link.number());
    if (session_ == nullptr || target == targets_.end()) {
        return;
    }
    const auto refusal = publish(transfer, target->second);
    if (refusal.reason != Reason::none) {
        settle(
            transfer.delivery,
            {.kind = OutcomeKind::rejected, .error = {refusal.condition, refusal.text}}
        );
    }
}

AmqpRefusal AmqpEndpoint::publish(const amqp::Transfer& transfer, const Target& target) {
    const Services& services = connection_.services();
    const auto refuse = [&](const AmqpRefusal& refusal, std::string_view topic = {}) {
        connection_.refuse(
            model::Action::publish, {refusal.reason}, topic, refusal.text
        );
        return refusal;
    };
    const auto sections = amqp::scan_sections(transfer.message);
    if (!sections) {
        return refuse(
            {Reason::malformed_packet, amqp::condition_of(sections.error()), "not a valid message"}
        );
    }
    std::string from_message;
    if (target.topic.empty()) {
        if (const auto refusal = read_topic(sections->to, from_message)) {
            return refuse(*refusal, sections->to);
        }
    }
    const std::string& topic = target.topic.empty() ? from_message : target.topic;
    const WallTime now = services.shard.wall_now();
    AmqpInbound inbound;
    if (const auto refusal =
            inbound.read(*sections, principal_->thing, connection_.limits(), now)) {
        return refuse(*refusal, topic);
    }
    const auto verdict =
        services.publisher.admit(connection_.origin(*session_), topic, sections->retain);
    if (!verdict.accepted()) {
        return violation(transfer.delivery, verdict.reason);
    }
    const Qos qos = transfer.delivery ? Qos::at_least_once : Qos::at_most_once;
    services.metrics().received[static_cast<std::size_t>(qos)].add();
    route(
        model::Message::make({
            .topic = topic,
            .payload = inbound.payload(),
            .properties = inbound.properties(),
            .qos = qos,
            .retain = sections->retain,
            .protocol = model::Protocol::amqp,
            .created = now,
            .expires = inbound.expires(),
            .publisher_session = session_->id(),
        }),
        transfer.delivery
    );
    return {};
}

std::optional<AmqpRefusal> AmqpEndpoint::read_topic(std::string_view to, std::string& topic) const {
    auto address = amqp::parse_target(to);
    if (!address) {
        return AmqpRefusal{
            Reason::topic_invalid, amqp::condition_of(address.error()), "bad address in `to`"
        };
    }
    if (address->kind == amqp::AddressKind::queue || address->kind == amqp::AddressKind::cbs) {
        return AmqpRefusal{
            Reason::topic_invalid, amqp::condition::kNotFound, "there is no such node"
        };
    }
    if (!mqtt::check_topic_name(address->name, connection_.topic_limits())) {
        return refusal_of(Reason::topic_invalid);
    }
    topic = std::move(address->name);
    return std::nullopt;
}

AmqpRefusal AmqpEndpoint::violation(amqp::DeliveryId delivery, Reason reason) {
    switch (session_->policies().on_violation()) {
        case policy::OnViolation::disconnect:
            connection_.close(reason);
            return {};
        case policy::OnViolation::drop:
            accept(delivery);
            return {};
        case policy::OnViolation::nack:
            break;
    }
    return refusal_of(reason);
}

void AmqpEndpoint::route(const model::MessagePtr& message, amqp::DeliveryId delivery) {
    const std::uint64_t number = delivery ? ++publishes_ : 0;
    Progress progress = Progress::blocked;
    if (!parking_) {
        progress = connection_.services().publisher.route(
            connection_.origin(*session_), message, {delivery ? connection_.id() : 0, number}
        );
    }
    if (is_done(progress)) {
        return accept(delivery);
    }
    if (delivery) {
        owed_.emplace(number, delivery);
    }
    if (is_held_back(progress)) {
        park(message, number);
    }
}

void AmqpEndpoint::park(const model::MessagePtr& message, std::uint64_t number) {
    if (!parking_) {
        parking_ = std::make_unique<Parking>();
        set_flow(false);
    }
    parking_->hold(connection_, message, number);
}

void AmqpEndpoint::on_retry() noexcept {
    if (session_ == nullptr || !parking_) {
        return;
    }
    parking_->retry(connection_, connection_.origin(*session_), [this](std::uint64_t number) {
        on_durable(number, true);
    });
    if (parking_->empty()) {
        parking_.reset();
        set_flow(true);
        turn_later();
    }
}

void AmqpEndpoint::set_flow(bool open) {
    for (const auto& [number, target] : targets_) {
        protocol_.set_flow(target.id, open);
    }
}

void AmqpEndpoint::on_durable(std::uint64_t number, bool stored) noexcept {
    const auto owed = owed_.find(number);
    if (owed == owed_.end()) {
        return;
    }
    const amqp::DeliveryId delivery = owed->second;
    owed_.erase(owed);
    if (stored) {
        accept(delivery);
    } else {
        settle(delivery, {.kind = OutcomeKind::released});
    }
}

void AmqpEndpoint::accept(amqp::DeliveryId delivery) {
    settle(delivery, {.kind = OutcomeKind::accepted});
}

void AmqpEndpoint::settle(amqp::DeliveryId delivery, const amqp::Outcome& outcome) {
    if (!delivery) {  // The peer asked for no answer.
        return;
    }
    connection_.services().metrics().acks_sent.add();
    protocol_.settle(delivery, outcome);
    if (!in_engine_) {
        turn_later();
    }
}

}  // namespace weir::endpoints
