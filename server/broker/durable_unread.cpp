// The part of a session's queue that is on disk only, and how it comes back into memory.
#include <algorithm>
#include <utility>

#include <weir/base/log.hpp>
#include <weir/broker/broker.hpp>
#include <weir/broker/durable_records.hpp>

namespace weir::broker {

using model::Qos;
using model::Reason;
using storage::EntryState;

namespace {

/// At most that much is read at once: other sessions' pages come between.
constexpr std::size_t kPageBytes = Lasting::kHeadBytes;

[[nodiscard]] std::uint64_t footprint_of(const storage::QueueEntry& entry) noexcept {
    return model::Message::footprint_of(entry.bytes);
}

}  // namespace

void Unread::add(std::uint64_t sequence, std::uint64_t footprint) noexcept {
    from = empty() ? sequence : std::min(from, sequence);
    to = std::max(to, sequence + 1);
    ++entries;
    bytes += footprint;
}

void Unread::remove(std::uint64_t footprint, bool was_in_flight) noexcept {
    entries -= std::min<std::uint64_t>(entries, 1);
    bytes -= std::min(bytes, footprint);
    in_flight = std::min(entries, in_flight - (was_in_flight && in_flight > 0 ? 1 : 0));
}

void Unread::advance(std::uint64_t sequence) noexcept {
    from = std::max(from, sequence);
    if (empty()) {
        *this = {};
    }
}

void Session::read_queue(std::uint32_t records) {
    if (!lasting_ || lasting_->unread.empty() || lasting_->is_reading || lasting_->is_unreadable) {
        return;
    }
    if (online() && flow_ && lasting_->unread.in_flight == 0 &&
        flow_->queued() >= Lasting::kHeadMessages / 2) {
        return;
    }
    Lasting& lasting = *lasting_;
    const std::uint64_t from =
        online() ? lasting.unread.from : std::max(lasting.unread.from, lasting.trimmed_to);
    // When the page is read, all below this is on disk. Of what is not, newer entries may be there and older ones not.
    const std::uint64_t bound = std::min(lasting.held_from(), lasting.next_sequence);
    if (from >= bound) {
        return;
    }
    lasting.is_reading = true;
    const storage::ReadLimit limit{.records = records, .bytes = kPageBytes};
    // The disk has what was handed on until then, though this session is done with it.
    lasting.broker.after_handovers([&broker = lasting.broker,
                                    &journal = lasting.journal,
                                    stored = lasting.id,
                                    from,
                                    limit,
                                    id = id_,
                                    life = lasting.life,
                                    bound] {
        journal.read_queue(
            stored,
            from,
            limit,
            [&broker, id, life, bound](Result<std::vector<storage::QueuedMessage>> page) {
                if (Session* const session = broker.find(id)) {
                    session->take_page(std::move(page), life, bound);
                }
            }
        );
    });
}

void Session::take_page(
    Result<std::vector<storage::QueuedMessage>> page, std::uint32_t life, std::uint64_t bound
) {
    Lasting& lasting = *lasting_;
    lasting.is_reading = false;
    if (!page) {
        lasting.is_unreadable = true;
        log::error(
            "queue_unreadable", {{"client", client_id_}, {"error", page.error().message()}}
        );
        return;
    }
    if (life != lasting.life) {
        online() ? read_queue() : make_room();
        plan_age();
        return;
    }
    std::erase_if(*page, [bound](const auto& stored) { return stored.sequence >= bound; });
    if (!online() && !memberships_) {
        trim(*page, bound);
        return;
    }
    for (const storage::QueuedMessage& stored : *page) {
        restore(stored);
    }
    if (page->empty()) {
        advance_unread(bound);
    }
    make_room();
    pump();
    if (!online()) {
        read_queue();  // All of it: its groups may want it back.
    }
    plan_age();
}

void Session::correct_unread(const storage::QueueEntry& entry) {
    Unread& unread = lasting_->unread;
    const bool waits = entry.state == EntryState::queued;
    if ((waits ? unread.waiting() : unread.in_flight) > 0) {
        return;
    }
    if (unread.entries == 0) {
        ++unread.entries;
    } else if (waits) {
        --unread.in_flight;
    } else {
        context_.metrics.queued.add(-1);
        context_.metrics.delivered[entry.qos].add();
        book_out();
    }
    if (waits) {
        context_.metrics.routed.add();
        context_.metrics.queued.add(1);
        book_in();
    } else {
        ++unread.in_flight;
    }
}

void Session::end_unread() noexcept {
    Unread& unread = lasting_->unread;
    if (const std::uint64_t missing = unread.waiting(); missing > 0) {
        context_.metrics.queued.add(-static_cast<std::int64_t>(missing));
        context_.metrics.lose(Reason::storage_failed, missing);
        book_loss(Reason::storage_failed, missing);
    }
    unread.entries = unread.in_flight;
    unread.bytes = 0;
}

void Session::advance_unread(std::uint64_t sequence) noexcept {
    if (sequence >= lasting_->unread.to) {
        end_unread();
    }
    lasting_->unread.advance(sequence);
}

void Session::restore(const storage::QueuedMessage& stored) {
    Unread& unread = lasting_->unread;
    const storage::QueueEntry& entry = stored.entry;
    const bool is_in_flight = entry.state != EntryState::queued;
    Copy copy{
        .message = entry.state == EntryState::released ? model::MessagePtr{}
                                                       : message_of(stored.message),
        .qos = static_cast<Qos>(entry.qos),
        .retain = entry.retain,
        .group = memberships_ ? memberships_->group_of(entry.share) : GroupId::none,
        .sequence = stored.sequence,
        .is_marked = is_in_flight,
    };
    copy.subscription_ids.assign(entry.subscription_ids.begin(), entry.subscription_ids.end());
    correct_unread(entry);
    unread.remove(footprint_of(entry), is_in_flight);
    advance_unread(stored.sequence + 1);
    if (entry.state == EntryState::released) {
        static_cast<void>(flow().restore(entry.packet_id, std::move(copy), Flow::State::released));
        return;
    }
    // One at QoS 1 that went while older ones still waited goes in its place again, and as if new.
    const bool keeps_place = is_in_flight && (copy.qos == Qos::exactly_once || flow().queue_empty());
    if (keeps_place && flow().restore(entry.packet_id, copy, Flow::State::sent)) {
        return;
    }
    if (is_in_flight) {
        lasting_->journal.open().mark_queued(lasting_->id, stored.sequence);
        context_.metrics.routed.add();  // It was delivered, and has another way to go.
        context_.metrics.queued.add(1);
        book_in();
        copy.is_marked = false;
    }
    flow().append(std::move(copy));
}

void Session::unload() {
    if (!lasting_ || memberships_ || !flow_) {
        return;
    }
    Lasting& lasting = *lasting_;
    lasting.oldest = flow_->queue_empty() ? WallTime{0} : age_begins(*flow_->front().message);
    Unread before = std::exchange(lasting.unread, {});
    flow_->for_each_unsettled([&](std::uint16_t id, const Flow::InFlight& entry) {
        if (entry.copy.sequence == 0) {
            return;
        }
        if (entry.state == Flow::State::sent && !entry.copy.is_marked) {
            lasting.journal.open().mark_sent(lasting.id, entry.copy.sequence, id);
        }
        lasting.unread.add(
            entry.copy.sequence, entry.copy.message ? entry.copy.message->footprint() : 0
        );
        ++lasting.unread.in_flight;
        lasting.unread.in_flight_to = lasting.unread.to;
    });
    flow_->for_each_queued([&](const Copy& copy) {
        lasting.unread.add(copy.sequence, copy.message->footprint());
    });
    if (!before.empty()) {
        lasting.unread.from = lasting.unread.empty() ? before.from : lasting.unread.from;
        lasting.unread.to = before.to;
        lasting.unread.entries += before.entries;
        lasting.unread.in_flight += before.in_flight;
        lasting.unread.in_flight_to = std::max(lasting.unread.in_flight_to, before.in_flight_to);
        lasting.unread.bytes += before.bytes;
    }
    lasting.next_packet_id = flow_->next_packet_id();
    lasting.trimmed_to = 0;
    ++lasting.life;
    flow_.reset();
}

}  // namespace weir::broker
