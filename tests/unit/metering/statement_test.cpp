#include <weir/metering/statement.hpp>

#include <gtest/gtest.h>

#include <weir/metering/meter.hpp>

namespace weir::metering {
namespace {

constexpr std::int64_t kHourMs = 3'600'000;
constexpr std::uint32_t kHour = 472'222;  // 2023-11-14T22:00Z

class StatementTest : public testing::Test {
protected:
    void SetUp() override {
        use("default", "p1", kHour, {.payload_bytes = 600, .topic_bytes = 3});
        use("default", "p1", kHour + 1, {.payload_bytes = 10, .topic_bytes = 3});
        use("default", "p2", kHour, {.payload_bytes = 10, .topic_bytes = 3});
        use("acme", "p1", kHour, {.payload_bytes = 10, .topic_bytes = 3});
    }

    void use(
        std::string_view tenant, std::string_view device, std::uint32_t hour, const Traffic& message
    ) {
        storage::Batch batch;
        batch.add_usage({tenant, device, hour}, publish_in(message));
        ASSERT_TRUE(store_->commit(std::move(batch)));
    }

    [[nodiscard]] Statement read(
        StatementQuery query, std::span<const storage::UsageEntry> unflushed = {}
    ) const {
        if (query.to == WallTime{0}) {
            query.from = at(kHour);
            query.to = at(kHour + 2);
        }
        const auto statement = read_statement(*store_, query, unflushed);
        EXPECT_TRUE(statement);
        return *statement;
    }

    [[nodiscard]] static WallTime at(std::uint32_t hour) {
        return WallTime{std::int64_t{hour} * kHourMs};
    }
    [[nodiscard]] static std::uint64_t messages(const storage::UsageDelta& sums) {
        return sums.counters[index(Counter::messages_in)];
    }

    std::unique_ptr<storage::Store> store_ = storage::Store::in_memory();
};

TEST_F(StatementTest, SumsEachDeviceOverTheHours) {
    const auto statement = read({});
    ASSERT_EQ(statement.lines.size(), 3U);
    EXPECT_EQ(statement.lines[0].tenant, "acme");
    EXPECT_EQ(statement.lines[1].device, "p1");
    EXPECT_EQ(messages(statement.lines[1].sums), 2U);
    EXPECT_EQ(total_units(statement.lines[1].sums, Scheme::aws_2016_512), 3U);
    EXPECT_EQ(total_units(statement.lines[1].sums, Scheme::aws_5k), 2U);
    EXPECT_EQ(messages(statement.total), 4U);
}

TEST_F(StatementTest, FiltersByTimeTenantAndDevice) {
    EXPECT_EQ(messages(read({.from = at(kHour + 1), .to = at(kHour + 2)}).total), 1U);
    EXPECT_EQ(messages(read({.tenant = "default"}).total), 3U);
    EXPECT_EQ(messages(read({.tenant = "default", .device = "p2"}).total), 1U);
    EXPECT_TRUE(read({.from = at(1), .to = at(2)}).lines.empty());
}

TEST_F(StatementTest, WidensTheTimeToWholeHours) {
    const auto statement = read({.from = at(kHour) + WallTime{5}, .to = at(kHour) + WallTime{6}});
    EXPECT_EQ(statement.from, at(kHour));
    EXPECT_EQ(statement.to, at(kHour + 1));
}

TEST_F(StatementTest, AddsWhatIsNotYetFlushed) {
    const std::vector<storage::UsageEntry> unflushed = {
        {"default", "p2", kHour, publish_in({.payload_bytes = 1})},
        {"default", "p2", kHour + 9, publish_in({.payload_bytes = 1})},
        {"default", "p9", kHour, publish_in({.payload_bytes = 1})}
    };
    const auto statement = read({.tenant = "default", .device = "p2"}, unflushed);
    EXPECT_EQ(messages(statement.total), 2U);
}

TEST_F(StatementTest, StatesGapsAndWhatIsSealed) {
    ManualClock clock;
    clock.set_wall(at(kHour));
    Ledger ledger{*store_, clock};
    ASSERT_TRUE(ledger.begin());
    ASSERT_TRUE(*ledger.begin());
    clock.set_wall(at(kHour + 2));
    ASSERT_EQ(*ledger.seal(), 1U);
    const auto statement = read({});
    ASSERT_EQ(statement.gaps.size(), 1U);
    EXPECT_EQ(statement.sealed_until, at(kHour + 1));
    EXPECT_EQ(statement.gaps[0].from, at(kHour) - WallTime{1'000});
    EXPECT_EQ(statement.gaps[0].to, at(kHour));
    EXPECT_TRUE(read({.from = at(kHour + 5), .to = at(kHour + 6)}).gaps.empty());
}

}  // namespace
}  // namespace weir::metering
