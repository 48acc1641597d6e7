// Sessions, queues and retained messages outlive the gateway: what a second set of brokers finds in the first one's store.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <optional>

#include <weir/broker/durable_records.hpp>
#include <weir/metering/meter.hpp>

#include "cluster.hpp"
#include "support/heap.hpp"
#include "unit/storage/faulty_engine.hpp"

namespace weir::broker {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using Acks = std::vector<std::pair<std::uint64_t, bool>>;

/// A client that does what a client does: acknowledges, unless it is told not to.
class Durable : public testing::TestWithParam<unsigned> {
protected:
    Durable() { start(); }

    void start() { cluster = std::make_unique<Cluster>(GetParam(), store); }
    /// On an empty disk with these faults.
    void start_on(
        const std::shared_ptr<storage::test::Faults>& faults, const storage::StoreOptions& options = {}
    ) {
        cluster.reset();
        store = std::make_shared<storage::Store>(
            std::make_unique<storage::test::FaultyEngine>(faults), options
        );
        start();
    }
    /// As if the power had gone: what is not on its way to the disk is lost. Another number of shards does not matter.
    void restart(unsigned shards = GetParam()) {
        const auto now = cluster ? cluster->clock.wall() : WallTime{0};
        if (cluster) {
            cluster->pump();
        }
        cluster.reset();
        const WallTime passed = now + downtime;
        cluster = std::make_unique<Cluster>(shards, store);
        cluster->limits = limits;
        cluster->clock.set_wall(passed);
        const auto count = static_cast<unsigned>(cluster->brokers.size());
        ASSERT_TRUE(store->read_sessions([&](storage::StoredSession&& session) {
            const auto shard = Broker::owner_of(session.record.tenant, session.record.client_id, count);
            cluster->brokers[shard]->restore(
                session, refresh(session.record), std::make_shared<const model::Limits>(limits)
            );
            return true;
        }));
        ASSERT_TRUE(store->read_all_retained([&](const storage::RetainedRecord& record) {
            const auto shard = Broker::owner_of_topic(record.message.topic, count);
            cluster->brokers[shard]->restore(
                record, record.owner.empty() ? nullptr : Cluster::thing(std::string{record.owner})
            );
            return true;
        }));
        cluster->pump();
    }
    [[nodiscard]] Result<model::PrincipalPtr> refresh(const storage::SessionRecord& record) const {
        if (record.owner == gone) {
            return error_code{1, boost::system::generic_category()};
        }
        return Cluster::thing(std::string{record.owner});
    }

    [[nodiscard]] unsigned home(std::string_view client_id) const {
        return Broker::owner_of("default", client_id, static_cast<unsigned>(cluster->brokers.size()));
    }
    Session& connect(const std::string& client_id, Peer& with, std::chrono::milliseconds expiry = hours{1}) {
        return cluster->connect(home(client_id), client_id, with, expiry);
    }
    void subscribe(Session& session, std::string_view filter, SubscriptionOptions options) {
        cluster->subscribe(home(session.client_id()), session, filter, options);
    }
    void disconnect(Session& session, const Peer& with, bool will = true) {
        cluster->brokers[home(session.client_id())]->disconnect(session, with, will);
        cluster->pump();
    }
    /// From the shard that is farthest from where sessions tend to be.
    void publish(std::string_view topic, std::string_view payload, Qos qos = Qos::at_least_once) {
        cluster->publish(static_cast<unsigned>(cluster->brokers.size()) - 1, topic, payload, qos);
    }
    void retain(
        unsigned shard, const model::MessagePtr& message, const model::PrincipalPtr& publisher = nullptr, std::string_view client_id = {}
    ) {
        cluster->retain(shard, message, publisher, client_id);
        cluster->pump();
    }
    [[nodiscard]] std::int64_t sum(Gauge model::ShardMetrics::*gauge) const {
        std::int64_t all = 0;
        for (const auto& node : cluster->nodes) {
            all += (node->metrics.*gauge).value();
        }
        return all;
    }
    [[nodiscard]] std::size_t stored(std::string_view client_id) const {
        std::size_t entries = 0;
        EXPECT_TRUE(store->read_sessions([&](storage::StoredSession&& session) {
            entries += session.record.client_id == client_id ? session.queue.entries : 0;
            return true;
        }));
        return entries;
    }
    /// With the time at which it is published.
    void publish_now(std::string_view topic, std::string_view payload) {
        cluster->fan_out(0, model::Message::make(
            {.topic = topic, .payload = as_bytes(payload), .qos = Qos::at_least_once, .created = cluster->clock.wall()}
        ));
        cluster->pump();
    }
    /// What happens once a second.
    void pass(std::chrono::milliseconds time) {
        cluster->clock.advance(time);
        for (Broker* const broker : cluster->brokers) {
            broker->advance();
        }
        cluster->pump();
    }
    [[nodiscard]] const Session& session_of(std::string_view client_id) const {
        const Session* found = nullptr;
        cluster->brokers[home(client_id)]->for_each_session([&](const Session& session) {
            found = session.client_id() == client_id ? &session : found;
        });
        return *found;
    }
    /// A member whose queue has `1`, `2` and `3`, at QoS 1 and 2, and another one with an empty queue, on another shard if there is one. The
    /// gateway stops after the first `cut` batches of what `leave` does with the session of the first, and what is on disk then has to be
    /// complete, whoever has it. @return False: it was all done by then.
    /// @param is_read  False: the gateway was started again, and nothing is in memory.
    template <class Leave>
    bool leave_load(int cut, bool is_online, Leave leave, bool is_read = true) {
        const auto faults = std::make_shared<storage::test::Faults>();
        start_on(faults, {.group_batches_max = 1});
        Peer first;
        Peer second;
        auto& mortal = connect("mortal", first, seconds{60});
        subscribe(mortal, "$share/g/x", kQos2);
        first.is_ready = false;
        if (!is_online) {
            disconnect(mortal, first);
        }
        publish("x", "1");
        publish("x", "2", Qos::exactly_once);
        publish("x", "3");
        auto& heir = connect(heir_id(), second);
        subscribe(heir, "$share/g/x", kQos2);
        disconnect(heir, second);
        EXPECT_EQ(stored("mortal"), 3U);
        if (!is_read) {
            restart();
        }
        store->drain();
        const int last = faults->commits + cut;
        faults->commits_max = last;
        leave(const_cast<Session&>(session_of("mortal")), first);
        cluster->pump();
        store->drain();
        const bool is_cut = faults->commits > last;
        faults->commits_max = std::numeric_limits<int>::max();
        restart();
        EXPECT_EQ(stored("mortal") + stored(heir_id()), 3U) << "cut after " << cut;
        EXPECT_EQ(sum(&model::ShardMetrics::queued), 3);
        return is_cut;
    }
    void start_clean(bool is_read);
    /// Of a device of its own, some pages long, and another member of its group.
    void fill_queue_of_other() {
        Peer first;
        Peer second;
        auto request = cluster->request("mortal", first, "other");
        request.expiry = hours{1};
        Session& mortal = *cluster->brokers[home("mortal")]->connect(std::move(request)).session;
        cluster->pump();
        subscribe(mortal, "$share/g/x", kQos2);
        disconnect(mortal, first);
        for (int i = 0; i < kManyMessages; ++i) {
            publish("x", std::to_string(i), i % 2 == 0 ? Qos::exactly_once : Qos::at_least_once);
        }
        auto& heir = connect(heir_id(), second);
        subscribe(heir, "$share/g/x", kQos2);
        disconnect(heir, second);
        ASSERT_EQ(stored("mortal"), std::size_t{kManyMessages});
    }
    void expect_heir_has_all() {
        EXPECT_EQ(stored_sessions(), 1U);
        EXPECT_EQ(stored(heir_id()), std::size_t{kManyMessages});
        EXPECT_EQ(sum(&model::ShardMetrics::queued), std::int64_t{kManyMessages});
        EXPECT_EQ(sum(&model::ShardMetrics::sessions), 1);
        for (const Reason reason : {Reason::session_ended, Reason::shared_no_member, Reason::storage_failed}) {
            EXPECT_EQ(cluster->lost(reason), 0U);
        }
    }
    static constexpr int kManyMessages = 150;
    [[nodiscard]] std::string heir_id() const {
        std::string id = "heir";
        while (GetParam() > 1 && home(id) == home("mortal")) {
            id += 'r';
        }
        return id;
    }
    /// The first member's time is over, and the second one gets all there is.
    void expect_load_of_heir(int cut) {
        for (const seconds time : {seconds{1}, seconds{60}, seconds{1}, seconds{1}}) {
            pass(time);
        }
        EXPECT_EQ(stored("mortal"), 0U) << "cut after " << cut;
        Peer again;
        auto& heir = connect(heir_id(), again);
        EXPECT_TRUE(heir.subscriptions().find("$share/g/x") != nullptr);
        std::ranges::sort(again.got);
        EXPECT_THAT(again.got, ElementsAre("x=1@1", "x=2@2", "x=3@1")) << "cut after " << cut;
        for (const Reason reason : {Reason::session_ended, Reason::shared_no_member, Reason::storage_failed}) {
            EXPECT_EQ(cluster->lost(reason), 0U);
        }
    }
    static std::shared_ptr<const policy::Bundle> refusing_policies() {
        document::Diagnostics diagnostics;
        auto parsed = policy::parse_policy(
            "policy: open\nallow:\n  - connect: \"*\"\n  - subscribe: [\"#\"]\n    receive: [\"other\"]\n", "open.yaml", diagnostics
        );
        EXPECT_TRUE(parsed.has_value()) << diagnostics.render_text();
        std::vector<policy::Policy> all;
        all.push_back(std::move(*parsed));
        return policy::PolicySet::make(std::move(all))->bundle_for(*Cluster::thing("owner"));
    }
    [[nodiscard]] ConnectRequest request_with_will(Peer& with, std::string_view will, seconds delay) const {
        auto request = cluster->request("a", with);
        request.expiry = hours{1};
        request.clean_start = false;
        request.will = std::make_unique<Will>(
            Will{.message = Cluster::message("will", will, Qos::at_least_once), .delay = delay}
        );
        return request;
    }
    void expect_will_of_a_short_connection(bool is_wanted) {
        Peer watcher;
        subscribe(connect("watcher", watcher), "will", kQos1);
        Broker& broker = *cluster->brokers[home("a")];
        Session& session = *broker.connect(request_with_will(peer, "gone", seconds{5})).session;
        broker.disconnect(session, peer, is_wanted);
        cluster->pump();
        pass(seconds{5});
        EXPECT_EQ(watcher.got.size(), is_wanted ? 1U : 0U);
        restart();
        pass(seconds{5});
        Peer late;
        connect("watcher", late);
        EXPECT_EQ(late.got.size(), watcher.got.size()) << "what it did not acknowledge, and no second will";
    }
    /// The disk is faster than other shards.
    void run_disk_first() {
        for (int i = 0; i < 3; ++i) {
            cluster->run_posted();
            store->drain();
        }
    }
    [[nodiscard]] std::size_t stored_sessions() const {
        std::size_t count = 0;
        EXPECT_TRUE(store->read_sessions([&](storage::StoredSession&&) {
            ++count;
            return true;
        }));
        return count;
    }

    std::shared_ptr<storage::Store> store = storage::Store::in_memory();
    std::unique_ptr<Cluster> cluster;
    model::Limits limits;
    std::chrono::milliseconds downtime{0};
    std::string gone;
    Peer peer;
};
INSTANTIATE_TEST_SUITE_P(Broker, Durable, testing::Values(1U, 2U, 8U));

/// What AWS bills twice for a session that is away, counted with the message that is stored.
TEST_P(Durable, MessagesForWhoIsAway_AreMeteredWhenStored) {
    Session& session = connect("dash", peer);
    subscribe(session, "a/#", {.qos = Qos::at_least_once});
    publish("a/b", "live");
    disconnect(session, peer);
    publish("a/b", "one");
    publish("a/b", "two");
    store->drain();

    storage::UsageDelta sums;
    ASSERT_TRUE(store->read_usage(
        {.to_hour = metering::hour_of(cluster->clock.wall()) + 1, .tenant = "default", .device = session_of("dash").device()},
        [&](const storage::UsageEntry& entry) {
            sums += entry.sums;
            return true;
        }
    ));
    using metering::Counter;
    EXPECT_EQ(sums.counters[metering::index(Counter::messages_stored)], 2U);
    EXPECT_EQ(sums.counters[metering::index(Counter::units_out, metering::Scheme::aws_5k)], 2U);
    EXPECT_EQ(sums.counters[metering::index(Counter::units_out, metering::Scheme::azure_4k)], 0U);
}

TEST_P(Durable, KeepsTheSessionAndItsSubscriptions_MQTT3_3_1_2_4_MQTT5_4_1_0_1) {
    auto& session = connect("a", peer);
    subscribe(session, "x/+", kQos1);
    subscribe(session, "y", {.qos = Qos::exactly_once, .retain_as_published = true, .id = 7});
    subscribe(session, "z", kQos1);
    cluster->brokers[home("a")]->unsubscribe(session, "z");
    cluster->pump();
    restart();
    Peer again;
    auto request = cluster->request("a", again);
    request.expiry = hours{1};
    request.clean_start = false;
    const auto result = cluster->brokers[home("a")]->connect(std::move(request));
    EXPECT_TRUE(result.session_present);
    EXPECT_TRUE(result.is_pending);
    cluster->pump();
    cluster->brokers[home("a")]->resume(*result.session);
    publish("x/1", "1");
    publish("y", "2");
    publish("z", "3");
    EXPECT_THAT(again.got, ElementsAre("x/1=1@1", "y=2@1"));
    EXPECT_THAT(again.subscription_ids, ElementsAre(7U));
}

TEST_P(Durable, StoresNothingOfASessionThatEndsWithItsConnection) {
    auto& session = cluster->connect(home("a"), "a", peer);
    subscribe(session, "x", kQos2);
    for (const Qos qos : {Qos::at_most_once, Qos::at_least_once, Qos::exactly_once}) {
        cluster->fan_out(home("a"), Cluster::message("x", "m", qos), 1);
        EXPECT_FALSE(cluster->is_pending);
    }
    session.received(2);
    session.settled(1);
    session.settled(2);
    cluster->pump();
    disconnect(session, peer);
    store->drain();
    EXPECT_EQ(store->stats().bytes, 0U);
}

TEST_P(Durable, AcknowledgesWhenTheQueuesHaveIt_AndNotBefore) {
    for (const char* id : {"a", "b", "c", "d"}) {
        auto& session = connect(id, peer);
        subscribe(session, "x", kQos1);
        disconnect(session, peer);
    }
    const unsigned publisher = GetParam() - 1;
    for (std::uint64_t number = 1; number <= 3; ++number) {
        cluster->fan_out(publisher, Cluster::message("x", "m", Qos::at_least_once), number);
        EXPECT_TRUE(cluster->is_pending);
    }
    EXPECT_THAT(cluster->nodes[publisher]->acks, IsEmpty());
    cluster->pump();
    EXPECT_EQ(cluster->nodes[publisher]->acks, (Acks{{1, true}, {2, true}, {3, true}}));
    for (const char* id : {"a", "b", "c", "d"}) {
        EXPECT_EQ(stored(id), 3U);
    }
}

TEST_P(Durable, KeepsTheQueueOfAnOfflineSession_InOrder) {
    auto& session = connect("a", peer);
    subscribe(session, "x", kQos2);
    disconnect(session, peer);
    publish("x", "1", Qos::at_least_once);
    publish("x", "2", Qos::exactly_once);
    publish("x", "QoS 0 is not kept", Qos::at_most_once);
    EXPECT_EQ(sum(&model::ShardMetrics::queued), 2);
    restart();
    EXPECT_EQ(sum(&model::ShardMetrics::queued), 2);
    publish("x", "3", Qos::at_least_once);
    Peer again;
    auto& resumed = connect("a", again);
    publish("x", "4", Qos::at_least_once);
    EXPECT_THAT(again.got, ElementsAre("x=1@1", "x=2@2", "x=3@1", "x=4@1"));
    EXPECT_THAT(again.ids, ElementsAre(1, 2, 3, 4));
    for (std::uint16_t id = 1; id <= 4; ++id) {
        id == 2 ? resumed.received(2) : resumed.settled(id);
    }
    cluster->pump();
    EXPECT_EQ(stored("a"), 1U);
    resumed.settled(2);
    cluster->pump();
    EXPECT_EQ(stored("a"), 0U);
    EXPECT_EQ(sum(&model::ShardMetrics::queued), 0);
}

TEST_P(Durable, DrainsALongQueueInPages_WithABoundedPartInMemory) {
    limits.queue_messages = 1'000;
    cluster->limits = limits;
    auto& session = connect("a", peer);
    subscribe(session, "x", kQos1);
    disconnect(session, peer);
    for (int i = 0; i < 500; ++i) {
        cluster->fan_out(home("a"), Cluster::message("x", std::to_string(i), Qos::at_least_once));
    }
    cluster->pump();
    restart();
    Peer again;
    auto& resumed = connect("a", again);
    EXPECT_EQ(again.got.size(), limits.in_flight);
    EXPECT_EQ(resumed.queued(), 400U);
    for (std::size_t next = 0; next < again.ids.size(); ++next) {
        ASSERT_TRUE(resumed.settled(again.ids[next]));
        cluster->pump();
        if (next == 250) {
            publish("x", "500");  // Goes behind those that are still on disk.
        }
    }
    ASSERT_EQ(again.got.size(), 501U);
    for (std::size_t i = 0; i < again.got.size(); ++i) {
        EXPECT_EQ(again.got[i], "x=" + std::to_string(i) + "@1");
    }
    EXPECT_EQ(stored("a"), 0U);
}

TEST_P(Durable, SendsAgainWhatWasInFlight_WithItsIdsAndDup_MQTT3_4_4_0_1_MQTT5_4_4_0_1) {
    auto& session = connect("a", peer);
    subscribe(session, "x", kQos2);
    publish("x", "1", Qos::at_least_once);
    publish("x", "2", Qos::exactly_once);
    publish("x", "3", Qos::exactly_once);
    publish("x", "4", Qos::at_least_once);
    ASSERT_THAT(peer.ids, ElementsAre(1, 2, 3, 4));
    session.received(2);
    session.settled(1);
    cluster->pump();
    EXPECT_THAT(peer.released, ElementsAre(2));
    restart();
    Peer again;
    auto& resumed = connect("a", again);
    EXPECT_THAT(again.got, ElementsAre("x=3@2d", "x=4@1d"));
    EXPECT_THAT(again.ids, ElementsAre(3, 4));
    EXPECT_THAT(again.released, ElementsAre(2));
    publish("x", "5", Qos::exactly_once);
    EXPECT_EQ(again.ids.back(), 5);
    EXPECT_TRUE(resumed.settled(2));
    EXPECT_TRUE(resumed.received(3));
    EXPECT_TRUE(resumed.settled(3));
    EXPECT_TRUE(resumed.settled(4));
    EXPECT_TRUE(resumed.received(5));
    EXPECT_TRUE(resumed.settled(5));
    cluster->pump();
    EXPECT_EQ(stored("a"), 0U);
}

TEST_P(Durable, KeepsItsBooks_WhenWhatWasInFlightMayNotGoAgain) {
    auto& session = connect("a", peer);
    subscribe(session, "x", kQos1);
    publish("x", "1");
    publish("x", "2");
    disconnect(session, peer);
    for (const bool is_restarted : {false, true}) {
        cluster->policies(
            "policy: open\nallow:\n  - connect: \"*\"\n  - subscribe: [\"x\"]\n    receive: [\"other\"]\n"
        );
        Peer again;
        auto& resumed = connect("a", again);
        EXPECT_THAT(again.got, IsEmpty());
        EXPECT_EQ(cluster->lost(Reason::receive_denied), 2U);
        const Books& books = *resumed.books();
        EXPECT_EQ(books.lost, 2U);
        EXPECT_EQ(books.in, books.out + books.lost + resumed.queued());
        if (!is_restarted) {
            cluster->policies("policy: open\nallow:\n  - connect: \"*\"\n  - subscribe: [\"x\"]\n");
            publish("x", "3");
            publish("x", "4");
            disconnect(resumed, again);
            restart();
        }
    }
}

TEST_P(Durable, SendsQos2OnlyWhenItsPacketIdIsStored) {
    auto& session = connect("a", peer);
    subscribe(session, "x", kQos2);
    cluster->fan_out(home("a"), Cluster::message("x", "1", Qos::exactly_once));
    cluster->fan_out(home("a"), Cluster::message("x", "2", Qos::at_least_once));
    EXPECT_THAT(peer.got, IsEmpty()) << "what comes later does not overtake it";
    cluster->pump();
    EXPECT_THAT(peer.got, ElementsAre("x=1@2", "x=2@1"));
    session.received(1);
    EXPECT_THAT(peer.released, IsEmpty());
    cluster->pump();
    EXPECT_THAT(peer.released, ElementsAre(1));
}

TEST_P(Durable, KeepsTheOrder_WhenSomeOfAQueueWasSent_AndLaterOnesWere) {
    auto& session = connect("a", peer);
    subscribe(session, "x", kQos1);
    peer.is_ready = false;
    publish("x", "1");
    peer.is_ready = true;
    session.pump();          // From the queue: the store does not know that it was sent.
    publish("x", "2");       // At once: the store knows.
    ASSERT_THAT(peer.got, ElementsAre("x=1@1", "x=2@1"));
    restart();
    Peer again;
    connect("a", again);
    ASSERT_EQ(again.got.size(), 2U);
    EXPECT_EQ(again.got[0].substr(0, 3), "x=1");
    EXPECT_EQ(again.got[1].substr(0, 3), "x=2");
    EXPECT_NE(again.ids[0], again.ids[1]);
}

TEST_P(Durable, KnowsTheIdsOfQos2ThatItTook) {
    auto& session = connect("a", peer);
    const unsigned shard = home("a");
    storage::Batch batch;
    ASSERT_TRUE(session.take_inbound_id(9));
    batch.put_inbound_id(session.stored_id(), 9);
    cluster->nodes[shard]->journal.submit(std::move(batch), {});
    cluster->pump();
    restart();
    auto& resumed = connect("a", peer);
    EXPECT_TRUE(resumed.has_inbound_id(9));
    EXPECT_FALSE(resumed.take_inbound_id(9));
}

/// Else a new message under that id would be taken for the old one after a restart, and be lost.
TEST_P(Durable, KnowsAnInboundIdAgain_WhenItsReleaseCannotBeStored) {
    const auto faults = std::make_shared<storage::test::Faults>();
    start_on(faults);
    auto& session = connect("a", peer);
    Journal& journal = cluster->nodes[home("a")]->journal;
    storage::Batch batch;
    ASSERT_TRUE(session.take_inbound_id(9));
    batch.put_inbound_id(session.stored_id(), 9);
    journal.submit(std::move(batch), {});
    cluster->pump();
    const auto release = [&] {
        std::optional<bool> stored;
        EXPECT_TRUE(session.release_inbound_id(9));
        journal.after([&stored](bool outcome) { stored = outcome; });
        cluster->pump();
        return stored;
    };
    faults->commit_error = storage::errc::disk_full;
    EXPECT_EQ(release(), false);
    EXPECT_TRUE(session.has_inbound_id(9));
    faults->commit_error = storage::errc{};
    EXPECT_EQ(release(), true);
    EXPECT_FALSE(session.has_inbound_id(9));
    restart();
    EXPECT_FALSE(connect("a", peer).has_inbound_id(9));
}

/// A publisher on one shard and what it publishes at QoS 2, for a queue on another one if there is one.
class DurableQos2 : public Durable {
protected:
    static constexpr std::uint16_t kPacketId = 7;

    Session& subscriber() {
        while (GetParam() > 1 && home(subscriber_id) == home("p")) {
            subscriber_id += 's';
        }
        auto& session = connect(subscriber_id, peer);
        subscribe(session, "x", kQos2);
        return session;
    }
    /// As a PUBLISH that is new. Leaves it to the caller to pump().
    void begin(Session& session, std::uint64_t connection, std::string_view payload = "m") {
        ASSERT_TRUE(session.take_inbound_id(kPacketId));
        const auto message = Cluster::message("x", payload, Qos::exactly_once);
        Deposit deposit{
            cluster->nodes[home("p")]->journal, {.token = {connection, connection, kPacketId}}
        };
        session.store_inbound_id(kPacketId, deposit);
        deposit.next(*message);
        cluster->brokers[home("p")]->fan_out(message, deposit);
        ASSERT_TRUE(cluster->brokers[home("p")]->commit(deposit));
    }
    /// Another connection. Leaves it to the caller to pump().
    Session& reconnect(Session& session) {
        Broker& broker = *cluster->brokers[home("p")];
        broker.disconnect(session, publisher, true);
        auto request = cluster->request("p", publisher);
        request.expiry = hours{1};
        request.clean_start = false;
        return *broker.connect(std::move(request)).session;
    }
    [[nodiscard]] const Acks& acks() const { return cluster->nodes[home("p")]->acks; }

    std::string subscriber_id = "s";
    Peer publisher;
};
INSTANTIATE_TEST_SUITE_P(Broker, DurableQos2, testing::Values(1U, 2U, 8U));

TEST_P(DurableQos2, AnswersAPublishThatComesAgain_WhenTheFirstIsDurable_MQTT5_4_3_3_10) {
    disconnect(subscriber(), peer);
    Session& session = connect("p", publisher);
    begin(session, 1);
    ASSERT_EQ(&reconnect(session), &session);
    ASSERT_TRUE(session.has_inbound_id(kPacketId));
    EXPECT_EQ(session.await_inbound_id({2, 20, kPacketId}).number, 20U);
    EXPECT_EQ(session.await_inbound_id({2, 21, kPacketId}).number, 20U) << "one answer for both";
    while (cluster->run_disk()) {
    }
    if (GetParam() > 1) {  // The other shard has not told yet what it has to store.
        EXPECT_THAT(acks(), IsEmpty());
        EXPECT_EQ(stored(subscriber_id), 0U);
    }
    cluster->pump();
    EXPECT_THAT(acks(), testing::UnorderedElementsAre(Acks::value_type{1, true}, Acks::value_type{20, true}));
    EXPECT_EQ(stored(subscriber_id), 1U);
    EXPECT_EQ(session.await_inbound_id({2, 22, kPacketId}).connection, 0U) << "it is durable";
    restart();
    EXPECT_TRUE(connect("p", publisher).has_inbound_id(kPacketId));
}

TEST_P(DurableQos2, TakesAPublishThatComesAgainAsNew_WhenTheFirstWasRefused) {
    store = storage::Store::in_memory({.pending_bytes_max = 4'096});
    cluster.reset();
    start();
    disconnect(subscriber(), peer);
    Session& session = connect("p", publisher);
    begin(session, 1, std::string(8'000, 'm'));
    reconnect(session);
    EXPECT_EQ(session.await_inbound_id({2, 20, kPacketId}).number, 20U);
    cluster->pump();
    EXPECT_THAT(acks(), testing::UnorderedElementsAre(Acks::value_type{1, false}, Acks::value_type{20, false}));
    begin(session, 3, "small enough");
    cluster->pump();
    EXPECT_EQ(acks().back(), (Acks::value_type{3, true}));
    EXPECT_EQ(stored(subscriber_id), 1U);
}

TEST_P(DurableQos2, ForgetsAnId_ThatIsReleasedBeforeItIsOnDisk) {
    disconnect(subscriber(), peer);
    Session& session = connect("p", publisher);
    begin(session, 1);
    EXPECT_TRUE(session.release_inbound_id(kPacketId));
    cluster->pump();
    restart();
    EXPECT_FALSE(connect("p", publisher).has_inbound_id(kPacketId));
}

TEST_P(DurableQos2, LeavesNoIdOfASession_ThatEndsBeforeItIsOnDisk) {
    disconnect(subscriber(), peer);
    Session& session = connect("p", publisher);
    begin(session, 1);
    connect("p", publisher, {});  // Clean.
    store->drain();
    EXPECT_EQ(stored_sessions(), 1U) << "the subscriber's";
    EXPECT_EQ(stored(subscriber_id), 1U);
}

TEST_P(Durable, StoresAMessageOnce_ForHoweverManyQueues) {
    for (int i = 0; i < 20; ++i) {
        auto& session = connect("c" + std::to_string(i), peer);
        subscribe(session, "x", kQos1);
        disconnect(session, peer);
    }
    publish("x", std::string(1'000, 'm'));
    std::size_t bodies = 0;
    EXPECT_TRUE(store->scan(storage::Family::queues, "m", [&](std::string_view, std::uint8_t, ByteView) {
        ++bodies;
        return true;
    }));
    EXPECT_EQ(bodies, 1U);
}

TEST_P(Durable, DropsTheOldest_AlsoOfWhatIsOnDiskOnly) {
    limits.queue_messages = 3;
    cluster->limits = limits;
    auto& session = connect("a", peer);
    subscribe(session, "x", kQos1);
    disconnect(session, peer);
    for (int i = 0; i < 3; ++i) {
        publish("x", std::to_string(i));
    }
    EXPECT_EQ(cluster->lost(Reason::queue_dropped_oldest), 0U);
    restart();
    for (int i = 3; i < 5; ++i) {
        publish("x", std::to_string(i));
    }
    EXPECT_EQ(cluster->lost(Reason::queue_dropped_oldest), 2U);
    EXPECT_EQ(stored("a"), 3U);
    Peer again;
    connect("a", again);
    EXPECT_THAT(again.got, ElementsAre("x=2@1", "x=3@1", "x=4@1"));
}

TEST_P(Durable, RejectsTheNewOne_WhereTheLimitSaysSo) {
    limits.queue_messages = 2;
    limits.queue_full = model::QueueFull::reject_new;
    cluster->limits = limits;
    auto& session = connect("a", peer);
    subscribe(session, "x", kQos1);
    disconnect(session, peer);
    publish("x", "1");
    restart();
    publish("x", "2");
    EXPECT_EQ(cluster->lost(Reason::queue_full), 0U);
    publish("x", "3");
    EXPECT_EQ(cluster->lost(Reason::queue_full), 1U);
    EXPECT_EQ(cluster->nodes[home("a")]->decisions.of("owner").at(0).reason, Reason::queue_full);
    Peer again;
    connect("a", again);
    EXPECT_THAT(again.got, ElementsAre("x=1@1", "x=2@1"));
}

TEST_P(Durable, DropsWhatWaitedForTooLong) {
    limits.queue_age = seconds{10};
    cluster->limits = limits;
    auto& session = connect("a", peer);
    subscribe(session, "x", kQos1);
    disconnect(session, peer);
    publish_now("x", "old");
    downtime = seconds{5};
    restart();
    publish_now("x", "newer");
    cluster->clock.advance(seconds{6});
    Peer again;
    connect("a", again);
    EXPECT_THAT(again.got, ElementsAre("x=newer@1"));
    EXPECT_EQ(cluster->lost(Reason::queue_too_old), 1U);
    EXPECT_EQ(stored("a"), 1U);
}

TEST_P(Durable, DropsWhatIsTooOld_ThoughNobodyComesForIt) {
    limits.queue_age = seconds{10};
    cluster->limits = limits;
    auto& session = connect("a", peer);
    subscribe(session, "x", kQos1);
    disconnect(session, peer);
    publish_now("x", "old");
    publish_now("x", "as old");
    pass(seconds{5});
    publish_now("x", "newer");
    pass(seconds{5});
    EXPECT_EQ(cluster->lost(Reason::queue_too_old), 0U) << "just not too old";
    pass(seconds{1});
    EXPECT_EQ(cluster->lost(Reason::queue_too_old), 2U);
    EXPECT_EQ(stored("a"), 1U);
    EXPECT_EQ(sum(&model::ShardMetrics::queued), 1);
    const Books& books = *session_of("a").books();
    EXPECT_EQ(books.in, books.out + books.lost + session_of("a").queued());
    EXPECT_EQ(books.limits[static_cast<std::size_t>(model::QueueLimit::age)].lost, 2U);
    pass(seconds{5});
    EXPECT_EQ(cluster->lost(Reason::queue_too_old), 3U);
    EXPECT_EQ(stored("a"), 0U);
    publish_now("x", "fresh");
    pass(seconds{11});
    EXPECT_EQ(cluster->lost(Reason::queue_too_old), 4U) << "a queue that was empty is looked at again";
}

TEST_P(Durable, DropsWhatIsTooOld_BehindWhatIsInFlight_AndAfterARestart) {
    limits.queue_age = seconds{10};
    limits.in_flight = 2;
    cluster->limits = limits;
    auto& session = connect("a", peer);
    subscribe(session, "x", kQos1);
    for (const auto* const payload : {"sent", "sent too", "waits"}) {
        publish_now("x", payload);
    }
    EXPECT_EQ(peer.got.size(), 2U);
    disconnect(session, peer);
    restart();
    pass(seconds{5});
    EXPECT_EQ(cluster->lost(Reason::queue_too_old), 0U);
    EXPECT_EQ(stored("a"), 3U);
    pass(seconds{6});
    EXPECT_EQ(cluster->lost(Reason::queue_too_old), 1U);
    EXPECT_EQ(stored("a"), 2U);
    Peer again;
    connect("a", again);
    EXPECT_THAT(again.got, ElementsAre("x=sent@1d", "x=sent too@1d"));
}

TEST_P(Durable, DropsWhatIsTooOld_OfASharedSubscription) {
    limits.queue_age = seconds{10};
    cluster->limits = limits;
    auto& session = connect("a", peer);
    subscribe(session, "$share/g/x", kQos1);
    disconnect(session, peer);
    publish_now("x", "old");
    EXPECT_EQ(stored("a"), 1U);
    pass(seconds{11});
    EXPECT_EQ(cluster->lost(Reason::queue_too_old), 1U);
    EXPECT_EQ(stored("a"), 0U);
    EXPECT_EQ(sum(&model::ShardMetrics::queued), 0);
}

TEST_P(Durable, LeavesTheLoadOfASharedSubscriptionToItsOtherMembers_WhenItEndsAfterARestart) {
    for (const bool ends_while_down : {false, true}) {
        Peer first;
        Peer second;
        auto& heir = connect("heir", first);
        auto& mortal = connect("mortal", second, seconds{60});
        subscribe(heir, "$share/g/x", kQos2);
        subscribe(mortal, "$share/g/x", kQos2);
        disconnect(heir, first);
        disconnect(mortal, second);
        constexpr std::size_t kMessages = 4 * Lasting::kHeadMessages;  // Of each two pages.
        for (std::size_t i = 0; i < kMessages; ++i) {
            const Qos qos = i % 3 == 0 ? Qos::exactly_once : Qos::at_least_once;
            cluster->fan_out(home("heir"), Cluster::message("x", std::to_string(i), qos));
        }
        cluster->pump();
        EXPECT_GT(stored("mortal"), Lasting::kHeadMessages);
        downtime = ends_while_down ? seconds{61} : seconds{0};
        restart();
        pass(seconds{1});
        pass(ends_while_down ? seconds{1} : seconds{60});
        EXPECT_EQ(stored("mortal"), 0U);
        EXPECT_EQ(stored("heir"), kMessages);
        EXPECT_EQ(cluster->lost(Reason::session_ended), 0U);
        Peer again;
        auto& resumed = connect("heir", again);
        for (std::size_t next = 0; next < again.ids.size(); ++next) {
            if (again.got[next].ends_with("@2")) {
                resumed.received(again.ids[next]);
            }
            ASSERT_TRUE(resumed.settled(again.ids[next]));
            cluster->pump();
        }
        std::ranges::sort(again.got);
        EXPECT_EQ(std::ranges::adjacent_find(again.got), again.got.end());
        EXPECT_EQ(again.got.size(), kMessages);
        disconnect(resumed, again);
    }
}

TEST_P(Durable, LosesAndDoublesNothing_WhereverTheGatewayStops_WhileASharedSubscriptionsLoadGoesToAnotherMember) {
    for (const bool is_disk_first : {false, true}) {
        for (int cut = 0;; ++cut) {
            const bool is_cut = leave_load(cut, false, [&](Session& mortal, Peer& /*first*/) {
                cluster->clock.advance(seconds{61});
                cluster->brokers[home(mortal.client_id())]->advance();
                if (is_disk_first) {
                    run_disk_first();
                }
            });
            expect_load_of_heir(cut);
            if (!is_cut) {
                break;
            }
        }
    }
}

TEST_P(Durable, StartsClean_OnlyWhenOthersHaveWhatTheSessionLeft) { start_clean(true); }

TEST_P(Durable, StartsClean_OnlyWhenOthersHaveWhatTheSessionLeft_ThatNobodyHasReadSinceTheStart) {
    start_clean(false);
}

TEST_P(Durable, LeavesToOthersWhatNobodyHasReadSinceTheStart_WhenItsDeviceIsRemoved) {
    fill_queue_of_other();
    restart();
    const auto remove = [](const model::PrincipalPtr& principal) -> Refreshed {
        if (principal->thing == "other") {
            return {.reason = Reason::credential_removed};
        }
        return {.principal = principal};
    };
    cluster->brokers[home("mortal")]->apply_principals(remove);
    EXPECT_EQ(sum(&model::ShardMetrics::queued), std::int64_t{kManyMessages});
    cluster->pump();
    expect_heir_has_all();
}

TEST_P(Durable, LeavesToOthersWhatItHad_WhenItsDeviceIsGoneAtTheStart) {
    fill_queue_of_other();
    gone = "other";
    restart();
    EXPECT_EQ(stored("mortal"), std::size_t{kManyMessages});
    pass(seconds{1});
    expect_heir_has_all();
}

TEST_P(Durable, LeavesToOthersWhatItHad_WhenItsDeviceIsGoneAtTheStart_AndItsNameIsAnothers) {
    fill_queue_of_other();
    gone = "other";
    restart();
    Peer newcomer;
    connect("mortal", newcomer);
    EXPECT_EQ(stored_sessions(), 2U);
    disconnect(const_cast<Session&>(session_of("mortal")), newcomer);
    EXPECT_EQ(stored(heir_id()), std::size_t{kManyMessages});
    EXPECT_EQ(cluster->lost(Reason::session_ended), 0U);
}

TEST_P(Durable, KeepsWhatIsItsOwn_FromItsGroups_WhenItEndsUnread) {
    Peer second;
    auto& mortal = connect("mortal", peer, seconds{60});
    subscribe(mortal, "$share/g/x", kQos1);
    subscribe(mortal, "y", kQos1);
    disconnect(mortal, peer);
    publish("x", "1");
    publish("y", "2");
    auto& heir = connect(heir_id(), second);
    subscribe(heir, "$share/g/x", kQos1);
    disconnect(heir, second);
    restart();
    connect("mortal", peer, {});  // Clean.
    EXPECT_EQ(stored(heir_id()), 1U);
    EXPECT_EQ(stored("mortal"), 0U);
    EXPECT_EQ(cluster->lost(Reason::session_ended), 1U);
    EXPECT_EQ(sum(&model::ShardMetrics::queued), 1);
}

/// @param is_read  As in leave_load().
void Durable::start_clean(bool is_read) {
    for (const bool is_disk_first : {false, true}) {
        for (int cut = 0;; ++cut) {
            bool is_accepted = false;
            Peer newcomer;
            const bool is_cut = leave_load(cut, false, [&](Session& mortal, Peer& /*first*/) {
                auto request = cluster->request("mortal", newcomer);
                request.expiry = seconds{60};
                request.clean_start = true;
                request.done = [&](bool stored) { is_accepted = stored; };
                const unsigned shard = home(mortal.client_id());
                const auto result = cluster->brokers[shard]->connect(std::move(request));
                EXPECT_TRUE(result.is_pending);
                if (is_disk_first) {
                    run_disk_first();
                }
            }, is_read);
            EXPECT_TRUE(is_accepted || is_cut);
            if (is_accepted) {
                EXPECT_EQ(stored("mortal"), 0U);
                EXPECT_EQ(session_of("mortal").subscriptions().size(), 0U);
            }
            expect_load_of_heir(cut);
            if (!is_cut) {
                break;
            }
        }
    }
}

TEST_P(Durable, KeepsWhatAMemberMayNotReceive_WhereverTheGatewayStops) {
    for (const bool is_disk_first : {false, true}) {
        for (int cut = 0;; ++cut) {
            const bool is_cut = leave_load(cut, true, [&](Session& mortal, Peer& first) {
                auto request = cluster->request("mortal", first);
                request.expiry = seconds{60};
                request.clean_start = false;
                request.policies = refusing_policies();
                first.is_ready = true;
                auto& broker = *cluster->brokers[home(mortal.client_id())];
                broker.resume(*broker.connect(std::move(request)).session);
                if (is_disk_first) {
                    run_disk_first();
                }
                EXPECT_THAT(first.got, IsEmpty());
            });
            expect_load_of_heir(cut);
            if (!is_cut) {
                break;
            }
        }
    }
}

TEST_P(Durable, LeavesMoreToAnotherMember_ThanTheStoreTakesAtOnce) {
    constexpr std::size_t kMessages = 8;
    const auto faults = std::make_shared<storage::test::Faults>();
    start_on(faults, {.pending_bytes_max = kMessages / 2 * 1024 * 1024});
    Peer second;
    auto& mortal = connect("mortal", peer, seconds{60});
    subscribe(mortal, "$share/g/x", kQos2);
    disconnect(mortal, peer);
    for (std::size_t i = 0; i < kMessages; ++i) {
        publish("x", std::string(1024 * 1024, 'x'));
    }
    auto& heir = connect(heir_id(), second);
    subscribe(heir, "$share/g/x", kQos2);
    disconnect(heir, second);
    ASSERT_EQ(stored("mortal"), kMessages);
    faults->hold();
    cluster->clock.advance(seconds{61});
    cluster->brokers[home("mortal")]->advance();
    cluster->run_mail();
    faults->let_go();
    cluster->pump();
    EXPECT_EQ(cluster->lost(Reason::storage_failed), 0U);
    EXPECT_EQ(stored(heir_id()), kMessages);
    EXPECT_EQ(stored_sessions(), 1U);
}

TEST_P(Durable, LeavesToOthersWhatAnotherShardIsStillToStore_WhenItEnds) {
    Peer second;
    auto& mortal = connect("mortal", peer, seconds{60});
    subscribe(mortal, "$share/g/x", kQos1);
    auto& heir = connect(heir_id(), second);
    subscribe(heir, "$share/g/x", kQos1);
    disconnect(heir, second);
    const unsigned shard = GetParam() - 1;
    Deposit deposit{cluster->nodes[shard]->journal, {.token = {.connection = 1, .number = 1}, .gathers = true}};
    const auto message = Cluster::message("x", "1", Qos::exactly_once);
    deposit.next(*message);
    cluster->brokers[shard]->fan_out(message, deposit);
    cluster->brokers[shard]->commit(deposit);
    cluster->run_mail();  // It has reached the member, and perhaps not the disk.
    Broker& broker = *cluster->brokers[home("mortal")];
    broker.disconnect(mortal, peer, false);
    cluster->clock.advance(seconds{61});
    broker.advance();
    cluster->pump();
    EXPECT_THAT(peer.got, ElementsAre("x=1@1"));
    EXPECT_EQ(cluster->nodes[shard]->acks, (Acks{{1, true}}));
    EXPECT_EQ(stored("mortal"), 0U);
    EXPECT_EQ(stored(heir_id()), 1U);
    EXPECT_EQ(stored_sessions(), 1U);
    EXPECT_EQ(sum(&model::ShardMetrics::queued), 1);
}

TEST_P(Durable, PublishesAWillWithTheEndOfIt_WhereverTheGatewayStops) {
    for (const bool is_disk_first : {false, true}) {
        for (int cut = 0;; ++cut) {
            const auto faults = std::make_shared<storage::test::Faults>();
            start_on(faults, {.group_batches_max = 1});
            Peer reader;
            Peer first;
            auto& heir = connect(heir_id(), reader);
            subscribe(heir, "w", kQos2);
            disconnect(heir, reader);
            auto request = cluster->request("mortal", first);
            request.expiry = seconds{60};
            request.clean_start = false;
            request.will = std::make_unique<Will>(
                Will{.message = Cluster::message("w", "gone", Qos::exactly_once), .delay = hours{1}}
            );
            auto& broker = *cluster->brokers[home("mortal")];
            Session& mortal = *broker.connect(std::move(request)).session;
            cluster->pump();
            disconnect(mortal, first);
            store->drain();
            const int last = faults->commits + cut;
            faults->commits_max = last;
            cluster->clock.advance(seconds{61});
            broker.advance();
            if (is_disk_first) {
                run_disk_first();
            }
            cluster->pump();
            store->drain();
            const bool is_cut = faults->commits > last;
            faults->commits_max = std::numeric_limits<int>::max();
            restart();
            pass(seconds{1});
            pass(seconds{61});
            EXPECT_EQ(stored(heir_id()), 1U) << "cut after " << cut;
            EXPECT_EQ(stored_sessions(), 1U);
            if (!is_cut) {
                break;
            }
        }
    }
}

TEST_P(Durable, LooksAtTheAgeOfQueues_APageOfSomeOfThemAtATime) {
    constexpr std::size_t kLooks = 64;  // In a second, on each shard.
    constexpr std::size_t kSessions = kLooks + 36;
    limits.queue_age = seconds{10};
    cluster->limits = limits;
    for (std::size_t i = 0; i < kSessions; ++i) {
        auto& session = connect("c" + std::to_string(i), peer);
        subscribe(session, "x", kQos1);
        disconnect(session, peer);
    }
    publish_now("x", "old");
    pass(seconds{11});
    EXPECT_GE(cluster->lost(Reason::queue_too_old), kLooks);
    if (GetParam() == 1) {
        EXPECT_EQ(cluster->lost(Reason::queue_too_old), kLooks);
    }
    pass(seconds{1});
    EXPECT_EQ(cluster->lost(Reason::queue_too_old), kSessions);

    for (std::size_t i = 0; i < Lasting::kHeadMessages + 10; ++i) {
        publish_now("x", "old");
    }
    const std::uint64_t before = cluster->lost(Reason::queue_too_old);
    for (std::size_t second = 0; second < 20; ++second) {
        pass(seconds{second == 0 ? 11 : 1});
        EXPECT_LE(
            cluster->lost(Reason::queue_too_old) - before,
            (second + 1) * kLooks * Lasting::kHeadMessages * GetParam()
        );
    }
    EXPECT_EQ(cluster->lost(Reason::queue_too_old) - before, kSessions * (Lasting::kHeadMessages + 10));
    EXPECT_EQ(sum(&model::ShardMetrics::queued), 0);
}

TEST_P(Durable, KnowsWhichLimitsOfAQueueCostMessages_AndWhen) {
    const auto limit_of = [&](std::string_view client_id, model::QueueLimit limit) {
        return session_of(client_id).books()->limits[static_cast<std::size_t>(limit)];
    };
    limits.queue_messages = 2;
    cluster->limits = limits;
    auto& few = connect("few", peer);
    subscribe(few, "x", kQos1);
    disconnect(few, peer);
    limits = {};
    limits.queue_bytes = 2'500;
    cluster->limits = limits;
    auto& small = connect("small", peer);
    subscribe(small, "x", kQos1);
    disconnect(small, peer);
    const std::string kilobyte(1'000, 'x');
    publish_now("x", kilobyte);
    publish_now("x", kilobyte);
    EXPECT_EQ(limit_of("few", model::QueueLimit::messages).lost, 0U);
    cluster->clock.advance(seconds{1});
    publish_now("x", kilobyte);
    EXPECT_EQ(limit_of("few", model::QueueLimit::messages).lost, 1U);
    EXPECT_EQ(limit_of("few", model::QueueLimit::messages).last, cluster->clock.wall());
    EXPECT_EQ(limit_of("few", model::QueueLimit::bytes).lost, 0U);
    EXPECT_EQ(limit_of("small", model::QueueLimit::bytes).lost, 1U);
    EXPECT_EQ(limit_of("small", model::QueueLimit::messages).lost, 0U);
    std::uint64_t sum_of_all = 0;
    for (const auto& node : cluster->nodes) {
        for (const Counter& counter : node->metrics.queue_limits) {
            sum_of_all += counter.value();
        }
    }
    EXPECT_EQ(sum_of_all, 2U);
}

TEST_P(Durable, DropsItsOldest_WhenTheBudgetOfAllQueuesIsUsedUp) {
    constexpr int kMessages = 12;  // An eighth of them has room for one more.
    const auto big = [](int number) { return std::to_string(100 + number) + std::string(1'000, 'x'); };
    auto& session = connect("a", peer);
    subscribe(session, "x", kQos1);
    disconnect(session, peer);
    for (int number = 0; number < kMessages; ++number) {
        publish("x", big(number));
    }
    auto& budgets = store->budgets();
    const std::uint64_t held = budgets.use(storage::Area::queues).bytes;
    budgets.set_budget(storage::Area::queues, held);
    publish("x", big(kMessages));
    EXPECT_EQ(cluster->lost(Reason::queue_dropped_oldest), 1U);
    EXPECT_EQ(stored("a"), std::size_t{kMessages});
    EXPECT_EQ(budgets.use(storage::Area::queues).bytes, held);
    EXPECT_EQ(budgets.use(storage::Area::queues).lost, 1U);
    const Books& books = *session_of("a").books();
    EXPECT_EQ(books.in, books.out + books.lost + session_of("a").queued());
    EXPECT_EQ(books.limits[static_cast<std::size_t>(model::QueueLimit::budget)].lost, 1U);
    const auto decisions = cluster->nodes[home("a")]->decisions.of("owner");
    ASSERT_FALSE(decisions.empty());
    EXPECT_EQ(decisions.back().detail, "storage.budgets.queues is used up");
    budgets.set_budget(storage::Area::queues, 0);
    publish("x", "more");
    EXPECT_EQ(cluster->lost(Reason::queue_dropped_oldest), 1U) << "there is room again";
    Peer again;
    connect("a", again);
    ASSERT_FALSE(again.got.empty());
    EXPECT_EQ(again.got.front(), "x=" + big(1) + "@1");
}

TEST_P(Durable, ComesBackToTheBudgetOfAllQueues_AndThenTakesNewOnesAgain) {
    constexpr int kMessages = 32;  // An eighth of half of them has room for one more.
    const auto big = [](int number) { return std::to_string(100 + number) + std::string(1'000, 'x'); };
    auto& session = connect("a", peer);
    subscribe(session, "x", kQos1);
    disconnect(session, peer);
    for (int number = 0; number < kMessages; ++number) {
        publish("x", big(number));
    }
    auto& budgets = store->budgets();
    const std::uint64_t budget = budgets.use(storage::Area::queues).bytes / 2;
    budgets.set_budget(storage::Area::queues, budget);
    publish("x", big(kMessages));
    EXPECT_EQ(cluster->lost(Reason::queue_full), 1U);
    EXPECT_EQ(cluster->lost(Reason::queue_dropped_oldest), 1U);
    EXPECT_EQ(stored("a"), std::size_t{kMessages - 1});
    for (int number = kMessages + 1; number < 2 * kMessages; ++number) {
        publish("x", big(number));
    }
    EXPECT_EQ(cluster->lost(Reason::queue_full), std::uint64_t{kMessages / 2});
    EXPECT_EQ(cluster->lost(Reason::queue_dropped_oldest), std::uint64_t{kMessages});
    EXPECT_LE(budgets.use(storage::Area::queues).bytes, budget);
    const Books& books = *session_of("a").books();
    EXPECT_EQ(books.in, books.out + books.lost + session_of("a").queued());
    Peer again;
    connect("a", again);
    ASSERT_FALSE(again.got.empty());
    EXPECT_EQ(again.got.front(), "x=" + big(kMessages + kMessages / 2) + "@1");
}

TEST_P(Durable, LeavesWhatIsInFlightOutOfIt_WhenTheBudgetOfAllQueuesIsUsedUp) {
    constexpr int kMessages = 24;
    const auto big = [](int number) { return std::to_string(100 + number) + std::string(1'000, 'x'); };
    limits.in_flight = kMessages / 2;
    cluster->limits = limits;
    auto& session = connect("a", peer);
    subscribe(session, "x", kQos1);
    for (int number = 0; number < kMessages; ++number) {
        publish("x", big(number));
    }
    ASSERT_EQ(peer.got.size(), std::size_t{kMessages / 2});
    auto& budgets = store->budgets();
    budgets.set_budget(storage::Area::queues, budgets.use(storage::Area::queues).bytes);
    publish("x", big(kMessages));
    EXPECT_EQ(cluster->lost(Reason::queue_dropped_oldest), 1U);
    disconnect(session, peer);
    publish("x", big(kMessages + 1));
    EXPECT_EQ(cluster->lost(Reason::queue_dropped_oldest), 2U) << "one for one, offline too";
    EXPECT_EQ(stored("a"), std::size_t{kMessages});
    const Books& books = *session_of("a").books();
    EXPECT_EQ(books.in, books.out + books.lost + session_of("a").queued());
}

TEST_P(Durable, SendsAnEighthMore_WhenTheBudgetOfAllQueuesIsUsedUp_AndNothingIsAcknowledged) {
    constexpr std::size_t kMessages = 32;
    const std::string big(1'000, 'x');
    auto& session = connect("a", peer);
    subscribe(session, "x", kQos1);
    for (std::size_t i = 0; i < kMessages; ++i) {
        publish("x", big);
    }
    ASSERT_EQ(peer.got.size(), kMessages);
    auto& budgets = store->budgets();
    const std::uint64_t budget = budgets.use(storage::Area::queues).bytes;
    budgets.set_budget(storage::Area::queues, budget);
    for (std::size_t i = 0; i < kMessages; ++i) {
        publish("x", big);
    }
    const std::uint64_t lost = cluster->lost(Reason::queue_full);
    EXPECT_GT(peer.got.size(), kMessages);
    EXPECT_EQ(peer.got.size() + lost, 2 * kMessages);
    EXPECT_LE(budgets.use(storage::Area::queues).bytes, budget + budget / 8);
    EXPECT_EQ(budgets.use(storage::Area::queues).lost, lost);
    const Books& books = *session.books();
    EXPECT_EQ(books.limits[static_cast<std::size_t>(model::QueueLimit::budget)].lost, lost);
    EXPECT_EQ(books.in, books.out + books.lost + session.queued());
    for (const std::uint16_t id : std::vector<std::uint16_t>{peer.ids}) {
        session.settled(id);
    }
    cluster->pump();
    publish("x", "there is room again");
    EXPECT_EQ(peer.got.back(), "x=there is room again@1");
}

TEST_P(Durable, LosesTheNewOne_WhenTheBudgetOfAllQueuesIsUsedUp_AndNothingOlderGivesWay) {
    auto& other = connect("b", peer);
    subscribe(other, "y", kQos1);
    limits.queue_full = model::QueueFull::reject_new;
    cluster->limits = limits;
    Peer second;
    auto& rejects = connect("a", second);
    subscribe(rejects, "x", kQos1);
    disconnect(rejects, second);
    disconnect(other, peer);
    publish("x", std::string(10'000, 'x'));
    auto& budgets = store->budgets();
    budgets.set_budget(storage::Area::queues, budgets.use(storage::Area::queues).bytes);
    publish("x", "rejected");
    EXPECT_EQ(cluster->lost(Reason::queue_full), 1U);
    EXPECT_EQ(stored("a"), 1U);
    publish("y", "has nobody's place");
    EXPECT_EQ(cluster->lost(Reason::queue_full), 2U);
    EXPECT_EQ(stored("b"), 0U);
    EXPECT_EQ(budgets.use(storage::Area::queues).lost, 2U);
}

TEST_P(Durable, RetainsNothing_WhereTheBudgetIsUsedUp) {
    const auto retained = [](std::string_view topic, std::string_view payload) {
        return model::Message::make({.topic = topic, .payload = as_bytes(payload), .retain = true});
    };
    auto& budgets = store->budgets();
    retain(0, retained("known", "1234"));
    budgets.set_budget(storage::Area::retained, budgets.use(storage::Area::retained).bytes);
    retain(0, retained("other", "1"), Cluster::thing("owner"), "b");
    EXPECT_EQ(cluster->lost(Reason::quota_exceeded), 1U);
    EXPECT_EQ(sum(&model::ShardMetrics::retained), 1);
    retain(0, retained("known", "4321"));
    EXPECT_EQ(cluster->lost(Reason::quota_exceeded), 1U) << "no more bytes than before";
    retain(0, retained("known", "far too long"));
    EXPECT_EQ(cluster->lost(Reason::quota_exceeded), 2U);
    EXPECT_EQ(sum(&model::ShardMetrics::retained), 0) << "what is superseded is not kept either";
    EXPECT_EQ(budgets.use(storage::Area::retained).bytes, 0U);
    EXPECT_EQ(budgets.use(storage::Area::retained).lost, 2U);
    restart();
    EXPECT_EQ(sum(&model::ShardMetrics::retained), 0);
}

TEST_P(Durable, KeepsASubscriptionAsItWas_WhenItsChangeCannotBeStored) {
    const std::string too_long(8'000, 'y');
    store = storage::Store::in_memory({.pending_bytes_max = 4'096});
    cluster.reset();
    start();
    auto& session = connect("a", peer);
    subscribe(session, "x", {.qos = Qos::at_least_once, .id = 1});
    const auto subscribe_again = [&](std::string_view second) {
        const std::array<SubscribeRequest, 2> requests{{
            {"x", {.qos = Qos::exactly_once, .id = 2}}, {second, kQos1}}};
        std::optional<bool> answer;
        cluster->brokers[home("a")]->subscribe(session, requests, [&](bool stored) { answer = stored; });
        cluster->pump();
        return answer;
    };
    EXPECT_EQ(subscribe_again(too_long), false);
    ASSERT_EQ(session.subscriptions().size(), 1U);
    publish("x", "live", Qos::exactly_once);
    EXPECT_THAT(peer.got, ElementsAre("x=live@1"));
    EXPECT_THAT(peer.subscription_ids, ElementsAre(1U));

    EXPECT_EQ(subscribe_again("z"), true);
    EXPECT_EQ(subscribe_again(too_long), false);
    EXPECT_EQ(session.subscriptions().size(), 2U);
    publish("x", "live", Qos::exactly_once);
    EXPECT_THAT(peer.got, ElementsAre("x=live@1", "x=live@2"));
    EXPECT_THAT(peer.subscription_ids, ElementsAre(2U)) << "of the last change that was stored";
}

TEST_P(Durable, KeepsTheLastSubscription_WhenAnEarlierOneCannotBeStored) {
    const std::string too_long(8'000, 'y');
    store = storage::Store::in_memory({.pending_bytes_max = 4'096});
    cluster.reset();
    start();
    auto& session = connect("a", peer);
    const std::array<SubscribeRequest, 2> refused{{{"x", kQos1}, {too_long, kQos1}}};
    std::optional<bool> first;
    bool second = false;
    cluster->brokers[home("a")]->subscribe(session, refused, [&](bool stored) { first = stored; });
    cluster->begin_subscribe(home("a"), session, "x", kQos2, second);
    cluster->pump();
    EXPECT_EQ(first, false);
    EXPECT_TRUE(second);
    publish("x", "live", Qos::exactly_once);
    EXPECT_THAT(peer.got, ElementsAre("x=live@2"));
    disconnect(session, peer);
    restart();
    EXPECT_EQ(session_of("a").subscriptions().size(), 1U);
}

TEST_P(Durable, KeepsWhatAnUnsubscribeLeaves_WhenAnEarlierSubscribeCannotBeStored) {
    const std::string too_long(8'000, 'y');
    store = storage::Store::in_memory({.pending_bytes_max = 4'096});
    cluster.reset();
    start();
    auto& session = connect("a", peer);
    const std::array<SubscribeRequest, 3> refused{{{"x", kQos1}, {"z", kQos1}, {too_long, kQos1}}};
    std::optional<bool> first;
    bool second = false;
    auto& broker = *cluster->brokers[home("a")];
    broker.subscribe(session, refused, [&](bool stored) { first = stored; });
    EXPECT_TRUE(broker.unsubscribe(session, "x"));
    EXPECT_TRUE(broker.unsubscribe(session, "z"));
    cluster->begin_subscribe(home("a"), session, "x", kQos2, second);
    cluster->pump();
    EXPECT_EQ(first, false);
    EXPECT_TRUE(second);
    publish("x", "live", Qos::exactly_once);
    publish("z", "live", Qos::exactly_once);
    EXPECT_THAT(peer.got, ElementsAre("x=live@2")) << "the later SUBSCRIBE is another subscription";
    EXPECT_EQ(session.subscriptions().size(), 1U);
}

/// Each filter twice in a packet, packets on top of each other before the first is stored, and all of it again after a restart.
TEST_P(Durable, TakesManySubscriptionsOfASession_AsFastAsFew) {
    constexpr std::size_t kFilters = 6'000;
    constexpr int kPackets = 4;
    auto& session = connect("a", peer);
    std::vector<std::string> filters;
    for (std::size_t i = 0; i < kFilters; ++i) {
        filters.push_back((i % 2 == 0 ? "$share/g/x/" : "x/") + std::to_string(i));
    }
    auto& broker = *cluster->brokers[home("a")];
    int stored_packets = 0;
    for (int packet = 0; packet < kPackets; ++packet) {
        std::vector<SubscribeRequest> requests;
        for (std::size_t i = 0; i < kFilters; ++i) {
            requests.push_back({filters[i], packet % 2 == 0 ? kQos1 : kQos2, i % 2 == 0 ? "g" : ""});
            requests.push_back(requests.back());
        }
        broker.subscribe(session, requests, [&](bool stored) { stored_packets += stored ? 1 : 0; });
    }
    cluster->pump();
    EXPECT_EQ(stored_packets, kPackets);
    EXPECT_EQ(session.subscriptions().size(), kFilters);

    disconnect(session, peer);
    restart();
    EXPECT_EQ(session_of("a").subscriptions().size(), kFilters);
    Peer again;
    auto& restored = connect("a", again);
    for (std::size_t i = 2; i < kFilters; ++i) {
        ASSERT_TRUE(cluster->brokers[home("a")]->unsubscribe(restored, filters[i]));
    }
    cluster->pump();
    publish("x/0", "shared", Qos::exactly_once);
    publish("x/1", "not", Qos::exactly_once);
    publish("x/2", "nobody's", Qos::exactly_once);
    EXPECT_THAT(again.got, ElementsAre("x/0=shared@2", "x/1=not@2"));
    restart();
    EXPECT_EQ(session_of("a").subscriptions().size(), 2U);
}

TEST_P(Durable, StoresAPublishAtQos2AndItsQueues_InOneBatch_OverAllShards) {
    for (const char* id : {"a", "b", "c", "d"}) {
        auto& session = connect(id, peer);
        subscribe(session, "x", kQos2);
        disconnect(session, peer);
    }
    store->drain();
    const auto before = store->stats().commits;
    const unsigned shard = GetParam() - 1;
    Deposit deposit{cluster->nodes[shard]->journal, {.token = {.connection = 1, .number = 5, .inbound_id = 9}, .gathers = true}};
    const auto message = Cluster::message("x", "m", Qos::exactly_once);
    deposit.batch.put_inbound_id(storage::SessionId{77}, 9);
    deposit.next(*message);
    cluster->brokers[shard]->fan_out(message, deposit);
    EXPECT_TRUE(cluster->brokers[shard]->commit(deposit));
    cluster->pump();
    EXPECT_EQ(cluster->nodes[shard]->acks, (Acks{{5, true}}));
    EXPECT_EQ(store->stats().commits, before + 1);
    for (const char* id : {"a", "b", "c", "d"}) {
        EXPECT_EQ(stored(id), 1U);
        Peer again;
        connect(id, again);
        EXPECT_THAT(again.got, ElementsAre("x=m@2"));
    }
}

TEST_P(Durable, KeepsTheOrderAndItsBooks_WhileAnotherShardStores) {
    auto& session = connect("a", peer);
    subscribe(session, "x", kQos1);
    const unsigned shard = GetParam() - 1;
    const auto gathered = [&](std::string_view payload) {
        Deposit deposit{cluster->nodes[shard]->journal, {.token = {.connection = 1, .number = 1}, .gathers = true}};
        const auto message = Cluster::message("x", payload, Qos::exactly_once);
        deposit.next(*message);
        cluster->brokers[shard]->fan_out(message, deposit);
        cluster->brokers[shard]->commit(deposit);
    };
    gathered("1");
    cluster->run_mail();  // It has reached the session, and perhaps not the disk.
    cluster->fan_out(home("a"), Cluster::message("x", "2", Qos::at_least_once));
    for (const std::uint16_t id : std::vector<std::uint16_t>{peer.ids}) {
        session.settled(id);
    }
    cluster->pump();
    EXPECT_THAT(peer.got, ElementsAre("x=1@1", "x=2@1"));
    EXPECT_EQ(stored("a"), 0U) << "what was settled before it was stored is settled after";

    gathered("3");
    cluster->run_mail();
    cluster->brokers[home("a")]->disconnect(session, peer, false);
    gathered("4");
    cluster->pump();
    Peer again;
    connect("a", again);
    EXPECT_THAT(again.got, ElementsAre("x=3@1d", "x=4@1"));
}

TEST_P(Durable, KeepsTheOrder_WhenAPageOfTheQueueIsRead_WhileAnotherShardStores) {
    const unsigned from = GetParam() - 1;
    std::string id = "a";
    while (from > 0 && home(id) == from) {
        id += 'a';
    }
    const unsigned here = home(id);
    const auto publish_here = [&](std::string_view payload) {
        cluster->fan_out(here, Cluster::message("x", payload, Qos::at_least_once));
    };
    auto& first = connect(id, peer);
    subscribe(first, "x", kQos1);
    disconnect(first, peer);
    publish("x", "1");

    Peer again;
    auto request = cluster->request(id, again);
    request.expiry = hours{1};
    request.clean_start = false;
    Session& session = *cluster->brokers[here]->connect(std::move(request)).session;
    cluster->pump();
    publish_here("2");
    cluster->brokers[here]->resume(session);  // Asks for a page, which is read when 2 is stored,

    Deposit deposit{cluster->nodes[from]->journal, {.token = {.connection = 1, .number = 1}, .gathers = true}};
    const auto message = Cluster::message("x", "3", Qos::exactly_once);
    deposit.next(*message);
    cluster->brokers[from]->fan_out(message, deposit);
    cluster->brokers[from]->commit(deposit);
    if (from != here) {
        auto& sent = cluster->mail[{from, here}];
        ASSERT_EQ(sent.size(), 1U);
        auto work = std::move(sent.front());
        sent.pop_front();
        work();  // and 3 is in the queue, on its way back to be stored,
    }
    publish_here("4");  // when this is on disk.
    store->drain();
    while (cluster->run_disk()) {
    }
    cluster->pump();
    EXPECT_THAT(again.got, ElementsAre("x=1@1", "x=2@1", "x=3@1", "x=4@1"));
}

TEST_P(Durable, KeepsTheQueuesLatest_WhenAPageFindsNothingMore) {
    auto& first = connect("a", peer);
    subscribe(first, "x", kQos1);
    publish("x", "1");
    publish("x", "2");
    first.settled(2);
    disconnect(first, peer);
    restart();  // The store says where the next entry goes, not that the last one is gone.
    Peer again;
    again.is_ready = false;
    auto& session = connect("a", again);
    publish("x", "3");
    again.is_ready = true;
    session.pump();
    publish("x", "4");
    EXPECT_THAT(again.got, ElementsAre("x=1@1d", "x=3@1", "x=4@1"));
}

TEST_P(Durable, KeepsRetainedMessages_AndWhoIsAnswerableForThem) {
    const auto publisher = Cluster::thing("sensor");
    retain(0, Cluster::message("r/1", "one", Qos::at_least_once, true), publisher, "s");
    retain(0, Cluster::message("r/2", "two", Qos::at_most_once, true), publisher, "s");
    retain(GetParam() - 1, Cluster::message("r/2", "", Qos::at_most_once, true), publisher, "s");
    retain(0, Cluster::message("$own/3", "three", Qos::at_most_once, true));
    restart();
    EXPECT_EQ(sum(&model::ShardMetrics::retained), 2);
    cluster->policies(
        "policy: open\nallow:\n  - connect: \"*\"\n  - publish: [\"#\"]\n    retain: true\n"
        "  - subscribe: [\"#\", \"$own/#\"]\n"
    );
    auto& session = connect("a", peer);
    subscribe(session, "r/#", kQos1);
    subscribe(session, "$own/#", kQos1);
    EXPECT_THAT(peer.got, ElementsAre("r/1=one@1r", "$own/3=three@0r"));
    restart();
    cluster->policies("policy: open\nallow:\n  - connect: \"*\"\n  - subscribe: [\"#\"]\n");
    Peer other;
    auto& asks = connect("b", other);
    subscribe(asks, "r/#", kQos1);
    EXPECT_THAT(other.got, IsEmpty()) << "the publisher may not publish there any more";
}

TEST_P(Durable, RemovesRetainedMessagesThatExpired) {
    retain(0, model::Message::make({
        .topic = "r", .payload = as_bytes(std::string_view{"x"}), .retain = true, .expires = cluster->clock.wall() + seconds{5}
    }));
    cluster->clock.advance(seconds{6});
    for (auto* const broker : cluster->brokers) {
        broker->advance();
    }
    cluster->pump();
    EXPECT_EQ(sum(&model::ShardMetrics::retained), 0);
    EXPECT_TRUE(store->read_retained("default", "#")->messages.empty());
}

TEST_P(Durable, ClearsRetainedMessagesForGood_AndTellsWhenThatIsStored) {
    const auto owner = [this](std::string_view topic) {
        return Broker::owner_of_topic(topic, static_cast<unsigned>(cluster->brokers.size()));
    };
    retain(0, Cluster::message("r/1", "one", Qos::at_least_once, true), Cluster::thing("sensor"), "s");
    retain(0, Cluster::message("r/2", "two", Qos::at_most_once, true));
    std::vector<bool> stored;
    const std::vector<std::string> topics = {"r/1", "r/none"};
    Broker& broker = *cluster->brokers[owner("r/1")];
    EXPECT_EQ(broker.clear_retained(topics, [&](bool is_stored) { stored.push_back(is_stored); }), 1U);
    EXPECT_THAT(stored, IsEmpty());
    cluster->pump();
    EXPECT_THAT(stored, ElementsAre(true));
    EXPECT_EQ(broker.clear_retained(topics, [&](bool is_stored) { stored.push_back(is_stored); }), 0U);
    EXPECT_THAT(stored, ElementsAre(true, true)) << "there was nothing to wait for";
    EXPECT_EQ(sum(&model::ShardMetrics::retained), 1);
    restart();
    auto& session = connect("a", peer);
    subscribe(session, "r/#", kQos1);
    EXPECT_THAT(peer.got, ElementsAre("r/2=two@0r"));
}

TEST_P(Durable, ForgetsASession_WhenItStartsClean_OrItsTimeIsOver_MQTT3_3_1_2_6_MQTT5_3_1_2_4) {
    auto& session = connect("a", peer);
    subscribe(session, "x", kQos1);
    disconnect(session, peer);
    publish("x", "1");
    auto request = cluster->request("a", peer);
    const auto result = cluster->brokers[home("a")]->connect(std::move(request));
    EXPECT_FALSE(result.session_present);
    EXPECT_TRUE(result.is_pending) << "a crash must not bring the old one back";
    cluster->pump();
    EXPECT_EQ(stored_sessions(), 0U);
    EXPECT_EQ(cluster->lost(Reason::session_ended), 1U);
    EXPECT_EQ(sum(&model::ShardMetrics::queued), 0);

    auto& other = connect("b", peer, seconds{60});
    subscribe(other, "x", kQos1);
    disconnect(other, peer);
    publish("x", "2");
    downtime = seconds{61};
    restart();
    Peer again;
    request = cluster->request("b", again);
    request.clean_start = false;
    request.expiry = hours{1};
    EXPECT_FALSE(cluster->brokers[home("b")]->connect(std::move(request)).session_present);
    cluster->pump();
    EXPECT_EQ(stored("b"), 0U);
}

TEST_P(Durable, KeepsNothingOfConnectionsThatCameAndWent) {
    const auto come_and_go = [this](int times) {
        for (int i = 0; i < times; ++i) {
            disconnect(connect("a", peer), peer);
        }
    };
    come_and_go(10);
    const std::size_t before = test::heap_bytes();
    come_and_go(300);
    EXPECT_LT(test::heap_bytes(), before + std::size_t{300} * 24);
}

TEST_P(Durable, CountsTheTimeSinceTheConnectionEnded_NotSinceTheStart) {
    auto& session = connect("a", peer, seconds{60});
    disconnect(session, peer);
    downtime = seconds{40};
    restart();
    EXPECT_EQ(stored_sessions(), 1U);
    cluster->clock.advance(seconds{19});
    cluster->brokers[home("a")]->advance();
    cluster->pump();
    EXPECT_EQ(stored_sessions(), 1U);
    cluster->clock.advance(seconds{1});
    cluster->brokers[home("a")]->advance();
    cluster->pump();
    EXPECT_EQ(stored_sessions(), 0U);
}

TEST_P(Durable, GoesByTheTimeThatPasses_WhenTheClockJumps) {
    auto& session = connect("a", peer, seconds{60});
    subscribe(session, "x", kQos1);
    disconnect(session, peer);
    publish_now("x", "1");
    cluster->clock.set_wall(cluster->clock.wall() + hours{24 * 365});
    pass(seconds{1});
    EXPECT_EQ(stored_sessions(), 1U) << "ahead, as by a first synchronisation";
    cluster->clock.set_wall(cluster->clock.wall() - hours{2 * 24 * 365});
    pass(seconds{1});
    EXPECT_EQ(stored_sessions(), 1U);
    publish_now("x", "2");
    restart();  // In the year before the connection ended.
    EXPECT_EQ(stored_sessions(), 1U);
    pass(seconds{59});
    EXPECT_EQ(stored_sessions(), 1U);
    EXPECT_EQ(stored("a"), 2U);
    pass(seconds{1});
    EXPECT_EQ(stored_sessions(), 0U) << "the whole time again, and no more";
}

TEST_P(Durable, PublishesAWillThatWasStillToCome_AlsoOfAConnectionThatTheCrashEnded) {
    auto request = cluster->request("a", peer);
    request.expiry = hours{1};
    request.clean_start = false;
    request.will = std::make_unique<Will>(Will{.message = Cluster::message("will", "gone", Qos::at_least_once), .delay = seconds{30}});
    static_cast<void>(cluster->brokers[home("a")]->connect(std::move(request)));
    Peer watcher;
    auto& watching = connect("watcher", watcher);
    subscribe(watching, "will", kQos1);
    restart();
    connect("watcher", watcher);
    cluster->clock.advance(seconds{29});
    cluster->brokers[home("a")]->advance();
    cluster->pump();
    EXPECT_THAT(watcher.got, IsEmpty());
    cluster->clock.advance(seconds{1});
    cluster->brokers[home("a")]->advance();
    cluster->pump();
    EXPECT_THAT(watcher.got, ElementsAre("will=gone@1"));
    restart();
    cluster->clock.advance(seconds{60});
    cluster->brokers[home("a")]->advance();
    Peer late;
    connect("watcher", late);
    EXPECT_EQ(late.got.size(), 1U) << "the one that it did not acknowledge, and no second will";
}

TEST(DurableRecords, KeepOfAWillWhetherItExpires) {
    const auto read_again = [](std::optional<seconds> expiry) {
        const Will will{.message = Cluster::message("will", "gone"), .delay = seconds{3}, .expiry = expiry};
        Bytes bytes;
        encode(bytes, record_of(will));
        return will_of(*storage::decode_will(bytes)).expiry;
    };
    EXPECT_EQ(read_again(std::nullopt), std::nullopt);
    EXPECT_EQ(read_again(seconds{0}), seconds{0}) << "it does, at once";
    EXPECT_EQ(read_again(seconds{60}), seconds{60});
}

TEST_P(Durable, DropsASession_WhoseDeviceIsGone_OrMayNotConnect) {
    disconnect(connect("a", peer), peer);
    auto request = cluster->request("b", peer, "other");
    request.expiry = hours{1};
    static_cast<void>(cluster->brokers[home("b")]->connect(std::move(request)));
    cluster->pump();
    gone = "other";
    restart();
    EXPECT_EQ(stored_sessions(), 1U);
    EXPECT_EQ(sum(&model::ShardMetrics::sessions), 1);
}

/// With a disk that refuses what it is given while it is told to.
class DurableRefused : public Durable {
protected:
    DurableRefused() {
        start_on(faults);
    }
    void refuse(bool yes) { faults->commit_error = yes ? storage::errc::disk_full : storage::errc{}; }
    /// @param stops  The gateway, before the will is due.
    void expect_old_will(bool stops) {
        Peer watcher;
        subscribe(connect("watcher", watcher), "will", kQos1);
        pass(seconds{1});
        Session* session = nullptr;
        const auto is_stored = [&](Peer& with, std::string_view will, seconds delay, seconds expiry) {
            bool outcome = false;
            auto request = request_with_will(with, will, delay);
            request.expiry = expiry;
            request.done = [&outcome](bool stored) { outcome = stored; };
            session = cluster->brokers[home("a")]->connect(std::move(request)).session;
            cluster->pump();
            return outcome;
        };
        ASSERT_TRUE(is_stored(peer, "old", seconds{60}, seconds{3'600}));
        disconnect(*session, peer);
        pass(seconds{10});
        refuse(true);
        Peer again;
        ASSERT_FALSE(is_stored(again, "new", seconds{1}, seconds{0}));
        disconnect(*session, again, false);  // As the endpoint does then.
        refuse(false);
        EXPECT_EQ(sum(&model::ShardMetrics::sessions), 2);
        Peer watcher_again;
        if (stops) {
            restart();
            connect("watcher", watcher_again);
        }
        const Peer& now = stops ? watcher_again : watcher;
        pass(seconds{49});
        EXPECT_THAT(now.got, IsEmpty());
        pass(seconds{1});
        EXPECT_THAT(now.got, ElementsAre("will=old@1"));
    }

    std::shared_ptr<storage::test::Faults> faults = std::make_shared<storage::test::Faults>();
};
INSTANTIATE_TEST_SUITE_P(Broker, DurableRefused, testing::Values(1U, 2U, 8U));

TEST_P(DurableRefused, KeepsTheLastSessionOfAClient_WhenTheEndOfAnEarlierOneWasNotStored) {
    subscribe(connect("a", peer), "x", kQos1);
    refuse(true);
    Peer clean;
    auto& between = connect("a", clean, {});
    disconnect(between, clean);
    refuse(false);
    Peer last;
    subscribe(connect("a", last), "y", kQos1);
    restart();
    EXPECT_EQ(stored_sessions(), 1U);
    EXPECT_EQ(session_of("a").subscriptions().find("x"), nullptr);
    EXPECT_NE(session_of("a").subscriptions().find("y"), nullptr);
    publish("x", "1");
    publish("y", "2");
    EXPECT_EQ(stored("a"), 1U);
}

TEST_P(DurableRefused, LeavesToOthersWhatAnEarlierSessionHad_WhoseEndWasNotStored) {
    Peer second;
    auto& mortal = connect("mortal", peer);
    subscribe(mortal, "$share/g/x", kQos1);
    disconnect(mortal, peer);
    publish("x", "1");
    publish("x", "2");
    auto& heir = connect(heir_id(), second);
    subscribe(heir, "$share/g/x", kQos1);
    disconnect(heir, second);
    refuse(true);
    Peer clean;
    disconnect(connect("mortal", clean, {}), clean);
    refuse(false);
    Peer last;
    disconnect(connect("mortal", last), last);
    restart();
    EXPECT_EQ(stored_sessions(), 3U);
    pass(seconds{1});
    EXPECT_EQ(stored_sessions(), 2U);
    EXPECT_EQ(stored("mortal"), 0U);
    EXPECT_EQ(stored(heir_id()), 2U);
    EXPECT_EQ(cluster->lost(Reason::session_ended), 0U);
    EXPECT_EQ(sum(&model::ShardMetrics::sessions), 2);
}

TEST_P(DurableRefused, HasNoSession_ThatCouldNotBeStored) {
    refuse(true);
    auto& session = connect("a", peer);
    disconnect(session, peer);
    refuse(false);
    EXPECT_EQ(sum(&model::ShardMetrics::sessions), 0);
}

TEST_P(DurableRefused, ReleasesAMessage_WhenTheDiskTakesItsPubrecAtLast) {
    auto& session = connect("a", peer);
    subscribe(session, "x", kQos2);
    publish("x", "1", Qos::exactly_once);
    ASSERT_THAT(peer.ids, ElementsAre(1));
    refuse(true);
    EXPECT_TRUE(session.received(1));
    cluster->pump();
    pass(seconds{1});
    EXPECT_THAT(peer.released, IsEmpty());
    refuse(false);
    pass(seconds{1});
    EXPECT_THAT(peer.released, ElementsAre(1));
    EXPECT_TRUE(session.settled(1));
    cluster->pump();
    EXPECT_EQ(stored("a"), 0U);
}

TEST_P(DurableRefused, KeepsTheSessionAndItsWill_WhenTheConnectThatChangesThemCannotBeStored) {
    expect_old_will(false);
}

TEST_P(DurableRefused, KeepsTheWillOnDisk_WhenTheConnectThatChangesItCannotBeStored) {
    expect_old_will(true);
}

TEST_P(Durable, PublishesTheWillOfAConnection_ThatIsGoneBeforeItsConnectIsStored) {
    expect_will_of_a_short_connection(true);
}

TEST_P(Durable, PublishesNoWillOfAConnection_ThatSaysDisconnectBeforeItsConnectIsStored) {
    expect_will_of_a_short_connection(false);
}

/// Else the publisher's repetition would be a second one. [MQTT5-4.3.3-13]
TEST_P(DurableRefused, HandsOnNothingOfAPublishAtQos2_ThatWasRefused) {
    Peer second;
    auto& mortal = connect("mortal", peer, seconds{60});
    subscribe(mortal, "$share/g/x", kQos2);
    auto& heir = connect(heir_id(), second);
    subscribe(heir, "$share/g/x", kQos2);
    disconnect(heir, second);
    peer.is_ready = false;
    mortal.pump();
    const unsigned shard = GetParam() - 1;
    const auto publish_for = [&](std::uint64_t number) {
        Deposit deposit{
            cluster->nodes[shard]->journal, {.token = {.connection = 1, .number = number}, .gathers = true}
        };
        const auto message = Cluster::message("x", "1", Qos::exactly_once);
        deposit.next(*message);
        cluster->brokers[shard]->fan_out(message, deposit);
        cluster->brokers[shard]->commit(deposit);
        cluster->run_mail();
        store->drain();
    };
    refuse(true);
    publish_for(1);
    refuse(false);
    Broker& broker = *cluster->brokers[home("mortal")];
    broker.disconnect(mortal, peer, false);  // Nobody was told yet what became of it.
    cluster->clock.advance(seconds{61});
    broker.advance();
    cluster->pump();
    EXPECT_EQ(stored(heir_id()), 0U);
    EXPECT_EQ(sum(&model::ShardMetrics::queued), 0);
    EXPECT_EQ(cluster->lost(Reason::storage_failed), 1U);
    publish_for(2);
    cluster->pump();
    EXPECT_EQ(cluster->nodes[shard]->acks, (Acks{{1, false}, {2, true}}));
    EXPECT_EQ(stored(heir_id()), 1U);
    EXPECT_EQ(stored_sessions(), 1U);
}

/// The first CONNECT is refused, and the second one, which takes the session over meanwhile, is not.
TEST_P(DurableRefused, KeepsASession_WhoseSecondConnectIsStored) {
    Broker& broker = *cluster->brokers[home("a")];
    const auto begin = [&](Peer& with) -> Session& {
        auto request = cluster->request("a", with);
        request.expiry = hours{1};
        request.clean_start = false;
        return *broker.connect(std::move(request)).session;
    };
    Peer second;
    refuse(true);
    begin(peer);
    store->drain();
    refuse(false);
    Session& session = begin(second);
    cluster->pump();
    disconnect(session, second);
    EXPECT_EQ(sum(&model::ShardMetrics::sessions), 1);
    EXPECT_EQ(stored_sessions(), 1U);
}

TEST_P(DurableRefused, RemovesASubscription_ThatWasNotRemovedFromTheDiskBefore) {
    auto& session = connect("a", peer);
    subscribe(session, "x", kQos1);
    Broker& broker = *cluster->brokers[home("a")];
    refuse(true);
    EXPECT_TRUE(broker.unsubscribe(session, "x"));
    cluster->pump();
    refuse(false);
    EXPECT_FALSE(broker.unsubscribe(session, "x"));
    cluster->pump();
    restart();
    EXPECT_TRUE(session_of("a").subscriptions().empty());
}

TEST_P(DurableRefused, TakesNoPublishAtQos2_WhoseRetainedMessageWasNotStored) {
    auto& session = connect("p", peer);
    ASSERT_TRUE(session.take_inbound_id(7));
    Cluster::Node& node = *cluster->nodes[home("p")];
    const auto message = Cluster::message("x", "m", Qos::exactly_once, true);
    Deposit deposit{node.journal, {.token = {1, 1, 7}}};
    session.store_inbound_id(7, deposit);
    deposit.next(*message);
    refuse(true);
    node.broker.retain(message, nullptr, {}, deposit);
    node.broker.fan_out(message, deposit);
    ASSERT_TRUE(node.broker.commit(deposit));
    cluster->run_mail();
    store->drain();
    refuse(false);
    cluster->pump();
    EXPECT_EQ(node.acks, (Acks{{1, false}}));
    EXPECT_FALSE(session.has_inbound_id(7));
    restart();
    EXPECT_FALSE(connect("p", peer).has_inbound_id(7));
}

TEST_P(Durable, FindsEverySession_WhenTheNumberOfShardsChanged) {
    for (int i = 0; i < 8; ++i) {
        auto& session = connect("c" + std::to_string(i), peer);
        subscribe(session, "x/" + std::to_string(i), kQos1);
        disconnect(session, peer);
    }
    restart(3);
    for (int i = 0; i < 8; ++i) {
        publish("x/" + std::to_string(i), "m");
    }
    for (int i = 0; i < 8; ++i) {
        Peer again;
        connect("c" + std::to_string(i), again);
        EXPECT_THAT(again.got, ElementsAre("x/" + std::to_string(i) + "=m@1"));
    }
}

TEST(DurableRecords, KeepHowADeviceProvedWhoItIs) {
    model::Principal principal;
    principal.thing = "probe";
    principal.credential = "abc";
    principal.method = model::AuthMethod::x509;
    const auto read = decode_principal("acme", "probe", encode_credential(principal));
    EXPECT_EQ(read->tenant, "acme");
    EXPECT_EQ(read->thing, "probe");
    EXPECT_EQ(read->credential, "abc");
    EXPECT_EQ(read->method, model::AuthMethod::x509);
}

TEST(DurableRecords, NeverMakeADeviceOfAnUnreadableOne_ThatNeedsNoProof) {
    for (const Bytes& bytes : {Bytes{}, Bytes{1}, Bytes{9, 0}, Bytes{1, 0, 'x'}}) {
        EXPECT_NE(decode_principal("default", "probe", bytes)->method, model::AuthMethod::anonymous);
    }
}

}  // namespace
}  // namespace weir::broker
