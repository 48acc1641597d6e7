// What the broker stores, and who is told when it is stored.
#include <algorithm>
#include <utility>

#include <weir/broker/broker.hpp>
#include <weir/broker/durable_records.hpp>

namespace weir::broker {

using model::Reason;

namespace {

/// Of what no device published.
constexpr std::string_view kTenant = "default";

[[nodiscard]] storage::SubscriptionRecord record_of(const SubscriptionOptions& options) noexcept {
    return {
        .qos = static_cast<std::uint8_t>(options.qos),
        .no_local = options.no_local,
        .retain_as_published = options.retain_as_published,
        .retain_handling = static_cast<std::uint8_t>(options.retain_handling),
        .id = options.id,
    };
}

[[nodiscard]] std::uint32_t seconds_of(std::chrono::milliseconds expiry) noexcept {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(expiry).count();
    return static_cast<std::uint32_t>(
        std::clamp<std::int64_t>(seconds, 0, storage::SessionRecord::kNeverExpires)
    );
}

/// True if the batch puts the message into queues.
[[nodiscard]] bool has_copies(const Journal::Commit& commit) noexcept {
    const auto has = [](const std::vector<JournalEntry>& entries) {
        return std::ranges::any_of(entries, [](const JournalEntry& entry) {
            return entry.kind != JournalEntry::Kind::inbound;
        });
    };
    return has(commit.entries) || std::ranges::any_of(commit.parts, [&](const Gathered::Part& part) {
               return has(part.entries);
           });
}

/// Of what a rule republished too.
[[nodiscard]] std::string_view tenant_of(const Retained& retained) noexcept {
    return retained.publisher ? std::string_view{retained.publisher->tenant} : kTenant;
}

}  // namespace

// --- Messages ------------------------------------------------------------------------------------------------------

bool Broker::commit(Deposit& deposit) {
    if (deposit.batch.empty() && deposit.receipt() == 0) {
        return false;
    }
    if (deposit.creditor().gathers && !deposit.creditor().is_told()) {
        hand_over(deposit, {});
        return false;
    }
    settle(deposit);
    return deposit.creditor().is_told();
}

void Broker::settle(Deposit& deposit) {
    const Creditor& creditor = deposit.creditor();
    if (creditor.gathers && (creditor.is_told() || deposit.receipt() != 0)) {
        hold(deposit);  // On one shard too: what is refused must not have been handed on.
    } else if (!deposit.batch.empty()) {
        journal_.submit(
            std::exchange(deposit.batch, {}),
            {.entries = std::exchange(deposit.entries, {}),
             .receipt = deposit.receipt(),
             .creditor = deposit.creditor(),
             .done = std::exchange(deposit.done, {}),
             .is_message = true}
        );
    } else if (deposit.receipt() != 0) {
        give_back(deposit.receipt(), true);
    } else {
        tell(deposit.creditor(), true);
    }
}

void Broker::on_commit(Journal::Commit& commit, bool stored) {
    if (!stored && commit.is_message && !has_copies(commit)) {
        context_.metrics.lose(Reason::storage_failed);  // Else each copy counts.
    }
    for (const JournalEntry& entry : commit.entries) {
        if (Session* const session = find(entry.session)) {
            session->committed(entry, stored);
        }
    }
    const bool comes_again = !stored && commit.creditor.is_told();
    for (Gathered::Part& part : commit.parts) {
        if (part.shard == shards_.self) {
            part_committed(part, stored, comes_again);
            continue;
        }
        shards_.peers->send(
            part.shard,
            runtime::Task{[&other = on(part.shard),
                           of_other = std::make_unique<Gathered::Part>(std::move(part)),
                           stored,
                           comes_again] {
                other.part_committed(*of_other, stored, comes_again);
            }}
        );
    }
    if (commit.receipt != 0) {
        give_back(commit.receipt, stored);
    } else {
        tell(commit.creditor, stored);
    }
}

void Broker::give_back(std::uint32_t receipt, bool stored) {
    const auto finished = receipts_.give_back(receipt, stored);
    if (!finished) {
        return;
    }
    if (const auto held = gathering_.find(receipt); held != gathering_.end()) {
        Gathered gathered = std::move(held->second);
        gathering_.erase(held);
        if (finished->stored || gathered.handover != 0) {
            pass(std::move(gathered), finished->creditor);
        } else {  // What is stored by itself, the retained message, was refused: so is the rest, to be published again.
            Journal::Commit refused{
                .parts = std::move(gathered.parts), .creditor = finished->creditor
            };
            on_commit(refused, false);
        }
    } else {
        tell(finished->creditor, finished->stored);
    }
}

void Broker::tell(const Creditor& creditor, bool stored) {
    if (creditor.upstream.receipt != 0) {
        answer(creditor.upstream, stored);
    } else if (creditor.token.connection != 0 && durable_listener_ != nullptr) {
        durable_listener_->on_durable(creditor.token, stored);
    }
}

void Broker::answer(Share share, bool stored) {
    if (share.receipt == 0) {
        return;
    }
    shards_.peers->send(
        share.shard,
        runtime::Task{[&other = on(share.shard), receipt = share.receipt, stored] {
            other.give_back(receipt, stored);
        }}
    );
}

void Broker::offer_from(const model::MessagePtr& message, const Slip& slip) {
    Deposit deposit{journal_, slip.creditor()};
    deposit.next(*message, slip.id);
    offer_here(message, deposit);
    settle(deposit);
}

void Broker::tell_here(const model::MessagePtr& message) {
    Deposit deposit{journal_};
    deposit.next(*message);
    offer_here(message, deposit);
    settle(deposit);
}

// --- Sessions ------------------------------------------------------------------------------------------------------

void Broker::put_session(storage::Batch& batch, const Session& session) const {
    const Lasting& lasting = *session.lasting_;
    const model::Principal& principal = session.principal();
    const Bytes credential = encode_credential(principal);
    batch.put_session(
        lasting.id,
        {.tenant = principal.tenant,
         .client_id = session.client_id(),
         .owner = principal.thing,
         .principal = credential,
         .expiry_s = seconds_of(session.expiry()),
         .offline_since_ms = session.online() ? 0 : context_.clock.wall().count(),
         .next_packet_id =
             session.flow_ ? session.flow_->next_packet_id() : lasting.next_packet_id}
    );
}

bool Broker::store_connected(
    Session& session,
    std::unique_ptr<Will> will,
    std::chrono::milliseconds expiry,
    Journal::Done done,
    bool drops_other
) {
    if (!session.lasting_) {
        session.will_ = std::move(will);
        if (!drops_other && !is_leaving(session)) {
            return false;
        }
        after_ends(session, [this, done = std::move(done)]() mutable {
            journal_.after(std::move(done));
        });
        return true;
    }
    Lasting& lasting = *session.lasting_;
    lasting.connect = ConnectState::storing;
    const std::uint32_t number = ++lasting.connects;
    // One that was there under its client id may be on disk until then.
    after_ends(session, [this,
                         id = session.id(),
                         number,
                         expiry,
                         will = std::move(will),
                         done = std::move(done)]() mutable {
        const Session* const alive = find(id);
        if (alive == nullptr || !alive->lasting_) {
            journal_.after(std::move(done));
            return;
        }
        storage::Batch batch;
        put_session(batch, *alive);
        if (will) {
            batch.put_will(alive->lasting_->id, record_of(*will));
        } else {
            batch.erase_will(alive->lasting_->id);
        }
        journal_.submit(
            std::move(batch),
            {.done = [this, id, number, expiry, will = std::move(will), done = std::move(done)](
                         bool stored
                     ) mutable {
                if (Session* const session_now = find(id)) {
                    connect_stored(*session_now, number, std::move(will), expiry, stored);
                }
                if (done) {
                    done(stored);
                }
            }}
        );
    });
    return true;
}

void Broker::connect_stored(
    Session& session,
    std::uint32_t number,
    std::unique_ptr<Will> will,
    std::chrono::milliseconds expiry,
    bool stored
) {
    Lasting& lasting = *session.lasting_;
    if (stored) {
        lasting.is_begun = true;
        session.will_ = std::move(will);
    }
    if (number != lasting.connects) {
        return;  // A later one decides.
    }
    lasting.connect = stored ? ConnectState::stored : ConnectState::refused;
    if (!stored) {
        lasting.expiry = lasting.is_begun ? expiry : std::chrono::milliseconds{0};
    }
    if (session.online()) {
        return;
    }
    if (!lasting.is_begun) {
        return end(session);
    }
    if (stored && !lasting.is_will_wanted && session.will_) {
        session.will_.reset();
        journal_.open().erase_will(lasting.id);
    } else if (stored && session.will_) {
        const SteadyTime now = context_.clock.steady();
        lasting.will_fires = now + session.will_->delay;
        if (lasting.will_fires <= now) {
            fire_will(session);
        }
    }
    forget_end(session);
    schedule(session);
}

void Broker::store_disconnected(Session& session) {
    session.unload();
    auto& batch = journal_.open();
    put_session(batch, session);
    if (!session.will_ && session.lasting_->connect != ConnectState::storing) {
        batch.erase_will(session.lasting_->id);
    }
}

void Broker::note_unstored(
    const Subscription& subscription, const std::optional<SubscriptionOptions>& before
) {
    // What is in memory may not be on disk yet: then what was there before it may have to come back.
    const auto noted = unstored_.try_emplace(&subscription, Unstored{changes_, changes_, before});
    noted.first->second.last = changes_;
}

void Broker::store_subscriptions(
    Session& session, std::vector<Change> changes, const PendingPtr& pending
) {
    storage::Batch batch;
    for (const auto& [subscription, options] : changes) {
        batch.put_subscription(session.lasting_->id, subscription->filter, record_of(options));
    }
    ++pending->left;
    journal_.submit(
        std::move(batch),
        {.done = [this, pending, number = changes_++, changes = std::move(changes)](bool stored) {
            pending->stored = stored;
            if (Session* const alive = find(pending->session_id)) {
                subscriptions_stored(*alive, number, changes, stored);
            }
            finish(*pending);
        }}
    );
}

void Broker::subscriptions_stored(
    Session& session, std::uint64_t number, std::span<const Change> changes, bool stored
) {
    for (const auto& [subscription, options] : changes) {
        const auto noted = unstored_.find(subscription);
        if (noted == unstored_.end() || number < noted->second.first) {
            continue;  // It is gone, or is another one by now.
        }
        if (noted->second.last != number) {  // A later SUBSCRIBE decides.
            if (stored) {
                noted->second.before = options;
            }
            continue;
        }
        const std::optional<SubscriptionOptions> before = noted->second.before;
        unstored_.erase(noted);
        if (stored) {
            continue;
        }
        if (before) {
            subscription->options = *before;
        } else {
            unsubscribe(session, subscription->filter);
        }
    }
    if (!stored && session.memberships_) {
        session.memberships_->told.reset();
        tell_standing(session);
    }
}

// --- Retained messages ---------------------------------------------------------------------------------------------

void Broker::put_retained(Retained retained, Deposit& deposit) {
    const auto before = static_cast<std::int64_t>(retained_.size());
    const model::MessagePtr message = retained.message;
    const model::PrincipalPtr publisher = retained.publisher;
    const std::string client_id = retained.client_id;
    const auto refuse = [&](Reason reason, std::string_view detail) {
        context_.metrics.lose(reason);
        if (publisher) {
            context_.decisions.record(
                who_of(*publisher, client_id),
                model::Action::retain,
                reason,
                context_.clock.wall(),
                message->topic(),
                nullptr,
                {.detail = detail}
            );
        }
    };
    if (!retained_.has_budget(*message)) {
        retained_.erase(message->topic());
        journal_.budgets().count_lost(storage::Area::retained);
        refuse(Reason::quota_exceeded, "storage.budgets.retained is used up");
    } else if (!retained_.put(std::move(retained))) {
        refuse(Reason::queue_full, "the gateway keeps retained_messages already");
    }
    context_.metrics.retained.add(static_cast<std::int64_t>(retained_.size()) - before);
    const std::string_view tenant = publisher ? std::string_view{publisher->tenant} : kTenant;
    if (!retained_.contains(message->topic())) {
        deposit.batch.erase_retained(tenant, message->topic());
        return;
    }
    const Bytes credential = publisher ? encode_credential(*publisher) : Bytes{};
    deposit.batch.retain(
        {.tenant = tenant,
         .owner = publisher ? std::string_view{publisher->thing} : std::string_view{},
         .client_id = client_id,
         .principal = credential,
         .message = record_of(*message)}
    );
}

void Broker::sweep_retained() {
    storage::Batch batch;
    for (const Retained& expired : retained_.take_expired(context_.clock.wall())) {
        context_.metrics.retained.add(-1);
        batch.erase_retained(tenant_of(expired), expired.message->topic());
    }
    if (!batch.empty()) {
        journal_.submit(std::move(batch), {});
    }
}

std::size_t Broker::clear_retained(std::span<const std::string> topics, Journal::Done done) {
    storage::Batch batch;
    std::size_t cleared = 0;
    for (const std::string& topic : topics) {
        if (const auto removed = retained_.remove(topic)) {
            context_.metrics.retained.add(-1);
            batch.erase_retained(tenant_of(*removed), topic);
            ++cleared;
        }
    }
    if (batch.empty()) {
        done(true);
    } else {
        journal_.submit(std::move(batch), {.done = std::move(done)});
    }
    return cleared;
}

}  // namespace weir::broker
