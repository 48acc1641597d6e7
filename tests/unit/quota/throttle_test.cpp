#include <gtest/gtest.h>

#include <weir/quota/throttle.hpp>

namespace weir::quota {
namespace {

using namespace std::chrono_literals;

constexpr SteadyTime kStart{1'000'000};

/// How many messages of `bytes` go at once at `now`.
int burst(Bucket& bucket, const Rates& rates, std::uint64_t bytes, SteadyTime now) {
    int sent = 0;
    for (; sent < 100'000 && bucket.admits(now); ++sent) {
        bucket.take(rates, bytes, now);
    }
    return sent;
}

TEST(Bucket, AllowsThreeSecondsOfMessagesAtOnce_ThenTheRate) {
    const Rates rates{.messages = document::Rate{.amount = 20}};
    Bucket bucket;
    EXPECT_EQ(burst(bucket, rates, 10, kStart), 60);
    int sent = 0;
    for (auto later = 1ms; later <= 10s; ++later) {
        sent += burst(bucket, rates, 10, kStart + later);
    }
    EXPECT_NEAR(sent, 200, 1);
}

TEST(Bucket, AllowsTwoSecondsOfBytesAtOnce_ThenTheRate) {
    const Rates rates{.bytes = document::Rate{.amount = 1'000}};
    Bucket bucket;
    EXPECT_EQ(burst(bucket, rates, 100, kStart), 20);
    EXPECT_EQ(burst(bucket, rates, 100, kStart + 1s), 10);
}

TEST(Bucket, LetsAMessageThroughThatIsLargerThanTheBurst_AndMakesTheNextOnesPay) {
    const Rates rates{.bytes = document::Rate{.amount = 1'000}};
    Bucket bucket;
    EXPECT_EQ(burst(bucket, rates, 10'000, kStart), 1);
    EXPECT_FALSE(bucket.admits(kStart + 7'999ms));
    EXPECT_TRUE(bucket.admits(kStart + 8'001ms));
}

TEST(Bucket, IsWholeAgain_WhenWhatWasSentIsPaid) {
    const Rates rates{.messages = document::Rate{.amount = 2}};
    Bucket bucket;
    bucket.take(rates, 1, kStart);
    EXPECT_FALSE(bucket.is_whole(kStart + 499ms));
    EXPECT_TRUE(bucket.is_whole(kStart + 500ms));
}

TEST(Bucket, TellsOncePerTimeThatItHoldsBack) {
    const Rates rates{.messages = document::Rate{.amount = 1}};
    Bucket bucket;
    EXPECT_TRUE(bucket.is_news());
    EXPECT_FALSE(bucket.is_news());
    bucket.take(rates, 1, kStart);
    EXPECT_TRUE(bucket.is_news());
}

TEST(Bucket, NeverHoldsBackForMoreThanAnHour_WhenARateIsTiny) {
    const Rates rates{.bytes = document::Rate{.amount = 1, .per = 24h}};
    Bucket bucket;
    bucket.take(rates, UINT64_MAX, kStart);
    EXPECT_TRUE(bucket.admits(kStart + 1h));
}

TEST(Throttle, KeepsADevicesBucketUntilItIsWhole) {
    const Rates rates{.messages = document::Rate{.amount = 1}};
    Throttle throttle;
    throttle.bucket("a").take(rates, 1, kStart);
    throttle.bucket("b").take(rates, 1, kStart + 10s);
    throttle.advance(kStart + 10s);
    EXPECT_EQ(throttle.size(), 1U);
    EXPECT_FALSE(throttle.bucket("b").is_whole(kStart + 10s));
}

}  // namespace
}  // namespace weir::quota
