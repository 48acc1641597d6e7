#include <weir/metering/formula.hpp>

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace weir::metering {
namespace {

struct BoundaryRow {
    std::uint64_t size;
    std::array<std::uint64_t, 5> units;  // Blocks of 512, 1024, 4096, 5120, 65536.
};

TEST(Units, FollowTheBoundaryTable) {
    constexpr std::array<std::uint64_t, 5> kBlocks = {512, 1024, 4096, 5120, 65'536};
    // clang-format off
    const std::vector<BoundaryRow> rows = {
        {0,       {1, 1, 1, 1, 1}},
        {1,       {1, 1, 1, 1, 1}},
        {511,     {1, 1, 1, 1, 1}},
        {512,     {1, 1, 1, 1, 1}},
        {513,     {2, 1, 1, 1, 1}},
        {1024,    {2, 1, 1, 1, 1}},
        {1025,    {3, 2, 1, 1, 1}},
        {4096,    {8, 4, 1, 1, 1}},
        {4097,    {9, 5, 2, 1, 1}},
        {5120,    {10, 5, 2, 1, 1}},
        {5121,    {11, 6, 2, 2, 1}},
        {65536,   {128, 64, 16, 13, 1}},
        {65537,   {129, 65, 17, 13, 2}},
        {131072,  {256, 128, 32, 26, 2}},
    };
    // clang-format on
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < kBlocks.size(); ++i) {
            EXPECT_EQ(units(row.size, kBlocks[i]), row.units[i])
                << row.size << " in blocks of " << kBlocks[i];
        }
    }
}

TEST(Units, NeverGrowBySplitting_WhenJoined) {
    for (std::uint64_t a = 0; a < 3'000; a += 37) {
        for (std::uint64_t b = 0; b < 3'000; b += 41) {
            EXPECT_LE(units(a + b, 512), units(a, 512) + units(b, 512));
        }
    }
}

/// What happens to one message: the columns of the worked examples.
struct Example {
    std::string_view name;
    Traffic message;
    std::uint64_t deliveries;
    std::uint64_t pubacks;
    std::uint64_t units_2016;
    std::uint64_t units_today;
};

class WorkedExample : public testing::TestWithParam<Example> {};

TEST_P(WorkedExample, CostsWhatTheCloudBills) {
    const Example& example = GetParam();
    auto sums = publish_in(example.message);
    Traffic copy = example.message;
    copy.retain = false;
    for (std::uint64_t i = 0; i < example.deliveries; ++i) {
        sums += publish_out(copy);
    }
    for (std::uint64_t i = 0; i < example.pubacks; ++i) {
        sums += puback_in(0);
    }
    EXPECT_EQ(total_units(sums, Scheme::aws_2016_512), example.units_2016);
    EXPECT_EQ(total_units(sums, Scheme::aws_5k), example.units_today);
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    WorkedExample,
    testing::Values(
        Example{"no_subscriber", {300, 3}, 0, 0, 1, 1},
        Example{"three_at_qos_0", {300, 3}, 3, 0, 4, 4},
        Example{"three_at_qos_1", {300, 3}, 3, 3, 4, 7},
        Example{"larger_payload", {900, 3}, 2, 0, 6, 3},
        Example{"topic_pushes_over_5k", {5'118, 3}, 1, 0, 20, 4},
        Example{"retained", {.payload_bytes = 200, .topic_bytes = 3, .retain = true}, 1, 0, 2, 3},
        Example{
            "basic_ingest",
            {.payload_bytes = 6'144, .topic_bytes = 3, .basic_ingest = true},
            0,
            0,
            0,
            0
        }
    ),
    [](const auto& row) { return std::string{row.param.name}; }
);

TEST(RuleRun, CountsUnitsPerTriggerAndAction) {
    const auto delta = rule_run({.payload_bytes = 6'144, .topic_bytes = 3}, 2);
    EXPECT_EQ(delta.counters[index(Counter::rules_triggered)], 2U);
    EXPECT_EQ(delta.counters[index(Counter::rule_actions)], 4U);
}

TEST(RuleRun, CountsOneAction_WhenNoneRan) {
    const auto delta = rule_run({.payload_bytes = 10}, 0);
    EXPECT_EQ(delta.counters[index(Counter::rule_actions)], 1U);
}

TEST(AzureScheme, CountsBodyAndPropertiesButNoTopic) {
    const auto units_of = [](const Traffic& message) {
        return total_units(publish_in(message), Scheme::azure_4k);
    };
    EXPECT_EQ(units_of({.payload_bytes = 100, .topic_bytes = 60'000}), 1U);
    EXPECT_EQ(units_of({.payload_bytes = 6'144}), 2U);
    EXPECT_EQ(units_of({.payload_bytes = 4'096}), 1U);
    EXPECT_EQ(units_of({.payload_bytes = 4'096, .property_bytes = 1}), 2U);
    EXPECT_EQ(total_units(connect(100), Scheme::azure_4k), 0U);
}

TEST(StoredMessage, CostsOnceWhenStoredAndOnceWhenDelivered_UnderAws5k) {
    auto sums = publish_stored({.payload_bytes = 300, .topic_bytes = 3});
    EXPECT_EQ(total_units(sums, Scheme::aws_5k), 1U);
    sums += publish_out({.payload_bytes = 300, .topic_bytes = 3});
    EXPECT_EQ(total_units(sums, Scheme::aws_5k), 2U);
    EXPECT_EQ(total_units(sums, Scheme::aws_2016_512), 1U);
    EXPECT_EQ(sums.counters[index(Counter::messages_out)], 1U);
}

TEST(ControlPackets, CostUnitsBySize_UnderAws5kOnly) {
    EXPECT_EQ(total_units(connect(0), Scheme::aws_5k), 1U);
    EXPECT_EQ(total_units(connect(5'121), Scheme::aws_5k), 2U);
    EXPECT_EQ(total_units(subscribe(20), Scheme::aws_5k), 1U);
    EXPECT_EQ(total_units(puback_in(6'000), Scheme::aws_5k), 2U);
    EXPECT_EQ(total_units(http_error(10), Scheme::aws_5k), 1U);
    EXPECT_EQ(total_units(connect(5'121), Scheme::pubsub_64k), 0U);
}

TEST(FindScheme, KnowsEveryNameOfTheTable) {
    for (const auto& row : all_schemes()) {
        EXPECT_EQ(find_scheme(row.name), row.scheme);
    }
    EXPECT_FALSE(find_scheme("aws"));
}

}  // namespace
}  // namespace weir::metering
