#include <weir/metering/meter.hpp>

#include <gtest/gtest.h>

#include <map>
#include <string>

#include <weir/storage/store.hpp>

namespace weir::metering {
namespace {

constexpr std::int64_t kHourMs = 3'600'000;

class MeterTest : public testing::Test {
protected:
    /// Messages in by "device@hour", as stored.
    [[nodiscard]] std::map<std::string, std::uint64_t> stored() const {
        std::map<std::string, std::uint64_t> out;
        EXPECT_TRUE(store_->read_usage(
            {.from_hour = 0, .to_hour = 1'000},
            [&](const storage::UsageEntry& entry) {
                out[entry.device + '@' + std::to_string(entry.hour)] =
                    entry.sums.counters[index(Counter::messages_in)];
                return true;
            }
        ));
        return out;
    }

    void drain() {
        bool more = true;
        while (more) {
            storage::Batch batch;
            ASSERT_TRUE(meter_.drain(batch));
            const auto committed = store_->commit(std::move(batch));
            more = meter_.drained(committed.has_value());
        }
    }

    [[nodiscard]] static WallTime at(std::uint32_t hour, std::int64_t ms = 0) {
        return WallTime{hour * kHourMs + ms};
    }

    using Stored = std::map<std::string, std::uint64_t>;

    std::unique_ptr<storage::Store> store_ = storage::Store::in_memory();
    Meter meter_{at(10)};
};

const auto kMessage = publish_in({.payload_bytes = 10, .topic_bytes = 3});

TEST_F(MeterTest, StoresWhatItCounted) {
    auto* const device = meter_.open("default", "p1");
    meter_.count(*device, kMessage);
    meter_.count(*device, kMessage);
    drain();
    EXPECT_EQ(stored(), (Stored{{"p1@10", 2}}));
    meter_.count(*device, kMessage);
    drain();
    EXPECT_EQ(stored(), (Stored{{"p1@10", 3}}));
}

TEST_F(MeterTest, HasNothingToDrain_WhenNothingWasCounted) {
    static_cast<void>(meter_.open("default", "p1"));
    storage::Batch batch;
    EXPECT_FALSE(meter_.drain(batch));
    EXPECT_TRUE(batch.empty());
}

TEST_F(MeterTest, IsOneMeter_WhenADeviceIsOpenTwice) {
    auto* const first = meter_.open("default", "p1");
    EXPECT_EQ(meter_.open("default", "p1"), first);
    EXPECT_NE(meter_.open("acme", "p1"), first);
    EXPECT_EQ(first->tenant(), "default");
    EXPECT_EQ(first->device(), "p1");
    meter_.close(first);
    EXPECT_EQ(meter_.devices(), 2U);
    meter_.close(first);
    EXPECT_EQ(meter_.devices(), 1U);
}

TEST_F(MeterTest, RefusesNamesThatCannotBeStored) {
    EXPECT_EQ(meter_.open("default", ""), nullptr);
    EXPECT_EQ(meter_.open("", "p"), nullptr);
    EXPECT_EQ(meter_.open("default", std::string(256, 'p')), nullptr);
    EXPECT_NE(meter_.open("default", std::string(255, 'p')), nullptr);
}

TEST_F(MeterTest, KeepsHoursApart_WhenTheHourEndsBetweenDrains) {
    auto* const device = meter_.open("default", "p1");
    meter_.count(*device, kMessage);
    meter_.tick(at(11));
    meter_.count(*device, kMessage);
    meter_.count(*device, kMessage);
    drain();
    EXPECT_EQ(stored(), (Stored{{"p1@10", 1}, {"p1@11", 2}}));
}

TEST_F(MeterTest, StaysInItsHour_WhenTheClockIsSetBack) {
    auto* const device = meter_.open("default", "p1");
    meter_.tick(at(11));
    meter_.tick(at(9));
    meter_.count(*device, kMessage);
    drain();
    EXPECT_EQ(stored(), (Stored{{"p1@11", 1}}));
}

TEST_F(MeterTest, ForgetsADevice_OnlyAfterItsLastAmountsAreStored) {
    auto* const device = meter_.open("default", "p1");
    meter_.count(*device, kMessage);
    meter_.close(device);
    EXPECT_EQ(meter_.devices(), 1U);
    drain();
    EXPECT_EQ(meter_.devices(), 0U);
    EXPECT_EQ(stored(), (Stored{{"p1@10", 1}}));
}

TEST_F(MeterTest, CountsNothingTwiceAndLosesNothing_WhenADrainFails) {
    auto* const device = meter_.open("default", "p1");
    meter_.count(*device, kMessage);
    storage::Batch lost;
    ASSERT_TRUE(meter_.drain(lost));
    storage::Batch second;
    EXPECT_FALSE(meter_.drain(second)) << "one drain at a time";
    meter_.count(*device, kMessage);
    meter_.drained(false);
    drain();
    EXPECT_EQ(stored(), (Stored{{"p1@10", 2}}));
}

TEST_F(MeterTest, KeepsTheHour_WhenADrainFailsAcrossItsEnd) {
    auto* const device = meter_.open("default", "p1");
    meter_.count(*device, kMessage);
    storage::Batch lost;
    ASSERT_TRUE(meter_.drain(lost));
    meter_.tick(at(11));
    meter_.count(*device, kMessage);
    meter_.drained(false);
    meter_.close(device);
    drain();
    EXPECT_EQ(stored(), (Stored{{"p1@10", 1}, {"p1@11", 1}}));
    EXPECT_EQ(meter_.devices(), 0U);
}

TEST_F(MeterTest, DoesNotGrow_WhenDrainsKeepFailing) {
    auto* const device = meter_.open("default", "p1");
    std::size_t first_size = 0;
    for (int i = 0; i < 10; ++i) {
        meter_.count(*device, kMessage);
        storage::Batch lost;
        ASSERT_TRUE(meter_.drain(lost));
        first_size = i == 0 ? lost.bytes() : first_size;
        EXPECT_LE(lost.bytes(), first_size + 8) << "one device and one hour are one amount";
        meter_.drained(false);
    }
    drain();
    EXPECT_EQ(stored(), (Stored{{"p1@10", 10}}));
}

TEST_F(MeterTest, PutsUsageIntoTheMessagesBatch) {
    auto* const device = meter_.open("default", "p1");
    storage::Batch message;
    message.append_stream("s", {.payload = as_bytes("x")});
    meter_.count_into(message, *device, kMessage);
    storage::Batch none;
    EXPECT_FALSE(meter_.drain(none)) << "nothing is pending";
    ASSERT_TRUE(store_->commit(std::move(message)));
    EXPECT_EQ(stored(), (Stored{{"p1@10", 1}}));
}

TEST_F(MeterTest, DrainsAHerdInPieces) {
    constexpr std::size_t kHerd = 2 * Meter::kRecordsPerDrain + 1;
    for (std::size_t i = 0; i < kHerd; ++i) {
        meter_.count(*meter_.open("default", "p" + std::to_string(i)), kMessage);
    }
    auto* const busy = meter_.open("default", "p7");
    std::size_t pieces = 0;
    for (bool more = true; more; ++pieces) {
        storage::Batch batch;
        ASSERT_TRUE(meter_.drain(batch));
        ASSERT_TRUE(store_->commit(std::move(batch)));
        meter_.count(*busy, kMessage);  // Of the next round: a busy device makes no round endless.
        more = meter_.drained(true);
    }
    EXPECT_EQ(pieces, 3U);
    EXPECT_EQ(stored().size(), kHerd);
    drain();
    EXPECT_EQ(stored().at("p7@10"), 1U + 3U);
}

TEST_F(MeterTest, CountsNothingTwiceAndLosesNothing_WhenOnePieceOfADrainFails) {
    constexpr std::size_t kHerd = 2 * Meter::kRecordsPerDrain;
    for (std::size_t i = 0; i < kHerd; ++i) {
        meter_.count(*meter_.open("default", "p" + std::to_string(i)), kMessage);
    }
    storage::Batch lost;
    ASSERT_TRUE(meter_.drain(lost));
    meter_.count(*meter_.open("default", "p7"), kMessage);
    EXPECT_FALSE(meter_.drained(false)) << "the rest of the round waits for the next";
    drain();
    const auto all = stored();
    EXPECT_EQ(all.size(), kHerd);
    EXPECT_EQ(all.at("p7@10"), 2U);
    EXPECT_EQ(all.at("p8@10"), 1U);
}

TEST(HourOf, CountsWholeHoursSince1970) {
    EXPECT_EQ(hour_of(WallTime{0}), 0U);
    EXPECT_EQ(hour_of(WallTime{kHourMs - 1}), 0U);
    EXPECT_EQ(hour_of(WallTime{kHourMs}), 1U);
    EXPECT_EQ(hour_of(WallTime{-5}), 0U);
}

TEST(ConnectedMinutes, CountsStartedMinutes) {
    using std::chrono::seconds;
    ConnectedMinutes minutes{SteadyTime{5'000}};
    const auto after = [](seconds s) { return SteadyTime{5'000} + s; };
    EXPECT_EQ(minutes.take(after(seconds{0})), 0U);
    EXPECT_EQ(minutes.take(after(seconds{1})), 1U);
    EXPECT_EQ(minutes.take(after(seconds{60})), 0U);
    EXPECT_EQ(minutes.take(after(seconds{61})), 1U);
    EXPECT_EQ(minutes.take(after(seconds{86'400})), 1'438U) << "1440 in a day";
}

TEST(ConnectedMinutes, AreTwoEach_ForThreeConnectionsOf61Seconds) {
    std::uint64_t sum = 0;
    for (int i = 0; i < 3; ++i) {
        sum += ConnectedMinutes{SteadyTime{0}}.take(SteadyTime{61'000});
    }
    EXPECT_EQ(sum, 6U);
}

}  // namespace
}  // namespace weir::metering
