#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include <weir/base/topic.hpp>
#include <weir/broker/retained.hpp>

#include "support/random.hpp"

namespace weir::broker {
namespace {

Retained retained(
    std::string_view topic, std::string_view payload, WallTime expires = WallTime{0}
) {
    return {
        model::Message::make(
            {.topic = topic, .payload = as_bytes(payload), .retain = true, .expires = expires}
        ),
        nullptr,
        ""
    };
}

constexpr std::size_t kAll = 1'000'000;

std::vector<std::string> topics(
    const RetainedStore& store, std::string_view filter, WallTime now = WallTime{1}
) {
    std::vector<std::string> out;
    for (const auto& each : store.collect(filter, {}, now, kAll).found) {
        out.emplace_back(each.message->topic());
    }
    std::ranges::sort(out);
    return out;
}

TEST(RetainedStore, KeepsTheLastMessageOfEachTopic_MQTT3_3_3_1_5_MQTT5_3_3_1_5) {
    RetainedStore store{10};
    store.put(retained("a/b", "1"));
    store.put(retained("a/b", "2"));
    store.put(retained("a/c", "3"));
    const auto found = store.collect("a/b", {}, WallTime{1}, kAll).found;
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(as_text(found[0].message->payload()), "2");
    EXPECT_EQ(store.size(), 2U);
}

TEST(RetainedStore, ForgetsATopic_WhenThePayloadIsEmpty_MQTT3_3_3_1_11_MQTT5_3_3_1_7) {
    RetainedStore store{10};
    store.put(retained("a", "1"));
    store.put(retained("a", ""));
    store.put(retained("never", ""));
    EXPECT_EQ(store.size(), 0U);
}

TEST(RetainedStore, FindsByWildcards_ButNotReservedTopics) {
    RetainedStore store{10};
    for (const char* topic : {"a", "a/b", "a/b/c", "x", "$SYS/up"}) {
        store.put(retained(topic, "1"));
    }
    EXPECT_EQ(topics(store, "a/#"), (std::vector<std::string>{"a", "a/b", "a/b/c"}));
    EXPECT_EQ(topics(store, "a/+"), (std::vector<std::string>{"a/b"}));
    EXPECT_EQ(topics(store, "#"), (std::vector<std::string>{"a", "a/b", "a/b/c", "x"}));
}

TEST(RetainedStore, HidesWhatIsExpired) {
    RetainedStore store{10};
    store.put(retained("a", "1", WallTime{100}));
    EXPECT_EQ(topics(store, "a", WallTime{99}).size(), 1U);
    EXPECT_TRUE(topics(store, "a", WallTime{100}).empty());
}

TEST(RetainedStore, RemovesATopicByItsName_AndItsExpiryWithIt) {
    RetainedStore store{10};
    store.put(retained("a", "1", WallTime{100}));
    store.put(retained("b", "2"));
    const auto removed = store.remove("a");
    ASSERT_TRUE(removed.has_value());
    EXPECT_EQ(as_text(removed->message->payload()), "1");
    EXPECT_FALSE(store.remove("a").has_value());
    EXPECT_FALSE(store.remove("+").has_value()) << "a name, not a filter";
    EXPECT_TRUE(store.take_expired(WallTime{100}).empty());
    EXPECT_EQ(topics(store, "#"), (std::vector<std::string>{"b"}));
}

TEST(RetainedStore, RefusesNewTopics_WhenFull_ButReplacesKnownOnes) {
    RetainedStore store{1};
    EXPECT_TRUE(store.put(retained("a", "1")));
    EXPECT_FALSE(store.put(retained("b", "1")));
    EXPECT_TRUE(store.put(retained("a", "2")));
}

TEST(RetainedStore, CountsWhatItKeeps_AndTellsWhatTheBudgetHasRoomFor) {
    storage::Budgets budgets;
    const auto held = [&] { return budgets.use(storage::Area::retained).bytes; };
    budgets.set_budget(storage::Area::retained, 16);
    {
        RetainedStore store{10, &budgets};
        store.put(retained("a", "1234567"));
        EXPECT_EQ(held(), 8U);
        EXPECT_TRUE(store.has_budget(*retained("b", "1234567").message));
        EXPECT_FALSE(store.has_budget(*retained("b", "12345678").message));
        store.put(retained("b", "1234567"));
        EXPECT_EQ(held(), 16U);
        EXPECT_TRUE(store.has_budget(*retained("a", "7654321").message)) << "no more than before";
        EXPECT_TRUE(store.has_budget(*retained("a", "123456789").message)) << "an eighth more";
        EXPECT_FALSE(store.has_budget(*retained("a", "1234567890").message));
        EXPECT_TRUE(store.has_budget(*retained("c", "").message)) << "nothing is kept";
        store.put(retained("a", "1"));
        EXPECT_EQ(held(), 10U);
        store.put(retained("a", ""));
        EXPECT_EQ(held(), 8U);
        store.put(retained("c", "12", WallTime{5}));
        store.erase("b");
        EXPECT_EQ(held(), 3U);
        EXPECT_EQ(store.take_expired(WallTime{5}).size(), 1U);
        EXPECT_EQ(held(), 0U);
        store.put(retained("d", "1"));
    }
    EXPECT_EQ(held(), 0U) << "another one reads them again";
}

std::string any_text(test::Random& random, std::initializer_list<const char*> levels) {
    std::string out;
    for (std::size_t left = 1 + random.below(4); left > 0; --left) {
        out += levels.begin()[random.below(levels.size())];
        out += left == 1 ? "" : "/";
    }
    return out;
}

// What a walk in order, in pages of any size, finds is what comparing each topic finds.
TEST(RetainedStore, FindsWhatTheFilterMatches_InAnyPages) {
    test::Random random{7};
    for (int round = 0; round < 300; ++round) {
        RetainedStore store{1'000};
        std::set<std::string> kept;
        for (int i = 0; i < 60; ++i) {
            const auto topic = any_text(random, {"a", "b", "a!", "", "a-b", "$x", "b\x01", "\x7F\xC3\xA4"});
            if (topic.empty()) {
                continue;
            }
            const bool goes = random.below(4) == 0;
            store.put(retained(topic, goes ? "" : "1"));
            goes ? static_cast<void>(kept.erase(topic)) : static_cast<void>(kept.insert(topic));
        }
        EXPECT_EQ(store.size(), kept.size());
        for (int i = 0; i < 20; ++i) {
            auto filter = any_text(random, {"a", "b", "a!", "", "+", "+", "a-b", "$x"});
            filter += random.below(3) == 0 ? (filter.empty() ? "#" : "/#") : "";
            std::vector<std::string> found;
            std::string after;
            do {
                auto page = store.collect(filter, after, WallTime{1}, 1 + random.below(5));
                for (const auto& each : page.found) {
                    found.emplace_back(each.message->topic());
                }
                after = page.last;
            } while (!after.empty());
            std::vector<std::string> expected;
            std::ranges::copy_if(kept, std::back_inserter(expected), [&](const auto& topic) {
                return filter_matches(filter, topic);
            });
            std::ranges::sort(found);
            EXPECT_EQ(found, expected) << filter;
        }
    }
}

TEST(RetainedStore, LooksOnlyAtTheBranchesThatMayMatch) {
    RetainedStore store{100'000};
    for (int device = 0; device < 1'000; ++device) {
        for (const char* leaf : {"a", "b", "c", "d", "e", "f", "g", "h"}) {
            store.put(retained("fleet/" + std::to_string(device) + '/' + leaf, "1"));
        }
    }
    const auto looked_at = [&](std::string_view filter) {
        return store.collect(filter, {}, WallTime{1}, kAll).looked_at;
    };
    EXPECT_LE(looked_at("fleet/77/#"), 9U + 1);
    EXPECT_LE(looked_at("fleet/77/+"), 9U + 1);
    EXPECT_LE(looked_at("fleet/+/c"), 3'000U);
    EXPECT_LE(looked_at("nobody/#"), 1U);
    EXPECT_LE(looked_at("+/nobody/#"), 3U);
}

}  // namespace
}  // namespace weir::broker
