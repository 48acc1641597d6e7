/// A client's session: who owns it, what it subscribes to, what is on its way to it.
#pragma once

#include <algorithm>
#include <array>
#include <boost/container/flat_map.hpp>
#include <boost/container/flat_set.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <weir/base/clock.hpp>
#include <weir/base/hash.hpp>
#include <weir/broker/deposit.hpp>
#include <weir/broker/flow.hpp>
#include <weir/broker/lasting.hpp>
#include <weir/broker/subscriber.hpp>
#include <weir/broker/subscriptions.hpp>
#include <weir/model/limits.hpp>
#include <weir/model/metrics.hpp>
#include <weir/model/principal.hpp>
#include <weir/policy/policy_set.hpp>
#include <weir/storage/budgets.hpp>
#include <weir/why/decision_log.hpp>

namespace weir::broker {

class Broker;
class Session;

/// What becomes of a copy that was sent and that the peer does not accept. [AMQP-3.4]
enum class Refusal : std::uint8_t {
    released,   ///< It is sent again, as if it had not been before.
    failed,     ///< It is sent again, and the attempt counts.
    elsewhere,  ///< Others of its shared group may have it.
    rejected,   ///< Nobody may have it.
};

/// A session's place in a shared group.
struct Membership {
    Subscription* subscription;
    GroupId group = GroupId::none;  ///< None until the group's shard has answered.
    Standing told = Standing::unable;  ///< What the group's shard knows.
};

/// What a session can take, for all of its groups.
struct Abilities {
    std::array<bool, 2> sends = {};  ///< At QoS 0, and above.
    std::array<bool, 2> keeps = {};  ///< Likewise.
    bool is_online = false;
    bool has_room = false;       ///< For what it keeps.
    bool has_much_room = false;  ///< Likewise: for half of a queue.
    bool has_window = false;     ///< Half of it is free.

    friend bool operator==(const Abilities&, const Abilities&) = default;
};

/// All of a session's places in shared groups. Made with the first, stays as long as the session.
struct Memberships {
    Broker& broker;
    std::vector<Membership> all = {};  ///< Each stands where Subscription::membership says.
    boost::unordered_flat_map<GroupId, Subscription*> by_group = {};
    boost::unordered_flat_map<std::uint32_t, Subscription*> by_share = {};
    std::optional<Abilities> told = {};  ///< What all standings that were told follow from; nothing: they may not.

    /// How an entry in the store names a shared subscription. Never 0.
    [[nodiscard]] static std::uint32_t share_of(const Subscription& subscription) noexcept {
        return std::max(static_cast<std::uint32_t>(hash_stable(subscription.filter)), 1U);
    }
    /// Null: it is not in that group.
    [[nodiscard]] const Membership* find(GroupId group) const noexcept {
        const auto found = by_group.find(group);
        return found == by_group.end() ? nullptr : &all[found->second->membership];
    }
    /// None: it has no such subscription.
    [[nodiscard]] GroupId group_of(std::uint32_t share) const noexcept {
        const auto found = by_share.find(share);
        return found == by_share.end() ? GroupId::none : all[found->second->membership].group;
    }
    Membership& add(Subscription& subscription) {
        subscription.membership = static_cast<std::uint32_t>(all.size());
        by_share.try_emplace(share_of(subscription), &subscription);
        return all.emplace_back(Membership{&subscription});
    }
    void enter(Membership& membership, GroupId group) {
        by_group.erase(membership.group);
        membership.group = group;
        by_group.emplace(group, membership.subscription);
    }
    /// The last one takes its place.
    void remove(const Subscription& subscription) noexcept {
        by_group.erase(all[subscription.membership].group);
        if (const auto found = by_share.find(share_of(subscription));
            found != by_share.end() && found->second == &subscription) {
            by_share.erase(found);
        }
        all[subscription.membership] = all.back();
        all[subscription.membership].subscription->membership = subscription.membership;
        all.pop_back();
    }
};

/// Packet ids of what a client publishes at QoS 2.
struct InboundIds {
    boost::container::flat_set<std::uint16_t> known;  ///< Received, not released.
    /// On their way to the disk with their publish, and whose PUBREC waits for that since the same came again.
    boost::container::flat_map<std::uint16_t, AckToken> storing;
    std::size_t gathering = 0;  ///< Of these: other shards have to tell first what they store.
};

struct Will {
    model::MessagePtr message;
    std::chrono::seconds delay{0};  ///< Between the end of the connection and publishing.
    /// Of the message, from when it is published; nothing: never.
    std::optional<std::chrono::seconds> expiry = {};
};

/// What sessions of a shard share.
struct Context {
    const Clock& clock;
    model::ShardMetrics& metrics;
    why::DecisionLog& decisions;
};

/// For decisions about what a client did or gets.
[[nodiscard]] inline why::Who who_of(
    const model::Principal& principal, std::string_view client_id
) noexcept {
    return principal.thing.empty() ? why::Who{client_id, true} : why::Who{principal.thing};
}

/// Made by the broker of the shard that owns the client id; lives and is called there only.
class Session {
public:
    Session(
        Context& context, std::uint64_t id, std::string client_id, model::PrincipalPtr principal
    );

    [[nodiscard]] std::uint64_t id() const noexcept { return id_; }
    [[nodiscard]] const std::string& client_id() const noexcept { return client_id_; }
    [[nodiscard]] const model::Principal& principal() const noexcept { return *principal_; }
    [[nodiscard]] const model::PrincipalPtr& principal_ptr() const noexcept { return principal_; }
    /// The client id as policies see it: several sessions may belong to one client.
    [[nodiscard]] const std::string& policy_name() const noexcept {
        return policy_name_ ? *policy_name_ : client_id_;
    }
    [[nodiscard]] policy::Subject subject() const noexcept { return {*principal_, policy_name()}; }
    [[nodiscard]] const policy::Bundle& policies() const noexcept { return *policies_; }
    /// The name under which decisions about it are kept.
    [[nodiscard]] const std::string& device() const noexcept {
        return principal_->thing.empty() ? policy_name() : principal_->thing;
    }
    [[nodiscard]] why::Who who() const noexcept { return who_of(*principal_, policy_name()); }
    [[nodiscard]] bool online() const noexcept { return subscriber_ != nullptr; }
    /// Of its connection; nothing while offline.
    [[nodiscard]] PeerInfo peer() const noexcept {
        return subscriber_ == nullptr ? PeerInfo{} : subscriber_->peer();
    }
    /// Online, and the peer has the answer to its CONNECT.
    [[nodiscard]] bool is_live() const noexcept { return subscriber_ != nullptr && is_answered_; }
    [[nodiscard]] const Subscriptions& subscriptions() const noexcept { return subscriptions_; }

    /// Takes a copy: sends it, queues it, or counts it as lost. What has expired is lost, whether it could be sent or not; a
    /// Message Expiry Interval of 0 has passed when the message comes. [MQTT5-3.3.2-5]
    /// @param deposit  Takes what is to be stored for it.
    void offer(
        const model::MessagePtr& message,
        model::Qos qos,
        bool retain,
        const SubscriptionIds& subscription_ids,
        Deposit& deposit
    );
    /// Takes a copy as a member of a shared group: sends or queues it.
    /// @param attempts  As in Copy.
    /// @return False, with nothing done: it is no member, may not have it, or has no room. Another one should.
    bool take(
        const model::MessagePtr& message, GroupId group, std::uint8_t attempts, Deposit& deposit
    );
    /// Sends what waits, as far as the window and the connection allow. Call when either may have opened.
    void pump();
    /// PUBACK, PUBCOMP, a PUBREC with an error, AMQP accepted. False: no such packet id in flight.
    bool settled(std::uint16_t packet_id);
    /// PUBREC without an error: answers with a release. False: no such packet id.
    bool received(std::uint16_t packet_id);
    /// Another AMQP outcome. What is sent again goes to the head of the queue; after Copy::kAttemptsMax that failed, and where
    /// nobody else may have it, it is lost.
    void refused(std::uint16_t packet_id, Refusal refusal);

    /// Inbound QoS 2. @return False if the id is known already: the message must not have a second effect. [MQTT5-4.3.3-10]
    bool take_inbound_id(std::uint16_t packet_id);
    [[nodiscard]] bool has_inbound_id(std::uint16_t packet_id) const noexcept {
        return inbound_ids_ && inbound_ids_->known.contains(packet_id);
    }
    /// Of a session that lasts: what the deposit stores for the publish becomes durable with its packet id, on all shards at once.
    void store_inbound_id(std::uint16_t packet_id, Deposit& deposit);
    [[nodiscard]] bool is_storing_inbound_id(std::uint16_t packet_id) const noexcept {
        return inbound_ids_ && inbound_ids_->storing.contains(packet_id);
    }
    /// A known id came again. @return Whose PUBREC waits for it by now; connection 0: nobody's, it is durable. Where that is
    /// `token`, the DurableListener is told of it.
    AckToken await_inbound_id(const AckToken& token);
    /// The publish failed. @return False if the id was not known.
    bool drop_inbound_id(std::uint16_t packet_id);
    /// PUBREL. If that cannot be stored, the id is known again. @return False if it was not known.
    bool release_inbound_id(std::uint16_t packet_id);

    /// Calls `visit(packet_id)` for each inbound one that is not released.
    template <class Visit>
    void for_each_inbound_id(Visit&& visit) const {
        if (inbound_ids_) {
            for (const std::uint16_t packet_id : inbound_ids_->known) {
                visit(packet_id);
            }
        }
    }

    [[nodiscard]] std::uint64_t queued_bytes() const noexcept;
    /// Of QoS 1 and 2, that may be in flight.
    [[nodiscard]] std::uint64_t window() const noexcept { return window_; }
    /// Inbound QoS 2.
    [[nodiscard]] std::size_t unreleased() const noexcept {
        return inbound_ids_ ? inbound_ids_->known.size() : 0;
    }
    [[nodiscard]] const model::Limits& limits() const noexcept { return *limits_; }

    /// In memory or on disk.
    [[nodiscard]] std::size_t queued() const noexcept {
        return (flow_ ? flow_->queued() : 0) + (lasting_ ? lasting_->unread.waiting() : 0);
    }
    [[nodiscard]] std::size_t in_flight() const noexcept {
        return (flow_ ? flow_->in_flight() : 0) + (lasting_ ? lasting_->unread.in_flight : 0);
    }

    /// Null: it ends with its connection, and nobody keeps books about it.
    [[nodiscard]] const Books* books() const noexcept {
        return lasting_ ? &lasting_->books : nullptr;
    }
    /// Its name in the store; none if it ends with its connection.
    [[nodiscard]] storage::SessionId stored_id() const noexcept {
        return lasting_ ? lasting_->id : storage::SessionId{};
    }

    /// Zero: the session ends with its connection. One that was to do so stays with that. [MQTT5-3.14.2-2]
    void set_expiry(std::chrono::milliseconds expiry) noexcept {
        if (lasting_) {
            lasting_->expiry = expiry;
        }
    }
    [[nodiscard]] std::chrono::milliseconds expiry() const noexcept {
        return lasting_ ? lasting_->expiry : std::chrono::milliseconds{0};
    }

private:
    friend class Broker;

    static constexpr std::uint32_t kWindowMax = 0x7FFF'FFFF;

    Flow& flow();
    [[nodiscard]] bool can_send(model::Qos qos) const noexcept;
    /// True if a message that cannot be sent now waits in the queue.
    [[nodiscard]] bool keeps(model::Qos qos) const noexcept;
    /// Asks the policy and records a refusal. The copy of a shared subscription is not lost by it.
    [[nodiscard]] bool may_receive(const model::Message& message, GroupId group);
    void send(Copy copy);
    void send_allowed(Copy copy);
    [[nodiscard]] Abilities abilities() const noexcept;
    [[nodiscard]] static Standing standing(
        const Abilities& abilities, const Membership& membership
    ) noexcept;
    /// What it can take for its groups may have changed.
    void tell_standing();
    void send_queued();
    /// None: it may still be sent from the queue.
    [[nodiscard]] model::Reason why_too_late(const model::Message& message) const noexcept;
    void transmit(const Copy& copy, std::uint16_t packet_id, bool duplicate);
    /// Writes it into the session's books.
    void book_in() noexcept {
        if (lasting_) {
            ++lasting_->books.in;
        }
    }
    void book_out() noexcept {
        if (lasting_) {
            ++lasting_->books.out;
        }
    }
    void book_loss(model::Reason reason, std::uint64_t count = 1) noexcept {
        if (lasting_) {
            lasting_->books.lost += count;
            lasting_->books.last_loss = reason;
        }
    }
    /// @param detail  As in why::Particulars.
    void lose(
        model::Reason reason,
        const model::Message& message,
        std::uint64_t count = 1,
        std::string_view detail = {}
    );
    /// The same, because of a limit of the queue.
    void lose(
        model::QueueLimit limit,
        model::Reason reason,
        const model::Message& message,
        std::uint64_t count = 1
    );
    void lose_too_late(model::Reason reason, const model::Message& message);
    /// Which limit leaves no room for a copy more.
    [[nodiscard]] model::QueueLimit full_limit(std::uint64_t footprint) const noexcept {
        return footprint <= limits_->queue_bytes && queued() >= limits_->queue_messages
                   ? model::QueueLimit::messages
                   : model::QueueLimit::bytes;
    }
    void resend();
    /// Forgets what was sent before and may not be sent again; its group may have it.
    void give_up(std::uint16_t packet_id, const Flow::InFlight& entry);
    /// Sends what an earlier connection left unsettled. @return False if some of it must wait.
    bool pump_again();

    // What is on disk: durable_session.cpp, durable_unread.cpp.
    /// Stores a copy, and sends it or lets it wait.
    void keep(Copy copy, Deposit& deposit);
    void enqueue_stored(Copy copy, Deposit& deposit);
    void charge_stored(const model::Message& message, Deposit& deposit) const;
    /// Of a copy from the queue that the store has.
    void send_stored(Copy copy);
    /// PUBREL goes when the store knows that PUBREC came.
    void note_released(std::uint16_t packet_id, std::uint64_t sequence);
    /// The same for what the store refused to note.
    void note_released_again();
    /// The store has no use for this entry any more.
    void forget(const Copy& copy);
    /// The same for a copy that its group gave: the others of the group are offered it.
    void hand_on(const Copy& copy);
    void committed(const JournalEntry& entry, bool stored);
    void inbound_committed(std::uint16_t packet_id, bool stored);
    /// What was never stored, though its publisher's batch had it: as if it had not been.
    void take_back(const JournalEntry& entry);
    /// The store has it in the queue still: it was not noted that it was to be sent.
    void requeue(std::uint16_t packet_id);
    /// The disk knows better whether an entry of the unread range waits.
    void correct_unread(const storage::QueueEntry& entry);
    /// The disk has no more that waits in the unread range.
    void end_unread() noexcept;
    void advance_unread(std::uint64_t sequence) noexcept;
    /// Another shard stores the entry: see Lasting::held.
    void hold(const JournalEntry& entry);
    void unhold(const JournalEntry& entry);
    [[nodiscard]] bool has_room(std::uint64_t footprint) const noexcept;
    [[nodiscard]] bool is_over_limits() const noexcept;
    /// False if a copy more, to be stored, is beyond what all queues may hold together. What is sent at once has the slack too.
    [[nodiscard]] bool has_budget(
        std::uint64_t footprint, storage::Budgets::Bound bound = storage::Budgets::Bound::budget
    ) const noexcept;
    /// The budget is used up: lets the copy take the place of older ones, or loses it.
    /// @return False if it is lost.
    [[nodiscard]] bool squeeze_in(const Copy& copy);
    /// One of its oldest is gone.
    void give_way(std::uint64_t footprint) noexcept;
    [[nodiscard]] model::QueueLimit over_limit() const noexcept;
    /// Drops the oldest of what waits until it is within the limits.
    void make_room();
    /// While offline: drops what is too old from the head of the queue, a page of it at most.
    void drop_aged();
    /// While offline: has drop_aged() called when the oldest that waits becomes too old.
    void plan_age();
    /// Never zero.
    [[nodiscard]] WallTime age_begins(const model::Message& message) const noexcept;
    void read_queue(std::uint32_t records = Lasting::kHeadMessages);
    /// @param bound  The page is good for older entries only, and has the next of them.
    void take_page(
        Result<std::vector<storage::QueuedMessage>> page, std::uint32_t life, std::uint64_t bound
    );
    void restore(const storage::QueuedMessage& stored);
    /// How an entry names the shared subscription that it is of; 0: none.
    [[nodiscard]] std::uint32_t share_of(const Copy& copy) const noexcept;
    /// Its groups get what it leaves, and that is not all in memory.
    [[nodiscard]] bool has_more_to_leave() const noexcept {
        return memberships_ && lasting_ && !lasting_->unread.empty();
    }
    void trim(const std::vector<storage::QueuedMessage>& page, std::uint64_t bound);
    /// The connection is gone: only the disk keeps the queue, unless a shared group may want it back.
    void unload();

    Context& context_;
    std::uint64_t id_;
    std::string client_id_;
    std::unique_ptr<const std::string> policy_name_;  // Null: as client_id_.
    model::PrincipalPtr principal_;
    std::shared_ptr<const policy::Bundle> policies_;
    std::shared_ptr<const model::Limits> limits_;
    Subscriber* subscriber_ = nullptr;
    std::unique_ptr<Flow> flow_;
    std::unique_ptr<Will> will_;
    Subscriptions subscriptions_;
    std::unique_ptr<Memberships> memberships_;
    std::unique_ptr<Lasting> lasting_;  // Null: it ends with its connection, and nothing of it is stored.
    std::unique_ptr<InboundIds> inbound_ids_;
    // The fan-out that met this session last, and where it stands among its targets.
    std::uint64_t fan_out_ = 0;
    std::uint32_t target_ = 0;
    std::uint32_t window_ : 31 = 0;
    bool is_answered_ : 1 = false;
};

static_assert(sizeof(Session) <= 200, "part of every idle connection");

}  // namespace weir::broker
