// Prices out of a file, and what a month costs by them: the examples are those that clouds publish.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>

#include <weir/metering/price_list.hpp>

namespace weir::metering {
namespace {

using std::chrono::year;
using std::chrono::year_month;

constexpr year_month kMonth = year{2026} / 11;
constexpr std::uint64_t kMillion = 1'000'000;

constexpr std::string_view kPubSub = R"(plan: pubsub
currency: USD
prices:
  - meter: pubsub-64k
    per: 1000000
    tiers:
      - {up_to: 250000000, price: 0.40}
      - {up_to: 750000000, price: 0.20}
      - {up_to: 1750000000, price: 0.10}
      - {price: 0.05}
)";

PriceList parsed(std::string_view text) {
    document::Diagnostics diagnostics;
    auto list = parse_price_list(text, "p.yaml", diagnostics);
    EXPECT_TRUE(list) << diagnostics.render_text();
    return list.value_or(PriceList{});
}

PriceList one(const std::string& price) {
    return parsed("plan: p\ncurrency: USD\nprices:\n  - " + price + '\n');
}

std::string errors(std::string_view text) {
    document::Diagnostics diagnostics;
    EXPECT_FALSE(parse_price_list(text, "p.yaml", diagnostics));
    std::string out;
    for (const auto& found : diagnostics.sorted()) {
        out += found.code + ' ' + std::to_string(found.range.begin.line) + ": " + found.message + '\n';
    }
    return out;
}

MonthUsage month_of(Counter counter, std::initializer_list<std::uint64_t> days) {
    MonthUsage usage{kMonth};
    std::size_t day = 0;
    for (const auto units : days) {
        usage.days.at(day++).counters.at(index(counter)) = units;
    }
    return usage;
}

MonthUsage month_of(Scheme scheme, std::initializer_list<std::uint64_t> days) {
    return month_of(static_cast<Counter>(index(Counter::units_in, scheme)), days);
}

std::uint64_t cost(const PriceList& list, const MonthUsage& usage) {
    return charges(list, usage).at(0).cost;
}

TEST(PriceList, ChargesByTiersOfAMonth) {
    const auto list = parsed(kPubSub);
    EXPECT_EQ(cost(list, month_of(Scheme::pubsub_64k, {})), 0U);
    EXPECT_EQ(cost(list, month_of(Scheme::pubsub_64k, {100 * kMillion, 200 * kMillion})), 110 * kMillion);
    EXPECT_EQ(cost(list, month_of(Scheme::pubsub_64k, {2'000 * kMillion})), 312'500'000U);
}

TEST(PriceList, ChargesACapacityByTheBusiestDay) {
    const auto list = one("{meter: azure-4k, per: 400000, of: busiest_day, price: 25}");
    EXPECT_EQ(cost(list, month_of(Scheme::azure_4k, {0})), 0U);
    EXPECT_EQ(cost(list, month_of(Scheme::azure_4k, {1, 400'000, 7})), 25 * kMillion);
    EXPECT_EQ(cost(list, month_of(Scheme::azure_4k, {400'001, 400'000})), 50 * kMillion);
}

TEST(PriceList, RoundsOnce_HalfUp) {
    const auto list = one("{meter: connected_minutes, per: 1000000, price: 0.08}");
    EXPECT_EQ(cost(list, month_of(Counter::connected_minutes, {6})), 0U);    // 0.00000048
    EXPECT_EQ(cost(list, month_of(Counter::connected_minutes, {7})), 1U);    // 0.00000056
    EXPECT_EQ(cost(list, month_of(Counter::connected_minutes, {6, 7})), 1U)  // 0.00000104
        << "days are not rounded each";
    EXPECT_EQ(cost(one("{meter: rule_actions, per: 2, price: 0.000001}"), month_of(Counter::rule_actions, {1})), 1U);
}

TEST(PriceList, StopsAtTheLargestCost_InsteadOfWrapping) {
    const auto list = one("{meter: rule_actions, per: 1, price: 9999999}");
    EXPECT_EQ(cost(list, month_of(Counter::rule_actions, {UINT64_MAX})), UINT64_MAX);
}

TEST(PriceList, StopsAtTheLargestTotal_InsteadOfWrapping) {
    const auto charged = [](std::uint64_t cost) {
        return Charge{.meter = "rule_actions", .units = 1, .cost = cost};
    };
    EXPECT_EQ(total_cost({}), 0U);
    EXPECT_EQ(total_cost(std::array{charged(UINT64_MAX - 1), charged(1)}), UINT64_MAX);
    EXPECT_EQ(total_cost(std::array{charged(UINT64_MAX - 1), charged(2)}), UINT64_MAX);
    EXPECT_EQ(total_cost(std::array{charged(UINT64_MAX), charged(UINT64_MAX)}), UINT64_MAX);
}

TEST(PriceList, StopsAtTheMostUnits_InsteadOfWrapping) {
    const auto list = one("{meter: rule_actions, per: 1000000, price: 1}");
    const auto usage = month_of(Counter::rule_actions, {UINT64_MAX, UINT64_MAX});
    EXPECT_EQ(charges(list, usage).at(0).units, UINT64_MAX);
    const WallTime second_day{std::chrono::sys_days{kMonth / 2}.time_since_epoch()};
    EXPECT_EQ(forecast(list, usage, second_day).at(0).units, UINT64_MAX);
}

TEST(PriceList, ForecastsTheWholeMonth_ButNoBusierDay) {
    const auto list = parsed(
        "plan: p\ncurrency: USD\nprices:\n"
        "  - {meter: aws-5k, per: 1000000, price: 1}\n"
        "  - {meter: aws-5k, per: 1000000, of: busiest_day, price: 3}\n"
    );
    const auto usage = month_of(Scheme::aws_5k, {kMillion, 2 * kMillion});
    const WallTime begin{std::chrono::sys_days{kMonth / 1}.time_since_epoch()};
    const auto after = [&](std::chrono::hours passed) { return forecast(list, usage, begin + passed); };
    const auto third_day = after(std::chrono::hours{48});
    ASSERT_EQ(third_day.size(), 2U);
    EXPECT_EQ(third_day[0].cost, 45 * kMillion) << "30 days like the first two";
    EXPECT_EQ(third_day[1].cost, 6 * kMillion);
    EXPECT_TRUE(after(std::chrono::hours{0}).empty());
    EXPECT_TRUE(after(std::chrono::hours{30 * 24}).empty()) << "nothing is left to forecast";
}

TEST(PriceList, ReadsTheDaysOfAMonth_OfAllDevices_AndNoOthers) {
    const auto store = storage::Store::in_memory();
    const auto use = [&](std::string_view device, std::chrono::sys_days day, int hour) {
        storage::Batch batch;
        const auto hours = std::chrono::duration_cast<std::chrono::hours>(day.time_since_epoch()).count() + hour;
        batch.add_usage({"default", device, static_cast<std::uint32_t>(hours)}, publish_in({.payload_bytes = 600}));
        ASSERT_TRUE(store->commit(std::move(batch)));
    };
    use("a", kMonth / 1, -1);
    use("a", kMonth / 1, 0);
    use("b", kMonth / 1, 23);
    use("a", kMonth / 30, 23);
    use("a", kMonth / 30, 24);
    const auto usage = read_month(*store, kMonth);
    ASSERT_TRUE(usage);
    EXPECT_EQ(total_units(usage->days[0], Scheme::aws_2016_512), 4U);
    EXPECT_EQ(total_units(usage->days[29], Scheme::aws_2016_512), 2U);
    EXPECT_EQ(total_units(usage->days[30], Scheme::aws_2016_512), 0U);
}

TEST(PriceList, HasAPriceForEveryScheme) {
    for (const SchemeInfo& scheme : all_schemes()) {
        EXPECT_EQ(std::ranges::count(priced_meters(), scheme.name, &PricedMeter::name), 1) << scheme.name;
    }
}

TEST(PriceList, TellsEveryMistake_WithItsPlace) {
    EXPECT_EQ(
        errors("plan: p\nprices:\n"
               "  - {meter: aws-5kk, per: 0, price: 1}\n"
               "  - {meter: aws-5k, per: 1, price: -1}\n"
               "  - {meter: aws-5k, per: 1, price: 0.0000000001}\n"
               "  - {meter: aws-5k, per: 1, price: 1, tiers: [{price: 1}]}\n"
               "  - {meter: aws-5k, per: 1, tiers: [{up_to: 5, price: 1}, {up_to: 5, price: 1}, {price: 1}]}\n"
               "  - {meter: aws-5k, per: 1, tiers: [{price: 1}, {up_to: 5, price: 1}]}\n"
               "  - {meter: azure-4k, per: 1, of: busiest_day, tiers: [{price: 1}]}\n"
               "  - {meter: aws-5k, price: 1}\n"),
        "WEIR-0114 1: the key 'currency' is missing\n"
        "WEIR-0113 3: unknown value 'aws-5kk'\n"
        "WEIR-0112 3: 0 is out of range\n"
        "WEIR-0111 4: expected an amount of money\n"
        "WEIR-0111 5: expected an amount of money\n"
        "WEIR-0102 6: both 'price' and 'tiers'\n"
        "WEIR-0112 7: 5 is out of range\n"
        "WEIR-0114 8: the key 'up_to' is missing\n"
        "WEIR-0112 8: the last tier has no end\n"
        "WEIR-0102 9: the busiest day has one price, not tiers\n"
        "WEIR-0114 10: the key 'per' is missing\n"
    );
}

}  // namespace
}  // namespace weir::metering
