#include <weir/broker/broker.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <utility>

#include <weir/base/assert.hpp>
#include <weir/base/topic.hpp>

namespace weir::broker {

using model::Action;
using model::Qos;
using model::Reason;

namespace {

/// Whose turn is when.
using Times = std::set<std::pair<std::int64_t, std::uint64_t>>;

/// @param noted  The session's own copy of its time in `times`; 0: it is not there.
void note(Times& times, SteadyTime& noted, SteadyTime due, std::uint64_t session) {
    noted = due;
    times.emplace(due.count(), session);
}

void forget(Times& times, SteadyTime& noted, std::uint64_t session) {
    if (const SteadyTime due = std::exchange(noted, SteadyTime{0}); due.count() != 0) {
        times.erase(std::pair{due.count(), session});
    }
}

constexpr unsigned kSlots = 4'096;
/// Queues of a shard that are looked at for what is too old, each a page: the reads of others come first.
constexpr int kAgeLooksPerSecond = 64;
/// When to look again at a session that is to end and has more to leave.
constexpr std::chrono::milliseconds kEndAgain{1'000};

/// As far as policies can tell. @param after  The same identity.
[[nodiscard]] bool has_same_rights(
    const model::Principal& before, const model::Principal& after
) noexcept {
    return before.thing_type == after.thing_type && before.groups == after.groups &&
           before.attributes == after.attributes && before.policies == after.policies &&
           before.method == after.method;
}

[[nodiscard]] std::uint32_t share_bytes(std::string_view group) noexcept {
    return static_cast<std::uint32_t>(std::string_view{"$share/"}.size() + group.size() + 1);
}

}  // namespace

Broker::Broker(
    Context& context,
    Journal& journal,
    Shards shards,
    std::uint64_t retained_messages_max,
    std::uint64_t sessions_max
)
    : context_{context},
      journal_{journal},
      shards_{shards},
      groups_{shards.self},
      sessions_max_{sessions_max},
      retained_{retained_messages_max, &journal.budgets()},
      looks_left_{RetainedStore::kPageLooks},
      next_session_{(std::uint64_t{shards.self} << 48U) + 1} {
    WEIR_ASSERT(shards.brokers.size() <= kShardsMax);
    journal.bind(*this);
}

Broker::~Broker() = default;

unsigned Broker::owner_of(
    std::string_view tenant, std::string_view client_id, unsigned shards
) noexcept {
    if (shards == 1) {
        return 0;
    }
    std::array<char, 512> joined;
    const std::size_t size = std::min(joined.size(), tenant.size() + 1 + client_id.size());
    for (std::size_t i = 0; i < size; ++i) {
        joined[i] = i < tenant.size()
                        ? tenant[i]
                        : (i == tenant.size() ? '\0' : client_id[i - tenant.size() - 1]);
    }
    return static_cast<unsigned>((hash_stable({joined.data(), size}) % kSlots) % shards);
}

template <class Work>
void Broker::on_every_other(Work&& work) {
    for (unsigned shard = 0; shard < shards_.brokers.size(); ++shard) {
        if (shard != shards_.self) {
            shards_.peers->send(shard, work(on(shard)));
        }
    }
}

template <class Work>
void Broker::ask_every_other(Work work, std::move_only_function<void()> done) {
    struct Asked {
        const Work work;
        std::move_only_function<void()> done;  // Called and destroyed here.
        std::size_t left;
    };
    const auto asked =
        std::make_shared<Asked>(std::move(work), std::move(done), shards_.brokers.size() - 1);
    on_every_other([&](Broker& other) {
        return runtime::Task{[self = shards_.self, &other, asked]() mutable {
            asked->work(other);
            other.shards_.peers->send(self, runtime::Task{[asked = std::move(asked)] {
                                          if (--asked->left == 0) {
                                              asked->done();
                                          }
                                      }});
        }};
    });
}

void Broker::after_mail(std::move_only_function<void()> done) {
    ask_every_other([](Broker& /*other*/) {}, std::move(done));
}

Session* Broker::find(std::uint64_t session_id) noexcept {
    const auto found = by_id_.find(session_id);
    return found == by_id_.end() ? nullptr : *found;
}

// --- Connections ---------------------------------------------------------------------------------------------------

ConnectResult Broker::connect(ConnectRequest request) {
    const auto found = sessions_.find(Key{request.principal->tenant, request.client_id});
    Session* session = found == sessions_.end() ? nullptr : found->get();
    if (session != nullptr && !session->principal().same_identity(*request.principal)) {
        return {.verdict = {Reason::client_id_conflict}};
    }
    if (session != nullptr && !session->online() && session->lasting_->ends <= context_.clock.steady()) {
        end(*session);  // Over, though nobody has looked since.
        session = nullptr;
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
        }
    }
    // A session that was to end with its connection ends with it also when another connection comes. [MQTT5-3.1.4-3]
    bool drops_other = false;
    if (session != nullptr && (request.clean_start || session->expiry().count() == 0)) {
        drops_other = session->lasting_ != nullptr;
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
    session->will_ = std::move(request.will);
    session->is_answered_ = false;
    if (request.expiry.count() != 0 && !session->lasting_) {
        session->lasting_ = std::make_unique<Lasting>(*this, journal_, journal_.new_session_id());
    }
    if (session->lasting_) {
        session->lasting_->expiry = request.expiry;
        ++session->lasting_->life;
        forget_end(*session);
        forget_age(*session);
    }
    context_.metrics.connects.add();
    ConnectResult result{.verdict = {}, .session = session, .session_present = present};
    result.is_pending = store_connected(*session, std::move(request.done), drops_other);
    session->is_answered_ = !result.is_pending;
    return result;
}

void Broker::disconnect(Session& session, const Subscriber& subscriber, bool publish_will) {
    if (session.subscriber_ != &subscriber) {
        return;
    }
    session.subscriber_ = nullptr;
    if (!publish_will) {
        session.will_.reset();
    }
    if (session.expiry().count() == 0) {
        end(session);
        return;
    }
    const SteadyTime now = context_.clock.steady();
    session.lasting_->ends = now + session.expiry();
    store_disconnected(session);
    if (session.will_) {
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
    forget_subscriptions(session);
    const std::uint64_t id = session.id();
    const std::unique_ptr<Flow> left = std::move(session.flow_);
    if (session.lasting_) {
        forget_end(session);
        forget_age(session);
        const auto unread = static_cast<std::int64_t>(session.lasting_->unread.waiting());
        if (unread > 0) {
            context_.metrics.lose(Reason::session_ended, static_cast<std::uint64_t>(unread));
            record_ended(session.who());
        }
        context_.metrics.queued.add(-unread);
    }
    const storage::SessionId stored = session.stored_id();
    by_id_.erase(id);
    context_.metrics.sessions.add(-1);
    const std::string device = session.device();
    const bool is_claim = session.who().is_claim;
    sessions_.erase(sessions_.find(Key{session.principal().tenant, session.client_id()}));
    if (left && bequeath(*left, id) > 0) {
        record_ended({device, is_claim});
    }
    if (stored != storage::SessionId{}) {  // After what others got of it: rather twice than not at all.
        journal_.open().drop_session(stored);
    }
}

void Broker::record_ended(const why::Who& who) {
    context_.decisions.record(
        who, Action::deliver, Reason::session_ended, context_.clock.wall()
    );
}

void Broker::fire_will(Session& session) {
    if (const auto will = std::exchange(session.will_, nullptr);
        will && will_publisher_ != nullptr) {
        will_publisher_->publish_will(session, *will);
        if (session.lasting_) {
            journal_.open().erase_will(session.lasting_->id);
        }
    }
}

void Broker::schedule(Session& session) {
    SteadyTime next = session.lasting_->ends;
    if (session.will_) {
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
        if (session.will_ && session.lasting_->will_fires <= now) {
            fire_will(session);
        }
        if (session.lasting_->ends <= now && session.has_more_to_leave()) {
            session.read_queue();
            note(timetable_, session.lasting_->due, now + kEndAgain, session.id());
        } else if (session.lasting_->ends <= now) {
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

// --- Subscriptions -------------------------------------------------------------------------------------------------

void Broker::subscribe(
    Session& session,
    std::span<const SubscribeRequest> requests,
    std::move_only_function<void(bool stored)> done
) {
    std::vector<std::string> news;
    std::vector<Subscription*> shared;
    std::vector<RetainedReads::Ticket> wanted;
    std::vector<Change> changes;
    for (const SubscribeRequest& request : requests) {
        Subscription* const known = session.subscriptions_.find(request.filter);
        const bool existed = known != nullptr;
        std::optional<SubscriptionOptions> before;
        if (existed) {
            before = std::exchange(known->options, request.options);
        } else {
            context_.metrics.subscriptions.add(1);
        }
        Subscription& subscription =
            existed ? *known
                    : session.subscriptions_.insert(std::make_unique<Subscription>(
                          &session, std::string{request.filter}, request.options
                      ));
        if (session.lasting_) {
            note_unstored(subscription, before);
            changes.push_back({&subscription, request.options});
        }
        if (!request.group.empty()) {
            subscription.share_bytes = share_bytes(request.group);
            shared.push_back(&subscription);
            continue;
        }
        if (!existed && interest_.add(subscription) && !alone()) {
            news.push_back(subscription.filter);
        }
        const auto handling = request.options.retain_handling;
        if (handling == RetainHandling::send ||
            (handling == RetainHandling::send_if_new && !existed)) {
            wanted.push_back(reads_.ask(subscription));
        }
    }
    const auto pending = std::make_shared<Pending>(
        1 + shared.size(), session.id(), std::move(wanted), std::move(done)
    );
    if (!changes.empty()) {
        store_subscriptions(session, std::move(changes), pending);
    }
    for (Subscription* const subscription : shared) {
        join(session, *subscription, pending);
    }
    announce(std::move(news), [this, pending] { finish(*pending); });
}

void Broker::finish(Pending& pending) {
    if (--pending.left > 0) {
        return;
    }
    if (find(pending.session_id) == nullptr) {
        return;
    }
    pending.done(pending.stored);
    for (const auto& ticket : pending.wanted) {
        if (!pending.stored) {
            reads_.drop(ticket);
        } else if (reads_.start(ticket)) {
            begin_read(ticket.read);
        }
    }
    read_on();
}

void Broker::announce(std::vector<std::string> filters, std::move_only_function<void()> known) {
    if (alone() || (filters.empty() && unconfirmed_ == 0)) {
        known();
        return;
    }
    ++unconfirmed_;
    const auto told = std::make_shared<const std::vector<std::string>>(std::move(filters));
    ask_every_other(
        [told, self = shards_.self](Broker& other) {
            for (const auto& filter : *told) {
                other.interest_.add_remote(filter, self);
            }
        },
        [this, known = std::move(known)]() mutable {
            --unconfirmed_;
            known();
        }
    );
}

void Broker::withdraw(const std::string& filter) {
    if (alone()) {
        return;
    }
    const auto told = std::make_shared<const std::string>(filter);
    on_every_other([&](Broker& other) {
        return runtime::Task{[&other, told, self = shards_.self] {
            other.interest_.remove_remote(*told, self);
        }};
    });
}

bool Broker::unsubscribe(Session& session, std::string_view filter) {
    const std::unique_ptr<Subscription> removed = session.subscriptions_.take(filter);
    if (!removed) {
        return false;
    }
    leave(session, *removed);
    return true;
}

void Broker::leave(Session& session, Subscription& subscription) {
    if (session.lasting_) {
        unstored_.erase(&subscription);
        journal_.open().erase_subscription(session.lasting_->id, subscription.filter);
    }
    context_.metrics.subscriptions.add(-1);
    if (subscription.is_shared()) {
        leave_group(session, subscription);
        return;
    }
    if (interest_.remove(subscription)) {
        withdraw(subscription.filter);
    }
    reads_.forget(subscription);
}

void Broker::forget_subscriptions(Session& session) {
    const Subscriptions left = std::exchange(session.subscriptions_, {});
    left.for_each([&](Subscription& subscription) { leave(session, subscription); });
}

// --- Messages ------------------------------------------------------------------------------------------------------

bool Broker::fan_out(const model::MessagePtr& message, Deposit& deposit) {
    bool wanted = offer_here(message, deposit) > 0;
    if (alone()) {
        return wanted;
    }
    for (ShardMask mask = interest_.remote(message->topic()); mask != 0; mask &= mask - 1) {
        const auto shard = static_cast<unsigned>(std::countr_zero(mask));
        wanted = true;
        post(
            shard,
            runtime::Task{[&other = on(shard),
                           message,
                           slip = deposit.slip(receipts_, shards_.self)] {
                other.offer_from(message, slip);
            }},
            message->qos()
        );
    }
    return wanted;
}

void Broker::post(unsigned shard, runtime::Task task, Qos qos) {
    if (shards_.peers->try_send(shard, task)) {
        return;
    }
    if (qos == Qos::at_most_once) {
        context_.metrics.lose(Reason::mailbox_full);
    } else {
        shards_.peers->send(shard, std::move(task));
    }
}

std::size_t Broker::offer_here(const model::MessagePtr& message, Deposit& deposit) {
    const std::uint64_t fan_out = ++fan_outs_;
    std::size_t used = 0;
    interest_.match(message->topic(), [&](Subscription& subscription) {
        Session& session = *subscription.session;
        const SubscriptionOptions& options = subscription.options;
        if (options.no_local && message->publisher_session() == session.id()) {
            return;
        }
        if (subscription.read != 0 && message->retain() && !reads_.meet(subscription, message)) {
            return;
        }
        // One copy per session, at the highest QoS that its matching subscriptions have. [MQTT5-3.3.4-2]
        if (session.fan_out_ != fan_out) {
            session.fan_out_ = fan_out;
            session.target_ = static_cast<std::uint32_t>(used);
            if (used == targets_.size()) {
                targets_.emplace_back();
            }
            Target& fresh = targets_[used++];
            fresh.session = &session;
            fresh.qos = Qos::at_most_once;
            fresh.retain = false;
            fresh.subscription_ids.clear();
        }
        Target& target = targets_[session.target_];
        target.qos = std::max(target.qos, options.qos);
        target.retain = target.retain || (options.retain_as_published && message->retain());
        if (options.id != 0) {
            target.subscription_ids.push_back(options.id);
        }
    });
    for (std::size_t i = 0; i < used; ++i) {
        const Target& target = targets_[i];
        target.session->offer(
            message,
            std::min(target.qos, message->qos()),
            target.retain,
            target.subscription_ids,
            deposit
        );
    }
    return interest_.has_groups() ? used + offer_to_groups(message, deposit) : used;
}

// --- Changes of rights ---------------------------------------------------------------------------------------------

bool Broker::review(Session& session) {
    session.policies_ = policy_set_->bundle_for(session.principal());
    if (!session.policies_->connect(session.subject()).accepted()) {
        return false;
    }
    std::vector<std::string> withdrawn;
    session.subscriptions_.for_each([&](const Subscription& subscription) {
        const auto verdict = session.policies_->subscribe(session.subject(), subscription.filter);
        if (!verdict.accepted()) {
            withdrawn.push_back(subscription.filter);
            context_.metrics.refuse(verdict.reason);
            context_.decisions.record(
                session.who(),
                Action::subscribe,
                verdict.reason,
                context_.clock.wall(),
                subscription.filter,
                verdict.source
            );
        }
    });
    for (const auto& filter : withdrawn) {
        unsubscribe(session, filter);
    }
    return true;
}

bool Broker::renew(Session& session, model::PrincipalPtr principal) {
    const model::PrincipalPtr before = std::exchange(session.principal_, std::move(principal));
    // A client may do this again and again: looking at all of its subscriptions each time would be dear.
    if (has_same_rights(*before, *session.principal_) || review(session)) {
        return true;
    }
    expel(session, Reason::policy_changed);
    return false;
}

void Broker::expel(Session& session, Reason reason) {
    context_.metrics.refuse(reason);
    context_.decisions.record(session.who(), Action::connect, reason, context_.clock.wall());
    if (session.subscriber_ != nullptr) {
        std::exchange(session.subscriber_, nullptr)->end(reason);
    }
    end(session);
}

std::size_t Broker::apply_policies(const std::shared_ptr<const policy::PolicySet>& policies) {
    policy_set_ = policies;
    std::vector<Session*> refused;
    for (const auto& session : sessions_) {
        if (!review(*session)) {
            refused.push_back(session.get());
        }
    }
    for (Session* const session : refused) {
        expel(*session, Reason::policy_changed);
    }
    return refused.size();
}

void Broker::apply_principals(
    const std::function<Refreshed(const model::PrincipalPtr&)>& refresh
) {
    std::vector<std::pair<Session*, Reason>> refused;
    for (const auto& session : sessions_) {
        auto now = refresh(session->principal_);
        if (now.principal == nullptr) {
            refused.emplace_back(session.get(), now.reason);
        } else if (now.principal != session->principal_) {
            session->principal_ = std::move(now.principal);
            if (!review(*session)) {
                refused.emplace_back(session.get(), Reason::policy_changed);
            }
        }
    }
    for (const auto& [session, reason] : refused) {
        expel(*session, reason);
    }
}

}  // namespace weir::broker
