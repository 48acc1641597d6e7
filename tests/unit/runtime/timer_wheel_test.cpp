#include <weir/runtime/timer_wheel.hpp>

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <vector>

namespace weir::runtime {
namespace {

using namespace std::chrono_literals;

struct Alarm final : Timer {
    std::optional<SteadyTime> on_deadline(SteadyTime now) noexcept override {
        fired.push_back(now);
        return next;
    }
    std::vector<SteadyTime> fired;
    std::optional<SteadyTime> next;
};

TEST(TimerWheel, FiresOnTheFirstTickAtOrAfterTheDeadline) {
    TimerWheel wheel{1s, SteadyTime{0}};
    Alarm alarm;
    wheel.arm(alarm, SteadyTime{1500});
    wheel.advance(SteadyTime{1999});
    EXPECT_TRUE(alarm.fired.empty());
    wheel.advance(SteadyTime{2000});
    EXPECT_EQ(alarm.fired.size(), 1U);
    EXPECT_FALSE(alarm.armed());
}

TEST(TimerWheel, FollowsAPostponedDeadline) {
    TimerWheel wheel{1s, SteadyTime{0}};
    Alarm alarm;
    wheel.arm(alarm, SteadyTime{2000});
    wheel.arm(alarm, SteadyTime{5000});
    wheel.advance(SteadyTime{4000});
    EXPECT_TRUE(alarm.fired.empty());
    EXPECT_TRUE(alarm.armed());
    wheel.advance(SteadyTime{5000});
    EXPECT_EQ(alarm.fired.size(), 1U);
}

TEST(TimerWheel, FollowsADeadlineThatMovesNearer) {
    TimerWheel wheel{1s, SteadyTime{0}};
    Alarm alarm;
    wheel.arm(alarm, SteadyTime{90'000});
    wheel.arm(alarm, SteadyTime{2000});
    wheel.advance(SteadyTime{2000});
    EXPECT_EQ(alarm.fired.size(), 1U);
}

TEST(TimerWheel, ReachesDeadlinesBeyondOneRound) {
    TimerWheel wheel{1s, SteadyTime{0}};
    Alarm alarm;
    wheel.arm(alarm, SteadyTime{1'200'000});
    for (SteadyTime now{0}; now < SteadyTime{1'200'000}; now += 1s) {
        wheel.advance(now);
    }
    EXPECT_TRUE(alarm.fired.empty());
    wheel.advance(SteadyTime{1'200'000});
    EXPECT_EQ(alarm.fired.size(), 1U);
}

TEST(TimerWheel, FiresAllThatIsDue_AfterALongSleep) {
    TimerWheel wheel{10ms, SteadyTime{0}};
    std::vector<std::unique_ptr<Alarm>> alarms;
    for (int i = 0; i < 1000; ++i) {
        alarms.push_back(std::make_unique<Alarm>());
        wheel.arm(*alarms.back(), SteadyTime{i * 7});
    }
    wheel.advance(SteadyTime{1'000'000});
    for (const auto& alarm : alarms) {
        EXPECT_EQ(alarm->fired.size(), 1U);
    }
    EXPECT_FALSE(wheel.idle_for(SteadyTime{1'000'000}));
}

TEST(TimerWheel, ArmsAgain_WhenTheTimerNamesANewDeadline) {
    TimerWheel wheel{1s, SteadyTime{0}};
    Alarm alarm;
    alarm.next = SteadyTime{4000};
    wheel.arm(alarm, SteadyTime{1000});
    wheel.advance(SteadyTime{1000});
    alarm.next = std::nullopt;
    wheel.advance(SteadyTime{3000});
    EXPECT_EQ(alarm.fired.size(), 1U);
    wheel.advance(SteadyTime{4000});
    EXPECT_EQ(alarm.fired.size(), 2U);
    EXPECT_FALSE(alarm.armed());
}

TEST(TimerWheel, ForgetsATimerThatDied) {
    TimerWheel wheel{1s, SteadyTime{0}};
    {
        Alarm alarm;
        wheel.arm(alarm, SteadyTime{1000});
    }
    wheel.advance(SteadyTime{10'000});
    EXPECT_FALSE(wheel.idle_for(SteadyTime{10'000}));
}

TEST(TimerWheel, LetsATimerDestroyItselfAndOthers) {
    struct Killer final : Timer {
        std::optional<SteadyTime> on_deadline(SteadyTime /*now*/) noexcept override {
            delete victim;
            delete this;
            return std::nullopt;
        }
        Alarm* victim = nullptr;
    };
    TimerWheel wheel{1s, SteadyTime{0}};
    auto* const killer = new Killer;
    killer->victim = new Alarm;
    wheel.arm(*killer, SteadyTime{1000});
    wheel.arm(*killer->victim, SteadyTime{1000});
    wheel.advance(SteadyTime{1000});
    EXPECT_FALSE(wheel.idle_for(SteadyTime{1000}));
}

TEST(TimerWheel, TellsHowLongNothingIsDue) {
    TimerWheel wheel{1s, SteadyTime{0}};
    EXPECT_FALSE(wheel.idle_for(SteadyTime{0}));
    Alarm alarm;
    wheel.arm(alarm, SteadyTime{5000});
    EXPECT_EQ(wheel.idle_for(SteadyTime{300}), 4700ms);
    EXPECT_EQ(wheel.idle_for(SteadyTime{9000}), 0ms);
}

/// Random deadlines, moved at random, against a map: each fires once, never early, at most one tick
/// and one step late.
TEST(TimerWheel, AgreesWithAModel) {
    std::mt19937 random{20240711};
    const auto pick = [&random](int below) {
        return static_cast<int>(random() % static_cast<unsigned>(below));
    };
    TimerWheel wheel{10ms, SteadyTime{0}};
    std::vector<std::unique_ptr<Alarm>> alarms(64);
    std::map<std::size_t, SteadyTime> expected;
    for (auto& alarm : alarms) {
        alarm = std::make_unique<Alarm>();
    }
    SteadyTime now{0};
    for (int step = 0; step < 20'000; ++step) {
        const auto i = static_cast<std::size_t>(pick(64));
        switch (pick(4)) {
            case 0:
            case 1: {
                const SteadyTime deadline = now + SteadyTime{1 + pick(pick(8) == 0 ? 6000 : 300)};
                wheel.arm(*alarms[i], deadline);
                expected[i] = deadline;
                break;
            }
            case 2:
                alarms[i]->disarm();
                expected.erase(i);
                break;
            default:
                now += SteadyTime{pick(pick(20) == 0 ? 4000 : 30)};
                wheel.advance(now);
                for (std::size_t k = 0; k < alarms.size(); ++k) {
                    const auto found = expected.find(k);
                    const bool must = found != expected.end() && found->second + 10ms <= now;
                    const bool may = found != expected.end() && found->second <= now;
                    ASSERT_GE(alarms[k]->fired.size(), must ? 1U : 0U) << "late at step " << step;
                    ASSERT_LE(alarms[k]->fired.size(), may ? 1U : 0U) << "early at step " << step;
                    if (!alarms[k]->fired.empty()) {
                        expected.erase(k);
                        alarms[k]->fired.clear();
                    }
                }
        }
    }
}

}  // namespace
}  // namespace weir::runtime
