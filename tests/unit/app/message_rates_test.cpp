#include <gtest/gtest.h>

#include <weir/app/message_rates.hpp>

namespace weir::app {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr SteadyTime kStart{seconds{1'000}};

TEST(MessageRates, KnowNothing_BeforeTheFirstSample) {
    const auto rates = MessageRates{}.per_second(kStart, {.in = 5, .out = 5});
    EXPECT_EQ(rates.in, 0);
    EXPECT_EQ(rates.out, 0);
}

TEST(MessageRates, AreThoseSinceTheStart_InTheFirstMinute) {
    MessageRates rates;
    rates.sample(kStart, {});
    const auto burst = rates.per_second(kStart + milliseconds{10}, {.in = 3});
    EXPECT_DOUBLE_EQ(burst.in, 3) << "three in a hundredth of a second are not 300 in a second";
    const auto later = rates.per_second(kStart + seconds{20}, {.in = 60, .out = 10});
    EXPECT_DOUBLE_EQ(later.in, 3);
    EXPECT_DOUBLE_EQ(later.out, 0.5);
}

TEST(MessageRates, ForgetWhatIsOlderThanAMinute) {
    MessageRates rates;
    std::uint64_t in = 0;
    for (int second = 0; second <= 200; ++second) {
        in += second < 100 ? 1'000 : 2;  // A storm that is over.
        rates.sample(kStart + seconds{second}, {.in = in});
    }
    EXPECT_DOUBLE_EQ(rates.per_second(kStart + seconds{200}, {.in = in}).in, 2);
}

TEST(MessageRates, AreTheSame_HoweverRarelyTheyAreSampled) {
    MessageRates rates;
    for (int second = 0; second <= 300; second += 7) {
        rates.sample(kStart + seconds{second}, {.out = static_cast<std::uint64_t>(second) * 4});
    }
    EXPECT_DOUBLE_EQ(rates.per_second(kStart + seconds{302}, {.out = 302 * 4}).out, 4);
    EXPECT_EQ(rates.per_second(kStart + seconds{999}, {.out = 302 * 4}).out, 0) << "asleep for long";
}

}  // namespace
}  // namespace weir::app
