#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include <weir/pipeline/gates.hpp>

namespace weir::pipeline {
namespace {

using namespace std::chrono_literals;
using testing::Optional;

TEST(RateGate, LetsTheRateThroughAndCountsTheRest) {
    RateGate gate;
    const document::Rate rate{3, 1s};
    SteadyTime now{1'000'000};
    for (int i = 0; i < 3; ++i) {
        EXPECT_THAT(gate.admit(rate, now), Optional(0U));
    }
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(gate.admit(rate, now), std::nullopt);
    }
    now += 334ms;
    EXPECT_THAT(gate.admit(rate, now), Optional(5U));
    EXPECT_EQ(gate.admit(rate, now), std::nullopt);
    now += 10s;
    EXPECT_THAT(gate.admit(rate, now), Optional(1U));
    EXPECT_THAT(gate.admit(rate, now), Optional(0U))
        << "what was not used is saved, up to a period";
}

TEST(RateGate, IsOneForAllThreads) {
    RateGate gate;
    std::atomic<int> admitted{0};
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < 1'000; ++i) {
                admitted += gate.admit({100, 1s}, SteadyTime{5'000}) ? 1 : 0;
            }
        });
    }
    threads.clear();
    EXPECT_EQ(admitted, 100);
}

TEST(AlertGate, LetsOneThroughPerKeyAndInterval) {
    AlertGate gate;
    SteadyTime now{1'000};
    EXPECT_TRUE(gate.decide("a", 60s, now).admitted);
    EXPECT_TRUE(gate.decide("b", 60s, now).admitted) << "keys do not hold back each other";
    for (int i = 0; i < 7; ++i) {
        now += 8s;
        EXPECT_FALSE(gate.decide("a", 60s, now).admitted);
    }
    now += 4s;
    const auto next = gate.decide("a", 60s, now);
    EXPECT_TRUE(next.admitted);
    EXPECT_EQ(next.held_back, 7U);
    EXPECT_EQ(gate.decide("b", 60s, now).held_back, 0U);
}

TEST(AlertGate, ForgetsADecisionThatIsTakenBack) {
    AlertGate gate;
    SteadyTime now{1'000};
    const auto first = gate.decide("a", 60s, now);
    gate.undo(first);
    EXPECT_TRUE(gate.decide("a", 60s, now).admitted) << "the parked message comes again";
    const auto held = gate.decide("a", 60s, now);
    gate.undo(held);
    EXPECT_FALSE(gate.decide("a", 60s, now).admitted);
    now += 60s;
    const auto second = gate.decide("a", 60s, now);
    EXPECT_EQ(second.held_back, 1U);
    gate.undo(second);
    EXPECT_EQ(gate.decide("a", 60s, now).held_back, 1U) << "and tells the same";
}

TEST(AlertGate, HoldsAtMostSoManyKeys_AndThenTheRestTogether) {
    AlertGate gate;
    const SteadyTime now{1'000};
    std::size_t admitted = 0;
    for (std::size_t i = 0; i < 3 * AlertGate::kKeysMax; ++i) {
        admitted += gate.decide("key" + std::to_string(i), 60s, now).admitted ? 1 : 0;
    }
    EXPECT_GE(admitted, AlertGate::kKeysMax / 2);
    EXPECT_LE(admitted, AlertGate::kKeysMax + 8);
    EXPECT_TRUE(gate.decide("new", 60s, now + 60s).admitted) << "old ones have made room";
}

}  // namespace
}  // namespace weir::pipeline
