// The part of a session that is on disk: what is stored when, and what gives way. How the queue comes back: durable_unread.cpp.
#include <algorithm>
#include <utility>

#include <weir/base/log.hpp>
#include <weir/broker/broker.hpp>
#include <weir/broker/durable_records.hpp>
#include <weir/metering/meter.hpp>

namespace weir::broker {

using model::Qos;
using model::QueueLimit;
using model::Reason;
using storage::EntryState;
using Kind = JournalEntry::Kind;

namespace {

/// When to look again at a queue that could not be looked at, or has more.
constexpr std::chrono::milliseconds kAgesAgain{1'000};
/// Nothing waits longer; sums with it do not wrap.
constexpr std::chrono::milliseconds kAgeMax{100 * 365 * 86'400'000LL};

[[nodiscard]] storage::QueueEntry entry_of(
    const Copy& copy, std::uint16_t packet_id, std::uint32_t share
) {
    return {
        .qos = static_cast<std::uint8_t>(copy.qos),
        .retain = copy.retain,
        .state = packet_id == 0 ? EntryState::queued : EntryState::sent,
        .packet_id = packet_id,
        .share = share,
        .subscription_ids = {copy.subscription_ids.begin(), copy.subscription_ids.end()},
    };
}

}  // namespace

std::uint32_t Session::share_of(const Copy& copy) const noexcept {
    if (copy.group == GroupId::none) {
        return 0;
    }
    const Membership* const found = memberships_->find(copy.group);
    return found == nullptr ? 0 : Memberships::share_of(*found->subscription);
}

// --- Into the queue ------------------------------------------------------------------------------------------------

void Session::keep(Copy copy, Deposit& deposit) {
    if (!can_send(copy.qos)) {
        enqueue_stored(std::move(copy), deposit);
        return;
    }
    if (copy.group == GroupId::none) {  // Else take() has asked.
        if (!may_receive(*copy.message, copy.group)) {
            return;
        }
        if (!has_budget(copy.message->footprint(), storage::Budgets::Bound::slack)) {
            lose(QueueLimit::budget, Reason::queue_full, *copy.message);
            return;
        }
    }
    context_.metrics.delivered[static_cast<std::size_t>(copy.qos)].add();
    book_out();
    copy.sequence = lasting_->next_sequence++;
    copy.is_marked = true;
    const bool waits = copy.qos == Qos::exactly_once || flow().is_storing();
    const std::uint16_t id =
        flow().start(std::move(copy), waits ? Flow::State::storing : Flow::State::sent);
    const Copy& started = flow_->copy_of(id);
    deposit.enqueue(lasting_->id, started.sequence, entry_of(started, id, share_of(started)));
    deposit.entries.push_back({
        .kind = Kind::sent,
        .packet_id = id,
        .bytes = static_cast<std::uint32_t>(started.message->footprint()),
        .session = id_,
        .sequence = started.sequence,
    });
    if (!waits) {
        transmit(started, id, false);
    }
}

void Session::enqueue_stored(Copy copy, Deposit& deposit) {
    const std::uint64_t footprint = copy.message->footprint();
    if (footprint > limits_->queue_bytes || limits_->queue_messages == 0) {
        lose(full_limit(footprint), Reason::queue_dropped_oldest, *copy.message);
        return;
    }
    if (limits_->queue_full == model::QueueFull::reject_new && !has_room(footprint)) {
        lose(full_limit(footprint), Reason::queue_full, *copy.message);
        return;
    }
    Lasting& lasting = *lasting_;
    if (has_budget(footprint)) {
        lasting.owed = 0;
    } else if (!squeeze_in(copy)) {
        return;
    }
    if (queued() == 0) {
        lasting.oldest = age_begins(*copy.message);
    }
    copy.sequence = lasting.next_sequence++;
    deposit.enqueue(lasting.id, copy.sequence, entry_of(copy, 0, share_of(copy)));
    deposit.entries.push_back({
        .kind = Kind::queued,
        .bytes = static_cast<std::uint32_t>(footprint),
        .session = id_,
        .sequence = copy.sequence,
    });
    if (!online()) {
        charge_stored(*copy.message, deposit);
    }
    context_.metrics.queued.add(1);
    const bool stays = memberships_ != nullptr ||
                       (online() && (!flow_ || (flow_->queued() < Lasting::kHeadMessages &&
                                                flow_->queued_bytes() < Lasting::kHeadBytes)));
    if (lasting.unread.empty() && stays) {
        flow().append(std::move(copy));
    } else {
        lasting.unread.add(copy.sequence, footprint);
    }
    make_room();
    if (!online() && lasting.ages.count() == 0) {
        plan_age();
    }
}

/// Some schemes bill a message for a session that is away twice: when it is stored, and when it is delivered.
void Session::charge_stored(const model::Message& message, Deposit& deposit) const {
    const std::string& name = device();
    if (name.empty() || name.size() > storage::kNameBytesMax) {
        return;  // As metering::Meter::open.
    }
    deposit.batch.add_usage(
        {principal_->tenant, name, metering::hour_of(context_.clock.wall())},
        metering::publish_stored({
            .payload_bytes = message.payload().size(),
            .topic_bytes = message.topic().size(),
            .property_bytes = message.properties().size(),
        })
    );
}

void Session::send_stored(Copy copy) {
    Lasting& lasting = *lasting_;
    const std::uint64_t sequence = copy.sequence;
    const bool waits = copy.qos == Qos::exactly_once || flow().is_storing();
    copy.is_marked = true;
    const std::uint16_t id =
        flow().start(std::move(copy), waits ? Flow::State::storing : Flow::State::sent);
    // At QoS 1 too, though it need not wait: with each mark on disk are those of all that went before, so that what goes
    // again after a crash goes in order.
    lasting.journal.open().mark_sent(lasting.id, sequence, id);
    if (!waits) {
        transmit(flow_->copy_of(id), id, false);
        return;
    }
    lasting.journal.tell({
        .kind = Kind::marked,
        .packet_id = id,
        .session = id_,
        .sequence = sequence,
    });
}

void Session::note_released(std::uint16_t packet_id, std::uint64_t sequence) {
    Lasting& lasting = *lasting_;
    lasting.journal.open().mark_released(lasting.id, sequence, packet_id);
    lasting.journal.tell({
        .kind = Kind::released,
        .packet_id = packet_id,
        .session = id_,
        .sequence = sequence,
    });
}

void Session::note_released_again() {
    for (const std::uint16_t id : std::exchange(lasting_->unnoted, {})) {
        const Flow::InFlight* const entry = flow_ ? flow_->in_flight_at(id) : nullptr;
        if (entry != nullptr && entry->state == Flow::State::released) {
            note_released(id, entry->copy.sequence);
        }
    }
}

void Session::store_inbound_id(std::uint16_t packet_id, Deposit& deposit) {
    if (!lasting_) {
        return;
    }
    inbound_ids_->storing.try_emplace(packet_id);
    deposit.gather();
    deposit.batch.put_inbound_id(lasting_->id, packet_id);
    deposit.entries.push_back({
        .kind = Kind::inbound,
        .packet_id = packet_id,
        .session = id_,
    });
}

AckToken Session::await_inbound_id(const AckToken& token) {
    const auto storing = inbound_ids_->storing.find(token.inbound_id);
    if (storing == inbound_ids_->storing.end()) {
        return {};
    }
    if (storing->second.connection != token.connection) {  // An earlier one is gone.
        storing->second = token;
    }
    return storing->second;
}

void Session::inbound_committed(std::uint16_t packet_id, bool stored) {
    AckToken repeated;
    if (const auto storing = inbound_ids_->storing.find(packet_id);
        storing != inbound_ids_->storing.end()) {
        repeated = storing->second;
        inbound_ids_->storing.erase(storing);
    }
    if (!stored) {
        drop_inbound_id(packet_id);
    } else if (!has_inbound_id(packet_id)) {  // Released before it was on disk.
        lasting_->journal.open().erase_inbound_id(lasting_->id, packet_id);
    }
    lasting_->broker.tell({.token = repeated}, stored);
}

bool Session::release_inbound_id(std::uint16_t packet_id) {
    if (!drop_inbound_id(packet_id)) {
        return false;
    }
    if (lasting_) {
        lasting_->journal.open().erase_inbound_id(lasting_->id, packet_id);
        lasting_->journal.tell({.kind = Kind::freed, .packet_id = packet_id, .session = id_});
    }
    return true;
}

void Session::forget(const Copy& copy) {
    if (copy.sequence == 0) {
        return;
    }
    if (copy.sequence >= lasting_->held_from()) {
        lasting_->settled_while_held.push_back(copy.sequence);
    } else {
        lasting_->journal.open().settle(lasting_->id, copy.sequence);
    }
}

void Session::hold(const JournalEntry& entry) {
    if (entry.kind == Kind::inbound) {
        ++inbound_ids_->gathering;
    } else if (lasting_ && entry.sequence != 0) {
        lasting_->held.push_back(entry.sequence);
    }
}

void Session::unhold(const JournalEntry& entry) {
    if (entry.kind == Kind::inbound) {
        --inbound_ids_->gathering;
    }
    if (!lasting_ || entry.sequence == 0) {
        return;
    }
    const auto found = std::ranges::lower_bound(lasting_->held, entry.sequence);
    if (found != lasting_->held.end() && *found == entry.sequence) {
        lasting_->held.erase(found);
    }
    std::erase_if(lasting_->settled_while_held, [this](std::uint64_t sequence) {
        const bool is_free = sequence < lasting_->held_from();
        if (is_free) {
            lasting_->journal.open().settle(lasting_->id, sequence);
        }
        return is_free;
    });
    make_room();
}

void Session::committed(const JournalEntry& entry, bool stored) {
    if (entry.kind == Kind::inbound) {
        return inbound_committed(entry.packet_id, stored);
    }
    if (entry.kind == Kind::freed) {
        if (!stored) {  // The disk has it still: as a new message's id it would make that one a repetition.
            take_inbound_id(entry.packet_id);
        }
        return;
    }
    if (!lasting_) {
        return;
    }
    const Flow::InFlight* const in_flight =
        flow_ && entry.packet_id != 0 ? flow_->in_flight_at(entry.packet_id) : nullptr;
    const bool is_there = in_flight != nullptr && in_flight->copy.sequence == entry.sequence;
    if (entry.kind == Kind::released) {
        if (!is_there || !is_live()) {
            return;
        }
        if (stored) {
            subscriber_->release(entry.packet_id);
        } else {
            std::vector<std::uint16_t>& unnoted = lasting_->unnoted;
            if (std::ranges::find(unnoted, entry.packet_id) == unnoted.end()) {
                unnoted.push_back(entry.packet_id);
            }
            lasting_->broker.plan_age(*this, kAgesAgain);
        }
        return;
    }
    if (stored) {
        if (const Copy* const copy =
                is_there ? flow_->stored(entry.packet_id, entry.sequence) : nullptr;
            copy != nullptr && is_live()) {
            transmit(*copy, entry.packet_id, false);
        }
        return;
    }
    if (entry.kind != Kind::marked) {
        take_back(entry);
        pump();
    } else if (is_there) {
        requeue(entry.packet_id);
    }
}

void Session::take_back(const JournalEntry& entry) {
    Unread& unread = lasting_->unread;
    bool waited = false;
    if (const std::uint16_t id = flow_ ? flow_->packet_id_of(entry.sequence) : std::uint16_t{0};
        id != 0) {
        if (flow_->refused(id)) {  // It counts as delivered, and nobody has it.
            context_.metrics.routed.add();
            book_in();
            context_.metrics.lose(Reason::storage_failed);
            book_loss(Reason::storage_failed);
        }
    } else if (flow_ && flow_->withdraw(entry.sequence)) {
        waited = true;
    } else if (entry.sequence >= std::max(unread.from, unread.in_flight_to) &&
               entry.sequence < unread.to && unread.waiting() > 0) {
        waited = true;
        unread.remove(entry.bytes, false);
    }
    if (waited) {
        context_.metrics.queued.add(-1);
        context_.metrics.lose(Reason::storage_failed);
        book_loss(Reason::storage_failed);
    }
}

void Session::requeue(std::uint16_t packet_id) {
    auto copy = flow_->give_back(packet_id, Flow::State::storing);
    if (!copy) {
        return;
    }
    copy->is_marked = false;
    flow_->enqueue_first(std::move(*copy));
    context_.metrics.routed.add();  // It counts as delivered, and has another way to go.
    context_.metrics.queued.add(1);
    book_in();
    if (online()) {  // Sent when the disk has had some time.
        lasting_->broker.plan_age(*this, kAgesAgain);
    }
}

// --- Limits --------------------------------------------------------------------------------------------------------

std::uint64_t Session::queued_bytes() const noexcept {
    return (flow_ ? flow_->queued_bytes() : 0) + (lasting_ ? lasting_->unread.bytes : 0);
}

bool Session::has_room(std::uint64_t footprint) const noexcept {
    return queued() < limits_->queue_messages && footprint <= limits_->queue_bytes &&
           queued_bytes() <= limits_->queue_bytes - footprint;
}

bool Session::is_over_limits() const noexcept {
    return queued() > limits_->queue_messages || queued_bytes() > limits_->queue_bytes ||
           lasting_->owed > 0;
}

QueueLimit Session::over_limit() const noexcept {
    if (queued() > limits_->queue_messages) {
        return QueueLimit::messages;
    }
    return queued_bytes() > limits_->queue_bytes ? QueueLimit::bytes : QueueLimit::budget;
}

bool Session::has_budget(std::uint64_t footprint, storage::Budgets::Bound bound) const noexcept {
    return !lasting_ ||
           lasting_->journal.budgets().has_room(storage::Area::queues, footprint, bound);
}

bool Session::squeeze_in(const Copy& copy) {
    const std::uint64_t footprint = copy.message->footprint();
    Lasting& lasting = *lasting_;
    if (queued() == 0) {
        lasting.owed = 0;
    }
    storage::Budgets& budgets = lasting.journal.budgets();
    const bool gives_way = limits_->queue_full != model::QueueFull::reject_new && queued() > 0 &&
                           lasting.owed + footprint <= queued_bytes();
    const bool fits = gives_way && budgets.has_room(
                                       storage::Area::queues, footprint, storage::Budgets::Bound::slack
                                   );
    if (fits) {
        lasting.owed += footprint;
        return true;
    }
    lose(QueueLimit::budget, Reason::queue_full, *copy.message);
    if (gives_way && lasting.owed < budgets.excess(storage::Area::queues)) {
        lasting.owed += footprint;  // Else no new one would get in until the client comes.
        make_room();
    }
    return false;
}

void Session::give_way(std::uint64_t footprint) noexcept {
    lasting_->owed -= std::min(lasting_->owed, footprint);
}

void Session::make_room() {
    while (is_over_limits()) {
        if (!flow_ || flow_->queue_empty()) {
            read_queue();  // The oldest is on disk: it goes when it was read.
            return;
        }
        if (flow_->front().sequence >= lasting_->held_from()) {
            return;
        }
        const QueueLimit limit = over_limit();
        const Copy oldest = flow_->pop();
        context_.metrics.queued.add(-1);
        lose(limit, Reason::queue_dropped_oldest, *oldest.message);
        give_way(oldest.message->footprint());
        forget(oldest);
    }
}

void Session::trim(const std::vector<storage::QueuedMessage>& page, std::uint64_t bound) {
    Unread& unread = lasting_->unread;
    if (page.empty() && bound < unread.to) {
        lasting_->trimmed_to = bound;
        make_room();
        plan_age();
        return;
    }
    if (page.empty()) {
        end_unread();
        lasting_->owed = 0;
        return;
    }
    for (const storage::QueuedMessage& stored : page) {
        if (stored.entry.state != EntryState::queued) {
            lasting_->trimmed_to = stored.sequence + 1;
            continue;
        }
        const model::MessagePtr message = message_of(stored.message);
        const Reason late = why_too_late(*message);
        lasting_->oldest = age_begins(*message);
        if (late == Reason::none && !is_over_limits()) {
            plan_age();
            return;
        }
        correct_unread(stored.entry);
        late == Reason::none ? lose(over_limit(), Reason::queue_dropped_oldest, *message)
                             : lose_too_late(late, *message);
        lasting_->trimmed_to = stored.sequence + 1;
        give_way(message->footprint());
        unread.remove(message->footprint(), false);
        context_.metrics.queued.add(-1);
        lasting_->journal.open().settle(lasting_->id, stored.sequence);
    }
    make_room();
    plan_age();
}

// --- Age -----------------------------------------------------------------------------------------------------------

WallTime Session::age_begins(const model::Message& message) const noexcept {
    return message.created().count() != 0 ? message.created()
                                          : std::max(context_.clock.wall(), WallTime{1});
}

void Session::plan_age() {
    if (online() || !lasting_ || queued() == 0) {
        return;
    }
    const WallTime oldest =
        flow_ && !flow_->queue_empty() ? age_begins(*flow_->front().message) : lasting_->oldest;
    const auto age_max = std::min(limits_->queue_age, kAgeMax);
    const auto left = oldest.count() == 0 ? std::chrono::milliseconds{0}
                                          : oldest + age_max - context_.clock.wall();
    // Too old is what is older, by a millisecond.
    lasting_->broker.plan_age(*this, std::max(left + std::chrono::milliseconds{1}, kAgesAgain));
}

void Session::drop_aged() {
    if (online()) {
        note_released_again();
        return pump();
    }
    if (lasting_->is_unreadable) {
        return;
    }
    const bool is_known = lasting_->oldest.count() != 0;
    for (std::size_t i = 0; i < Lasting::kHeadMessages && flow_ && !flow_->queue_empty(); ++i) {
        const Reason late = flow_->front().sequence >= lasting_->held_from()
                                ? Reason::none
                                : why_too_late(*flow_->front().message);
        if (late == Reason::none) {
            break;
        }
        const Copy oldest = flow_->pop();
        context_.metrics.queued.add(-1);
        lose_too_late(late, *oldest.message);
        forget(oldest);
        lasting_->oldest = WallTime{0};
    }
    tell_standing();
    if (!flow_ || flow_->queue_empty()) {
        // The first look is for when to come again: only what is in flight is in front of the oldest one.
        const std::uint64_t wanted =
            is_known ? Lasting::kHeadMessages : lasting_->unread.in_flight + 1;
        read_queue(static_cast<std::uint32_t>(
            std::min<std::uint64_t>(wanted, Lasting::kHeadMessages)
        ));
    }
    if (!lasting_->is_reading) {
        plan_age();
    }
}

}  // namespace weir::broker
