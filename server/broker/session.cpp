#include <weir/broker/session.hpp>

#include <algorithm>
#include <utility>

#include <weir/broker/broker.hpp>

namespace weir::broker {

using model::Qos;
using model::QueueLimit;
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
        if (lasting_) {
            flow_->begin_at(lasting_->next_packet_id);
        }
    }
    return *flow_;
}

bool Session::take_inbound_id(std::uint16_t packet_id) {
    if (!inbound_ids_) {
        inbound_ids_ = std::make_unique<InboundIds>();
    }
    return inbound_ids_->known.insert(packet_id).second;
}

bool Session::drop_inbound_id(std::uint16_t packet_id) {
    return inbound_ids_ && inbound_ids_->known.erase(packet_id) != 0;
}

void Session::lose(
    Reason reason, const model::Message& message, std::uint64_t count, std::string_view detail
) {
    context_.metrics.lose(reason, count);
    book_loss(reason, count);
    context_.decisions.record(
        who(),
        model::Action::deliver,
        reason,
        context_.clock.wall(),
        message.topic(),
        nullptr,
        {.detail = detail}
    );
}

void Session::lose(
    model::QueueLimit limit, Reason reason, const model::Message& message, std::uint64_t count
) {
    context_.metrics.queue_limits[static_cast<std::size_t>(limit)].add(count);
    if (lasting_) {
        model::LimitHits& hits = lasting_->books.limits[static_cast<std::size_t>(limit)];
        hits.lost += count;
        hits.last = context_.clock.wall();
    }
    if (limit == QueueLimit::budget) {
        lasting_->journal.budgets().count_lost(storage::Area::queues, count);
        lose(reason, message, count, "storage.budgets.queues is used up");
    } else {
        lose(reason, message, count);
    }
}

void Session::lose_too_late(Reason reason, const model::Message& message) {
    if (reason == Reason::queue_too_old) {
        lose(model::QueueLimit::age, reason, message);
    } else {
        lose(reason, message);
    }
}

bool Session::can_send(Qos qos) const noexcept {
    if (!is_live() || !subscriber_->ready(qos)) {
        return false;
    }
    const bool queued = flow_ && !flow_->queue_empty();
    if (qos == Qos::at_most_once) {
        return !queued || !subscriber_->queues_at_most_once();
    }
    if (queued || (lasting_ && !lasting_->unread.empty())) {
        return false;
    }
    return !flow_ || (!flow_->goes_again() && flow_->open(window_));
}

bool Session::keeps(Qos qos) const noexcept {
    if (subscriber_ != nullptr) {
        return qos != Qos::at_most_once || subscriber_->queues_at_most_once();
    }
    return qos != Qos::at_most_once && expiry().count() != 0;
}

bool Session::may_receive(const model::Message& message, GroupId group) {
    const auto verdict = policies_->receive(subject(), message.topic());
    if (!verdict.accepted()) {
        if (group == GroupId::none) {
            context_.metrics.lose(verdict.reason);
            book_loss(verdict.reason);
        } else {
            context_.metrics.refuse(verdict.reason);
        }
        context_.decisions.record(
            who(),
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
        .attempts = copy.attempts,
    });
}

void Session::send(Copy copy) {
    if (may_receive(*copy.message, copy.group)) {
        send_allowed(std::move(copy));
        return;
    }
    if (copy.group == GroupId::none) {
        forget(copy);
        return;
    }
    book_out();
    hand_on(copy);
}

void Session::hand_on(const Copy& copy) {
    memberships_->broker.hand_on(copy, {.session = id_, .stored = stored_id()});
}

void Session::send_allowed(Copy copy) {
    context_.metrics.delivered[static_cast<std::size_t>(copy.qos)].add();
    book_out();
    if (copy.qos == Qos::at_most_once) {
        transmit(copy, 0, false);
        return;
    }
    if (copy.sequence != 0) {
        send_stored(std::move(copy));
        return;
    }
    const std::uint16_t id = flow().start(std::move(copy));
    transmit(flow_->copy_of(id), id, false);
}

void Session::offer(
    const model::MessagePtr& message,
    Qos qos,
    bool retain,
    const SubscriptionIds& subscription_ids,
    Deposit& deposit
) {
    if (!is_live() && (qos == Qos::at_most_once || !keeps(qos))) {
        return;
    }
    context_.metrics.routed.add();
    book_in();
    if (message->expires().count() != 0 && message->expired(context_.clock.wall())) {
        lose(Reason::message_expired, *message);
        return;
    }
    Copy copy{message, subscription_ids, qos, retain};
    if (lasting_ && qos != Qos::at_most_once) {
        keep(std::move(copy), deposit);
    } else if (can_send(qos)) {
        send(std::move(copy));
    } else if (qos == Qos::at_most_once && !subscriber_->queues_at_most_once()) {
        lose(Reason::slow_consumer, *message);
    } else if (limits_->queue_full == model::QueueFull::reject_new &&
               !has_room(message->footprint())) {
        lose(full_limit(message->footprint()), Reason::queue_full, *message);
    } else {
        const QueueLimit limit = full_limit(message->footprint());
        const std::uint64_t lost = flow().enqueue(std::move(copy), *limits_);
        context_.metrics.queued.add(1 - static_cast<std::int64_t>(lost));
        if (lost > 0) {
            lose(limit, Reason::queue_dropped_oldest, *message, lost);
        }
    }
    tell_standing();
}

bool Session::take(
    const model::MessagePtr& message, GroupId group, std::uint8_t attempts, Deposit& deposit
) {
    if (!memberships_) {
        return false;
    }
    const Membership* const membership = memberships_->find(group);
    if (membership == nullptr || !may_receive(*message, group)) {
        return false;
    }
    const SubscriptionOptions& options = membership->subscription->options;
    const Qos qos = std::min(options.qos, message->qos());
    const bool sends = can_send(qos);
    const auto fits = [&](storage::Budgets::Bound bound) {
        return qos == Qos::at_most_once || has_budget(message->footprint(), bound);
    };
    const bool taken = sends ? fits(storage::Budgets::Bound::slack)
                             : keeps(qos) && has_room(message->footprint()) &&
                                   fits(storage::Budgets::Bound::budget);
    if (taken) {
        book_in();
        Copy copy{message, {}, qos, options.retain_as_published && message->retain(), group};
        copy.attempts = attempts;
        if (options.id != 0) {
            copy.subscription_ids.push_back(options.id);
        }
        if (lasting_ && qos != Qos::at_most_once) {
            keep(std::move(copy), deposit);
        } else if (sends) {
            send_allowed(std::move(copy));
        } else {
            flow().enqueue(std::move(copy), *limits_);
            context_.metrics.queued.add(1);
        }
    }
    tell_standing();
    return taken;
}

Abilities Session::abilities() const noexcept {
    const bool has_room_now = has_room(0);
    return {
        .sends = {can_send(Qos::at_most_once), can_send(Qos::at_least_once)},
        .keeps = {keeps(Qos::at_most_once), keeps(Qos::at_least_once)},
        .is_online = online(),
        .has_room = has_room_now,
        .has_much_room = has_room_now && (!flow_ || flow_->half_empty(*limits_)),
        .has_window = in_flight() <= window_ / 2,
    };
}

Standing Session::standing(const Abilities& abilities, const Membership& membership) noexcept {
    const bool is_kept = membership.subscription->options.qos != Qos::at_most_once;
    // Better news wait until they are good for half of a window or a queue, so that a member at its limit does not
    // tell two of them for every message.
    const bool well = !is_kept || membership.told == Standing::ready || abilities.has_window;
    if (well && abilities.sends[is_kept ? 1 : 0]) {
        return Standing::ready;
    }
    const bool has_room =
        membership.told == Standing::unable ? abilities.has_much_room : abilities.has_room;
    if (!abilities.keeps[is_kept ? 1 : 0] || !has_room) {
        return Standing::unable;
    }
    return abilities.is_online ? Standing::waiting : Standing::away;
}

void Session::tell_standing() {
    if (memberships_) {
        memberships_->broker.tell_standing(*this);
    }
}

void Session::pump() {
    send_queued();
    tell_standing();
}

void Session::send_queued() {
    if (!is_live()) {
        return;
    }
    if (!flow_) {
        read_queue();
        return;
    }
    if (!pump_again()) {
        return;
    }
    while (!flow_->queue_empty() && (!lasting_ || lasting_->unread.in_flight == 0)) {
        const Qos qos = flow_->front().qos;
        if (lasting_ && flow_->front().sequence >= lasting_->held_from()) {
            break;
        }
        if (!subscriber_->ready(qos) || (qos != Qos::at_most_once && !flow_->open(window_))) {
            return;
        }
        Copy copy = flow_->pop();
        context_.metrics.queued.add(-1);
        if (const Reason over = why_too_late(*copy.message); over != Reason::none) {
            lose_too_late(over, *copy.message);
            forget(copy);
        } else {
            send(std::move(copy));
        }
    }
    read_queue();
}

Reason Session::why_too_late(const model::Message& message) const noexcept {
    const WallTime now = context_.clock.wall();
    if (message.expired(now)) {
        return Reason::message_expired;
    }
    return message.created().count() != 0 && now - message.created() > limits_->queue_age
               ? Reason::queue_too_old
               : Reason::none;
}

bool Session::settled(std::uint16_t packet_id) {
    const Flow::InFlight* const entry = flow_ ? flow_->in_flight_at(packet_id) : nullptr;
    if (entry == nullptr) {
        return false;
    }
    forget(entry->copy);
    flow_->settle(packet_id);
    pump();
    return true;
}

bool Session::received(std::uint16_t packet_id) {
    if (!flow_ || !flow_->receive(packet_id)) {
        return false;
    }
    if (const std::uint64_t sequence = flow_->copy_of(packet_id).sequence; sequence != 0) {
        note_released(packet_id, sequence);
    } else if (subscriber_ != nullptr) {
        subscriber_->release(packet_id);
    }
    return true;
}

void Session::refused(std::uint16_t packet_id, Refusal refusal) {
    auto copy = flow_ ? flow_->give_back(packet_id) : std::nullopt;
    if (!copy) {
        return;
    }
    if (refusal != Refusal::released) {
        copy->count_attempt();
    }
    context_.metrics.routed.add();  // It was delivered, and has another way to go.
    const bool is_spent = copy->attempts > Copy::kAttemptsMax;
    if (refusal == Refusal::rejected) {
        book_in();
        lose(Reason::delivery_rejected, *copy->message);
        forget(*copy);
    } else if (is_spent || (refusal == Refusal::elsewhere && copy->group == GroupId::none)) {
        book_in();
        lose(Reason::delivery_failed, *copy->message);
        forget(*copy);
    } else if (refusal == Refusal::elsewhere) {
        hand_on(*copy);
    } else {
        book_in();
        if (copy->sequence != 0) {
            lasting_->journal.open().mark_queued(lasting_->id, copy->sequence);
        }
        flow_->enqueue_first(std::move(*copy));
        context_.metrics.queued.add(1);
    }
    pump();
}

void Session::resend() {
    is_answered_ = true;
    if (lasting_) {
        lasting_->is_unreadable = false;
        lasting_->unnoted.clear();
    }
    if (flow_) {
        flow_->begin_again();
    }
    pump();
}

void Session::give_up(std::uint16_t packet_id, const Flow::InFlight& entry) {
    const Copy copy = entry.copy;
    flow_->settle(packet_id);
    if (copy.group == GroupId::none) {
        // It was delivered, and is lost besides.
        context_.metrics.routed.add();
        book_in();
    } else if (copy.qos == Qos::at_least_once) {
        // At QoS 2 the peer may have it already. [MQTT5-4.8.2-5]
        context_.metrics.routed.add();
        hand_on(copy);
        return;
    }
    forget(copy);
}

bool Session::pump_again() {
    for (auto next = flow_->next_again(); next.entry != nullptr; next = flow_->next_again()) {
        const auto [id, entry] = next;
        if (entry->state == Flow::State::storing) {
            flow_->went_again();  // It goes for the first time when it is stored.
        } else if (entry->state == Flow::State::released) {
            flow_->went_again();
            if (entry->copy.sequence != 0) {
                note_released(id, entry->copy.sequence);
            } else {
                subscriber_->release(id);
            }
        } else if (!subscriber_->ready(entry->copy.qos) || !flow_->open(window_)) {
            return false;
        } else if (!may_receive(*entry->copy.message, entry->copy.group)) {
            give_up(id, *entry);
        } else {
            flow_->went_again();
            context_.metrics.redelivered.add();
            transmit(entry->copy, id, true);
        }
    }
    return true;
}

}  // namespace weir::broker
