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

TEST_P(Retaining, ComesAfterTheLastOfManySubscribes_AndCostsNoMoreMailForMore) {
    const auto mail_of = [this](int subscribes) {
        Race race{GetParam(), 1};
        for (unsigned shard = 0; shard < GetParam(); ++shard) {
            race.publish(shard, "t/" + std::to_string(shard), "m");
        }
        race.begin_subscribe("t/+", {});
        race.run();
        race.peer.got.clear();
        for (int i = 0; i < subscribes; ++i) {
            race.begin_subscribe("t/+", {});
            EXPECT_TRUE(race.subscribed);
        }
        race.publish(0, "t/0", "later");
        std::size_t mail = 0;
        while (race.cluster.step(race.random)) {
            ++mail;
        }
        for (unsigned shard = 1; shard < GetParam(); ++shard) {
            EXPECT_THAT(race.peer.got, testing::Contains("t/" + std::to_string(shard) + "=m@0r"));
        }
        const auto is_of_first = [](const std::string& each) { return each.starts_with("t/0="); };
        const auto last = std::ranges::find_if(
            race.peer.got.rbegin(), race.peer.got.rend(), is_of_first
        );
        EXPECT_TRUE(last != race.peer.got.rend() && last->starts_with("t/0=later@0"));
        return mail;
    };
    EXPECT_LE(mail_of(1'000), mail_of(2) + 1) << "one is read, then all that came meanwhile at once";
}

TEST_P(Retaining, ComesOnceMore_ThoughAnotherReadIsUnderWay_MQTT5_3_3_1_9) {
    for_each_order([this](Race& race) {
        race.publish(any(race), "t", "m");
        race.run();
        race.begin_subscribe("t");
        race.step(most());
        race.step_until_subscribed();
        const auto before = race.peer.got.size();
        race.begin_subscribe("t");
        race.run();
        EXPECT_GT(race.peer.got.size(), before);
        EXPECT_EQ(race.peer.got.back(), "t=m@1r");
    });
}

TEST_P(Retaining, IsReadInPages_ThatMissNothingAndRepeatNothing) {
    constexpr int kTopics = 2'000;
    Race race{GetParam(), 1};
    race.cluster.limits.in_flight = 2 * kTopics;
    Peer peer;
    auto request = race.cluster.request("b", peer);
    request.window = 2 * kTopics;
    Session& session = *race.cluster.brokers[0]->connect(std::move(request)).session;
    race.cluster.brokers[0]->resume(session);
    for (int i = 0; i < kTopics; ++i) {
        const auto topic = "t/" + std::to_string(i);
        race.cluster.retain(0, Cluster::message(topic, "m", Qos::at_least_once, true));
    }
    race.run();
    bool subscribed = false;
    race.cluster.begin_subscribe(0, session, "t/+", kQos1, subscribed);
    int published = 0;
    while (race.cluster.step(race.random)) {
        if (subscribed && published < 100) {  // While pages come.
            race.publish(0, "t/" + std::to_string(published++ * 20), "new");
        }
    }
    std::map<std::string, std::vector<std::string>> by_topic;
    for (const auto& each : peer.got) {
        by_topic[each.substr(0, each.find('='))].push_back(each);
    }
    EXPECT_EQ(by_topic.size(), std::size_t{kTopics});
    for (int i = 0; i < published; ++i) {
        const auto& got = by_topic["t/" + std::to_string(i * 20)];
        const auto is_new = [](const std::string& each) { return each.find("=new@") != std::string::npos; };
        EXPECT_EQ(std::ranges::count_if(got, is_new), 1);
        EXPECT_TRUE(is_new(got.back())) << "nothing older follows";
    }
    for (const auto& [topic, got] : by_topic) {
        EXPECT_LE(got.size(), 2U) << topic;
    }
}

TEST_P(Retaining, LetsOthersHaveTheirTurn_WhenOneAsksForMuch) {
    constexpr SubscriptionOptions kNothing{.retain_handling = RetainHandling::never};
    Race race{GetParam(), 1};
    Cluster& cluster = race.cluster;
    for (int i = 0; i < 1'000; ++i) {
        cluster.retain(0, Cluster::message("t/" + std::to_string(i), "m", Qos::at_most_once, true));
    }
    std::vector<std::string> filters;
    for (int i = 0; i < 200; ++i) {
        filters.push_back("t/+/miss-" + std::to_string(i));
        cluster.subscribe(0, *race.session, filters.back(), kNothing);
    }
    Peer other;
    Session& honest = cluster.connect(0, "b", other);
    cluster.subscribe(0, honest, "t/7", kNothing);

    for (const auto& filter : filters) {
        race.begin_subscribe(filter);
    }
    bool subscribed = false;
    cluster.begin_subscribe(0, honest, "t/7", {}, subscribed);
    std::size_t steps = 0;
    for (; other.got.empty() && cluster.step(race.random); ++steps) {
    }
    EXPECT_THAT(other.got, ElementsAre("t/7=m@0r"));
    std::size_t rest = 0;
    for (; cluster.step(race.random); ++rest) {
    }
    EXPECT_GT(rest, 5 * steps) << "it did not wait for all that the first one asked for";
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
