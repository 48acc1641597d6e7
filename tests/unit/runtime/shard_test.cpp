#include <weir/runtime/shard.hpp>

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <thread>
#include <vector>

namespace weir::runtime {
namespace {

using namespace std::chrono_literals;

constexpr ShardId kFirst{0};
constexpr ShardId kSecond{1};

/// Two shards that the test steps by hand.
struct TwoShards : testing::Test {
    ManualClock clock;
    ShardGroup group{{.shards = 2, .ring_entries = 4, .ring_bytes = 1000, .clock = &clock}};
    Shard& first = group[kFirst];
    Shard& second = group[kSecond];
};

TEST_F(TwoShards, RunTasksOfAnotherShardInOrder) {
    std::vector<int> ran;
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(first.try_send(kSecond, [&ran, i] { ran.push_back(i); }));
    }
    second.run_once(0ms);
    EXPECT_EQ(ran, (std::vector{0, 1, 2}));
}

TEST_F(TwoShards, RefuseTheTask_WhenTheRingIsFull) {
    int ran = 0;
    for (int i = 0; i < 4; ++i) {
        ASSERT_TRUE(first.try_send(kSecond, [&ran] { ++ran; }));
    }
    Task fifth{[&ran] { ran += 100; }};
    EXPECT_FALSE(first.try_send(kSecond, std::move(fifth)));
    ASSERT_TRUE(fifth) << "a refused task stays with the sender";
    second.run_once(0ms);
    EXPECT_EQ(ran, 4);
    EXPECT_TRUE(first.try_send(kSecond, std::move(fifth)));
    second.run_once(0ms);
    EXPECT_EQ(ran, 104);
}

TEST_F(TwoShards, BoundWhatWaitsInBytes) {
    EXPECT_TRUE(first.try_send(kSecond, [] {}, 600));
    EXPECT_TRUE(first.try_send(kSecond, [] {}, 400));
    EXPECT_FALSE(first.try_send(kSecond, [] {}, 1));
    second.run_once(0ms);
    EXPECT_TRUE(first.try_send(kSecond, [] {}, 5000)) << "alone, a large one passes";
    EXPECT_FALSE(first.try_send(kSecond, [] {}, 1));
}

TEST_F(TwoShards, TellASenderThatThereIsRoom) {
    for (int i = 0; i < 4; ++i) {
        ASSERT_TRUE(first.try_send(kSecond, [] {}));
    }
    bool resumed = false;
    first.when_room(kSecond, [&resumed] { resumed = true; });
    first.run_once(0ms);
    EXPECT_FALSE(resumed);
    second.run_once(0ms);
    first.run_once(0ms);
    EXPECT_TRUE(resumed);
}

TEST_F(TwoShards, DestroyMailThatNobodyRan) {
    auto alive = std::make_shared<int>(0);
    {
        ShardGroup short_lived{{.shards = 2, .clock = &clock}};
        ASSERT_TRUE(short_lived[kFirst].try_send(kSecond, [alive] {}));
        short_lived[kFirst].post([alive] {});
        EXPECT_EQ(alive.use_count(), 3);
    }
    EXPECT_EQ(alive.use_count(), 1);
}

TEST_F(TwoShards, DeferToTheEndOfTheWakeAndThenToTheNext) {
    std::string order;
    first.post([&, this] {
        first.defer([&, this] {
            order += "d";
            first.defer([&] { order += "e"; });
        });
        order += "p";
    });
    first.run_once(0ms);
    EXPECT_EQ(order, "pd");
    first.run_once(10s);
    EXPECT_EQ(order, "pde") << "and it does not sleep in between";
}

TEST_F(TwoShards, KeepTheTimeWithinAWake) {
    const SteadyTime before = first.now();
    clock.advance(5s);
    EXPECT_EQ(first.now(), before);
    first.run_once(0ms);
    EXPECT_EQ(first.now(), before + 5s);
}

TEST_F(TwoShards, FireTimersAsTheClockMoves) {
    struct Alarm final : Timer {
        std::optional<SteadyTime> on_deadline(SteadyTime /*now*/) noexcept override {
            ++fired;
            return std::nullopt;
        }
        int fired = 0;
    };
    Alarm coarse;
    Alarm fine;
    first.coarse_timers().arm(coarse, first.now() + 3s);
    first.fine_timers().arm(fine, first.now() + 20ms);
    first.run_once(0ms);
    EXPECT_EQ(fine.fired, 0);
    clock.advance(30ms);
    first.run_once(0ms);
    EXPECT_EQ(fine.fired, 1);
    EXPECT_EQ(coarse.fired, 0);
    clock.advance(4s);
    first.run_once(0ms);
    EXPECT_EQ(coarse.fired, 1);
}

TEST_F(TwoShards, CountProgressInPairs) {
    const std::uint64_t before = first.progress();
    std::uint64_t within = 0;
    first.post([&, this] { within = first.progress(); });
    first.run_once(0ms);
    EXPECT_EQ(before % 2, 0U);
    EXPECT_EQ(within, before + 1);
    EXPECT_EQ(first.progress(), before + 2);
}

TEST_F(TwoShards, KnowWhoRuns) {
    EXPECT_EQ(Shard::current(), nullptr);
    Shard* within = nullptr;
    second.post([&within] { within = Shard::current(); });
    second.run_once(0ms);
    EXPECT_EQ(within, &second);
    EXPECT_EQ(Shard::current(), nullptr);
}

TEST(Shard, WakesForAPost_WhileItSleeps) {
    ShardGroup group{{.shards = 1}};
    group.start();
    for (int i = 0; i < 100; ++i) {
        std::promise<void> done;
        group[kFirst].post([&done] { done.set_value(); });
        done.get_future().wait();
    }
    group.stop();
}

/// Each hop wakes a sleeping thread. Meant for TSan as well.
TEST(Shard, PassesTasksToAndFroBetweenThreads) {
    struct Game {
        ShardGroup group{{.shards = 2, .ring_entries = 64}};
        std::vector<std::unique_ptr<int>> kept;
        int rounds = 0;
        std::promise<void> done;

        void serve() {
            auto ball = std::make_unique<int>(rounds);
            const bool sent =
                group[kFirst].try_send(kSecond, [this, ball = std::move(ball)]() mutable {
                    *ball += 1;
                    auto back = [this, ball = std::move(ball)]() mutable {
                        EXPECT_EQ(*ball, rounds + 1);
                        kept.push_back(std::move(ball));
                        if (++rounds == 2'000) {
                            done.set_value();
                        } else {
                            serve();
                        }
                    };
                    EXPECT_TRUE(group[kSecond].try_send(kFirst, std::move(back)));
                });
            EXPECT_TRUE(sent);
        }
    };
    Game game;
    game.group.start();
    game.group[kFirst].post([&game] { game.serve(); });
    game.done.get_future().wait();
    game.group.stop();
    EXPECT_EQ(game.kept.size(), 2'000U);
}

/// Floods a small ring from one side; what is refused waits for room. Nothing is lost or reordered.
TEST(Shard, KeepsOrderUnderPressure) {
    struct Flood {
        ShardGroup group{{.shards = 2, .ring_entries = 32}};
        int sent = 0;
        int received = 0;
        std::promise<void> done;

        void pump() {
            while (sent < 5'000) {
                const bool fits = group[kFirst].try_send(kSecond, [this, number = sent] {
                    EXPECT_EQ(received, number);
                    if (++received == 5'000) {
                        done.set_value();
                    }
                });
                if (!fits) {
                    group[kFirst].when_room(kSecond, [this] { pump(); });
                    return;
                }
                ++sent;
            }
        }
    };
    Flood flood;
    flood.group.start();
    flood.group[kFirst].post([&flood] { flood.pump(); });
    flood.done.get_future().wait();
    flood.group.stop();
}

}  // namespace
}  // namespace weir::runtime
