#include <weir/metering/ledger.hpp>

#include <gtest/gtest.h>

#include <weir/metering/formula.hpp>
#include <weir/metering/meter.hpp>

namespace weir::metering {
namespace {

constexpr std::int64_t kHourMs = 3'600'000;
constexpr std::uint32_t kStart = 472'222;  // 2023-11-14T22:00Z

class LedgerTest : public testing::Test {
protected:
    void SetUp() override { clock_.set_wall(at(kStart)); }

    [[nodiscard]] static WallTime at(std::uint32_t hour) {
        return WallTime{std::int64_t{hour} * kHourMs};
    }

    void use(std::uint32_t hour, std::string_view device = "p1") {
        storage::Batch batch;
        batch.add_usage({.device = device, .hour = hour}, publish_in({.payload_bytes = 10}));
        ASSERT_TRUE(store_->commit(std::move(batch)));
    }

    ManualClock clock_;
    std::unique_ptr<storage::Store> store_ = storage::Store::in_memory();
    Ledger ledger_{*store_, clock_};
};

TEST_F(LedgerTest, SealsHoursThatAreOver_AfterTheGrace) {
    use(kStart);
    use(kStart, "p2");
    use(kStart + 2);
    EXPECT_EQ(*ledger_.seal(), 0U) << "the hour is not over";
    clock_.set_wall(at(kStart + 1) + Ledger::kGrace - std::chrono::milliseconds{1});
    EXPECT_EQ(*ledger_.seal(), 0U) << "batches may still be on their way";
    clock_.set_wall(at(kStart + 1) + Ledger::kGrace);
    EXPECT_EQ(*ledger_.seal(), 1U);
    clock_.set_wall(at(kStart + 3) + Ledger::kGrace);
    EXPECT_EQ(*ledger_.seal(), 2U);
    const auto seals = *Ledger::seals(*store_);
    ASSERT_EQ(seals.size(), 3U);
    EXPECT_EQ(seals[0].hour, kStart);
    EXPECT_EQ(seals[0].entries, 2U);
    EXPECT_EQ(seals[0].previous, Sha256{});
    EXPECT_EQ(seals[1].entries, 0U) << "an hour without usage is sealed too";
    EXPECT_EQ(seals[1].previous, seals[0].hash);
    EXPECT_EQ(seals[2].entries, 1U);
    const auto verified = *Ledger::verify(*store_);
    EXPECT_TRUE(verified.holds()) << verified.problem;
    EXPECT_EQ(verified.seals, 3U);
}

TEST_F(LedgerTest, SealsNothing_WhenNothingWasEverUsed) {
    EXPECT_EQ(*ledger_.seal(), 0U);
    EXPECT_TRUE(Ledger::verify(*store_)->holds());
}

TEST_F(LedgerTest, LeavesASealedHourAlone_WhenUsageComesLate) {
    use(kStart);
    clock_.set_wall(at(kStart + 1) + Ledger::kGrace);
    ASSERT_EQ(*ledger_.seal(), 1U);
    use(kStart);
    EXPECT_TRUE(Ledger::verify(*store_)->holds());
    std::uint64_t late = 0;
    ASSERT_TRUE(store_->read_usage(
        {.from_hour = kStart + 1, .to_hour = kStart + 2},
        [&](const storage::UsageEntry& entry) {
            late += entry.sums.counters[index(Counter::messages_in)];
            return true;
        }
    ));
    EXPECT_EQ(late, 1U) << "it is billed in the first open hour";
}

TEST_F(LedgerTest, GoesOnWithTheChain_AfterMonthsWithoutARun) {
    use(kStart);
    clock_.set_wall(at(kStart + 1) + Ledger::kGrace);
    ASSERT_EQ(*ledger_.seal(), 1U);
    clock_.set_wall(at(kStart + 2'400) + Ledger::kGrace);
    EXPECT_EQ(*ledger_.seal(), 1'000U);
    EXPECT_EQ(*ledger_.seal(), 1'000U);
    EXPECT_EQ(*ledger_.seal(), 399U);
    EXPECT_EQ(*ledger_.seal(), 0U);
    const auto verified = *Ledger::verify(*store_);
    EXPECT_TRUE(verified.holds()) << verified.problem;
    EXPECT_EQ(verified.seals, 2'400U);
}

TEST_F(LedgerTest, ReadsNoSealsOfLongAgo) {
    use(kStart);
    clock_.set_wall(at(kStart + 100));
    ASSERT_EQ(*ledger_.seal(), 99U);
    std::string oldest;
    ASSERT_TRUE(store_->scan(
        storage::Family::audit,
        "ledger/seal/",
        [&](std::string_view key, std::uint8_t, ByteView) {
            oldest = key;
            return false;
        }
    ));
    storage::Batch batch;
    batch.put(storage::Family::audit, oldest, 1, to_bytes("no seal"));
    ASSERT_TRUE(store_->commit(std::move(batch)));
    clock_.set_wall(at(kStart + 102));
    EXPECT_EQ(*ledger_.seal(), 2U);
    EXPECT_FALSE(Ledger::verify(*store_)) << "who verifies reads all";
}

TEST_F(LedgerTest, FindsASealThatWasTakenOut) {
    use(kStart);
    clock_.set_wall(at(kStart + 4));
    ASSERT_EQ(*ledger_.seal(), 3U);
    std::string key;
    ASSERT_TRUE(store_->scan(
        storage::Family::audit,
        "ledger/seal/",
        [&](std::string_view k, std::uint8_t, ByteView) {
            key = k;
            return key.back() != static_cast<char>((kStart + 1) & 0xFFU);
        }
    ));
    storage::Batch batch;
    batch.erase(storage::Family::audit, key);
    ASSERT_TRUE(store_->commit(std::move(batch)));
    const auto verified = *Ledger::verify(*store_);
    EXPECT_EQ(verified.bad_hour, kStart + 2);
    EXPECT_NE(verified.problem.find("missing"), std::string::npos);
}

TEST_F(LedgerTest, FindsAGapRecordThatWasRemoved) {
    use(kStart);
    ASSERT_TRUE(ledger_.begin());
    ASSERT_TRUE(*ledger_.begin());
    clock_.set_wall(at(kStart + 2));
    ASSERT_EQ(*ledger_.seal(), 1U);
    ASSERT_TRUE(Ledger::verify(*store_)->holds());
    storage::Batch batch;
    batch.erase_range(storage::Family::audit, "ledger/gap/", "ledger/gap0");
    ASSERT_TRUE(store_->commit(std::move(batch)));
    EXPECT_EQ(Ledger::verify(*store_)->bad_hour, kStart);
}

TEST_F(LedgerTest, StatesNoGap_AfterACleanEnd) {
    EXPECT_FALSE(*ledger_.begin()) << "a new store";
    ASSERT_TRUE(ledger_.finish());
    EXPECT_FALSE(*ledger_.begin());
    EXPECT_TRUE(Ledger::gaps(*store_)->empty());
}

TEST_F(LedgerTest, StatesBetweenWhichTimesUsageIsMissing_AfterAnUncleanEnd) {
    ASSERT_TRUE(ledger_.begin());
    clock_.advance(std::chrono::milliseconds{10'000});
    const auto last_drain = clock_.wall();
    storage::Batch batch;
    ledger_.stamp(batch, last_drain);
    ASSERT_TRUE(store_->commit(std::move(batch)));
    clock_.advance(std::chrono::milliseconds{900});

    const auto gap = *Ledger{*store_, clock_}.begin();
    ASSERT_TRUE(gap);
    EXPECT_EQ(gap->from, last_drain - Ledger::kDrainMax)
        << "another shard may have drained that much earlier";
    EXPECT_EQ(gap->to, clock_.wall());
    const auto gaps = *Ledger::gaps(*store_);
    ASSERT_EQ(gaps.size(), 1U);
    EXPECT_EQ(gaps[0].from, gap->from);
    EXPECT_EQ(gaps[0].to, gap->to);
    ASSERT_TRUE(ledger_.finish());
    EXPECT_FALSE(*ledger_.begin()) << "a gap is stated once";
}

TEST_F(LedgerTest, LeavesTheLastRunAsItIs_UntilTheNextHasBegun) {
    ASSERT_TRUE(ledger_.begin());
    const auto crashed = clock_.wall();
    clock_.advance(std::chrono::milliseconds{5'000});

    Ledger next{*store_, clock_};
    EXPECT_FALSE(next.has_begun());
    storage::Batch batch;
    next.stamp(batch, clock_.wall());
    EXPECT_TRUE(batch.empty());
    ASSERT_TRUE(next.finish());
    clock_.advance(std::chrono::milliseconds{5'000});

    const auto gap = *next.begin();
    EXPECT_TRUE(next.has_begun());
    ASSERT_TRUE(gap);
    EXPECT_EQ(gap->from, crashed - Ledger::kDrainMax);
    EXPECT_EQ(gap->to, clock_.wall());
}

TEST_F(LedgerTest, LeavesSealsAlone_WhenAGapBeganInASealedHour) {
    ASSERT_TRUE(ledger_.begin());
    use(kStart);
    clock_.set_wall(at(kStart + 3));
    ASSERT_EQ(*ledger_.seal(), 2U);
    ASSERT_TRUE(*ledger_.begin());
    clock_.set_wall(at(kStart + 5));
    ASSERT_EQ(*ledger_.seal(), 2U);
    const auto verified = *Ledger::verify(*store_);
    EXPECT_TRUE(verified.holds()) << verified.problem;
}

}  // namespace
}  // namespace weir::metering
