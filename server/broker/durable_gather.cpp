// A publish at QoS 2 and its effects on several shards, in one batch. If its packet id were stored by one batch and a queue's entry
// by another, a crash between them would lose the message or deliver it twice.
#include <iterator>
#include <utility>

#include <weir/broker/broker.hpp>

namespace weir::broker {

void Broker::hold(Deposit& deposit) {
    journal_.flush();
    Gathered own{.batch = std::exchange(deposit.batch, {})};
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
    if (gathered.batch.empty()) {
        tell(creditor, true);
        return;
    }
    const Share share = creditor.upstream;
    if (share.receipt == 0) {
        journal_.submit(
            std::move(gathered.batch),
            {.parts = std::move(gathered.parts), .creditor = creditor}
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

void Broker::part_committed(Gathered::Part& part, bool stored) {
    if (part.done) {
        part.done(stored);
    }
    for (const JournalEntry& entry : part.entries) {
        if (Session* const session = find(entry.session)) {
            session->unhold(entry);
            session->committed(entry, stored);
            session->pump();
        } else if (stored && entry.owner != storage::SessionId{}) {
            journal_.open().drop_session(entry.owner);  // It ended before its entry was there.
        }
    }
}

}  // namespace weir::broker
