#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "cluster.hpp"
#include "support/count_allocations.hpp"

namespace weir::broker {
namespace {

using std::chrono::hours;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

/// Members on all shards, in turn; what is published comes from the last one.
class Shared : public testing::TestWithParam<unsigned> {
protected:
    struct Member {
        unsigned shard;
        Peer peer;
        Session* session;
        std::string name;
    };

    Member& join(
        std::string_view filter,
        SubscriptionOptions options = kQos1,
        std::chrono::milliseconds expiry = {},
        std::uint64_t window = 100
    ) {
        auto& made = *members_.emplace_back(std::make_unique<Member>());
        made.shard = static_cast<unsigned>(members_.size() - 1) % GetParam();
        made.name = "m" + std::to_string(members_.size());
        connect(made, expiry, window);
        cluster.subscribe(made.shard, *made.session, filter, options);
        return made;
    }
    void connect(Member& member, std::chrono::milliseconds expiry, std::uint64_t window = 100) {
        auto request = cluster.request(member.name, member.peer, member.name);
        request.expiry = expiry;
        request.clean_start = expiry.count() == 0;
        request.window = window;
        auto& broker = *cluster.brokers[member.shard];
        member.session = broker.connect(std::move(request)).session;
        broker.resume(*member.session);
        cluster.pump();
    }
    void disconnect(Member& member) {
        cluster.brokers[member.shard]->disconnect(*member.session, member.peer, false);
        cluster.pump();
    }
    void unsubscribe(Member& member, std::string_view filter) {
        EXPECT_TRUE(cluster.brokers[member.shard]->unsubscribe(*member.session, filter));
        cluster.pump();
    }
    void publish(std::string_view topic, std::string_view payload, Qos qos = Qos::at_least_once) {
        cluster.publish(last(), topic, payload, qos);
    }
    void publish_many(int count, Qos qos = Qos::at_least_once) {
        for (int i = 1; i <= count; ++i) {
            publish("x", std::to_string(i), qos);
        }
    }
    [[nodiscard]] unsigned last() const { return GetParam() - 1; }
    [[nodiscard]] std::uint64_t sum(Counter model::ShardMetrics::* counter) const {
        std::uint64_t total = 0;
        for (const auto& node : cluster.nodes) {
            total += (node->metrics.*counter).value();
        }
        return total;
    }
    /// `delivered` + `lost` + queued = `routed`.
    void expect_books_balance() const {
        std::int64_t ends = 0;
        for (const auto& node : cluster.nodes) {
            for (const auto& delivered : node->metrics.delivered) {
                ends += static_cast<std::int64_t>(delivered.value());
            }
            for (const auto& lost : node->metrics.lost) {
                ends += static_cast<std::int64_t>(lost.value());
            }
            ends += node->metrics.queued.value();
        }
        EXPECT_EQ(ends, static_cast<std::int64_t>(sum(&model::ShardMetrics::routed)));
    }

    Cluster cluster{GetParam()};
    std::vector<std::unique_ptr<Member>> members_;
};
INSTANTIATE_TEST_SUITE_P(Broker, Shared, testing::Values(1U, 2U, 8U));

TEST_P(Shared, GivesEachMessageToOneMember_InTurn) {
    for (int i = 0; i < 4; ++i) {
        join("$share/g/x");
    }
    publish_many(12);
    std::multiset<std::string> all;
    for (const auto& member : members_) {
        EXPECT_THAT(member->peer.got, SizeIs(3));
        all.insert(member->peer.got.begin(), member->peer.got.end());
    }
    EXPECT_EQ(std::set(all.begin(), all.end()).size(), 12U);
    expect_books_balance();
}

TEST_P(Shared, KeepsTheOrderOfAPublisher_ForEachMember) {
    for (int i = 0; i < 3; ++i) {
        join("$share/g/x");
    }
    for (int i = 100; i < 160; ++i) {
        cluster.fan_out(last(), 
            Cluster::message("x", std::to_string(i), Qos::at_least_once)
        );
    }
    cluster.pump();
    for (const auto& member : members_) {
        EXPECT_THAT(member->peer.got, SizeIs(20));
        EXPECT_TRUE(std::ranges::is_sorted(member->peer.got));
    }
}

TEST_P(Shared, MatchesOnTheFilterBehindTheGroup) {
    auto& member = join("$share/g/a/+/c");
    publish("a/b/c", "1");
    publish("a/b", "2");
    publish("$share/g/a/b/c", "3");
    EXPECT_THAT(member.peer.got, ElementsAre("a/b/c=1@1"));
}

TEST_P(Shared, GivesEveryGroupACopy_AndEveryFilterOfAGroup) {
    auto& a = join("$share/a/x");
    auto& b = join("$share/b/x");
    auto& c = join("$share/a/+");
    publish("x", "1");
    for (const auto* member : {&a, &b, &c}) {
        EXPECT_THAT(member->peer.got, ElementsAre("x=1@1"));
    }
}

TEST_P(Shared, GivesBothCopies_ToASessionWithASharedAndAPlainSubscription) {
    auto& member = join("$share/g/x", {.qos = Qos::at_least_once, .id = 3});
    cluster.subscribe(member.shard, *member.session, "x", {.qos = Qos::at_most_once, .id = 4});
    publish("x", "1");
    EXPECT_THAT(member.peer.got, UnorderedElementsAre("x=1@1", "x=1@0"));
    expect_books_balance();
}

TEST_P(Shared, SendsAtTheLowerQos_AsPublishedIfAsked_WithItsIdentifier_MQTT5_4_8_2_3) {
    auto& member = join("$share/g/x", {.qos = Qos::at_least_once, .retain_as_published = true, .id = 9});
    cluster.fan_out(last(), Cluster::message("x", "1", Qos::exactly_once, true));
    cluster.fan_out(last(), Cluster::message("x", "2", Qos::at_most_once));
    cluster.pump();
    EXPECT_THAT(member.peer.got, ElementsAre("x=1@1r", "x=2@0"));
    EXPECT_THAT(member.peer.subscription_ids, ElementsAre(9U));
    cluster.subscribe(member.shard, *member.session, "$share/g/x", {.qos = Qos::exactly_once});
    cluster.fan_out(last(), Cluster::message("x", "3", Qos::exactly_once, true));
    cluster.pump();
    EXPECT_EQ(member.peer.got.back(), "x=3@2") << "a second SUBSCRIBE replaces the options";
    EXPECT_THAT(member.session->subscriptions(), SizeIs(1));
}

TEST_P(Shared, SendsNoRetainedMessages_WhenSubscribed) {
    cluster.retain(last(), Cluster::message("x", "kept", Qos::at_least_once, true));
    cluster.pump();
    EXPECT_THAT(join("$share/g/x").peer.got, IsEmpty());
}

TEST_P(Shared, NeverMissesAMessage_OnceASubscriptionIsConfirmed_SharedOrNot) {
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        Cluster fresh{GetParam()};
        test::Random random{seed};
        Peer peers[2];
        bool done[2] = {};
        for (unsigned i = 0; i < 2; ++i) {
            const unsigned home = static_cast<unsigned>(random.below(GetParam()));
            auto& session = fresh.connect(home, "m" + std::to_string(i), peers[i]);
            // The second one finds the filter under way.
            fresh.begin_subscribe(home, session, seed % 2 == 0 ? "$share/g/x" : "x", kQos1, done[i]);
        }
        while (!done[0] && !done[1] && fresh.step(random)) {
        }
        ASSERT_TRUE(done[0] || done[1]);
        const bool confirmed[2] = {done[0], done[1]};
        for (unsigned shard = 0; shard < GetParam(); ++shard) {
            fresh.fan_out(shard, 
                Cluster::message("x", std::to_string(shard), Qos::at_least_once)
            );
        }
        while (fresh.step(random)) {
        }
        EXPECT_TRUE(done[0] && done[1]);
        if (seed % 2 == 0) {
            EXPECT_EQ(peers[0].got.size() + peers[1].got.size(), GetParam()) << seed;
            continue;
        }
        for (unsigned i = 0; i < 2; ++i) {
            EXPECT_TRUE(!confirmed[i] || peers[i].got.size() == GetParam()) << seed;
        }
    }
}

TEST_P(Shared, DissolvesAGroup_WhenTheLastMemberLeaves) {
    auto& a = join("$share/g/x");
    auto& b = join("$share/g/x");
    unsubscribe(a, "$share/g/x");
    publish_many(2);
    EXPECT_THAT(a.peer.got, IsEmpty());
    EXPECT_THAT(b.peer.got, SizeIs(2));
    unsubscribe(b, "$share/g/x");
    EXPECT_FALSE(cluster.fan_out(last(), Cluster::message("x", "3")));
    EXPECT_EQ(cluster.lost(Reason::shared_no_member), 0U);
}

TEST_P(Shared, AsksAnotherMember_WhenTheChosenOneHasJustLeft) {
    auto& a = join("$share/g/x");
    auto& b = join("$share/g/x");
    for (int i = 1; i <= 4; ++i) {
        cluster.fan_out(last(), Cluster::message("x", std::to_string(i), Qos::at_least_once));
    }
    // What is on its way to `a` in mailboxes arrives after it left.
    cluster.brokers[a.shard]->unsubscribe(*a.session, "$share/g/x");
    cluster.pump();
    const auto before = a.peer.got.size();
    EXPECT_EQ(before + b.peer.got.size(), 4U);
    EXPECT_EQ(std::set(b.peer.got.begin(), b.peer.got.end()).size(), b.peer.got.size());
    EXPECT_EQ(cluster.lost(Reason::shared_no_member), 0U);
    expect_books_balance();
}

TEST_P(Shared, HandsOnWhatASessionLeaves_MQTT5_4_8_2_5) {
    constexpr std::uint64_t kWindow = 3;
    auto& doomed = join("$share/g/x", kQos2, {}, kWindow);
    publish("x", "1", Qos::at_least_once);
    publish("x", "2", Qos::exactly_once);
    publish("x", "3", Qos::at_least_once);
    publish("x", "4", Qos::exactly_once);
    publish("x", "5", Qos::at_least_once);
    publish("x", "6", Qos::at_most_once);
    EXPECT_TRUE(doomed.session->settled(1)) << "this one is done, and makes room for 4";
    auto& heir = join("$share/g/x", kQos2);
    EXPECT_THAT(heir.peer.got, IsEmpty());
    disconnect(doomed);
    EXPECT_THAT(heir.peer.got, ElementsAre("x=3@1", "x=5@1")) << "QoS 2 that was sent goes to nobody else";
    expect_books_balance();
}

TEST_P(Shared, HandsOnQueuedMessages_AtEveryQosAboveZero) {
    auto& doomed = join("$share/g/x", kQos2, hours{1}, 1);
    disconnect(doomed);
    publish("x", "1", Qos::at_least_once);
    publish("x", "2", Qos::exactly_once);
    auto& heir = join("$share/g/x", kQos2);
    EXPECT_THAT(heir.peer.got, IsEmpty()) << "they wait for the session as long as it lives";
    cluster.clock.advance(hours{2});
    cluster.brokers[doomed.shard]->advance();
    cluster.pump();
    EXPECT_THAT(heir.peer.got, ElementsAre("x=1@1", "x=2@2"));
    EXPECT_EQ(cluster.lost(Reason::session_ended), 0U);
    expect_books_balance();
}

TEST_P(Shared, CompletesAQos2Message_WithTheMemberThatComesBack_MQTT5_4_8_2_4) {
    auto& member = join("$share/g/x", kQos2, hours{1});
    publish("x", "1", Qos::exactly_once);
    publish("x", "2", Qos::exactly_once);
    EXPECT_TRUE(member.session->received(1));
    auto& other = join("$share/g/x", kQos2);
    disconnect(member);
    connect(member, hours{1});
    EXPECT_THAT(member.peer.got, ElementsAre("x=1@2", "x=2@2", "x=2@2d"));
    EXPECT_THAT(member.peer.released, ElementsAre(1, 1));
    EXPECT_THAT(other.peer.got, IsEmpty());
}

TEST_P(Shared, DoesNotHandOn_WhatThePeerRefused_MQTT5_4_8_2_6) {
    auto& a = join("$share/g/x");
    publish("x", "1");
    EXPECT_TRUE(a.session->settled(1)) << "as for a PUBACK with an error";
    auto& b = join("$share/g/x");
    disconnect(a);
    EXPECT_THAT(b.peer.got, IsEmpty());
}

TEST_P(Shared, CountsWhatNobodyIsLeftToTake) {
    auto& only = join("$share/g/x");
    only.peer.is_ready = false;
    publish_many(2);
    disconnect(only);
    EXPECT_EQ(cluster.lost(Reason::shared_no_member), 2U);
    expect_books_balance();
}

TEST_P(Shared, PrefersMembersThatCanSend) {
    auto& slow = join("$share/g/x", kQos1, {}, 1);
    auto& quick = join("$share/g/x");
    publish_many(10);
    EXPECT_THAT(slow.peer.got, SizeIs(1));
    EXPECT_THAT(quick.peer.got, SizeIs(9)) << "nothing waits behind the slow one";
    slow.session->settled(1);
    cluster.pump();
    publish_many(2);
    EXPECT_THAT(slow.peer.got, SizeIs(2)) << "it takes turns again";
}

TEST_P(Shared, QueuesAtMembersThatAreOnline_WhenAllAreBusy) {
    auto& offline = join("$share/g/x", kQos1, hours{1});
    disconnect(offline);
    auto& a = join("$share/g/x", kQos1, {}, 1);
    auto& b = join("$share/g/x", kQos1, {}, 1);
    publish_many(6);
    EXPECT_EQ(a.session->queued() + b.session->queued(), 4U);
    EXPECT_EQ(a.session->queued(), b.session->queued());
    EXPECT_EQ(offline.session->queued(), 0U);
    disconnect(a);
    disconnect(b);
    EXPECT_EQ(offline.session->queued(), 6U);
    connect(offline, hours{1});
    EXPECT_THAT(offline.peer.got, SizeIs(6));
    expect_books_balance();
}

TEST_P(Shared, KeepsNothingAtQos0_WhenNobodyIsOnlineOrReads) {
    auto& member = join("$share/g/x", kQos1, hours{1});
    member.peer.is_ready = false;
    publish("x", "1", Qos::at_most_once);
    disconnect(member);
    publish("x", "2", Qos::at_most_once);
    EXPECT_EQ(cluster.lost(Reason::shared_no_member), 2U);
    expect_books_balance();
}

TEST_P(Shared, TakesUpAgain_WhenAPeerReadsAgain_AtQos0) {
    auto& member = join("$share/g/x", {});
    member.peer.is_ready = false;
    publish_many(3);
    EXPECT_EQ(cluster.lost(Reason::shared_no_member), 3U);
    member.peer.is_ready = true;
    member.session->pump();
    cluster.pump();
    publish_many(3);
    EXPECT_THAT(member.peer.got, SizeIs(3));
}

TEST_P(Shared, LosesNoOlderMessage_WhenAllQueuesAreFull) {
    cluster.limits.queue_messages = 2;
    auto& a = join("$share/g/x", kQos1, hours{1});
    auto& b = join("$share/g/x", kQos1, hours{1});
    disconnect(a);
    disconnect(b);
    publish_many(7);
    EXPECT_EQ(a.session->queued(), 2U);
    EXPECT_EQ(b.session->queued(), 2U);
    EXPECT_EQ(cluster.lost(Reason::shared_no_member), 3U);
    EXPECT_EQ(cluster.lost(Reason::queue_dropped_oldest), 0U);
    connect(a, hours{1});
    EXPECT_THAT(a.peer.got, SizeIs(2));
    publish("x", "8");
    EXPECT_THAT(a.peer.got, SizeIs(3)) << "and there is room again";
    expect_books_balance();
}

TEST_P(Shared, StaysAMember_WhenAnotherConnectionTakesTheSessionOver) {
    auto& member = join("$share/g/x", kQos1, hours{1});
    Peer second;
    auto request = cluster.request(member.name, second, member.name);
    request.expiry = hours{1};
    request.clean_start = false;
    auto& broker = *cluster.brokers[member.shard];
    broker.resume(*broker.connect(std::move(request)).session);
    publish("x", "1");
    EXPECT_THAT(member.peer.got, IsEmpty());
    EXPECT_THAT(second.got, ElementsAre("x=1@1"));
}

TEST_P(Shared, IsNoMemberAnyMore_WhenAConnectionBeginsTheSessionAnew) {
    auto& member = join("$share/g/x", kQos1, hours{1});
    auto& other = join("$share/g/x");
    publish_many(2);
    EXPECT_THAT(other.peer.got, SizeIs(1));
    Peer second;
    auto& session = *cluster.brokers[member.shard]->connect(cluster.request(member.name, second, member.name)).session;
    cluster.pump();
    EXPECT_THAT(other.peer.got, SizeIs(2)) << "it got what was in flight";
    publish_many(2);
    EXPECT_THAT(other.peer.got, SizeIs(4));
    EXPECT_THAT(second.got, IsEmpty());
    EXPECT_THAT(session.subscriptions(), IsEmpty());
}

TEST_P(Shared, AsksThePolicyOfEachMemberAtDelivery_AndAsksAnother) {
    auto& denied = join("$share/g/for/+");
    auto& allowed = join("$share/g/for/+");
    cluster.policies(
        "policy: open\nallow:\n  - connect: \"*\"\n  - subscribe: [\"for/+\"]\n    receive: [\"for/{thing}\"]\n"
    );
    for (int i = 0; i < 4; ++i) {
        publish("for/" + allowed.name, std::to_string(i));
    }
    EXPECT_THAT(denied.peer.got, IsEmpty());
    EXPECT_THAT(allowed.peer.got, SizeIs(4));
    EXPECT_EQ(cluster.nodes[denied.shard]->decisions.of(denied.name).at(0).reason, Reason::receive_denied);
    publish("for/nobody", "1");
    EXPECT_EQ(cluster.lost(Reason::shared_no_member), 1U);
    EXPECT_EQ(cluster.lost(Reason::receive_denied), 0U) << "a member's refusal loses nothing";
    expect_books_balance();
}

TEST_P(Shared, HandsOnQueuedMessages_ThatAMemberMayNotReceiveAnyMore) {
    auto& member = join("$share/g/for/+", kQos1, hours{1});
    disconnect(member);
    publish("for/m2", "1");
    auto& other = join("$share/g/for/+");
    cluster.policies(
        "policy: open\nallow:\n  - connect: \"*\"\n  - subscribe: [\"for/+\"]\n    receive: [\"for/{thing}\"]\n"
    );
    connect(member, hours{1});
    EXPECT_THAT(member.peer.got, IsEmpty());
    EXPECT_THAT(other.peer.got, ElementsAre("for/m2=1@1"));
    expect_books_balance();
}

TEST_P(Shared, WithdrawsASharedSubscription_WhenPoliciesChange_T19) {
    auto& member = join("$share/g/x");
    cluster.subscribe(member.shard, *member.session, "$share/g/y", kQos1);
    cluster.policies("policy: open\nallow:\n  - connect: \"*\"\n  - subscribe: [\"y\"]\n");
    cluster.pump();
    ASSERT_THAT(member.session->subscriptions(), SizeIs(1));
    EXPECT_NE(member.session->subscriptions().find("$share/g/y"), nullptr);
    EXPECT_EQ(cluster.nodes[member.shard]->decisions.of(member.name).at(0).topic, "$share/g/x");
    publish("x", "1");
    publish("y", "2");
    EXPECT_THAT(member.peer.got, ElementsAre("y=2@1"));
}

TEST_P(Shared, CountsSubscriptions) {
    join("$share/g/x");
    auto& b = join("$share/g/x");
    const auto count = [this] {
        std::int64_t all = 0;
        for (const auto& node : cluster.nodes) {
            all += node->metrics.subscriptions.value();
        }
        return all;
    };
    EXPECT_EQ(count(), 2);
    disconnect(b);
    EXPECT_EQ(count(), 1);
}

/// Members come and go at any moment, shards run in any order: what was published while there was somebody to take it is
/// taken once.
TEST_P(Shared, TakesEachMessageOnce_WhateverMembersDo) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        Cluster fresh{GetParam()};
        test::Random random{seed};
        const auto shard = [&] { return static_cast<unsigned>(random.below(GetParam())); };
        struct Actor {
            Peer peer;
            unsigned shard;
            Session* session = nullptr;
            std::size_t settled = 0;
            bool keeps;
        };
        std::map<std::string, int> taken;
        std::vector<std::unique_ptr<Actor>> actors;
        bool done = false;
        const auto enter = [&](Actor& actor, std::size_t number) {
            auto request = fresh.request("a" + std::to_string(number), actor.peer);
            request.expiry = actor.keeps ? hours{1} : std::chrono::milliseconds{0};
            request.clean_start = !actor.keeps;
            request.window = 1 + random.below(4);
            auto& broker = *fresh.brokers[actor.shard];
            // What was sent before and not settled is sent again, or goes to somebody else.
            actor.peer.got.clear();
            actor.peer.ids.clear();
            actor.settled = 0;
            actor.session = broker.connect(std::move(request)).session;
            broker.resume(*actor.session);
            fresh.begin_subscribe(actor.shard, *actor.session, "$share/g/x", kQos1, done);
        };
        const auto settle = [&](Actor& actor) {
            if (actor.settled < actor.peer.ids.size()) {
                const auto at = actor.settled++;
                auto text = actor.peer.got[at];
                text.resize(text.find('@'));
                ++taken[text];
                ASSERT_TRUE(actor.session->settled(actor.peer.ids[at]));
            }
        };
        for (std::size_t i = 0; i < 6; ++i) {
            actors.push_back(std::make_unique<Actor>());
            actors[i]->shard = shard();
            actors[i]->keeps = i % 2 == 0;
        }
        enter(*actors[0], 0);
        while (fresh.step(random)) {
        }
        std::size_t published = 0;
        for (int i = 0; i < 3'000; ++i) {
            const std::size_t number = random.below(actors.size());
            Actor& actor = *actors[number];
            switch (random.below(8)) {
                case 0:
                    if (number == 0) {
                        break;  // Stays.
                    }
                    if (actor.session == nullptr) {
                        enter(actor, number);
                    } else if (random.below(2) == 0) {
                        fresh.brokers[actor.shard]->unsubscribe(*actor.session, "$share/g/x");
                    } else {
                        fresh.brokers[actor.shard]->disconnect(*actor.session, actor.peer, false);
                        actor.session = nullptr;
                    }
                    break;
                case 1:
                case 2:
                    fresh.fan_out(shard(), 
                        Cluster::message("x", std::to_string(published++), Qos::at_least_once)
                    );
                    break;
                case 3:
                case 4:
                    if (actor.session != nullptr) {
                        settle(actor);
                    }
                    break;
                default:
                    if (random.below(16) == 0) {
                        fresh.store->drain();
                        fresh.run_posted();
                    }
                    fresh.step(random);
            }
        }
        for (bool any = true; any;) {  // All come back and take what is left.
            fresh.pump();
            any = false;
            for (std::size_t i = 0; i < actors.size(); ++i) {
                if (actors[i]->session == nullptr) {
                    enter(*actors[i], i);
                    any = true;
                }
                while (actors[i]->settled < actors[i]->peer.ids.size()) {
                    settle(*actors[i]);
                    any = true;
                }
            }
        }
        EXPECT_EQ(fresh.lost(Reason::shared_no_member), 0U);
        EXPECT_EQ(taken.size(), published) << seed;
        for (const auto& [text, count] : taken) {
            EXPECT_EQ(count, 1) << text << " with seed " << seed;
        }
    }
}

/// Counts, and keeps nothing.
class Silent final : public Subscriber {
public:
    bool ready(Qos /*qos*/) const noexcept override { return true; }
    void deliver(const Delivery& /*delivery*/) noexcept override { ++count; }
    void release(std::uint16_t /*packet_id*/) noexcept override {}
    void end(Reason /*reason*/) noexcept override {}
    std::size_t count = 0;
};

TEST(SharedCost, IsNoAllocation_HoweverManyMembers) {
    Cluster cluster{1};
    std::vector<std::unique_ptr<Silent>> members;
    for (int i = 0; i < 100; ++i) {
        Peer unused;
        auto request = cluster.request("m" + std::to_string(i), unused);
        request.subscriber = members.emplace_back(std::make_unique<Silent>()).get();
        auto& session = *cluster.brokers[0]->connect(std::move(request)).session;
        cluster.subscribe(0, session, i % 2 == 0 ? "$share/a/x" : "$share/b/+", kQos1);
    }
    const auto message = Cluster::message("x", "payload");
    cluster.fan_out(0, message);
    const std::size_t before = test::allocations.load();
    for (int i = 0; i < 1'000; ++i) {
        cluster.fan_out(0, message);
    }
    EXPECT_EQ(test::allocations.load(), before);
    std::size_t delivered = 0;
    for (const auto& member : members) {
        delivered += member->count;
    }
    EXPECT_EQ(delivered, 2 * 1'001U);
}

/// A search through all of them for each message would take minutes.
TEST(SharedCost, IsTheSame_HoweverManyGroupsASessionIsIn) {
    constexpr int kMany = 100'000;
    Cluster cluster{1};
    Silent member;
    Peer unused;
    auto request = cluster.request("m", unused);
    request.subscriber = &member;
    auto& session = *cluster.brokers[0]->connect(std::move(request)).session;
    bool done = false;
    for (int i = 0; i < kMany; ++i) {
        cluster.begin_subscribe(0, session, "$share/g/" + std::to_string(i), {}, done);
    }
    for (int i = 0; i < kMany; ++i) {
        cluster.fan_out(0, Cluster::message(std::to_string(i), "m"));
    }
    EXPECT_EQ(member.count, std::size_t{kMany});
    for (int i = 0; i < kMany; ++i) {
        ASSERT_TRUE(cluster.brokers[0]->unsubscribe(session, "$share/g/" + std::to_string(i)));
    }
    EXPECT_FALSE(cluster.fan_out(0, Cluster::message("7", "m")));
}

}  // namespace
}  // namespace weir::broker
