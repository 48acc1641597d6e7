// A message with RETAIN goes two ways to a subscription that is just being made: live, and by the shard that keeps it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cluster.hpp"

namespace weir::broker {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr int kRounds = 100;

/// Steps in any order that mailboxes allow, the same for each seed.
class Retaining : public testing::TestWithParam<unsigned> {
protected:
    struct Race {
        Race(unsigned shards, std::uint64_t seed) : random{seed}, cluster{shards} {
            session = &cluster.connect(0, "a", peer);
        }
        void publish(unsigned shard, std::string_view topic, std::string_view payload) {
            const auto message = Cluster::message(topic, payload, Qos::at_least_once, true);
            cluster.retain(shard, message);
            cluster.fan_out(shard, message);
        }
        void begin_subscribe(std::string_view filter, SubscriptionOptions options = kQos1) {
            cluster.begin_subscribe(0, *session, filter, options, subscribed);
        }
        void step(std::size_t most) {
            for (std::size_t left = random.below(most + 1); left > 0 && cluster.step(random);) {
                --left;
            }
        }
        void step_until_subscribed() {
            while (!subscribed) {
                cluster.step(random);
            }
        }
        void run() {
            while (cluster.step(random)) {
            }
        }

        test::Random random;
        Cluster cluster;
        Peer peer;
        Session* session = nullptr;
        bool subscribed = false;
    };

    /// Calls `play(race)` for many orders of the mail.
    template <class Play>
    void for_each_order(Play play) {
        for (std::uint64_t seed = 1; seed <= kRounds && !HasFailure(); ++seed) {
            SCOPED_TRACE(seed);
            Race race{GetParam(), seed};
            play(race);
        }
    }
    [[nodiscard]] std::size_t most() const { return 8 * GetParam(); }
    [[nodiscard]] unsigned any(Race& race) const {
        return static_cast<unsigned>(race.random.below(GetParam()));
    }
};
INSTANTIATE_TEST_SUITE_P(Broker, Retaining, testing::Values(1U, 2U, 8U));

TEST_P(Retaining, ReachesANewSubscriptionOnce_WhenPublishedAfterSuback) {
    for_each_order([this](Race& race) {
        const std::string topic = "t/" + std::to_string(race.random.below(16));
        race.begin_subscribe("t/+");
        race.step_until_subscribed();
        race.step(most());
        race.publish(any(race), topic, "m");
        race.run();
        EXPECT_THAT(race.peer.got, ElementsAre(testing::StartsWith(topic + "=m@1")));
    });
}

TEST_P(Retaining, ReachesANewSubscriptionAtMostOnce_WhenPublishedMeanwhile) {
    for_each_order([this](Race& race) {
        race.begin_subscribe("t");
        race.step(most());
        race.publish(any(race), "t", "m");
        race.run();
        EXPECT_LE(race.peer.got.size(), 1U);
    });
}

TEST_P(Retaining, LeavesTheLastMessageLast) {
    for_each_order([this](Race& race) {
        const unsigned publisher = any(race);
        race.publish(publisher, "t", "1");
        race.run();
        race.begin_subscribe("t");
        race.step(most());
        race.publish(publisher, "t", "2");
        race.step_until_subscribed();
        race.publish(publisher, "t", "3");
        race.run();
        ASSERT_THAT(race.peer.got, testing::Not(IsEmpty()));
        EXPECT_THAT(race.peer.got.back(), testing::StartsWith("t=3@1"));
    });
}

TEST_P(Retaining, IsNotHandedOut_AfterItWasRemovedLive) {
    for_each_order([this](Race& race) {
        race.publish(any(race), "t", "1");
        race.run();
        race.begin_subscribe("t");
        race.step_until_subscribed();
        race.publish(any(race), "t", "");
        race.run();
        ASSERT_THAT(race.peer.got, testing::Not(IsEmpty()));
        EXPECT_THAT(race.peer.got.back(), testing::StartsWith("t=@1"));
    });
}

TEST_P(Retaining, ComesOnceMore_ForEverySubscriptionThatAsksForIt) {
    for_each_order([this](Race& race) {
        race.begin_subscribe("#");
        race.run();
        race.begin_subscribe("t");
        race.step(most());
        race.publish(any(race), "t", "m");
        race.run();
        // "#" gets it live; "t" gets it with that copy or on its own.
        EXPECT_THAT(race.peer.got, testing::Contains("t=m@1"));
        EXPECT_LE(race.peer.got.size(), 2U);
        race.begin_subscribe("t");
        race.run();
        EXPECT_EQ(race.peer.got.back(), "t=m@1r");
    });
}

TEST_P(Retaining, IsNotHandedOut_AfterUnsubscribe) {
    for_each_order([this](Race& race) {
        race.publish(any(race), "t", "m");
        race.run();
        race.begin_subscribe("t");
        race.step(most());
        const auto before = race.peer.got;
        race.cluster.brokers[0]->unsubscribe(*race.session, "t");
        race.run();
        EXPECT_EQ(race.peer.got, before);
    });
}

TEST_P(Retaining, IsNotHandedOutToItsPublisher_WhenNoLocal_MQTT5_3_8_3_3) {
    Race race{GetParam(), 1};
    Cluster& cluster = race.cluster;
    const unsigned last = GetParam() - 1;
    const auto own = Cluster::message("own", "m", Qos::at_least_once, true, race.session->id());
    cluster.retain(last, own, race.session->principal_ptr(), "a");
    const auto other = Cluster::message("other", "m", Qos::at_least_once, true, 77);
    cluster.retain(last, other, race.session->principal_ptr(), "b");
    cluster.pump();
    const SubscriptionOptions no_local{.qos = Qos::at_least_once, .no_local = true};
    cluster.subscribe(0, *race.session, "own", no_local);
    cluster.subscribe(0, *race.session, "other", no_local);
    EXPECT_THAT(race.peer.got, ElementsAre("other=m@1r"));

    // Its own still, when it comes back with a new session.
    cluster.brokers[0]->disconnect(*race.session, race.peer, false);
    Peer again;
    auto& second = cluster.connect(0, "a", again);
    cluster.subscribe(0, second, "own", no_local);
    EXPECT_THAT(again.got, IsEmpty());
    cluster.subscribe(0, second, "own", kQos1);
    EXPECT_THAT(again.got, ElementsAre("own=m@1r"));
}

TEST_P(Retaining, IsForgotten_WhenItExpires) {
    Race race{GetParam(), 1};
    Cluster& cluster = race.cluster;
    const auto kept = [&cluster] {
        std::int64_t sum = 0;
        for (const auto& node : cluster.nodes) {
            sum += node->metrics.retained.value();
        }
        return sum;
    };
    cluster.clock.advance(std::chrono::seconds{1});
    const WallTime expires = cluster.clock.wall() + std::chrono::seconds{10};
    for (int i = 0; i < 20; ++i) {
        const std::string topic = "t/" + std::to_string(i);
        const auto message = model::Message::make(
            {.topic = topic, .payload = as_bytes("m"), .retain = true, .expires = expires}
        );
        cluster.retain(0, message);
    }
    race.publish(0, "t/0", "lasting");
    cluster.pump();
    EXPECT_EQ(kept(), 20);
    cluster.clock.advance(std::chrono::seconds{10});
    for (Broker* const broker : cluster.brokers) {
        broker->advance();
    }
    EXPECT_EQ(kept(), 1);
    race.begin_subscribe("t/+");
    race.run();
    EXPECT_THAT(race.peer.got, ElementsAre("t/0=lasting@1r"));
}

}  // namespace
}  // namespace weir::broker
