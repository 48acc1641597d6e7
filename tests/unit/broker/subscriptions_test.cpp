#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <weir/broker/subscriptions.hpp>

#include "support/random.hpp"

namespace weir::broker {
namespace {

std::unique_ptr<Subscription> made(std::string filter, std::uint32_t id = 0) {
    return std::make_unique<Subscription>(nullptr, std::move(filter), SubscriptionOptions{.id = id});
}

std::map<std::string, std::uint32_t> all_of(const Subscriptions& subscriptions) {
    std::map<std::string, std::uint32_t> all;
    subscriptions.for_each([&](const Subscription& each) {
        EXPECT_TRUE(all.emplace(each.filter, each.options.id).second) << "twice: " << each.filter;
    });
    return all;
}

TEST(Subscriptions, TakeNoMoreThanARowOfPointers_WhileTheyAreFew) {
    EXPECT_EQ(sizeof(Subscriptions), sizeof(std::vector<void*>) + sizeof(void*));
    EXPECT_LE(sizeof(Subscription), 56U);
}

TEST(Subscriptions, AreWhatAMapWouldBe_HoweverMany) {
    test::Random random{7};
    for (const std::size_t filters : {3U, 16U, 17U, 40U, 500U}) {
        Subscriptions subscriptions;
        std::map<std::string, std::uint32_t> expected;
        for (std::uint32_t step = 0; step < 4'000; ++step) {
            const std::string filter = "devices/+/" + std::to_string(random.below(filters));
            Subscription* const found = subscriptions.find(filter);
            ASSERT_EQ(found != nullptr, expected.contains(filter)) << filter;
            if (found == nullptr) {
                Subscription& inserted = subscriptions.insert(made(filter, step));
                EXPECT_EQ(&inserted, subscriptions.find(filter));
                expected.emplace(filter, step);
            } else {
                EXPECT_EQ(found->options.id, expected.at(filter));
                const auto taken = subscriptions.take(filter);
                EXPECT_EQ(taken.get(), found);
                EXPECT_EQ(subscriptions.take(filter), nullptr);
                expected.erase(filter);
            }
            ASSERT_EQ(subscriptions.size(), expected.size());
            ASSERT_EQ(subscriptions.empty(), expected.empty());
        }
        EXPECT_EQ(all_of(subscriptions), expected);
        while (!expected.empty()) {
            EXPECT_NE(subscriptions.take(expected.begin()->first), nullptr);
            expected.erase(expected.begin());
        }
        EXPECT_TRUE(subscriptions.empty());
        subscriptions.insert(made("again"));
        EXPECT_EQ(subscriptions.size(), 1U);
    }
}

TEST(Subscriptions, StayWhereTheyAre_WhenOthersComeAndGo) {
    Subscriptions subscriptions;
    const Subscription& first = subscriptions.insert(made("first"));
    for (int i = 0; i < 1'000; ++i) {
        subscriptions.insert(made(std::to_string(i)));
    }
    EXPECT_EQ(subscriptions.find("first"), &first);
    for (int i = 0; i < 1'000; ++i) {
        EXPECT_NE(subscriptions.take(std::to_string(i)), nullptr);
    }
    EXPECT_EQ(subscriptions.find("first"), &first);
    EXPECT_EQ(subscriptions.size(), 1U);
}

/// A search through all of them for each would take minutes.
TEST(Subscriptions, AreFoundAsFast_HoweverMany) {
    constexpr int kMany = 200'000;
    Subscriptions subscriptions;
    for (int i = 0; i < kMany; ++i) {
        const auto filter = std::to_string(i);
        ASSERT_EQ(subscriptions.find(filter), nullptr);
        subscriptions.insert(made(filter));
    }
    for (int i = 0; i < kMany; ++i) {
        ASSERT_NE(subscriptions.take(std::to_string(i)), nullptr);
    }
}

}  // namespace
}  // namespace weir::broker
