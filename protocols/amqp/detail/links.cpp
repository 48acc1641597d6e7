#include "links.hpp"

#include <proton/disposition.h>
#include <proton/terminus.h>

#include <algorithm>
#include <array>
#include <utility>

#include <weir/amqp/conditions.hpp>

#include "proton.hpp"
#include "terminus.hpp"

namespace weir::amqp::detail {
namespace {

/// Capacity that a link keeps for its next message.
constexpr std::size_t kKeptBytes = 4 * 1024;

/// Proton carries one pointer per object; a handle fits into it.
template <class Id>
void* to_context(Id id) noexcept {
    static_assert(sizeof(void*) == sizeof(std::uint64_t));
    return reinterpret_cast<void*>(id.number());
}

template <class Id>
Id from_context(void* context) noexcept {
    const auto number = reinterpret_cast<std::uint64_t>(context);
    return {
        .slot = static_cast<std::uint32_t>(number),
        .generation = static_cast<std::uint32_t>(number >> 32U)
    };
}

std::uint32_t count_of(int number) noexcept {
    return number > 0 ? static_cast<std::uint32_t>(number) : 0;
}

/// Reads and drops the bytes of a delivery that are there.
void drop_bytes(pn_link_t* link) noexcept {
    std::array<char, 4096> sink;
    while (pn_link_recv(link, sink.data(), sink.size()) > 0) {
    }
}

Outcome outcome_of(pn_delivery_t* delivery) noexcept {
    pn_disposition_t* const remote = pn_delivery_remote(delivery);
    switch (pn_disposition_type(remote)) {
        case PN_ACCEPTED:
            return {.kind = OutcomeKind::accepted};
        case PN_REJECTED:
            return {
                .kind = OutcomeKind::rejected, .error = error_of(pn_disposition_condition(remote))
            };
        case PN_RELEASED:
            return {.kind = OutcomeKind::released};
        case PN_MODIFIED:
            return {
                .kind = OutcomeKind::modified,
                .failed = pn_disposition_is_failed(remote),
                .undeliverable_here = pn_disposition_is_undeliverable(remote),
            };
        default:  // Settled without an outcome: whether the message was used is unknown.
            return {.kind = OutcomeKind::modified, .failed = true};
    }
}

bool is_terminal(std::uint64_t state) noexcept {
    return state >= PN_ACCEPTED && state <= PN_MODIFIED;
}

void write_outcome(pn_delivery_t* delivery, const Outcome& outcome) {
    pn_disposition_t* const local = pn_delivery_local(delivery);
    switch (outcome.kind) {
        case OutcomeKind::accepted:
            return pn_delivery_update(delivery, PN_ACCEPTED);
        case OutcomeKind::rejected:
            set_condition(pn_disposition_condition(local), outcome.error);
            return pn_delivery_update(delivery, PN_REJECTED);
        case OutcomeKind::released:
            return pn_delivery_update(delivery, PN_RELEASED);
        case OutcomeKind::modified:
            pn_disposition_set_failed(local, outcome.failed);
            pn_disposition_set_undeliverable(local, outcome.undeliverable_here);
            return pn_delivery_update(delivery, PN_MODIFIED);
    }
}

}  // namespace

LinkId Links::id_of(pn_link_t* link) const noexcept {
    const auto id = from_context<LinkId>(pn_link_get_context(link));
    return links_.find(id) != nullptr ? id : LinkId{};
}

Links::Link* Links::find_incoming(LinkId id) noexcept {
    Link* const link = links_.find(id);
    return link != nullptr && link->answered && pn_link_is_receiver(link->link) ? link : nullptr;
}

Links::Link* Links::find_outgoing(LinkId id) noexcept {
    Link* const link = links_.find(id);
    return link != nullptr && link->answered && pn_link_is_sender(link->link) ? link : nullptr;
}

void Links::attached(pn_link_t* link, Events& events) {
    if (pn_terminus_get_type(pn_link_remote_target(link)) == PN_COORDINATOR) {
        return write_refusal(
            link, {condition::kNotImplemented, "transactions are not supported"}
        );
    }
    const LinkId id = links_.insert(Link{.link = link});
    pn_link_set_context(link, to_context(id));
    events.on_attach(AttachRequest{id, link}.view());
}

void Links::accept(LinkId id, const AttachAnswer& answer) {
    Link* const link = links_.find(id);
    if (link == nullptr || link->answered) {
        return;
    }
    write_attach(link->link, answer, settings_);
    link->answered = true;
    link->flow_open = answer.flow_open;
    replenish(*link);
}

void Links::detach(LinkId id, Error error) {
    const Link* const found = links_.find(id);
    if (found == nullptr) {
        return;
    }
    pn_link_t* const link = found->link;
    const bool answered = found->answered;
    forget(id);
    if (answered) {
        set_condition(pn_link_condition(link), error);
        pn_link_close(link);
    } else {
        write_refusal(link, error);
    }
}

void Links::refuse(LinkId id, Error error, Events& events) {
    detach(id, error);
    events.on_detach(id, {.cause = DetachCause::refused, .error = error});
}

void Links::forget(LinkId id) {
    Link& link = *links_.find(id);
    assembling_bytes_ -= link.partial.size();
    for (auto* d = pn_unsettled_head(link.link); d != nullptr; d = pn_unsettled_next(d)) {
        deliveries_.erase(from_context<DeliveryId>(pn_delivery_get_context(d)));
        pn_delivery_set_context(d, nullptr);
    }
    pn_link_set_context(link.link, nullptr);
    links_.erase(id);
}

void Links::forget_all() {
    links_.for_each([this](LinkId id, const Link&) { forget(id); });
}

void Links::detached(pn_link_t* link, bool closed, Events& events) {
    if (const LinkId id = id_of(link)) {
        forget(id);
        events.on_detach(
            id,
            {.cause = closed ? DetachCause::closed : DetachCause::detached,
             .error = error_of(pn_link_remote_condition(link))}
        );
    }
    pn_link_open(link);  // Answers an Attach that was not answered yet; else without effect.
    if (closed) {
        pn_link_close(link);
    } else {
        pn_link_detach(link);
    }
    pn_link_free(link);
}

void Links::session_ended(pn_session_t* session, Events& events) {
    links_.for_each([&](LinkId id, const Link& link) {
        if (pn_link_session(link.link) == session) {
            forget(id);
            events.on_detach(id, {.cause = DetachCause::session_ended, .error = {}});
        }
    });
}

void Links::flow(pn_link_t* link, Events& events) {
    const LinkId id = id_of(link);
    if (const Link* const found = find_outgoing(id); found != nullptr) {
        events.on_credit(id, count_of(pn_link_credit(link)), pn_link_get_drain(link));
    }
}

std::optional<Error> Links::delivery(pn_delivery_t* delivery, Events& events) {
    pn_link_t* const link = pn_delivery_link(delivery);
    if (pn_link_is_sender(link)) {
        if (pn_link_current(link) != nullptr) {  // send() leaves none: the peer has made it.
            return Error{condition::kNotAllowed, "a transfer on a link on which the peer receives"};
        }
        outcome(delivery, events);
        return std::nullopt;
    }
    receive(link, events);
    if (assembling_bytes_ > settings_.assembling_bytes_max) {
        return Error{condition::kResourceLimitExceeded, "too many incomplete messages"};
    }
    return std::nullopt;
}

void Links::receive(pn_link_t* link, Events& events) {
    for (;;) {
        const LinkId id = id_of(link);
        if (!id) {
            return discard(link);
        }
        pn_delivery_t* const current = pn_link_current(link);
        if (current == nullptr || !pn_delivery_readable(current)) {
            return;
        }
        if (pn_link_credit(link) <= 0) {
            refuse(id, {condition::kTransferLimitExceeded, "more transfers than credit"}, events);
        } else if (assemble(id, current, events)) {
            hand_on(id, current, events);
        } else if (id_of(link) && pn_link_current(link) == current) {
            return;  // The rest is still to come.
        }
    }
}

bool Links::assemble(LinkId id, pn_delivery_t* delivery, Events& events) {
    Link& state = *links_.find(id);
    if (pn_delivery_aborted(delivery)) {
        assembling_bytes_ -= state.partial.size();
        state.partial = {};
        pn_link_advance(state.link);
        pn_delivery_settle(delivery);
        replenish(state);
        return false;
    }
    const std::size_t before = state.partial.size();
    const std::size_t pending = pn_delivery_pending(delivery);
    if (before + pending > settings_.message_bytes_max) {
        refuse(
            id,
            {condition::kMessageSizeExceeded, "the message is larger than the link allows"},
            events
        );
        return false;
    }
    state.partial.resize(before + pending);
    if (pending > 0) {
        const auto got = pn_link_recv(
            state.link, reinterpret_cast<char*>(state.partial.data() + before), pending
        );
        state.partial.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    }
    assembling_bytes_ += state.partial.size() - before;
    return !pn_delivery_partial(delivery);
}

void Links::hand_on(LinkId id, pn_delivery_t* delivery, Events& events) {
    Link& state = *links_.find(id);
    Bytes message = std::exchange(state.partial, {});
    assembling_bytes_ -= message.size();
    pn_link_advance(state.link);
    DeliveryId delivery_id;
    if (pn_delivery_settled(delivery)) {
        pn_delivery_settle(delivery);
    } else {
        delivery_id = deliveries_.insert({.delivery = delivery, .link = id});
        pn_delivery_set_context(delivery, to_context(delivery_id));
        ++state.unsettled;
    }
    events.on_transfer({.link = id, .delivery = delivery_id, .message = message});
    if (Link* const still = links_.find(id); still != nullptr) {
        replenish(*still);
        if (message.capacity() <= kKeptBytes) {
            message.clear();
            still->partial = std::move(message);
        }
    }
}

void Links::discard(pn_link_t* link) noexcept {
    while (pn_delivery_t* const current = pn_link_current(link)) {
        if (!pn_delivery_readable(current)) {
            return;
        }
        drop_bytes(link);
        if (pn_delivery_partial(current) && !pn_delivery_aborted(current)) {
            return;
        }
        pn_link_advance(link);
        pn_delivery_settle(current);
    }
}

void Links::replenish(Link& link) noexcept {
    if (!link.flow_open || !pn_link_is_receiver(link.link)) {
        return;
    }
    const std::uint32_t window = settings_.credit_window;
    const std::uint32_t used = link.unsettled + count_of(pn_link_credit(link.link));
    if (used < window && window - used >= (window + 1) / 2) {
        pn_link_flow(link.link, static_cast<int>(window - used));
    }
}

void Links::set_flow(LinkId id, bool open) noexcept {
    if (Link* const link = find_incoming(id); link != nullptr) {
        link->flow_open = open;
        replenish(*link);
    }
}

void Links::settle(DeliveryId id, const Outcome& outcome) {
    const Delivery* const found = deliveries_.find(id);
    Link* const link = found != nullptr ? find_incoming(found->link) : nullptr;
    if (link == nullptr) {
        return;
    }
    pn_delivery_t* const delivery = found->delivery;
    deliveries_.erase(id);
    write_outcome(delivery, outcome);
    pn_delivery_set_context(delivery, nullptr);
    pn_delivery_settle(delivery);
    --link->unsettled;
    replenish(*link);
}

Result<DeliveryId> Links::send(LinkId id, ByteView head, ByteView body, bool settled) {
    Link* const link = find_outgoing(id);
    if (link == nullptr) {
        return errc::unknown_link;
    }
    if (pn_link_credit(link->link) <= 0) {
        return errc::no_credit;
    }
    const std::uint64_t bytes_max = pn_link_remote_max_message_size(link->link);
    if (bytes_max != 0 && head.size() + body.size() > bytes_max) {
        return errc::message_too_large;
    }
    std::array<char, sizeof(link->next_tag)> tag;
    store_be(reinterpret_cast<Byte*>(tag.data()), link->next_tag++);
    pn_delivery_t* const delivery = pn_delivery(link->link, pn_dtag(tag.data(), tag.size()));
    for (const ByteView part : {head, body}) {
        if (!part.empty()) {
            pn_link_send(link->link, as_chars(part), part.size());
        }
    }
    pn_link_advance(link->link);
    if (settled) {
        pn_delivery_settle(delivery);
        return DeliveryId{};
    }
    const DeliveryId delivery_id = deliveries_.insert({.delivery = delivery, .link = id});
    pn_delivery_set_context(delivery, to_context(delivery_id));
    ++link->unsettled;
    return delivery_id;
}

void Links::outcome(pn_delivery_t* delivery, Events& events) {
    const auto id = from_context<DeliveryId>(pn_delivery_get_context(delivery));
    const Delivery* const found = deliveries_.find(id);
    if (found == nullptr || !pn_delivery_updated(delivery)) {
        return;
    }
    if (!is_terminal(pn_delivery_remote_state(delivery)) && !pn_delivery_settled(delivery)) {
        return;  // `received` and unknown states say nothing yet.
    }
    const LinkId link = found->link;
    deliveries_.erase(id);
    --links_.find(link)->unsettled;
    pn_delivery_set_context(delivery, nullptr);
    events.on_disposition(link, id, outcome_of(delivery));
    pn_delivery_settle(delivery);  // Last: the outcome's texts lie in the delivery.
}

std::uint32_t Links::credit(LinkId id) const noexcept {
    const Link* const link = links_.find(id);
    return link != nullptr && link->answered ? count_of(pn_link_credit(link->link)) : 0;
}

std::uint32_t Links::sendable(LinkId id) const noexcept {
    const Link* const link = links_.find(id);
    if (link == nullptr || link->unsettled >= settings_.unsettled_max ||
        pn_session_outgoing_bytes(pn_link_session(link->link)) >= settings_.unsent_bytes_max) {
        return 0;
    }
    return std::min(credit(id), settings_.unsettled_max - link->unsettled);
}

void Links::drained(LinkId id) noexcept {
    if (Link* const link = find_outgoing(id); link != nullptr) {
        pn_link_drained(link->link);
    }
}

}  // namespace weir::amqp::detail
