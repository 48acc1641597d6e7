// How sessions begin, are handed over and end, and what time does to them.
#include <algorithm>
#include <set>
#include <utility>

#include <weir/broker/broker.hpp>

namespace weir::broker {

using model::Action;
using model::Reason;

namespace {

/// Whose turn is when.
using Times = std::set<std::pair<std::int64_t, std::uint64_t>>;

/// @param noted  The session's own copy of its time in `times`; 0: it is not there.
void note(Times& times, SteadyTime& noted, SteadyTime due, std::uint64_t session) {
    noted = std::max(due, SteadyTime{1});  // It may be long ago: before this machine started.
    times.emplace(noted.count(), session);
}

void forget(Times& times, SteadyTime& noted, std::uint64_t session) {
    if (const SteadyTime due = std::exchange(noted, SteadyTime{0}); due.count() != 0) {
        times.erase(std::pair{due.count(), session});
    }
}

/// Queues of a shard that are looked at for what is too old, each a page: the reads of others come first.
constexpr int kAgeLooksPerSecond = 64;

}  // namespace

ConnectResult Broker::connect(ConnectRequest request) {
    const auto found = sessions_.find(Key{request.principal->tenant, request.client_id});
    Session* session = found == sessions_.end() ? nullptr : found->get();
    if (session != nullptr && !session->online() && session->lasting_->ends <= context_.clock.steady()) {
        end(*session);  // Over, though nobody has looked since.
        session = nullptr;
    }
    if (session != nullptr && !session->principal().same_identity(*request.principal)) {
        return {.verdict = {Reason::client_id_conflict}};
    }
    if (session != nullptr && session->online()) {
        std::exchange(session->subscriber_, nullptr)->end(Reason::taken_over);
        context_.metrics.refuse(Reason::taken_over);
        context_.decisions.record(
            session->who(),
            Action::disconnect,
            Reason::taken_over,
            context_.clock.wall(),
            session->client_id(),
            nullptr,
            {.detail = "the address is the newcomer's", .peer = request.peer}
        );
        if (session->expiry().count() == 0 || request.clean_start ||
            (session->will_ && session->will_->delay.count() == 0)) {
            fire_will(*session);
        } else if (session->will_ && session->lasting_->connect == ConnectState::stored) {
            session->lasting_->will_fires = context_.clock.steady() + session->will_->delay;
        }
    }
    // A session that was to end with its connection ends with it also when another connection comes. [MQTT5-3.1.4-3]
    bool drops_other = false;
    if (session != nullptr && (request.clean_start || session->expiry().count() == 0)) {
        drops_other = session->lasting_ != nullptr || !session->is_answered_;
        end(*session);
        session = nullptr;
    }
    if (session == nullptr && request.expiry.count() != 0 && sessions_.size() >= sessions_max_) {
        return {.verdict = {Reason::sessions_limit}};
    }
    const bool present = session != nullptr;
    if (!present) {
        auto made = std::make_unique<Session>(
            context_, next_session_++, std::move(request.client_id), std::move(request.principal)
        );
        session = made.get();
        by_id_.insert(session);
        sessions_.insert(std::move(made));
        context_.metrics.sessions.add(1);
    } else {
        session->principal_ = std::move(request.principal);
    }
    session->policy_name_ = request.policy_name.empty()
                                ? nullptr
                                : std::make_unique<const std::string>(std::move(request.policy_name));
    session->policies_ = std::move(request.policies);
    session->window_ = Session::kWindowMax & static_cast<std::uint32_t>(std::min<std::uint64_t>(
        {request.window, request.limits->in_flight, Session::kWindowMax}
    ));
    session->limits_ = std::move(request.limits);
    session->subscriber_ = request.subscriber;
    session->is_answered_ = false;
    if (request.expiry.count() != 0 && !session->lasting_) {
        session->lasting_ = std::make_unique<Lasting>(*this, journal_, journal_.new_session_id());
    }
    const auto expiry = session->expiry();
    if (session->lasting_) {
        session->lasting_->expiry = request.expiry;
        ++session->lasting_->life;
        forget_end(*session);
        forget_age(*session);
    }
    context_.metrics.connects.add();
    ConnectResult result{.verdict = {}, .session = session, .session_present = present};
    result.is_pending = store_connected(
        *session, std::move(request.will), expiry, std::move(request.done), drops_other
    );
    session->is_answered_ = !result.is_pending;
    return result;
}

void Broker::disconnect(Session& session, const Subscriber& subscriber, bool publish_will) {
    if (session.subscriber_ != &subscriber) {
        return;
    }
    session.subscriber_ = nullptr;
    // Else what there is, is of an earlier connection.
    const bool is_own_will = !session.lasting_ || session.lasting_->connect == ConnectState::stored;
    if (!is_own_will) {
        session.lasting_->is_will_wanted = publish_will;
    } else if (!publish_will) {
        session.will_.reset();
    }
    if (session.expiry().count() == 0) {
        end(session);
        return;
    }
    const SteadyTime now = context_.clock.steady();
    session.lasting_->ends = now + session.expiry();
    store_disconnected(session);
    if (session.will_ && is_own_will) {
        session.lasting_->will_fires = now + session.will_->delay;
        if (session.will_->delay.count() == 0) {
            fire_will(session);
        }
    }
    schedule(session);
    session.plan_age();
    tell_standing(session);
}

bool Broker::kick(Session& session) {
    Subscriber* const subscriber = session.subscriber_;
    if (subscriber == nullptr) {
        return false;
    }
    context_.metrics.refuse(Reason::administrative);
    context_.decisions.record(
        session.who(), Action::disconnect, Reason::administrative, context_.clock.wall()
    );
    subscriber->end(Reason::administrative);
    disconnect(session, *subscriber, true);
    return true;
}

void Broker::end(Session& session) {
    fire_will(session);
    if (session.subscriber_ != nullptr) {
        std::exchange(session.subscriber_, nullptr)->end(Reason::administrative);
    }
    std::optional<Left> rest;
    if (session.has_more_to_leave()) {
        rest = Left{
            .name = name_of(session),
            .from = {.session = session.id(), .stored = session.stored_id()},
            .device = session.device(),
            .is_claim = session.who().is_claim,
            .next = session.lasting_->unread.from,
            .to = session.lasting_->unread.to,
            .waiting = session.lasting_->unread.waiting(),
        };
        for (const auto& [share, subscription] : session.memberships_->by_share) {
            rest->groups.emplace(share, session.memberships_->group_of(share));
        }
    }
    forget_subscriptions(session);
    const std::uint64_t id = session.id();
    const std::unique_ptr<Flow> left = std::move(session.flow_);
    if (session.lasting_) {
        forget_end(session);
        forget_age(session);
        const auto unread =
            rest ? 0 : static_cast<std::int64_t>(session.lasting_->unread.waiting());
        if (unread > 0) {
            context_.metrics.lose(Reason::session_ended, static_cast<std::uint64_t>(unread));
            record_ended(session.who());
        }
        context_.metrics.queued.add(-unread);
        std::vector<std::uint64_t>& held = session.lasting_->held;
        if (session.inbound_ids_) {
            held.insert(held.begin(), session.inbound_ids_->gathering, 0);
        }
        if (!held.empty()) {
            held_of_ended_.emplace(id, std::move(held));
        }
    }
    const storage::SessionId stored = session.stored_id();
    by_id_.erase(id);
    context_.metrics.sessions.add(-1);
    const std::string device = session.device();
    const bool is_claim = session.who().is_claim;
    if (const auto known = sessions_.find(Key{session.principal().tenant, session.client_id()});
        known != sessions_.end() && known->get() == &session) {
        sessions_.erase(known);
    } else {
        std::erase_if(replaced_, [&](const auto& each) { return each.get() == &session; });
    }
    if (left && bequeath(*left, {.session = id, .stored = stored}) > 0) {
        record_ended({device, is_claim});
    }
    if (rest) {
        leave_rest(std::move(*rest));
    } else if (stored != storage::SessionId{}) {  // Until the others have what they got of it, it comes back after a crash.
        after_handovers(
            Below::all_of(id),
            [this, stored] { journal_.open().drop_session(stored); }
        );
    }
}

void Broker::record_ended(const why::Who& who) {
    context_.decisions.record(
        who, Action::deliver, Reason::session_ended, context_.clock.wall()
    );
}

void Broker::fire_will(Session& session) {
    if (const auto will = std::exchange(session.will_, nullptr);
        will && will_publisher_ != nullptr && !will_publisher_->publish_will(session, *will) &&
        session.lasting_) {
        journal_.open().erase_will(session.lasting_->id);
    }
}

void Broker::schedule(Session& session) {
    SteadyTime next = session.lasting_->ends;
    if (session.will_ && session.lasting_->connect != ConnectState::storing) {
        next = std::min(next, session.lasting_->will_fires);
    }
    note(timetable_, session.lasting_->due, next, session.id());
}

void Broker::forget_end(Session& session) {
    forget(timetable_, session.lasting_->due, session.id());
}

void Broker::advance() {
    const SteadyTime now = context_.clock.steady();
    while (!timetable_.empty() && timetable_.begin()->first <= now.count()) {
        Session& session = *find(timetable_.begin()->second);
        forget_end(session);
        if (session.will_ && session.lasting_->connect != ConnectState::storing &&
            session.lasting_->will_fires <= now) {
            fire_will(session);
        }
        if (session.lasting_->ends <= now) {
            end(session);
        } else {
            schedule(session);
        }
    }
    sweep_ages();
    sweep_retained();
}

void Broker::plan_age(Session& session, std::chrono::milliseconds delay) {
    const SteadyTime due = context_.clock.steady() + delay;
    SteadyTime& ages = session.lasting_->ages;
    if (ages.count() != 0 && ages <= due) {
        return;
    }
    forget_age(session);
    note(ages_, ages, due, session.id());
}

void Broker::forget_age(Session& session) {
    forget(ages_, session.lasting_->ages, session.id());
}

void Broker::sweep_ages() {
    const SteadyTime now = context_.clock.steady();
    for (int i = 0; i < kAgeLooksPerSecond && !ages_.empty() && ages_.begin()->first <= now.count();
         ++i) {
        Session& session = *find(ages_.begin()->second);
        forget_age(session);
        session.drop_aged();
    }
}

}  // namespace weir::broker
