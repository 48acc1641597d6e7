#include <weir/broker/session.hpp>

#include <utility>

namespace weir::broker {

using model::Qos;
using model::Reason;

Session::Session(
    Context& context, std::uint64_t id, std::string client_id, model::PrincipalPtr principal
)
    : context_{context},
      id_{id},
      client_id_{std::move(client_id)},
      principal_{std::move(principal)} {}

Flow& Session::flow() {
    if (!flow_) {
        flow_ = std::make_unique<Flow>();
    }
    return *flow_;
}

bool Session::take_inbound_id(std::uint16_t packet_id) {
    if (!inbound_ids_) {
        inbound_ids_ = std::make_unique<boost::container::flat_set<std::uint16_t>>();
    }
    return inbound_ids_->insert(packet_id).second;
}

bool Session::drop_inbound_id(std::uint16_t packet_id) {
    return inbound_ids_ && inbound_ids_->erase(packet_id) != 0;
}

void Session::lose(Reason reason, const model::Message& message, std::uint64_t count) {
    context_.metrics.lose(reason, count);
    context_.decisions.record(
        device(), model::Action::deliver, reason, context_.clock.wall(), message.topic()
    );
}

bool Session::can_send(Qos qos) const noexcept {
    if (subscriber_ == nullptr || !subscriber_->ready(qos)) {
        return false;
    }
    const bool queued = flow_ && !flow_->queue_empty();
    if (qos == Qos::at_most_once) {
        return !queued || !subscriber_->queues_at_most_once();
    }
    return !queued && (!flow_ || (!flow_->goes_again() && flow_->open(window_)));
}

bool Session::may_receive(const model::Message& message) {
    const auto verdict = policies_->receive(subject(), message.topic());
    if (!verdict.accepted()) {
        context_.metrics.lose(verdict.reason);
        context_.decisions.record(
            device(),
            model::Action::receive,
            verdict.reason,
            context_.clock.wall(),
            message.topic(),
            verdict.source
        );
    }
    return verdict.accepted();
}

void Session::transmit(const Copy& copy, std::uint16_t packet_id, bool duplicate) {
    subscriber_->deliver(Delivery{
        .message = copy.message,
        .qos = copy.qos,
        .retain = copy.retain,
        .duplicate = duplicate,
        .packet_id = packet_id,
        .subscription_ids = copy.subscription_ids,
    });
}

void Session::send(Copy copy) {
    if (!may_receive(*copy.message)) {
        return;
    }
    context_.metrics.delivered[static_cast<std::size_t>(copy.qos)].add();
    if (copy.qos == Qos::at_most_once) {
        transmit(copy, 0, false);
        return;
    }
    const std::uint16_t id = flow().start(std::move(copy));
    transmit(flow_->copy_of(id), id, false);
}

void Session::offer(
    const model::MessagePtr& message, Qos qos, bool retain, const SubscriptionIds& subscription_ids
) {
    if (subscriber_ == nullptr && (qos == Qos::at_most_once || expiry_.count() == 0)) {
        return;
    }
    context_.metrics.routed.add();
    Copy copy{message, subscription_ids, qos, retain};
    if (can_send(qos)) {
        send(std::move(copy));
    } else if (qos == Qos::at_most_once && !subscriber_->queues_at_most_once()) {
        lose(Reason::slow_consumer, *message);
    } else {
        const std::uint64_t lost = flow().enqueue(std::move(copy), *limits_);
        context_.metrics.queued.add(1 - static_cast<std::int64_t>(lost));
        if (lost > 0) {
            lose(Reason::queue_dropped_oldest, *message, lost);
        }
    }
}

void Session::pump() {
    if (subscriber_ == nullptr || !flow_ || !pump_again()) {
        return;
    }
    while (!flow_->queue_empty()) {
        const Qos qos = flow_->front().qos;
        if (!subscriber_->ready(qos) || (qos != Qos::at_most_once && !flow_->open(window_))) {
            return;
        }
        Copy copy = flow_->pop();
        context_.metrics.queued.add(-1);
        if (copy.message->expired(context_.clock.wall())) {
            lose(Reason::message_expired, *copy.message);
        } else {
            send(std::move(copy));
        }
    }
}

bool Session::settled(std::uint16_t packet_id) {
    if (!flow_ || !flow_->settle(packet_id)) {
        return false;
    }
    pump();
    return true;
}

bool Session::received(std::uint16_t packet_id) {
    if (!flow_ || !flow_->receive(packet_id)) {
        return false;
    }
    if (subscriber_ != nullptr) {
        subscriber_->release(packet_id);
    }
    return true;
}

void Session::given_back(std::uint16_t packet_id) {
    if (auto copy = flow_ ? flow_->give_back(packet_id) : std::nullopt) {
        flow_->enqueue_first(std::move(*copy));
        context_.metrics.queued.add(1);
        pump();
    }
}

void Session::resend() {
    if (flow_) {
        flow_->begin_again();
        pump();
    }
}

bool Session::pump_again() {
    for (auto next = flow_->next_again(); next.entry != nullptr; next = flow_->next_again()) {
        const auto [id, entry] = next;
        if (entry->state == Flow::State::released) {
            flow_->went_again();
            subscriber_->release(id);
        } else if (!subscriber_->ready(entry->copy.qos) || !flow_->open(window_)) {
            return false;
        } else if (!may_receive(*entry->copy.message)) {
            flow_->settle(id);
        } else {
            flow_->went_again();
            context_.metrics.redelivered.add();
            transmit(entry->copy, id, true);
        }
    }
    return true;
}

}  // namespace weir::broker
