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
    if (const auto older = sessions_.find(Key{record.tenant, record.client_id});
        may_stay && older != sessions_.end()) {  // Its end was refused by the disk.
        (*older)->will_.reset();
        end(**older);
    }
    if (!may_stay) {
        journal_.open().drop_session(stored.id);
        if (const std::uint64_t waiting = stored.queue.entries - stored.queue.in_flight; waiting > 0) {
            context_.metrics.routed.add(waiting);
            context_.metrics.lose(Reason::session_ended, waiting);
            record_ended(principal ? who_of(**principal, record.client_id)
                                   : why::Who{record.owner.empty() ? record.client_id : record.owner});
        }
        return;
    }
    auto made = std::make_unique<Session>(
        context_, next_session_++, std::string{record.client_id}, *principal
    );
    Session& session = *made;
    session.policies_ = bundle;
    session.limits_ = std::move(limits);
    session.lasting_ = std::make_unique<Lasting>(*this, journal_, stored.id);
    Lasting& lasting = *session.lasting_;
    lasting.expiry = expiry;
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
    lasting.ends = context_.clock.steady() + (ends - now);
    if (stored.will) {
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
        if (const auto verdict = bundle->subscribe(session.subject(), filter); verdict.accepted()) {
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
    if (record.offline_since_ms == 0) {
        put_session(journal_.open(), session);
    }
    schedule(session);
    session.plan_age();
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
