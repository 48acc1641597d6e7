// What was on disk when the gateway stopped, back into memory. All shards' brokers are filled by one thread.
#include <algorithm>
#include <utility>

#include <weir/broker/broker.hpp>
#include <weir/broker/durable_records.hpp>

namespace weir::broker {

using model::Reason;

namespace {

constexpr std::string_view kShare = "$share/";

/// Length of "$share/group/" in front; 0: not shared.
[[nodiscard]] std::uint32_t share_bytes_of(std::string_view filter) noexcept {
    if (!filter.starts_with(kShare)) {
        return 0;
    }
    return static_cast<std::uint32_t>(filter.find('/', kShare.size()) + 1);
}

}  // namespace

void Broker::restore(
    const storage::StoredSession& stored,
    const Result<model::PrincipalPtr>& principal,
    std::shared_ptr<const model::Limits> limits
) {
    const WallTime now = context_.clock.wall();
    const storage::SessionRecord& record = stored.record;
    const WallTime since =
        record.offline_since_ms == 0 ? now : std::min(now, WallTime{record.offline_since_ms});
    const auto expiry = std::chrono::milliseconds{std::chrono::seconds{record.expiry_s}};
    const WallTime ends = since + expiry;
    const auto bundle = principal ? policy_set_->bundle_for(**principal) : nullptr;
    const bool may_stay =
        bundle != nullptr &&
        bundle->connect({**principal, record.client_id}).accepted();
    // Its groups get what it holds for them when all of their members are there: it is over, and ends then.
    const bool leaves =
        !may_stay && stored.queue.entries > 0 &&
        std::ranges::any_of(stored.subscriptions, [](const auto& subscription) {
            return share_bytes_of(subscription.first) != 0;
        });
    if (const auto older = sessions_.find(Key{record.tenant, record.client_id});
        (may_stay || leaves) && older != sessions_.end()) {  // Its end was refused by the disk.
        replace(**older);
    }
    if (!may_stay && !leaves) {
        journal_.open().drop_session(stored.id);
        if (const std::uint64_t waiting = stored.queue.entries - stored.queue.in_flight; waiting > 0) {
            context_.metrics.routed.add(waiting);
            context_.metrics.lose(Reason::session_ended, waiting);
            record_ended(principal ? who_of(**principal, record.client_id)
                                   : why::Who{record.owner.empty() ? record.client_id : record.owner});
        }
        return;
    }
    const model::PrincipalPtr owner =
        principal ? *principal : decode_principal(record.tenant, record.owner, record.principal);
    auto made = std::make_unique<Session>(
        context_, next_session_++, std::string{record.client_id}, owner
    );
    Session& session = *made;
    session.policies_ = bundle ? bundle : policy_set_->bundle_for(*owner);
    session.limits_ = std::move(limits);
    session.lasting_ = std::make_unique<Lasting>(*this, journal_, stored.id);
    Lasting& lasting = *session.lasting_;
    lasting.expiry = leaves ? std::chrono::milliseconds{0} : expiry;
    lasting.is_begun = true;
    lasting.next_sequence = stored.queue.next;
    lasting.next_packet_id = record.next_packet_id;
    if (stored.queue.entries > 0) {
        lasting.unread = {
            .from = stored.queue.first,
            .to = stored.queue.next,
            .entries = stored.queue.entries,
            .in_flight = stored.queue.in_flight,
            .bytes = stored.queue.bytes +
                     stored.queue.entries * model::Message::footprint_of(0),
        };
    }
    lasting.books.in = lasting.unread.waiting();
    lasting.ends = context_.clock.steady() + (leaves ? std::chrono::milliseconds{0} : ends - now);
    if (stored.will && !leaves) {
        session.will_ = std::make_unique<Will>(will_of(*stored.will));
        lasting.will_fires = context_.clock.steady() + (since + session.will_->delay - now);
    }
    for (const std::uint16_t id : stored.inbound_ids) {
        static_cast<void>(session.take_inbound_id(id));
    }
    by_id_.insert(&session);
    sessions_.insert(std::move(made));
    context_.metrics.sessions.add(1);
    context_.metrics.routed.add(lasting.unread.waiting());
    context_.metrics.queued.add(static_cast<std::int64_t>(lasting.unread.waiting()));
    for (const auto& [filter, options] : stored.subscriptions) {
        if (leaves) {
            if (share_bytes_of(filter) != 0) {
                restore_subscription(session, filter, options);
            }
        } else if (const auto verdict = bundle->subscribe(session.subject(), filter);
                   verdict.accepted()) {
            restore_subscription(session, filter, options);
        } else {
            context_.metrics.refuse(verdict.reason);
            context_.decisions.record(
                session.who(),
                model::Action::subscribe,
                verdict.reason,
                now,
                filter,
                verdict.source
            );
            journal_.open().erase_subscription(stored.id, filter);
        }
    }
    if (record.offline_since_ms == 0 && !leaves) {
        put_session(journal_.open(), session);
    }
    schedule(session);
    session.plan_age();
}

void Broker::replace(Session& older) {
    older.will_.reset();
    if (!older.has_more_to_leave()) {
        end(older);
        return;
    }
    const auto known = sessions_.find(Key{older.principal().tenant, older.client_id()});
    replaced_.push_back(std::move(const_cast<std::unique_ptr<Session>&>(*known)));
    sessions_.erase(known);
    older.lasting_->expiry = std::chrono::milliseconds{0};
    older.lasting_->ends = context_.clock.steady();
    forget_end(older);
    schedule(older);
}

void Broker::restore_subscription(
    Session& session, std::string_view filter, const storage::SubscriptionRecord& record
) {
    Subscription& subscription = session.subscriptions_.insert(std::make_unique<Subscription>(
        &session, std::string{filter}, options_of(record), share_bytes_of(filter)
    ));
    context_.metrics.subscriptions.add(1);
    const auto tell_others = [](Broker& owner, const std::string& news) {
        for (Broker* const other : owner.shards_.brokers) {
            if (other != &owner) {
                other->interest_.add_remote(news, owner.shards_.self);
            }
        }
    };
    if (!subscription.is_shared()) {
        if (interest_.add(subscription)) {
            tell_others(*this, subscription.filter);
        }
        return;
    }
    Membership& membership = membership_of(session, subscription);
    membership.told = Session::standing(session.abilities(), membership);
    const std::string& tenant = session.principal().tenant;
    Broker& owner = on(owner_of(tenant, filter, static_cast<unsigned>(shards_.brokers.size())));
    std::string key = SharedGroups::key_of(tenant, filter);
    SharedGroup* group = owner.groups_.find(key);
    if (group == nullptr) {
        group = &owner.groups_.make(
            std::move(key), subscription.filter.substr(subscription.share_bytes)
        );
        if (owner.interest_.add(*group)) {
            tell_others(owner, group->filter());
        }
    }
    group->put(session.id(), membership.told);
    session.memberships_->enter(membership, group->id());
}

void Broker::restore(const storage::RetainedRecord& stored, model::PrincipalPtr publisher) {
    if (retained_.put({
            .message = message_of(stored.message),
            .publisher = std::move(publisher),
            .client_id = std::string{stored.client_id},
        })) {
        context_.metrics.retained.add(1);
    } else {
        context_.metrics.lose(Reason::queue_full);
    }
}

}  // namespace weir::broker
