#include <weir/bench/histogram.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace weir::bench {
namespace {

TEST(Histogram, IsEmptyAtFirst) {
    const Histogram histogram;
    EXPECT_EQ(histogram.count(), 0U);
    EXPECT_EQ(histogram.quantile(0.5), 0U);
    EXPECT_EQ(histogram.mean(), 0.0);
}

TEST(Histogram, IsExactForSmallTimes) {
    Histogram histogram;
    for (std::uint64_t ns = 1; ns <= 100; ++ns) {
        histogram.add(ns);
    }
    EXPECT_EQ(histogram.quantile(0.5), 50U);
    EXPECT_EQ(histogram.quantile(0.99), 99U);
    EXPECT_EQ(histogram.quantile(1), 100U);
    EXPECT_EQ(histogram.max(), 100U);
    EXPECT_DOUBLE_EQ(histogram.mean(), 50.5);
}

TEST(Histogram, IsAtMost0_8PercentOff_ForAnyTime) {
    for (const double power : {7.0, 10.5, 20.3, 33.9, 62.7}) {
        const auto ns = static_cast<std::uint64_t>(std::exp2(power));
        Histogram histogram;
        histogram.add(ns);
        histogram.add(std::numeric_limits<std::uint64_t>::max());  // Keeps the maximum away.
        const auto got = static_cast<double>(histogram.quantile(0.5));
        EXPECT_NEAR(got, static_cast<double>(ns), 0.008 * static_cast<double>(ns)) << power;
    }
}

TEST(Histogram, NeverShowsMoreThanTheMaximum) {
    Histogram histogram;
    histogram.add(1'000'000'001);
    EXPECT_EQ(histogram.quantile(0.999), std::min<std::uint64_t>(histogram.max(), 1'000'000'001));
}

TEST(Histogram, MergesAsIfAllWereAddedToOne) {
    Histogram one;
    Histogram other;
    one.add(10);
    other.add(20);
    other.add(5'000);
    one.merge(other);
    EXPECT_EQ(one.count(), 3U);
    EXPECT_EQ(one.quantile(0.5), 20U);
    EXPECT_EQ(one.max(), 5'000U);
}

}  // namespace
}  // namespace weir::bench
