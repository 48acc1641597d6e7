/// The sessions of one shard, and the way of messages to them.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <set>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <weir/base/error.hpp>
#include <weir/broker/deposit.hpp>
#include <weir/broker/interest.hpp>
#include <weir/broker/journal.hpp>
#include <weir/broker/read_queue.hpp>
#include <weir/broker/receipts.hpp>
#include <weir/broker/retained.hpp>
#include <weir/broker/retained_reads.hpp>
#include <weir/broker/session.hpp>
#include <weir/broker/shared_group.hpp>
#include <weir/runtime/task.hpp>

namespace weir::broker {

/// The way to the other shards' threads.
class Peers {
public:
    virtual ~Peers() = default;
    /// Runs `work` on that shard, after all that was sent to it from here before. @return False if the mailbox is full.
    [[nodiscard]] virtual bool try_send(unsigned shard, runtime::Task& work) noexcept = 0;
    /// The same for what must not be lost; takes memory where the mailbox is full.
    virtual void send(unsigned shard, runtime::Task work) = 0;
};

/// Publishes wills through the whole pipeline. Bound above; may call Broker::fan_out, but nothing else of the broker.
class WillPublisher {
public:
    virtual ~WillPublisher() = default;
    /// @return True: what it stores for the will, it stores together with its end. False: the caller ends it.
    [[nodiscard]] virtual bool publish_will(Session& session, const Will& will) = 0;
};

struct ConnectRequest {
    std::string client_id;
    std::string policy_name = {};  ///< The client id that policies see, if it is another one.
    model::PrincipalPtr principal;
    std::shared_ptr<const policy::Bundle> policies;
    std::shared_ptr<const model::Limits> limits;
    Subscriber* subscriber;
    bool clean_start = true;
    std::chrono::milliseconds expiry{0};  ///< Zero: the session ends with the connection.
    std::uint64_t window = 100;  ///< QoS 1/2 messages that may be unacknowledged at the peer.
    std::unique_ptr<Will> will = {};
    std::string_view peer = {};  ///< Where the connection comes from.
    /// Runs on this shard if the result is pending, when it is not any more. It may be that the connection, and
    /// the session, are gone by then.
    Journal::Done done = {};
};

/// What became of a session's principal.
struct Refreshed {
    model::PrincipalPtr principal = {};          ///< As it is now; null: the session has to end.
    model::Reason reason = model::Reason::none;  ///< Why.
};

struct ConnectResult {
    model::Verdict verdict;
    Session* session = nullptr;  ///< Valid until it is disconnected, if accepted.
    bool session_present = false;
    bool is_pending = false;  ///< The peer may be answered when ConnectRequest::done runs.
};

struct SubscribeRequest {
    std::string_view filter;  ///< As the client names it, with "$share/group/" in front if it is shared.
    SubscriptionOptions options;
    std::string_view group = {};  ///< Of a shared subscription.
};

/// Belongs to one shard and is called there only, but for the tables of the others, which it reaches through Peers.
class Broker final : private Journal::Listener {
public:
    struct Shards {
        std::span<Broker* const> brokers;  ///< All, by number; filled before the first call.
        Peers* peers;
        unsigned self;
    };

    /// @param journal  Of this shard alone.
    /// @param sessions_max  From which on no session is begun that outlives its connection.
    Broker(
        Context& context,
        Journal& journal,
        Shards shards,
        std::uint64_t retained_messages_max,
        std::uint64_t sessions_max = model::kUnlimited
    );
    ~Broker() override;

    void bind(WillPublisher& publisher) noexcept { will_publisher_ = &publisher; }
    void bind(DurableListener& listener) noexcept { durable_listener_ = &listener; }

    // What was there before: durable_restore.cpp. Before the first other call but apply_policies(), on one thread for all shards.

    /// A session that belongs to this shard. One that is over, or whose device may not connect any more, is dropped.
    /// @param principal  As the registry knows the device now; an error: it does not any more.
    void restore(
        const storage::StoredSession& stored,
        const Result<model::PrincipalPtr>& principal,
        std::shared_ptr<const model::Limits> limits
    );
    /// A retained message whose topic belongs to this shard. @param publisher  Null: a rule republished it.
    void restore(const storage::RetainedRecord& stored, model::PrincipalPtr publisher);
    /// The shard of a retained message.
    [[nodiscard]] static unsigned owner_of_topic(std::string_view topic, unsigned shards) noexcept {
        return owner_of({}, topic, shards);
    }

    /// The shard that owns a client id's session.
    [[nodiscard]] static unsigned owner_of(
        std::string_view tenant, std::string_view client_id, unsigned shards
    ) noexcept;

    /// Finds or makes the session and attaches the connection to it; a connection that has it already is ended (take-over).
    /// Refuses client_id_conflict where the session belongs to another identity. The caller answers the peer, then resume().
    ConnectResult connect(ConnectRequest request);
    /// Sends again what was in flight, then what waits. Once, after the answer to connect is on its way.
    void resume(Session& session) { session.resend(); }
    /// The connection is gone. Does nothing if the session has another one by now.
    /// @param publish_will  False after a DISCONNECT that says so.
    void disconnect(Session& session, const Subscriber& subscriber, bool publish_will);
    /// An operator ends the connection. The session stays as long as it would without it, and the will is published.
    /// @return False: there was no connection.
    bool kick(Session& session);
    /// The client authenticated again: its rights follow who it is now, who must be the same identity. @return False if it may not
    /// be connected any more: it was ended.
    bool renew(Session& session, model::PrincipalPtr principal);

    /// Adds or replaces subscriptions that policy has granted.
    /// @param done  Runs on this shard once a publish anywhere reaches them, and they are stored if the session lasts: at once
    ///              with one shard and a session that does not. False: they could not be stored, and are not there. Retained
    ///              messages follow it, but not those of shared subscriptions. Never runs if the session ends before.
    void subscribe(
        Session& session,
        std::span<const SubscribeRequest> requests,
        std::move_only_function<void(bool stored)> done
    );
    /// @return False if there was none. What this changes is stored when Journal::after says so.
    bool unsubscribe(Session& session, std::string_view filter);

    /// Offers a message to every session that wants it, on all shards.
    /// @param deposit  Begun for the message. To be committed.
    /// @return True if anybody wants it.
    bool fan_out(const model::MessagePtr& message, Deposit& deposit);
    /// Offers a message to the sessions of this shard only.
    void tell_here(const model::MessagePtr& message);
    /// Submits what there is to store. What gathers, and nobody is told of, is handed over.
    /// @return True if the listener is told later. False: nobody waits, or nothing has to be waited for.
    bool commit(Deposit& deposit);
    /// The same for what came with a slip: who sent it is told in any case.
    void settle(Deposit& deposit);
    /// That somebody's acknowledgement may go, or may not.
    void tell(const Creditor& creditor, bool stored);
    /// For what another shard does for a publish besides sessions: a share of the acknowledgement.
    [[nodiscard]] Slip share(Deposit& deposit) { return deposit.slip(receipts_, shards_.self); }
    [[nodiscard]] Journal& journal() noexcept { return journal_; }
    [[nodiscard]] const StatusListeners& status_listeners() const noexcept {
        return interest_.status_listeners();
    }
    /// Whose queue a copy leaves.
    struct Leaver {
        std::uint64_t session;
        storage::SessionId stored = {};  ///< None: nothing of it is on disk.
    };
    /// A session will not have a copy that its group gave it: offers it to the others of the group. One batch takes it out of the one
    /// queue and puts it into the other.
    void hand_on(const Copy& copy, const Leaver& from);
    /// Runs `work` when all is given to the disk that is being handed on; now, if that is so.
    void after_handovers(std::move_only_function<void()> work) {
        after_handovers({}, std::move(work));
    }
    /// What a session can take for its groups may have changed.
    void tell_standing(Session& session);
    /// Has Session::drop_aged() called, or pump() if it is online then, after `delay`, or sooner where it was to be already.
    void plan_age(Session& session, std::chrono::milliseconds delay);
    /// Keeps or removes a retained message.
    void retain(
        const model::MessagePtr& message,
        model::PrincipalPtr publisher,
        std::string_view client_id,
        Deposit& deposit
    );

    /// Those of this shard.
    [[nodiscard]] const RetainedStore& retained() const noexcept { return retained_; }
    /// An operator removes retained messages of this shard; subscribers are not told.
    /// @param done  Runs on this shard when that is stored or the store refused it: at once if there is nothing to remove.
    /// @return How many of the topics had one.
    std::size_t clear_retained(std::span<const std::string> topics, Journal::Done done);

    /// Once a second: ends sessions that are over, fires delayed wills, drops retained messages that expired.
    void advance();
    /// New policies: asks again for every session and subscription, and ends or removes what is not allowed any more.
    /// @return How many sessions it ended.
    std::size_t apply_policies(const std::shared_ptr<const policy::PolicySet>& policies);
    /// The registry changed: `refresh` tells of each session's principal what it is now, or that it is no more.
    void apply_principals(const std::function<Refreshed(const model::PrincipalPtr&)>& refresh);

    [[nodiscard]] Session* find(std::uint64_t session_id) noexcept;
    template <class Visit>
    void for_each_session(Visit&& visit) const {
        for (const auto& entry : sessions_) {
            visit(*entry);
        }
    }
    [[nodiscard]] Context& context() noexcept { return context_; }
    [[nodiscard]] const policy::PolicySet* policies() const noexcept { return policy_set_.get(); }

private:
    struct Target {
        Session* session = nullptr;
        SubscriptionIds subscription_ids;
        model::Qos qos = model::Qos::at_most_once;
        bool retain = false;
    };
    /// A session's place in the table: its own tenant and client id are the key.
    struct Key {
        std::string_view tenant;
        std::string_view client_id;
        Key(std::string_view t, std::string_view id) noexcept : tenant{t}, client_id{id} {}
        Key(const std::unique_ptr<Session>& session) noexcept
            : tenant{session->principal().tenant}, client_id{session->client_id()} {}
        friend bool operator==(const Key&, const Key&) = default;
    };
    struct KeyHash {
        using is_transparent = void;
        std::size_t operator()(const Key& key) const noexcept {
            return hash_seeded(key.client_id) ^ key.tenant.size();
        }
    };
    struct KeyEqual {
        using is_transparent = void;
        bool operator()(const Key& a, const Key& b) const noexcept { return a == b; }
    };
    struct IdOf {
        std::uint64_t operator()(std::uint64_t id) const noexcept { return id; }
        std::uint64_t operator()(const Session* session) const noexcept { return session->id(); }
    };

    /// A subscribe that waits for other shards.
    struct Pending {
        std::size_t left;
        std::uint64_t session_id;
        std::vector<RetainedReads::Ticket> wanted;
        std::move_only_function<void(bool)> done;
        bool stored = true;
    };
    using PendingPtr = std::shared_ptr<Pending>;  ///< Used and destroyed on its shard only.

    /// What a SUBSCRIBE makes of one subscription, which may be gone when the disk has it.
    struct Change {
        Subscription* subscription;
        SubscriptionOptions options;
    };
    /// A subscription whose last changes are on their way to the disk.
    struct Unstored {
        std::uint64_t first;  ///< The SUBSCRIBEs that changed it since,
        std::uint64_t last;   ///< by number.
        std::optional<SubscriptionOptions> before;  ///< On disk; nothing: it is new.
    };

    /// Of a session that ended: its groups are to get what of its queue was not in memory.
    struct Left {
        std::string name;    ///< In leaving_.
        Leaver from;
        std::string device;  ///< For decisions about it,
        bool is_claim;       ///< likewise.
        boost::unordered_flat_map<std::uint32_t, GroupId> groups = {};  ///< By share.
        std::uint64_t next = 0;     ///< Sequence of what is read next,
        std::uint64_t to = 0;       ///< and where that ends; not included.
        std::uint64_t waiting = 0;  ///< As Unread::waiting().
        std::uint64_t lost = 0;     ///< That no group wants.
    };
    /// The sessions of one client that ended and have such a rest.
    struct Leaving {
        std::size_t sessions = 0;
        std::vector<std::move_only_function<void()>> then = {};  ///< Waits for their end on disk.
    };

    /// A session on its way into a group, and back with the group's id.
    struct Join {
        std::string key;
        std::uint32_t share_at;   ///< Where "$share/group/" begins in the key,
        std::uint32_t filter_at;  ///< and where it ends.
        std::uint64_t session_id;
        Standing standing;
        GroupId group = GroupId::none;
    };

    [[nodiscard]] bool alone() const noexcept { return shards_.brokers.size() == 1; }
    [[nodiscard]] Broker& on(unsigned shard) const noexcept { return *shards_.brokers[shard]; }
    template <class Work>
    void on_every_other(Work&& work);
    /// Calls `work(other)`, which is const and shared, on every other shard; `done` here when all have answered.
    template <class Work>
    void ask_every_other(Work work, std::move_only_function<void()> done);
    /// Calls `done` here when all has come that other shards sent before they hear of it.
    void after_mail(std::move_only_function<void()> done);
    /// To another shard, where QoS 0 may be lost.
    void post(unsigned shard, runtime::Task task, model::Qos qos);
    [[nodiscard]] static unsigned shard_of(std::uint64_t session_id) noexcept {
        return static_cast<unsigned>(session_id >> 48U);
    }
    [[nodiscard]] static unsigned shard_of(GroupId group) noexcept {
        return shard_of(static_cast<std::uint64_t>(group));
    }

    /// Tells the other shards of filters. `known` runs when they have confirmed these and all that they were told before.
    void announce(std::vector<std::string> filters, std::move_only_function<void()> known);
    void withdraw(const std::string& filter);
    void finish(Pending& pending);

    // Shared subscriptions: broker_shared.cpp. On the member's shard:
    [[nodiscard]] Membership& membership_of(Session& session, Subscription& subscription);
    void join(Session& session, Subscription& subscription, PendingPtr pending);
    void joined(const Join& join);
    void leave_group(Session& session, const Subscription& subscription);
    void tell_standing(
        const Session& session, const Abilities& abilities, Membership& membership
    );
    void take(
        const model::MessagePtr& message, std::uint64_t member, GroupId group, const Slip& slip
    );
    /// A session ended: its groups get what others of them may have. @return How many copies are lost.
    [[nodiscard]] std::size_t bequeath(Flow& left, const Leaver& from);
    /// What an ended session has on disk only, for its groups. A page of one of them at a time.
    void leave_rest(Left rest);
    void read_rest();
    void take_rest(const Result<std::vector<storage::QueuedMessage>>& page);
    void hand_on_rest(Left& left, const storage::QueuedMessage& stored);
    /// @param reason  Why the disk does not have what it still counts.
    void end_rest(const Left& left, model::Reason reason);
    /// As leaving_ names its client.
    [[nodiscard]] static std::string name_of(const Session& session);
    [[nodiscard]] bool is_leaving(const Session& session) const {
        return !leaving_.empty() && leaving_.contains(name_of(session));
    }
    /// Runs `work` when the disk is given the end of all earlier sessions of this one's client.
    void after_ends(const Session& session, std::move_only_function<void()> work);
    // On the group's shard:
    void admit(std::unique_ptr<Join> join, PendingPtr pending);
    void dismiss(std::string_view key, std::uint64_t session_id);
    void update_standing(GroupId group, std::uint64_t session_id, Standing standing);
    /// Of a slip, the tries and attempts.
    void assign(
        SharedGroup& group,
        const model::MessagePtr& message,
        Slip slip,
        std::uint64_t avoid,
        Deposit& deposit
    );
    void assign(
        GroupId group,
        const model::MessagePtr& message,
        const Slip& slip,
        std::uint64_t avoid,
        Deposit& deposit
    );
    void assign_again(
        GroupId group, const model::MessagePtr& message, std::uint64_t avoid, const Slip& slip
    );

    /// That copies were lost with their session.
    void record_ended(const why::Who& who);
    // Retained messages of subscriptions: broker_retained.cpp. A page at a time, whatever a filter looks like or finds.
    void begin_read(RetainedReads::Id id);
    /// Asks for as many pages as may be under way.
    void read_on();
    void read_page(RetainedReads::Id id, const RetainedReads::Read& read);
    void take_page(RetainedReads::Id id, const RetainedPage& page);
    void hand_out(RetainedReads::Read& read, const std::vector<Retained>& found);
    /// All shards have answered.
    void end_read(RetainedReads::Id id);
    void leave_read(RetainedReads::Id id);

    std::size_t offer_here(const model::MessagePtr& message, Deposit& deposit);
    std::size_t offer_to_groups(const model::MessagePtr& message, Deposit& deposit);
    /// A message of another shard.
    void offer_from(const model::MessagePtr& message, const Slip& slip);
    void put_retained(Retained retained, Deposit& deposit);

    // What is stored: durable_broker.cpp
    void on_commit(Journal::Commit& commit, bool stored) override;
    /// Gives a share of an acknowledgement back, to whichever shard owes it.
    void answer(Share share, bool stored);
    // What several shards store at once: durable_gather.cpp
    /// Keeps what a message left here until the other shards have told theirs, or gives it to the shard that does.
    /// @param handover  Its number, if it is one.
    void hold(Deposit& deposit, std::uint64_t handover = 0);
    /// Nothing more comes: gives it on, or submits it.
    void pass(Gathered gathered, const Creditor& creditor);
    /// Another shard's part.
    void add_part(std::uint32_t receipt, Gathered part);
    /// @param comes_again  It was refused, and who published it is told so: what ended sessions had of it goes to nobody.
    void part_committed(Gathered::Part& part, bool stored, bool comes_again);
    /// A part of a session's queue: all below a sequence.
    struct Below {
        std::uint64_t session = 0;
        std::uint64_t sequence = 0;

        [[nodiscard]] static constexpr Below all_of(std::uint64_t session) noexcept {
            return {session, std::numeric_limits<std::uint64_t>::max()};
        }
    };
    /// Submitted in the order in which they began, whichever shards have to tell their part.
    struct Handover {
        Below after;  ///< Not while other shards are still to store some of this.
        /// Nothing: some part is still to be told. @param stands  False: what is handed on was refused.
        std::move_only_function<void(bool stands)> submit = {};
        bool stands = true;
    };
    /// Submits what leaves one place on disk together with where it goes to.
    void hand_over(Deposit& deposit, const Below& after);
    void after_handovers(const Below& after, std::move_only_function<void()> work);
    void submit_handover(Gathered gathered);
    /// As many as have their turn.
    void submit_handovers();
    [[nodiscard]] bool has_turn(const Below& after) noexcept;
    [[nodiscard]] bool is_held(const Below& part) noexcept;

    void give_back(std::uint32_t receipt, bool stored);
    void put_session(storage::Batch& batch, const Session& session) const;
    /// @param will  Of the connection: the session has it when that is stored. @param expiry  Of the session before.
    /// @return True if the peer has to wait.
    bool store_connected(
        Session& session,
        std::unique_ptr<Will> will,
        std::chrono::milliseconds expiry,
        Journal::Done done,
        bool drops_other
    );
    /// What became of one of its CONNECTs. A session that is new and could not be stored ends with its connection.
    /// @param will  Of that CONNECT. @param expiry  Of the session before it.
    void connect_stored(
        Session& session,
        std::uint32_t number,
        std::unique_ptr<Will> will,
        std::chrono::milliseconds expiry,
        bool stored
    );
    void store_disconnected(Session& session);
    /// Makes `pending` wait for them.
    void store_subscriptions(
        Session& session, std::vector<Change> changes, const PendingPtr& pending
    );
    /// Notes what is to be there again if the store refuses. @param before  Nothing: the subscription is new.
    void note_unstored(
        const Subscription& subscription, const std::optional<SubscriptionOptions>& before
    );
    /// @param number  Of the SUBSCRIBE.
    void subscriptions_stored(
        Session& session, std::uint64_t number, std::span<const Change> changes, bool stored
    );
    void sweep_retained();
    /// At the start: a later session of its client is there. It ends, at once or when its groups have all their members.
    void replace(Session& older);
    /// Without telling other threads: before the shards run.
    void restore_subscription(
        Session& session, std::string_view filter, const storage::SubscriptionRecord& record
    );
    /// Asks for the rights of a session anew. @return False if it may not be connected any more.
    bool review(Session& session);
    void expel(Session& session, model::Reason reason);
    void end(Session& session);
    /// What ends with a subscription that the session has no more.
    void leave(Session& session, Subscription& subscription);
    void forget_subscriptions(Session& session);
    void fire_will(Session& session);
    void schedule(Session& session);
    void forget_end(Session& session);
    /// Looks at the age of queues whose time has come: a bounded number of them.
    void sweep_ages();
    void forget_age(Session& session);

    Context& context_;
    Journal& journal_;
    Shards shards_;
    Receipts receipts_;
    boost::unordered_flat_map<std::uint32_t, Gathered> gathering_;  // By receipt.
    std::deque<Handover> handovers_;
    std::uint64_t first_handover_ = 1;  // Number of the first of them.
    std::size_t handover_bytes_ = 0;    // Given to the store, and not committed.
    // As Lasting::held, by session.
    boost::unordered_flat_map<std::uint64_t, std::vector<std::uint64_t>> held_of_ended_;
    std::deque<Left> left_;         // The first one is read next.
    bool is_reading_rest_ = false;  // A page of the first one is being read.
    boost::unordered_flat_map<std::string, Leaving> leaving_;
    std::vector<std::unique_ptr<Session>> replaced_;  // At the start: a later one of the same client is there. To end.
    DurableListener* durable_listener_ = nullptr;
    WillPublisher* will_publisher_ = nullptr;
    std::shared_ptr<const policy::PolicySet> policy_set_;
    Interest interest_;
    SharedGroups groups_;
    std::uint64_t sessions_max_;
    std::size_t unconfirmed_ = 0;  // Announcements that not every shard has confirmed.
    RetainedStore retained_;
    RetainedReads reads_;
    ReadQueue read_queue_;
    std::size_t pages_asked_ = 0;  // Of other shards, under way.
    std::size_t looks_left_;       // At topics of this shard, before the others have their turn.
    bool is_resting_ = false;      // Until that turn is over.
    boost::unordered_flat_set<std::unique_ptr<Session>, KeyHash, KeyEqual> sessions_;
    boost::unordered_flat_set<Session*, HashBy<IdOf>, EqualBy<IdOf>> by_id_;
    // When to look at which offline session, as Lasting::due says, and at whose queue, as Lasting::ages says.
    std::set<std::pair<std::int64_t, std::uint64_t>> timetable_;
    std::set<std::pair<std::int64_t, std::uint64_t>> ages_;
    std::uint64_t changes_ = 0;  // SUBSCRIBEs of sessions that last.
    boost::unordered_flat_map<const Subscription*, Unstored> unstored_;
    std::uint64_t next_session_;
    std::uint64_t fan_outs_ = 0;
    std::vector<Target> targets_;
    std::vector<SharedGroup*> matched_groups_;
};

}  // namespace weir::broker
