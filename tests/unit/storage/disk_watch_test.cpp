#include <weir/storage/detail/disk_watch.hpp>

#include <gtest/gtest.h>

namespace weir::storage::detail {
namespace {

using namespace std::chrono_literals;
using std::chrono::seconds;

constexpr std::uint64_t kGiB = 1024 * 1024 * 1024;

TEST(DiskWatch, NamesTheLevel) {
    DiskWatch watch{{.full = 1'000, .low = 8'000}};
    EXPECT_EQ(watch.observe(0s, 8'000).level, DiskLevel::enough);
    EXPECT_EQ(watch.observe(1s, 7'999).level, DiskLevel::low);
    EXPECT_EQ(watch.observe(2s, 999).level, DiskLevel::full);
}

TEST(DiskWatch, EndsALevelOnlyWithAnEighthMoreThanItsMark) {
    DiskWatch watch{{.full = 1'000, .low = 8'000}};
    EXPECT_EQ(watch.observe(0s, 999).level, DiskLevel::full);
    EXPECT_EQ(watch.observe(1s, 1'124).level, DiskLevel::full);
    EXPECT_EQ(watch.observe(2s, 1'125).level, DiskLevel::low);
    EXPECT_EQ(watch.observe(3s, 1'000).level, DiskLevel::low);
    EXPECT_EQ(watch.observe(4s, 8'999).level, DiskLevel::low);
    EXPECT_EQ(watch.observe(5s, 9'000).level, DiskLevel::enough);
    EXPECT_EQ(watch.observe(6s, 8'000).level, DiskLevel::enough);
}

TEST(DiskWatch, ReportsNoLevel_WhenItsMarkIsZero) {
    DiskWatch watch{{}};
    EXPECT_EQ(watch.observe(0s, 0).level, DiskLevel::enough);
}

TEST(DiskWatch, ForecastsFromTheRateOfTheLastHour) {
    DiskWatch watch{{.full = kGiB}};
    EXPECT_EQ(watch.observe(0s, 11 * kGiB).full_in, std::nullopt) << "one look tells no rate";
    EXPECT_EQ(watch.observe(9min, 10 * kGiB).full_in, std::nullopt) << "nor do a few minutes";
    // 1 GiB in 10 minutes, 9 above the mark are left: 90 minutes.
    EXPECT_EQ(watch.observe(10min, 10 * kGiB).full_in, seconds{90min});
    // For the next two hours nothing is written: the old rate is forgotten.
    for (auto now = 11min; now <= 130min; now += 1min) {
        static_cast<void>(watch.observe(now, 10 * kGiB));
    }
    EXPECT_EQ(watch.observe(131min, 10 * kGiB).full_in, std::nullopt);
}

TEST(DiskWatch, ForecastsNothing_WhenTheDiskDoesNotFillUp) {
    DiskWatch watch{{.full = kGiB}};
    static_cast<void>(watch.observe(0s, 5 * kGiB));
    EXPECT_EQ(watch.observe(15min, 6 * kGiB).full_in, std::nullopt) << "space was freed";
    EXPECT_EQ(watch.observe(20min, 5 * kGiB - 1).full_in, std::nullopt) << "centuries away";
}

TEST(DiskWatch, ForecastsNow_WhenItIsFull) {
    DiskWatch watch{{.full = kGiB}};
    EXPECT_EQ(watch.observe(0s, kGiB - 1).full_in, 0s);
}

}  // namespace
}  // namespace weir::storage::detail
