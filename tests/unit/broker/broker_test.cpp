#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cluster.hpp"

namespace weir::broker {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// Every behaviour is the same however many shards there are.
class OnShards : public testing::TestWithParam<unsigned> {
protected:
    [[nodiscard]] unsigned last() const { return GetParam() - 1; }
    Cluster cluster{GetParam()};
    Peer peer;
};
INSTANTIATE_TEST_SUITE_P(Broker, OnShards, testing::Values(1U, 2U, 8U));

TEST_P(OnShards, DeliversToAMatchingSubscription) {
    auto& session = cluster.connect(0, "a", peer);
    cluster.subscribe(0, session, "x/+", kQos1);
    cluster.publish(last(), "x/1", "hello", Qos::exactly_once);
    cluster.publish(last(), "y/1", "nobody");
    EXPECT_THAT(peer.got, ElementsAre("x/1=hello@1"));
}

TEST_P(OnShards, SendsOneCopyAtTheHighestQos_WhenSubscriptionsOverlap_MQTT3_3_3_5_1_MQTT5_3_3_4_2_MQTT5_3_3_4_4) {
    auto& session = cluster.connect(0, "a", peer);
    cluster.subscribe(0, session, "x/#", {.qos = Qos::at_most_once, .id = 5});
    cluster.subscribe(0, session, "x/+", {.qos = Qos::at_least_once, .id = 7});
    cluster.publish(last(), "x/1", "m", Qos::at_least_once);
    EXPECT_THAT(peer.got, ElementsAre("x/1=m@1"));
    EXPECT_THAT(peer.subscription_ids, testing::UnorderedElementsAre(5U, 7U));
}

TEST_P(OnShards, StopsAfterUnsubscribe) {
    auto& session = cluster.connect(0, "a", peer);
    cluster.subscribe(0, session, "x");
    EXPECT_TRUE(cluster.brokers[0]->unsubscribe(session, "x"));
    EXPECT_FALSE(cluster.brokers[0]->unsubscribe(session, "x"));
    cluster.pump();
    cluster.publish(last(), "x", "m");
    EXPECT_THAT(peer.got, IsEmpty());
}

TEST_P(OnShards, HandsOutRetainedMessages_AsTheOptionsSay_MQTT5_3_3_1_9_MQTT5_3_3_1_10_MQTT5_3_3_1_11) {
    cluster.retain(last(), Cluster::message("r/1", "kept", Qos::at_least_once, true));
    cluster.pump();
    auto& session = cluster.connect(0, "a", peer);
    cluster.subscribe(0, session, "r/#", kQos1);
    EXPECT_THAT(peer.got, ElementsAre("r/1=kept@1r"));
    cluster.subscribe(0, session, "r/#", {.qos = Qos::at_least_once, .retain_handling = RetainHandling::send_if_new});
    cluster.subscribe(0, session, "r/1", {.qos = Qos::at_least_once, .retain_handling = RetainHandling::never});
    EXPECT_EQ(peer.got.size(), 1U);
}

TEST_P(OnShards, KeepsMessagesForAnOfflinePersistentSession_InOrder_MQTT3_3_1_2_5_MQTT5_4_5_0_1) {
    auto& session = cluster.connect(0, "a", peer, std::chrono::hours{1});
    cluster.subscribe(0, session, "x", kQos1);
    cluster.brokers[0]->disconnect(session, peer, true);
    for (const char* text : {"1", "2", "3"}) {
        cluster.publish(last(), "x", text, Qos::at_least_once);
    }
    cluster.publish(last(), "x", "QoS 0 is not kept");
    Peer again;
    cluster.connect(0, "a", again, std::chrono::hours{1});
    EXPECT_THAT(again.got, ElementsAre("x=1@1", "x=2@1", "x=3@1"));
    EXPECT_THAT(again.ids, ElementsAre(1, 2, 3));
}

TEST_P(OnShards, CountsWhatAFullMailboxLoses_ButNeverLosesQos1) {
    if (GetParam() == 1) {
        return;
    }
    auto& session = cluster.connect(0, "a", peer);
    cluster.subscribe(0, session, "x", kQos1);
    cluster.nodes[last()]->full = true;
    cluster.publish(last(), "x", "0", Qos::at_most_once);
    cluster.publish(last(), "x", "1", Qos::at_least_once);
    EXPECT_THAT(peer.got, ElementsAre("x=1@1"));
    EXPECT_EQ(cluster.nodes[last()]->metrics.lost[static_cast<std::size_t>(Reason::mailbox_full)].value(), 1U);
}

class OneShard : public testing::Test {
protected:
    [[nodiscard]] std::uint64_t lost(Reason reason) const {
        return cluster.nodes[0]->metrics.lost[static_cast<std::size_t>(reason)].value();
    }
    Broker& broker() { return *cluster.brokers[0]; }
    Cluster cluster{1};
    Peer peer;
};

TEST_F(OneShard, EndsTheOldConnection_WhenASecondOneComes) {
    cluster.connect(0, "a", peer, std::chrono::hours{1});
    Peer second;
    auto& session = cluster.connect(0, "a", second, std::chrono::hours{1});
    EXPECT_THAT(peer.ended, ElementsAre(Reason::taken_over));
    broker().disconnect(session, peer, true);
    EXPECT_TRUE(session.online()) << "the old connection's end does not concern the session any more";
}

TEST_F(OneShard, TellsOfATakeOver_AndWhereTheNewcomerIs) {
    cluster.connect(0, "a", peer);
    Peer second;
    auto request = cluster.request("a", second);
    const std::string device = request.principal->thing.empty() ? "a" : request.principal->thing;
    request.peer = "203.0.113.7";
    broker().connect(std::move(request));
    const auto told = cluster.nodes[0]->decisions.of(device);
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].reason, Reason::taken_over);
    EXPECT_EQ(told[0].peer, "203.0.113.7");
}

TEST_F(OneShard, TellsOfCopiesThatAreLostWithTheirSession) {
    auto& session = cluster.connect(0, "a", peer, std::chrono::hours{1});
    cluster.subscribe(0, session, "x", kQos2);
    const std::string device = session.device();
    peer.is_ready = false;
    cluster.publish(0, "x", "1", Qos::at_least_once);
    Peer second;
    auto request = cluster.request("a", second);
    request.clean_start = true;
    broker().connect(std::move(request));
    EXPECT_EQ(lost(Reason::session_ended), 1U);
    const auto told = cluster.nodes[0]->decisions.of(device);
    EXPECT_TRUE(std::ranges::any_of(told, [](const auto& decision) {
        return decision.reason == Reason::session_ended;
    }));
}

TEST_F(OneShard, RefusesAnotherIdentity_LiveAndStored_T20) {
    auto& session = cluster.connect(0, "a", peer, std::chrono::hours{1});
    Peer thief;
    EXPECT_EQ(broker().connect(cluster.request("a", thief, "somebody else")).verdict.reason, Reason::client_id_conflict);
    broker().disconnect(session, peer, true);
    EXPECT_EQ(broker().connect(cluster.request("a", thief, "somebody else")).verdict.reason, Reason::client_id_conflict);
    EXPECT_THAT(peer.ended, IsEmpty());
}

TEST_F(OneShard, ResendsWhatWasInFlight_WithTheSameIdsAndDup_MQTT3_4_4_0_1_MQTT5_4_3_3_6_MQTT5_4_4_0_1) {
    auto& session = cluster.connect(0, "a", peer, std::chrono::hours{1});
    cluster.subscribe(0, session, "x", kQos2);
    cluster.publish(0, "x", "1", Qos::at_least_once);
    cluster.publish(0, "x", "2", Qos::exactly_once);
    cluster.publish(0, "x", "3", Qos::at_least_once);
    EXPECT_TRUE(session.settled(1));
    EXPECT_TRUE(session.received(2));
    cluster.pump();
    EXPECT_THAT(peer.released, ElementsAre(2));
    broker().disconnect(session, peer, true);
    Peer again;
    cluster.connect(0, "a", again, std::chrono::hours{1});
    EXPECT_THAT(again.got, ElementsAre("x=3@1d"));
    EXPECT_THAT(again.ids, ElementsAre(3));
    EXPECT_THAT(again.released, ElementsAre(2));
}

TEST_F(OneShard, HoldsMessagesBehindTheWindow_AndSendsThemAsAcksCome_MQTT5_3_3_4_9_MQTT5_4_9_0_2) {
    auto made = cluster.request("a", peer);
    made.window = 2;
    auto& session = *broker().connect(std::move(made)).session;
    cluster.subscribe(0, session, "x", kQos1);
    for (const char* text : {"1", "2", "3", "4"}) {
        cluster.publish(0, "x", text, Qos::at_least_once);
    }
    EXPECT_THAT(peer.got, ElementsAre("x=1@1", "x=2@1"));
    session.settled(1);
    EXPECT_EQ(peer.got.size(), 3U);
    session.settled(3);
    EXPECT_THAT(peer.got, ElementsAre("x=1@1", "x=2@1", "x=3@1", "x=4@1"));
}

TEST_F(OneShard, DropsQos0AndQueuesQos1_WhenThePeerDoesNotRead) {
    auto& session = cluster.connect(0, "a", peer);
    cluster.subscribe(0, session, "x", kQos1);
    peer.is_ready = false;
    cluster.publish(0, "x", "0", Qos::at_most_once);
    cluster.publish(0, "x", "1", Qos::at_least_once);
    EXPECT_THAT(peer.got, IsEmpty());
    EXPECT_EQ(lost(Reason::slow_consumer), 1U);
    EXPECT_EQ(cluster.nodes[0]->decisions.of("owner").at(0).reason, Reason::slow_consumer);
    peer.is_ready = true;
    session.pump();
    EXPECT_THAT(peer.got, ElementsAre("x=1@1"));
}

TEST_F(OneShard, DropsTheOldest_WhenTheQueueIsFull_AndSaysSo) {
    cluster.limits.queue_messages = 2;
    auto& session = cluster.connect(0, "a", peer, std::chrono::hours{1});
    cluster.subscribe(0, session, "x", kQos1);
    broker().disconnect(session, peer, true);
    for (const char* text : {"1", "2", "3"}) {
        cluster.publish(0, "x", text, Qos::at_least_once);
    }
    EXPECT_EQ(lost(Reason::queue_dropped_oldest), 1U);
    EXPECT_EQ(cluster.nodes[0]->metrics.queued.value(), 2);
}

TEST_F(OneShard, ForgetsExpiredMessages_MQTT5_3_3_2_5) {
    auto& session = cluster.connect(0, "a", peer, std::chrono::hours{1});
    cluster.subscribe(0, session, "x", kQos1);
    broker().disconnect(session, peer, true);
    cluster.fan_out(0, model::Message::make(
        {.topic = "x", .payload = {}, .qos = Qos::at_least_once, .expires = cluster.clock.wall() + std::chrono::seconds{5}}
    ));
    cluster.clock.advance(std::chrono::seconds{6});
    Peer again;
    cluster.connect(0, "a", again, std::chrono::hours{1});
    EXPECT_THAT(again.got, IsEmpty());
    EXPECT_EQ(lost(Reason::message_expired), 1U);
}

TEST_F(OneShard, SendsNothingThatHasExpired_ThoughItCouldAtOnce_MQTT5_3_3_2_5) {
    auto& session = cluster.connect(0, "a", peer);
    cluster.subscribe(0, session, "x", kQos1);
    cluster.subscribe(0, session, "$share/g/x", kQos1);
    cluster.clock.advance(std::chrono::seconds{10});
    const WallTime now = cluster.clock.wall();
    for (const auto& [payload, expires] :
         {std::pair{"long ago", WallTime{1}}, {"now", now}, {"soon", now + std::chrono::seconds{1}}}) {
        cluster.fan_out(0, model::Message::make(
            {.topic = "x", .payload = as_bytes(std::string_view{payload}), .qos = Qos::at_least_once, .expires = expires}
        ));
    }
    EXPECT_THAT(peer.got, ElementsAre("x=soon@1", "x=soon@1"));
    EXPECT_EQ(lost(Reason::message_expired), 4U);
    EXPECT_EQ(cluster.nodes[0]->metrics.routed.value(), 6U);
}

TEST_F(OneShard, EndsASession_WhenItsExpiryPasses_MQTT5_4_1_0_2) {
    auto& session = cluster.connect(0, "a", peer, std::chrono::seconds{10});
    cluster.subscribe(0, session, "x", kQos1);
    broker().disconnect(session, peer, true);
    cluster.clock.advance(std::chrono::seconds{9});
    broker().advance();
    EXPECT_EQ(cluster.nodes[0]->metrics.sessions.value(), 1);
    cluster.clock.advance(std::chrono::seconds{1});
    broker().advance();
    EXPECT_EQ(cluster.nodes[0]->metrics.sessions.value(), 0);
    EXPECT_EQ(cluster.nodes[0]->metrics.subscriptions.value(), 0);
}

TEST_F(OneShard, SkipsTheSendersOwnMessages_WhenNoLocal_MQTT5_3_8_3_3) {
    auto& session = cluster.connect(0, "a", peer);
    cluster.subscribe(0, session, "x", {.no_local = true});
    cluster.fan_out(0, Cluster::message("x", "own", Qos::at_most_once, false, session.id()));
    cluster.fan_out(0, Cluster::message("x", "other", Qos::at_most_once, false, session.id() + 1));
    EXPECT_THAT(peer.got, ElementsAre("x=other@0"));
}

TEST_F(OneShard, KeepsTheRetainFlag_OnlyWhenAsked_MQTT5_3_3_1_12_MQTT5_3_3_1_13) {
    auto& session = cluster.connect(0, "a", peer);
    cluster.subscribe(0, session, "plain");
    cluster.subscribe(0, session, "asis", {.retain_as_published = true});
    cluster.fan_out(0, Cluster::message("plain", "1", Qos::at_most_once, true));
    cluster.fan_out(0, Cluster::message("asis", "2", Qos::at_most_once, true));
    EXPECT_THAT(peer.got, ElementsAre("plain=1@0", "asis=2@0r"));
}

TEST_F(OneShard, KeepsASessionWhileItIsConnected_HoweverLong_MQTT3_4_1_0_2_MQTT5_4_1_0_1) {
    auto& session = cluster.connect(0, "a", peer, std::chrono::seconds{1});
    cluster.subscribe(0, session, "x");
    cluster.clock.advance(std::chrono::hours{24});
    broker().advance();
    cluster.publish(0, "x", "1");
    EXPECT_THAT(peer.got, ElementsAre("x=1@0"));
}

// What was sent once is finished, whether anybody still wants to know or not.
TEST_F(OneShard, DoesNotExpireWhatItHasSent_MQTT5_4_3_3_7_MQTT5_4_3_3_13) {
    auto& session = cluster.connect(0, "a", peer, std::chrono::hours{1});
    cluster.subscribe(0, session, "x", kQos2);
    for (const char* payload : {"1", "2"}) {
        cluster.fan_out(0, model::Message::make(
            {.topic = "x", .payload = as_bytes(std::string_view{payload}), .qos = Qos::exactly_once, .expires = cluster.clock.wall() + std::chrono::seconds{5}}
        ));
    }
    cluster.pump();
    EXPECT_TRUE(session.received(1));
    cluster.clock.advance(std::chrono::seconds{6});
    broker().disconnect(session, peer, true);
    Peer again;
    cluster.connect(0, "a", again, std::chrono::hours{1});
    EXPECT_THAT(again.released, ElementsAre(1));
    EXPECT_THAT(again.got, ElementsAre("x=2@2d"));
    EXPECT_TRUE(session.received(2));
    EXPECT_TRUE(session.settled(2));
    EXPECT_TRUE(session.settled(1));
    EXPECT_EQ(lost(Reason::message_expired), 0U);
}

struct WillCase {
    std::string_view name;
    std::chrono::seconds delay;
    std::chrono::milliseconds expiry;
    bool polite;
    std::chrono::seconds later;
    std::size_t published;
};

class Wills : public testing::TestWithParam<WillCase> {};

TEST_P(Wills, FireWhenTheyMust_MQTT3_3_1_2_8_MQTT3_3_14_4_3_MQTT5_3_1_2_8_MQTT5_3_14_4_3) {
    Cluster cluster{1};
    Peer watcher;
    Peer doomed;
    cluster.subscribe(0, cluster.connect(0, "watcher", watcher), "will");
    auto made = cluster.request("a", doomed);
    made.expiry = GetParam().expiry;
    made.will = std::make_unique<Will>(Will{.message = Cluster::message("will", "gone"), .delay = GetParam().delay});
    auto& session = *cluster.brokers[0]->connect(std::move(made)).session;
    cluster.pump();
    cluster.brokers[0]->disconnect(session, doomed, !GetParam().polite);
    cluster.clock.advance(GetParam().later);
    cluster.brokers[0]->advance();
    EXPECT_EQ(watcher.got.size(), GetParam().published);
}
INSTANTIATE_TEST_SUITE_P(
    Table,
    Wills,
    testing::Values(
        WillCase{"at_once", {}, {}, false, {}, 1},
        WillCase{"not_after_disconnect", {}, {}, true, {}, 0},
        WillCase{"at_once_though_the_session_stays", {}, std::chrono::hours{1}, false, {}, 1},
        WillCase{"not_before_its_delay", std::chrono::seconds{10}, std::chrono::hours{1}, false, std::chrono::seconds{9}, 0},
        WillCase{"after_its_delay", std::chrono::seconds{10}, std::chrono::hours{1}, false, std::chrono::seconds{10}, 1},
        WillCase{"when_the_session_ends_first", std::chrono::seconds{60}, std::chrono::seconds{5}, false, std::chrono::seconds{5}, 1}
    ),
    [](const auto& row) { return std::string{row.param.name}; }
);

TEST_F(OneShard, DropsADelayedWill_WhenTheClientComesBack_MQTT5_3_1_3_9) {
    Peer watcher;
    cluster.subscribe(0, cluster.connect(0, "watcher", watcher), "will");
    auto made = cluster.request("a", peer);
    made.expiry = std::chrono::hours{1};
    made.clean_start = false;
    made.will = std::make_unique<Will>(Will{.message = Cluster::message("will", "gone"), .delay = std::chrono::seconds{10}});
    auto& session = *broker().connect(std::move(made)).session;
    cluster.pump();
    broker().disconnect(session, peer, true);
    Peer again;
    cluster.connect(0, "a", again, std::chrono::hours{1});
    cluster.clock.advance(std::chrono::seconds{60});
    broker().advance();
    EXPECT_THAT(watcher.got, IsEmpty());
}

TEST_F(OneShard, WithdrawsSubscriptionsAndSessions_WhenPoliciesChange_T19) {
    auto& session = cluster.connect(0, "a", peer, std::chrono::hours{1});
    cluster.subscribe(0, session, "x/1", kQos1);
    cluster.subscribe(0, session, "y/1", kQos1);
    cluster.policies("policy: open\nallow:\n  - connect: \"a\"\n  - subscribe: [\"y/#\"]\n");
    cluster.publish(0, "x/1", "1");
    cluster.publish(0, "y/1", "2");
    EXPECT_THAT(peer.got, ElementsAre("y/1=2@0"));
    EXPECT_EQ(session.subscriptions().size(), 1U);
    cluster.policies("policy: open\n");
    EXPECT_THAT(peer.ended, ElementsAre(Reason::policy_changed));
    EXPECT_EQ(cluster.nodes[0]->metrics.sessions.value(), 0);
}

TEST_F(OneShard, AsksForTheRightToReceiveAtDelivery_EvenForQueuedMessages) {
    auto& session = cluster.connect(0, "a", peer, std::chrono::hours{1});
    cluster.subscribe(0, session, "x", kQos1);
    broker().disconnect(session, peer, true);
    cluster.publish(0, "x", "queued", Qos::at_least_once);
    cluster.policies("policy: open\nallow:\n  - connect: \"a\"\n  - subscribe: [\"x\"]\n    receive: [\"other\"]\n");
    Peer again;
    cluster.connect(0, "a", again, std::chrono::hours{1});
    EXPECT_THAT(again.got, IsEmpty());
    EXPECT_EQ(lost(Reason::receive_denied), 1U);
}

TEST_F(OneShard, DoesNotHandOutARetainedMessage_WhosePublisherLostTheRight_T18) {
    cluster.retain(0, Cluster::message("x", "kept", Qos::at_most_once, true), Cluster::thing("publisher"), "publisher");
    cluster.policies("policy: open\nallow:\n  - connect: \"*\"\n  - subscribe: [\"#\"]\n");
    auto& session = cluster.connect(0, "a", peer);
    cluster.subscribe(0, session, "x");
    EXPECT_THAT(peer.got, IsEmpty());
}

TEST_F(OneShard, EndsTheSessionsOfADeviceThatIsNoMore) {
    cluster.connect(0, "a", peer);
    broker().apply_principals([](const model::PrincipalPtr&) -> Refreshed {
        return {.reason = Reason::credential_removed};
    });
    EXPECT_THAT(peer.ended, ElementsAre(Reason::credential_removed));
    EXPECT_EQ(cluster.nodes[0]->metrics.sessions.value(), 0);
}

TEST_F(OneShard, EndsAConnectionForAnOperator_AndKeepsTheSessionThatLasts) {
    auto& session = cluster.connect(0, "a", peer, std::chrono::hours{1});
    cluster.subscribe(0, session, "x", kQos1);
    EXPECT_TRUE(broker().kick(session));
    EXPECT_THAT(peer.ended, ElementsAre(Reason::administrative));
    EXPECT_FALSE(session.online());
    EXPECT_FALSE(broker().kick(session)) << "there is no connection any more";
    cluster.publish(0, "x", "waits", Qos::at_least_once);
    Peer again;
    cluster.connect(0, "a", again, std::chrono::hours{1});
    EXPECT_THAT(again.got, ElementsAre("x=waits@1"));
}

TEST_F(OneShard, EndsASessionWithItsConnection_WhenAnOperatorEndsThat) {
    auto& session = cluster.connect(0, "a", peer);
    EXPECT_TRUE(broker().kick(session));
    EXPECT_THAT(peer.ended, ElementsAre(Reason::administrative));
    EXPECT_EQ(cluster.nodes[0]->metrics.sessions.value(), 0);
}

TEST(Placement, IsStableAndSpread) {
    EXPECT_EQ(Broker::owner_of("default", "probe-1", 1), 0U);
    std::vector<int> counts(8);
    for (int i = 0; i < 8'000; ++i) {
        const auto id = "probe-" + std::to_string(i);
        const unsigned owner = Broker::owner_of("default", id, 8);
        EXPECT_EQ(owner, Broker::owner_of("default", id, 8));
        ++counts[owner];
    }
    for (const int count : counts) {
        EXPECT_GT(count, 800);
        EXPECT_LT(count, 1'200);
    }
}

}  // namespace
}  // namespace weir::broker
