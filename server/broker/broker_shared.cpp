// Shared subscriptions. The shard that a group's name hashes to owns the group and alone picks who gets a message; sessions stay
// where they are and tell that shard what they can take.
#include <algorithm>
#include <utility>

#include <weir/base/log.hpp>
#include <weir/broker/broker.hpp>
#include <weir/broker/durable_records.hpp>

namespace weir::broker {

using model::Qos;
using model::Reason;

namespace {

/// How many members a message is offered to, one after the other. What all refuse at QoS 0 is refused because they are busy.
[[nodiscard]] std::uint8_t tries_of(Qos qos) noexcept {
    return qos == Qos::at_most_once ? 2 : 8;
}

}  // namespace

// --- On the member's shard -----------------------------------------------------------------------------------------

Membership& Broker::membership_of(Session& session, Subscription& subscription) {
    if (!session.memberships_) {
        session.memberships_ = std::make_unique<Memberships>(*this);
    }
    auto& all = session.memberships_->all;
    const std::uint32_t at = subscription.membership;
    return at < all.size() && all[at].subscription == &subscription
               ? all[at]
               : session.memberships_->add(subscription);
}

void Broker::join(Session& session, Subscription& subscription, PendingPtr pending) {
    Membership& membership = membership_of(session, subscription);
    membership.told = Session::standing(session.abilities(), membership);

    const auto& tenant = session.principal().tenant;
    const auto share_at = static_cast<std::uint32_t>(tenant.size() + 1);
    auto made = std::make_unique<Join>(Join{
        .key = SharedGroups::key_of(tenant, subscription.filter),
        .share_at = share_at,
        .filter_at = share_at + subscription.share_bytes,
        .session_id = session.id(),
        .standing = membership.told,
    });
    const unsigned owner = owner_of(
        tenant, subscription.filter, static_cast<unsigned>(shards_.brokers.size())
    );
    if (owner == shards_.self) {
        admit(std::move(made), std::move(pending));
        return;
    }
    shards_.peers->send(
        owner,
        runtime::Task{[&other = on(owner),
                       made = std::move(made),
                       pending = std::move(pending)]() mutable {
            other.admit(std::move(made), std::move(pending));
        }}
    );
}

void Broker::joined(const Join& join) {
    Session* const session = find(join.session_id);
    if (session == nullptr) {
        return;
    }
    const auto text = std::string_view{join.key}.substr(join.share_at);
    if (const Subscription* const subscription = session->subscriptions_.find(text)) {
        Membership& membership = session->memberships_->all[subscription->membership];
        session->memberships_->enter(membership, join.group);
        tell_standing(*session, session->abilities(), membership);
    }
}

void Broker::leave_group(Session& session, const Subscription& subscription) {
    session.memberships_->remove(subscription);
    const auto& tenant = session.principal().tenant;
    const unsigned owner = owner_of(
        tenant, subscription.filter, static_cast<unsigned>(shards_.brokers.size())
    );
    std::string key = SharedGroups::key_of(tenant, subscription.filter);
    if (owner == shards_.self) {
        dismiss(key, session.id());
        return;
    }
    shards_.peers->send(
        owner,
        runtime::Task{[&other = on(owner), key = std::move(key), id = session.id()] {
            other.dismiss(key, id);
        }}
    );
}

void Broker::tell_standing(Session& session) {
    if (!session.memberships_) {
        return;
    }
    Memberships& memberships = *session.memberships_;
    const Abilities now = session.abilities();
    if (memberships.told == now) {
        return;
    }
    memberships.told = now;
    for (Membership& membership : memberships.all) {
        tell_standing(session, now, membership);
    }
}

void Broker::tell_standing(
    const Session& session, const Abilities& abilities, Membership& membership
) {
    const GroupId group = membership.group;
    const Standing standing = Session::standing(abilities, membership);
    if (group == GroupId::none || standing == membership.told) {
        return;
    }
    membership.told = standing;
    const unsigned owner = shard_of(group);
    if (owner == shards_.self) {
        update_standing(group, session.id(), standing);
        return;
    }
    shards_.peers->send(
        owner,
        runtime::Task{[&other = on(owner), group, id = session.id(), standing] {
            other.update_standing(group, id, standing);
        }}
    );
}

void Broker::take(
    const model::MessagePtr& message, std::uint64_t member, GroupId group, const Slip& slip
) {
    Deposit deposit{journal_, slip.creditor()};
    deposit.next(*message, slip.id);
    if (Session* const session = find(member);
        session != nullptr && session->take(message, group, slip.attempts, deposit)) {
        settle(deposit);
        return;
    }
    const unsigned owner = shard_of(group);
    Slip left = slip;
    --left.tries;
    post(
        owner,
        runtime::Task{[&other = on(owner), message, member, group, left] {
            other.assign_again(group, message, member, left);
        }},
        message->qos()
    );
}

void Broker::hand_on(const Copy& copy, const Leaver& from) {
    const GroupId group = copy.group;
    const model::MessagePtr& message = copy.message;
    Deposit deposit{journal_, {.gathers = true}};
    deposit.next(*message);
    if (copy.sequence != 0) {
        deposit.batch.settle(from.stored, copy.sequence);
    }
    const unsigned owner = shard_of(group);
    const bool is_late = message->expired(context_.clock.wall());
    Slip slip;
    if (!is_late && owner != shards_.self) {
        slip = deposit.slip(receipts_, shards_.self);
    }
    slip.tries = tries_of(message->qos()) & 0xFU;
    slip.attempts = copy.attempts & 0xFU;
    if (is_late) {
        context_.metrics.lose(Reason::message_expired);
    } else if (owner == shards_.self) {
        assign(group, message, slip, from.session, deposit);
    } else {
        post(
            owner,
            runtime::Task{[&other = on(owner), group, message, session = from.session, slip] {
                other.assign_again(group, message, session, slip);
            }},
            message->qos()
        );
    }
    hand_over(deposit, {.session = from.session, .sequence = copy.sequence + 1});
}

std::size_t Broker::bequeath(Flow& left, const Leaver& from) {
    std::size_t lost = 0;
    left.for_each_unsettled([&](std::uint16_t /*id*/, Flow::InFlight& entry) {
        // At QoS 2 the peer may have it already: nobody else may get it then. [MQTT5-4.8.2-5]
        if (entry.copy.group != GroupId::none && entry.copy.qos == Qos::at_least_once) {
            context_.metrics.routed.add();
            entry.copy.count_attempt();
            hand_on(entry.copy, from);
        }
    });
    left.for_each_queued([&](const Copy& copy) {
        if (copy.group != GroupId::none && copy.message->qos() != Qos::at_most_once) {
            hand_on(copy, from);
        } else {
            context_.metrics.lose(Reason::session_ended);
            ++lost;
        }
    });
    context_.metrics.queued.add(-static_cast<std::int64_t>(left.queued()));
    return lost;
}

std::string Broker::name_of(const Session& session) {
    std::string name = session.principal().tenant;
    name += '\0';
    name += session.client_id();
    return name;
}

void Broker::after_ends(const Session& session, std::move_only_function<void()> work) {
    if (is_leaving(session)) {
        leaving_[name_of(session)].then.push_back(std::move(work));
    } else {
        after_handovers(std::move(work));
    }
}

void Broker::leave_rest(Left rest) {
    ++leaving_[rest.name].sessions;
    left_.push_back(std::move(rest));
    read_rest();
}

void Broker::read_rest() {
    if (left_.empty() || std::exchange(is_reading_rest_, true)) {
        return;
    }
    // The disk has what was handed on until then, and what other shards were still to store.
    after_handovers(Below::all_of(left_.front().from.session), [this] {
        const Left& left = left_.front();
        journal_.read_queue(
            left.from.stored,
            left.next,
            {.records = Lasting::kHeadMessages, .bytes = Lasting::kHeadBytes},
            [this](const Result<std::vector<storage::QueuedMessage>>& page) { take_rest(page); }
        );
    });
}

void Broker::take_rest(const Result<std::vector<storage::QueuedMessage>>& page) {
    is_reading_rest_ = false;
    if (!page && page.error() == storage::errc::stopped) {
        return;  // The next start finds it.
    }
    Left left = std::move(left_.front());
    left_.pop_front();
    if (!page) {
        log::error(
            "queue_unreadable", {{"device", left.device}, {"error", page.error().message()}}
        );
        end_rest(left, Reason::session_ended);
    } else {
        for (const storage::QueuedMessage& stored : *page) {
            hand_on_rest(left, stored);
        }
        if (page->empty() || left.next >= left.to) {
            end_rest(left, Reason::storage_failed);
        } else {
            left_.push_back(std::move(left));  // Others have their turn.
        }
    }
    read_rest();
}

void Broker::hand_on_rest(Left& left, const storage::QueuedMessage& stored) {
    const storage::QueueEntry& entry = stored.entry;
    const bool waits = entry.state == storage::EntryState::queued;
    const auto group = left.groups.find(entry.share);
    const bool is_of_group = group != left.groups.end() && group->second != GroupId::none;
    left.next = stored.sequence + 1;
    if (waits && left.waiting > 0) {
        --left.waiting;
        context_.metrics.queued.add(-1);
    } else if (waits) {  // It counts as delivered.
        context_.metrics.routed.add();
    }
    if (!is_of_group && waits) {
        context_.metrics.lose(Reason::session_ended);
        ++left.lost;
    }
    // As in bequeath().
    const bool is_sent = entry.state == storage::EntryState::sent &&
                         static_cast<Qos>(entry.qos) == Qos::at_least_once;
    if (!is_of_group || !(waits || is_sent)) {
        return;
    }
    Copy copy{
        .message = message_of(stored.message),
        .qos = static_cast<Qos>(entry.qos),
        .group = group->second,
        .sequence = stored.sequence,
    };
    if (is_sent) {
        context_.metrics.routed.add();
        copy.count_attempt();
    }
    hand_on(copy, left.from);
}

void Broker::end_rest(const Left& left, Reason reason) {
    // After a refused batch there may be less than was counted.
    context_.metrics.queued.add(-static_cast<std::int64_t>(left.waiting));
    context_.metrics.lose(reason, left.waiting);
    if (left.lost + left.waiting > 0) {
        record_ended({left.device, left.is_claim});
    }
    const Below all = Below::all_of(left.from.session);
    after_handovers(all, [this, stored = left.from.stored, name = left.name] {
        journal_.open().drop_session(stored);
        const auto leaving = leaving_.find(name);
        if (--leaving->second.sessions > 0) {
            return;
        }
        std::vector<std::move_only_function<void()>> then = std::move(leaving->second.then);
        leaving_.erase(leaving);
        for (auto& work : then) {
            work();
        }
    });
}

// --- On the group's shard ------------------------------------------------------------------------------------------

void Broker::admit(std::unique_ptr<Join> join, PendingPtr pending) {
    std::vector<std::string> news;
    SharedGroup* group = groups_.find(join->key);
    if (group == nullptr) {
        group = &groups_.make(join->key, join->key.substr(join->filter_at));
        if (interest_.add(*group)) {
            news.push_back(group->filter());
        }
    }
    group->put(join->session_id, join->standing);
    join->group = group->id();

    // The session learns of its group before the group gives it anything, and hears that it is complete when a publish on
    // any shard finds the group.
    const unsigned home = shard_of(join->session_id);
    if (home == shards_.self) {
        joined(*join);
        announce(std::move(news), [this, pending = std::move(pending)] { finish(*pending); });
        return;
    }
    Broker& member = on(home);
    shards_.peers->send(home, runtime::Task{[&member, join = std::move(join)] {
                            member.joined(*join);
                        }});
    announce(std::move(news), [this, home, &member, pending = std::move(pending)]() mutable {
        shards_.peers->send(home, runtime::Task{[&member, pending = std::move(pending)] {
                                member.finish(*pending);
                            }});
    });
}

void Broker::dismiss(std::string_view key, std::uint64_t session_id) {
    SharedGroup* const group = groups_.find(key);
    if (group == nullptr || !group->remove(session_id) || group->size() > 0) {
        return;
    }
    if (interest_.remove(*group)) {
        withdraw(group->filter());
    }
    groups_.erase(*group);
}

void Broker::update_standing(GroupId group, std::uint64_t session_id, Standing standing) {
    if (SharedGroup* const found = groups_.find(group)) {
        found->update(session_id, standing);
    }
}

std::size_t Broker::offer_to_groups(const model::MessagePtr& message, Deposit& deposit) {
    matched_groups_.clear();
    interest_.match_groups(message->topic(), [this](SharedGroup& group) {
        matched_groups_.push_back(&group);
    });
    Slip slip;
    slip.tries = tries_of(message->qos()) & 0xFU;
    for (SharedGroup* const group : matched_groups_) {
        context_.metrics.routed.add();
        assign(*group, message, slip, 0, deposit);
    }
    return matched_groups_.size();
}

void Broker::assign(
    SharedGroup& group,
    const model::MessagePtr& message,
    Slip slip,
    std::uint64_t avoid,
    Deposit& deposit
) {
    if (message->expires().count() != 0 && message->expired(context_.clock.wall())) {
        context_.metrics.lose(Reason::message_expired);
        return;
    }
    for (; slip.tries > 0; --slip.tries) {
        const std::uint64_t member = group.next(message->qos(), avoid);
        if (member == 0) {
            break;
        }
        if (const unsigned home = shard_of(member); home != shards_.self) {
            Slip sent = deposit.slip(receipts_, shards_.self);
            sent.tries = slip.tries;
            sent.attempts = slip.attempts;
            post(
                home,
                runtime::Task{[&other = on(home), message, member, id = group.id(), sent] {
                    other.take(message, member, id, sent);
                }},
                message->qos()
            );
            return;
        }
        if (Session* const session = find(member);
            session != nullptr && session->take(message, group.id(), slip.attempts, deposit)) {
            return;
        }
        avoid = member;
    }
    context_.metrics.lose(Reason::shared_no_member);
}

void Broker::assign(
    GroupId group,
    const model::MessagePtr& message,
    const Slip& slip,
    std::uint64_t avoid,
    Deposit& deposit
) {
    if (SharedGroup* const found = groups_.find(group)) {
        assign(*found, message, slip, avoid, deposit);
    } else {
        context_.metrics.lose(Reason::shared_no_member);
    }
}

void Broker::assign_again(
    GroupId group, const model::MessagePtr& message, std::uint64_t avoid, const Slip& slip
) {
    Deposit deposit{journal_, slip.creditor()};
    deposit.next(*message, slip.id);
    assign(group, message, slip, avoid, deposit);
    settle(deposit);
}

}  // namespace weir::broker
