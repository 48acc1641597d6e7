// What a device knows that it owes.
#include <weir/demo/tally.hpp>

#include <gtest/gtest.h>

#include <weir/metering/formula.hpp>

namespace weir::demo {
namespace {

using metering::Scheme;
using mqtt::ReasonCode;

std::uint64_t units(const Tally& tally, Scheme scheme) {
    return metering::total_units(tally.usage, scheme);
}

TEST(Reading, IsPrintedExactly) {
    EXPECT_EQ(to_json({.tenths = 801, .sequence = 7}), R"({"temp":80.1,"seq":7})");
    EXPECT_EQ(
        to_json({.tenths = 650, .sequence = 0, .trace_bytes = 3}),
        R"({"temp":65.0,"seq":0,"trace":"..."})"
    );
}

TEST(Reading, IsHotAbove80) {
    EXPECT_FALSE(Reading{.tenths = 800}.is_hot());
    EXPECT_TRUE(Reading{.tenths = 801}.is_hot());
}

TEST(Reading, IsHotAndCoolWithinSeconds) {
    for (std::size_t device = 0; device < 3; ++device) {
        int hot = 0;
        for (std::uint64_t i = 0; i < 20; ++i) {
            hot += make_reading(device, i).is_hot() ? 1 : 0;
        }
        EXPECT_GT(hot, 0);
        EXPECT_LT(hot, 20);
    }
}

TEST(Tally, CountsUnitsOfEachScheme) {
    Tally tally;
    tally.on_connected();
    tally.on_subscribed("cmd/demo-1/#");
    tally.on_acknowledged({.topic_bytes = 16, .payload_bytes = 5'115}, ReasonCode::success);
    tally.on_command(16, 100, true);
    EXPECT_EQ(units(tally, Scheme::aws_2016_512), 10U + 1U);
    EXPECT_EQ(units(tally, Scheme::aws_5k), 1U + 1U + 2U + 1U + 1U)
        << "the topic counts, control too";
    EXPECT_EQ(units(tally, Scheme::azure_4k), 2U + 1U);
    EXPECT_EQ(units(tally, Scheme::pubsub_64k), 1U + 1U);
}

TEST(Tally, OwesNothingForWhatWasRefused) {
    Tally tally;
    tally.on_acknowledged({16, 5'000, true}, ReasonCode::not_authorized);
    tally.on_acknowledged({16, 5'000, true}, ReasonCode::quota_exceeded);
    EXPECT_EQ(tally.denied, 1U);
    EXPECT_EQ(tally.refused, 1U);
    EXPECT_EQ(tally.hot, 0U);
    EXPECT_TRUE(tally.usage.empty());
}

TEST(Tally, TakesNoMatchingSubscriberAsAccepted) {
    Tally tally;
    tally.on_acknowledged({16, 20, true}, ReasonCode::no_matching_subscribers);
    EXPECT_EQ(tally.acknowledged, 1U);
    EXPECT_EQ(tally.hot, 1U);
}

}  // namespace
}  // namespace weir::demo
