// Retained messages: to the shard that keeps them, and from there to subscriptions. A subscription is read by the shard of its
// session, from one shard after the other, a page at a time; sessions take turns.
#include <algorithm>
#include <utility>

#include <weir/base/topic.hpp>
#include <weir/broker/broker.hpp>

namespace weir::broker {

using model::Action;
using model::Reason;

namespace {

/// Pages of other shards that a shard may have under way: what it can make one of them do between two of their turns.
constexpr std::size_t kPagesAtOnce = 8;

}  // namespace

void Broker::retain(
    const model::MessagePtr& message,
    model::PrincipalPtr publisher,
    std::string_view client_id,
    Deposit& deposit
) {
    Retained retained{message, std::move(publisher), std::string{client_id}};
    const unsigned owner =
        owner_of_topic(message->topic(), static_cast<unsigned>(shards_.brokers.size()));
    if (owner == shards_.self && !deposit.creditor().gathers) {
        put_retained(std::move(retained), deposit);
        return;
    }
    // Its owner alone stores it, at once: what is on disk is what is in memory, whoever publishes at the same time.
    Slip slip = deposit.slip(receipts_, shards_.self);
    slip.gathers = false;
    if (owner == shards_.self) {
        Deposit here{journal_, slip.creditor()};
        put_retained(std::move(retained), here);
        settle(here);
        return;
    }
    shards_.peers->send(
        owner,
        runtime::Task{[&other = on(owner),
                       moved = std::make_unique<Retained>(std::move(retained)),
                       slip] {
            Deposit here{other.journal_, slip.creditor()};
            other.put_retained(std::move(*moved), here);
            other.settle(here);
        }}
    );
}

// --- Reading -------------------------------------------------------------------------------------------------------

void Broker::begin_read(RetainedReads::Id id) {
    RetainedReads::Read& read = *reads_.find(id);
    const auto shards = static_cast<unsigned>(shards_.brokers.size());
    const bool everywhere = has_wildcard(read.subscription.filter);
    read.shard = everywhere ? shards_.self : owner_of_topic(read.subscription.filter, shards);
    read.shards_left = everywhere ? shards : 1;
    read.after.clear();
    read_queue_.push(read.subscription.session->id(), id);
}

void Broker::read_on() {
    while (!is_resting_ && pages_asked_ < kPagesAtOnce) {
        const RetainedReads::Id id = read_queue_.pop();
        if (id == RetainedReads::Id::none) {
            return;
        }
        if (const RetainedReads::Read* const read = reads_.find(id)) {
            read_page(id, *read);
        }
    }
}

void Broker::read_page(RetainedReads::Id id, const RetainedReads::Read& read) {
    const std::string& filter = read.subscription.filter;
    if (read.shard == shards_.self) {
        const auto page = retained_.collect(filter, read.after, context_.clock.wall(), looks_left_);
        looks_left_ -= std::clamp<std::size_t>(page.looked_at, 1, looks_left_);
        if (looks_left_ == 0) {
            is_resting_ = true;
            shards_.peers->send(shards_.self, runtime::Task{[this] {
                                    is_resting_ = false;
                                    looks_left_ = RetainedStore::kPageLooks;
                                    read_on();
                                }});
        }
        take_page(id, page);
        return;
    }
    struct Request {
        std::string filter;
        std::string after;
    };
    ++pages_asked_;
    shards_.peers->send(
        read.shard,
        runtime::Task{[this,
                       &other = on(read.shard),
                       id,
                       request = std::make_unique<const Request>(filter, read.after)] {
            auto page = std::make_unique<const RetainedPage>(other.retained_.collect(
                request->filter,
                request->after,
                other.context_.clock.wall(),
                RetainedStore::kPageLooks
            ));
            other.shards_.peers->send(
                shards_.self, runtime::Task{[this, id, page = std::move(page)] {
                    --pages_asked_;
                    take_page(id, *page);
                    read_on();
                }}
            );
        }}
    );
}

void Broker::take_page(RetainedReads::Id id, const RetainedPage& page) {
    RetainedReads::Read* const read = reads_.find(id);
    if (read == nullptr) {
        return;
    }
    hand_out(*read, page.found);
    read->after = page.last;
    if (page.last.empty()) {
        if (--read->shards_left == 0) {
            end_read(id);
            return;
        }
        read->shard = (read->shard + 1) % static_cast<unsigned>(shards_.brokers.size());
    }
    read_queue_.push(read->subscription.session->id(), id);
}

void Broker::end_read(RetainedReads::Id id) {
    if (alone() || !reads_.find(id)->has_handed_out()) {
        leave_read(id);
        return;
    }
    // Live copies of what was kept may be on their way from the shards that published them.
    after_mail([this, id] {
        leave_read(id);
        read_on();
    });
}

void Broker::leave_read(RetainedReads::Id id) {
    if (reads_.end(id)) {
        begin_read(id);
    }
}

void Broker::hand_out(RetainedReads::Read& read, const std::vector<Retained>& found) {
    Session& session = *read.subscription.session;
    const SubscriptionOptions& options = read.subscription.options;
    SubscriptionIds ids;
    if (options.id != 0) {
        ids.push_back(options.id);
    }
    Deposit deposit{journal_};
    for (const Retained& retained : found) {
        if (options.no_local && retained.is_from(*session.principal_, session.policy_name())) {
            continue;
        }
        const bool still_allowed =
            !retained.publisher || policy_set_ == nullptr ||
            policy_set_->bundle_for(*retained.publisher)
                ->publish(
                    {*retained.publisher, retained.client_id}, retained.message->topic(), true
                )
                .accepted();
        if (!still_allowed) {
            context_.metrics.lose(Reason::publish_denied);
            context_.decisions.record(
                who_of(*retained.publisher, retained.client_id),
                Action::retain,
                Reason::publish_denied,
                context_.clock.wall(),
                retained.message->topic()
            );
            continue;
        }
        if (!reads_.hand_out(read, retained.message)) {
            continue;
        }
        deposit.next(*retained.message);
        session.offer(
            retained.message, std::min(options.qos, retained.message->qos()), true, ids, deposit
        );
    }
    settle(deposit);
}

}  // namespace weir::broker
