#include <weir/broker/broker.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include <weir/base/assert.hpp>
#include <weir/base/topic.hpp>

namespace weir::broker {

using model::Action;
using model::Qos;
using model::Reason;

namespace {

constexpr unsigned kSlots = 4'096;

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
    if (session.lasting_) {  // One that is not there may be on disk, if an earlier removal was refused.
        journal_.open().erase_subscription(session.lasting_->id, filter);
    }
    if (!removed) {
        return false;
    }
    leave(session, *removed);
    return true;
}

void Broker::leave(Session& session, Subscription& subscription) {
    unstored_.erase(&subscription);
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
