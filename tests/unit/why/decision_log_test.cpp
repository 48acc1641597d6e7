#include <gtest/gtest.h>

#include <string>

#include <weir/why/decision_log.hpp>

namespace weir::why {
namespace {

using model::Action;
using model::Reason;

TEST(DecisionLog, TellsWhatWasDecidedAndWhere) {
    DecisionLog log{1 << 20};
    const model::Source source{"policies.d/sensor.yaml", 6};
    log.record(
        "probe-1",
        Action::publish,
        Reason::publish_denied,
        WallTime{1'000},
        "data/other/temp",
        &source
    );

    const auto told = log.of("probe-1");
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].action, Action::publish);
    EXPECT_EQ(told[0].reason, Reason::publish_denied);
    EXPECT_EQ(told[0].topic, "data/other/temp");
    EXPECT_EQ(told[0].source.file, "policies.d/sensor.yaml");
    EXPECT_EQ(told[0].source.line, 6U);
    EXPECT_TRUE(log.of("probe-2").empty());
}

TEST(DecisionLog, CountsEqualDecisionsInARow) {
    DecisionLog log{1 << 20};
    for (int i = 0; i < 5; ++i) {
        log.record("p", Action::publish, Reason::publish_denied, WallTime{1'000 + i * 100}, "a");
    }
    log.record("p", Action::publish, Reason::publish_denied, WallTime{2'000}, "b");
    const auto told = log.of("p");
    ASSERT_EQ(told.size(), 2U);
    EXPECT_EQ(told[0].count, 5U);
    EXPECT_EQ(told[0].first.count(), 1'000);
    EXPECT_EQ(told[0].last.count(), 1'400);
    EXPECT_EQ(told[1].count, 1U);
}

TEST(DecisionLog, KeepsTheNewestRecords_WhenTheRingIsFull) {
    DecisionLog log{1 << 20};
    for (std::size_t i = 0; i < DecisionLog::kRecordsPerDevice + 3; ++i) {
        log.record(
            "p",
            Action::deliver,
            Reason::queue_full,
            WallTime{static_cast<std::int64_t>(i)},
            std::to_string(i)
        );
    }
    const auto told = log.of("p");
    ASSERT_EQ(told.size(), DecisionLog::kRecordsPerDevice);
    EXPECT_EQ(told.front().topic, "3");
    EXPECT_EQ(told.back().topic, std::to_string(DecisionLog::kRecordsPerDevice + 2));
}

TEST(DecisionLog, ForgetsTheDeviceQuietForLongest_WhenMemoryIsUsedUp) {
    DecisionLog log{3 * 9'000};
    for (const char* device : {"a", "b", "c"}) {
        log.record(device, Action::connect, Reason::connect_denied, WallTime{1});
    }
    const std::size_t kept = log.devices();
    EXPECT_LE(kept, 3U);
    log.record("a", Action::connect, Reason::connect_denied, WallTime{2});
    log.record("d", Action::connect, Reason::connect_denied, WallTime{3});
    EXPECT_EQ(log.devices(), kept);
    EXPECT_FALSE(log.of("a").empty());
    EXPECT_FALSE(log.of("d").empty());
    EXPECT_TRUE(log.of("b").empty());
}

TEST(DecisionLog, CutsLongTopics) {
    DecisionLog log{1 << 20};
    log.record("p", Action::publish, Reason::publish_denied, WallTime{1}, std::string(500, 'x'));
    EXPECT_EQ(log.of("p").at(0).topic, std::string(43, 'x'));
}

}  // namespace
}  // namespace weir::why
