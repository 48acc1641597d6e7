/// Brokers of several shards on one thread, and what connects to them.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <weir/broker/broker.hpp>
#include <weir/document/diagnostic.hpp>
#include <weir/policy/policy_file.hpp>
#include <weir/storage/store.hpp>

#include "support/random.hpp"

namespace weir::broker {

using model::Qos;
using model::Reason;

/// A connection that writes down what it is told.
class Peer final : public Subscriber {
public:
    bool ready(Qos /*qos*/) const noexcept override { return is_ready; }
    void deliver(const Delivery& delivery) noexcept override {
        const auto payload = as_text(delivery.message->payload());
        got.push_back(
            std::string{delivery.message->topic()} + '=' + std::string{payload} + '@' +
            std::to_string(static_cast<int>(delivery.qos)) + (delivery.retain ? "r" : "") + (delivery.duplicate ? "d" : "")
        );
        ids.push_back(delivery.packet_id);
        attempts.push_back(delivery.attempts);
        subscription_ids.assign(delivery.subscription_ids.begin(), delivery.subscription_ids.end());
    }
    void release(std::uint16_t packet_id) noexcept override { released.push_back(packet_id); }
    void end(Reason reason) noexcept override { ended.push_back(reason); }

    bool is_ready = true;
    std::vector<std::string> got;
    std::vector<std::uint16_t> ids;
    std::vector<std::uint8_t> attempts;
    std::vector<std::uint32_t> subscription_ids;
    std::vector<std::uint16_t> released;
    std::vector<Reason> ended;
};

/// Brokers of several shards on one thread; what one sends to another waits until pump().
class Cluster {
public:
    struct Node final : Peers, WillPublisher, DurableListener {
        Node(Cluster& owner, unsigned number)
            : cluster{owner},
              self{number},
              decisions{1 << 20},
              context{owner.clock, metrics, decisions},
              journal{*owner.store, [&owner](runtime::Task work) { owner.post(std::move(work)); }},
              broker{context, journal, {owner.brokers, this, number}, 1'000'000} {
            broker.bind(static_cast<WillPublisher&>(*this));
            broker.bind(static_cast<DurableListener&>(*this));
        }
        bool try_send(unsigned shard, runtime::Task& work) noexcept override {
            if (full) {
                return false;
            }
            send(shard, std::move(work));
            return true;
        }
        void send(unsigned shard, runtime::Task work) override { cluster.mail[{self, shard}].push_back(std::move(work)); }
        bool publish_will(Session& session, const Will& will) override {
            Deposit deposit{journal, {.gathers = session.stored_id() != storage::SessionId{}}};
            deposit.next(*will.message);
            broker.fan_out(will.message, deposit);
            if (deposit.creditor().gathers) {
                deposit.batch.erase_will(session.stored_id());
            }
            broker.commit(deposit);
            return true;
        }
        void on_durable(AckToken token, bool stored) noexcept override { acks.emplace_back(token.number, stored); }

        Cluster& cluster;
        unsigned self;
        bool full = false;
        model::ShardMetrics metrics;
        why::DecisionLog decisions;
        Context context;
        Journal journal;
        Broker broker;
        std::vector<std::pair<std::uint64_t, bool>> acks;
    };

    explicit Cluster(unsigned shards, std::shared_ptr<storage::Store> on = storage::Store::in_memory())
        : store{std::move(on)}, brokers(shards) {
        for (unsigned i = 0; i < shards; ++i) {
            nodes.push_back(std::make_unique<Node>(*this, i));
            brokers[i] = &nodes.back()->broker;
        }
        policies("policy: open\nallow:\n  - connect: \"*\"\n  - publish: [\"#\"]\n    retain: true\n    shared: true\n  - subscribe: [\"#\"]\n");
    }

    void policies(std::string_view text) {
        document::Diagnostics diagnostics;
        auto parsed = policy::parse_policy(text, "open.yaml", diagnostics);
        ASSERT_TRUE(parsed.has_value()) << diagnostics.render_text();
        std::vector<policy::Policy> all;
        all.push_back(std::move(*parsed));
        set = policy::PolicySet::make(std::move(all));
        for (auto& node : nodes) {
            node->broker.apply_policies(set);
        }
    }

    /// Nothing comes from the store's threads any more; what they posted is not run: whom it is for may be gone.
    ~Cluster() {
        store->drain();
        std::promise<void> read;
        store->async_read_queue({}, 0, {}, [&read](auto /*page*/) { read.set_value(); });
        read.get_future().wait();
    }
    Cluster(const Cluster&) = delete;
    Cluster& operator=(const Cluster&) = delete;

    /// From any thread.
    void post(runtime::Task work) {
        const std::lock_guard lock{mutex};
        posted.push_back(std::move(work));
        arrived.notify_one();
    }
    bool run_posted() {
        std::deque<runtime::Task> taken;
        {
            const std::lock_guard lock{mutex};
            taken.swap(posted);
        }
        for (auto& work : taken) {
            work();
        }
        return !taken.empty();
    }
    [[nodiscard]] bool waits_for_disk() const {
        return std::ranges::any_of(nodes, [](const auto& node) { return !node->journal.idle(); });
    }

    /// Runs what was sent, in the order of each pair, until nothing is left and all is stored.
    void pump() {
        do {
            run_mail();
        } while (run_disk());
    }
    /// Runs what the store has to tell, waiting for it. @return False if nothing is on its way to the disk or back.
    bool run_disk() {
        if (run_posted()) {
            return true;
        }
        if (!waits_for_disk()) {
            return false;
        }
        std::unique_lock lock{mutex};
        arrived.wait(lock, [this] { return !posted.empty(); });
        return true;
    }
    void run_mail() {
        for (bool any = true; any;) {
            any = false;
            for (auto& [pair, queue] : mail) {
                if (!queue.empty()) {
                    auto work = std::move(queue.front());
                    queue.pop_front();
                    work();
                    any = true;
                }
            }
        }
    }

    /// Runs the oldest work of one pair of shards. @return False if there is none.
    bool step(test::Random& random) {
        std::vector<std::deque<runtime::Task>*> waiting;
        for (auto& [pair, queue] : mail) {
            if (!queue.empty()) {
                waiting.push_back(&queue);
            }
        }
        if (waiting.empty()) {
            return false;
        }
        auto& queue = *waiting[random.below(waiting.size())];
        auto work = std::move(queue.front());
        queue.pop_front();
        work();
        return true;
    }

    [[nodiscard]] std::uint64_t lost(Reason reason) const {
        std::uint64_t sum = 0;
        for (const auto& node : nodes) {
            sum += node->metrics.lost[static_cast<std::size_t>(reason)].value();
        }
        return sum;
    }

    static model::PrincipalPtr thing(const std::string& name) {
        auto made = std::make_shared<model::Principal>();
        made->thing = name;
        made->policies = {"open"};
        return made;
    }

    ConnectRequest request(const std::string& client_id, Subscriber& peer, const std::string& owner = "owner") {
        ConnectRequest made{};
        made.client_id = client_id;
        made.principal = thing(owner);
        made.policies = set->bundle_for(*made.principal);
        made.limits = std::make_shared<const model::Limits>(limits);
        made.subscriber = &peer;
        return made;
    }

    Session& connect(unsigned shard, const std::string& client_id, Peer& peer, std::chrono::milliseconds expiry = {}) {
        auto made = request(client_id, peer);
        made.expiry = expiry;
        made.clean_start = expiry.count() == 0;
        const auto result = brokers[shard]->connect(std::move(made));
        EXPECT_TRUE(result.verdict.accepted());
        pump();
        brokers[shard]->resume(*result.session);
        pump();
        return *result.session;
    }

    void subscribe(unsigned shard, Session& session, std::string_view filter, SubscriptionOptions options = {}) {
        bool done = false;
        begin_subscribe(shard, session, filter, options, done);
        pump();
        EXPECT_TRUE(done);
    }
    /// Leaves it to the caller to pump().
    void begin_subscribe(unsigned shard, Session& session, std::string_view filter, SubscriptionOptions options, bool& done) {
        constexpr std::string_view kShare = "$share/";
        std::string_view group;
        if (filter.starts_with(kShare)) {
            group = filter.substr(kShare.size(), filter.find('/', kShare.size()) - kShare.size());
        }
        const SubscribeRequest wanted{filter, options, group};
        brokers[shard]->subscribe(session, {&wanted, 1}, [&done](bool stored) { done = stored; });
    }

    static model::MessagePtr message(
        std::string_view topic, std::string_view payload, Qos qos = Qos::at_most_once, bool retain = false, std::uint64_t from = 0
    ) {
        return model::Message::make(
            {.topic = topic, .payload = as_bytes(payload), .qos = qos, .retain = retain, .publisher_session = from}
        );
    }

    void publish(unsigned shard, std::string_view topic, std::string_view payload, Qos qos = Qos::at_most_once) {
        fan_out(shard, message(topic, payload, qos));
        pump();
    }
    /// Leaves it to the caller to pump(). @param number  Of the acknowledgement; 0: nobody waits.
    bool fan_out(unsigned shard, const model::MessagePtr& message, std::uint64_t number = 0) {
        Deposit deposit{nodes[shard]->journal, {.token = {.connection = number, .number = number}}};
        deposit.next(*message);
        const bool wanted = brokers[shard]->fan_out(message, deposit);
        is_pending = brokers[shard]->commit(deposit);
        return wanted;
    }
    void retain(
        unsigned shard, const model::MessagePtr& message, const model::PrincipalPtr& publisher = nullptr, std::string_view client_id = {}
    ) {
        Deposit deposit{nodes[shard]->journal};
        deposit.next(*message);
        brokers[shard]->retain(message, publisher, client_id, deposit);
        is_pending = brokers[shard]->commit(deposit);
    }

    ManualClock clock;
    model::Limits limits;
    std::shared_ptr<storage::Store> store;
    bool is_pending = false;  ///< Of the last message: its acknowledgement waits.
    std::mutex mutex;
    std::condition_variable arrived;
    std::deque<runtime::Task> posted;
    std::vector<Broker*> brokers;
    std::map<std::pair<unsigned, unsigned>, std::deque<runtime::Task>> mail;
    std::vector<std::unique_ptr<Node>> nodes;
    policy::PolicySetPtr set;
};

constexpr SubscriptionOptions kQos1{.qos = Qos::at_least_once};
constexpr SubscriptionOptions kQos2{.qos = Qos::exactly_once};

}  // namespace weir::broker
