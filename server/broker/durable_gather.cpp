// What several shards store in one batch: a publish at QoS 2 with its packet id and its effects, and what goes from one queue to
// another. A crash between two batches would lose the message or deliver it twice.
#include <algorithm>
#include <iterator>
#include <utility>

#include <weir/broker/broker.hpp>

namespace weir::broker {
namespace {

/// Of hand-overs, as much is given to the store at once: it refuses what is more than it can hold.
constexpr std::size_t kHandoverBytesMax = 1024 * 1024;

}  // namespace

void Broker::hold(Deposit& deposit, std::uint64_t handover) {
    journal_.flush();
    Gathered own{.batch = std::exchange(deposit.batch, {}), .handover = handover};
    for (const JournalEntry& entry : deposit.entries) {
        if (Session* const session = find(entry.session)) {
            session->hold(entry);
        }
    }
    if (!deposit.entries.empty() || deposit.done) {
        own.parts.push_back(
            {shards_.self, std::exchange(deposit.entries, {}), std::exchange(deposit.done, {})}
        );
    }
    if (deposit.receipt() == 0) {
        pass(std::move(own), deposit.creditor());
        return;
    }
    gathering_.emplace(deposit.receipt(), std::move(own));
    give_back(deposit.receipt(), true);
}

void Broker::pass(Gathered gathered, const Creditor& creditor) {
    if (const std::uint64_t number = std::exchange(gathered.handover, 0); number != 0) {
        handovers_[number - first_handover_].submit =
            [this, gathered = std::move(gathered)](bool stands) mutable {
                if (stands) {
                    submit_handover(std::move(gathered));
                    return;
                }
                Journal::Commit refused{.parts = std::move(gathered.parts)};
                on_commit(refused, false);
            };
        submit_handovers();
        return;
    }
    if (gathered.batch.empty()) {
        tell(creditor, true);
        return;
    }
    const Share share = creditor.upstream;
    if (share.receipt == 0) {
        journal_.submit(
            std::move(gathered.batch),
            {.parts = std::move(gathered.parts), .creditor = creditor, .is_message = true}
        );
        return;
    }
    shards_.peers->send(
        share.shard,
        runtime::Task{[&other = on(share.shard),
                       receipt = share.receipt,
                       part = std::make_unique<Gathered>(std::move(gathered))] {
            other.add_part(receipt, std::move(*part));
        }}
    );
}

void Broker::add_part(std::uint32_t receipt, Gathered part) {
    Gathered& all = gathering_[receipt];
    all.batch.append(part.batch);
    std::ranges::move(part.parts, std::back_inserter(all.parts));
    give_back(receipt, true);
}

void Broker::part_committed(Gathered::Part& part, bool stored, bool comes_again) {
    if (part.done) {
        part.done(stored);
    }
    for (const JournalEntry& entry : part.entries) {
        if (Session* const session = find(entry.session)) {
            session->unhold(entry);
            session->committed(entry, stored);
            session->pump();
        } else if (const auto ended = held_of_ended_.find(entry.session);
                   ended != held_of_ended_.end()) {
            if (comes_again && entry.sequence != 0) {
                for (Handover& handover : handovers_) {
                    const Below& after = handover.after;
                    handover.stands = handover.stands && !(after.session == entry.session &&
                                                           after.sequence == entry.sequence + 1);
                }
            }
            if (const auto held = std::ranges::find(ended->second, entry.sequence);
                held != ended->second.end()) {
                ended->second.erase(held);
            }
            if (ended->second.empty()) {
                held_of_ended_.erase(ended);
            }
        }
    }
    submit_handovers();
}

// --- From one queue to another -------------------------------------------------------------------------------------

void Broker::hand_over(Deposit& deposit, const Below& after) {
    if (deposit.receipt() == 0 && deposit.batch.empty()) {
        return;
    }
    if (deposit.receipt() == 0 && handovers_.empty() && has_turn(after)) {
        Gathered own{.batch = std::exchange(deposit.batch, {})};
        own.parts.push_back(
            {shards_.self, std::exchange(deposit.entries, {}), std::exchange(deposit.done, {})}
        );
        submit_handover(std::move(own));
        return;
    }
    handovers_.push_back({.after = after});
    hold(deposit, first_handover_ + handovers_.size() - 1);
}

void Broker::after_handovers(const Below& after, std::move_only_function<void()> work) {
    if (handovers_.empty() && !is_held(after)) {
        work();
    } else {
        handovers_.push_back({.after = after, .submit = [work = std::move(work)](bool /*stands*/) mutable { work(); }});
    }
}

void Broker::submit_handover(Gathered gathered) {
    if (gathered.batch.empty()) {
        return;
    }
    const std::size_t bytes = gathered.batch.bytes();
    handover_bytes_ += bytes;
    journal_.submit(
        std::move(gathered.batch),
        {.parts = std::move(gathered.parts),
         .done = [this, bytes](bool /*stored*/) {
             handover_bytes_ -= bytes;
             submit_handovers();
         }}
    );
}

void Broker::submit_handovers() {
    while (!handovers_.empty() && handovers_.front().submit && has_turn(handovers_.front().after)) {
        Handover first = std::move(handovers_.front());
        handovers_.pop_front();
        ++first_handover_;
        first.submit(first.stands);
    }
}

bool Broker::has_turn(const Below& after) noexcept {
    return handover_bytes_ < kHandoverBytesMax && !is_held(after);
}

bool Broker::is_held(const Below& part) noexcept {
    if (const Session* const session = find(part.session)) {
        return session->lasting_ && session->lasting_->held_from() < part.sequence;
    }
    const auto ended = held_of_ended_.find(part.session);
    return ended != held_of_ended_.end() && ended->second.front() < part.sequence;
}

}  // namespace weir::broker
