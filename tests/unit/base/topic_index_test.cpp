#include <weir/base/topic_index.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "support/random.hpp"

namespace weir {
namespace {

using Index = TopicIndex<std::uint32_t>;

std::vector<std::uint32_t> matches(const Index& index, std::string_view topic) {
    std::vector<std::uint32_t> found;
    index.match(topic, [&](std::uint32_t value) { found.push_back(value); });
    std::ranges::sort(found);
    return found;
}

using Values = std::vector<std::uint32_t>;

TEST(TopicIndex, FindsNothing_WhenEmpty) {
    const Index index;
    EXPECT_TRUE(index.empty());
    EXPECT_EQ(matches(index, "a"), Values{});
}

TEST(TopicIndex, FindsEveryKindOfFilter) {
    Index index;
    const std::vector<std::string_view> filters = {
        "a/b", "a/+", "+/b", "+/+", "a/#", "#", "a/b/#", "a", "/a/b", "a/b/c"
    };
    for (std::uint32_t i = 0; i < filters.size(); ++i) {
        EXPECT_TRUE(index.insert(filters[i], i));
    }
    EXPECT_EQ(index.size(), filters.size());
    EXPECT_EQ(matches(index, "a/b"), (Values{0, 1, 2, 3, 4, 5, 6}));
    EXPECT_EQ(matches(index, "a"), (Values{4, 5, 7}));
    EXPECT_EQ(matches(index, "/a/b"), (Values{5, 8}));
    EXPECT_EQ(matches(index, "x/y"), (Values{3, 5}));
}

TEST(TopicIndex, HidesReservedTopicsFromLeadingWildcards_MQTT3_4_7_2_1_MQTT5_4_7_2_1) {
    Index index;
    index.insert("#", 1);
    index.insert("+/x", 2);
    index.insert("$SYS/#", 3);
    index.insert("$SYS/+", 4);
    EXPECT_EQ(matches(index, "$SYS/x"), (Values{3, 4}));
}

TEST(TopicIndex, AwsEntryDoesNotMatchTheParent) {
    Index index;
    index.insert("a/#", 1, TopicProfile::aws);
    index.insert("a/#", 2, TopicProfile::mqtt);
    EXPECT_EQ(matches(index, "a"), Values{2});
    EXPECT_EQ(matches(index, "a/b"), (Values{1, 2}));
    EXPECT_TRUE(index.erase("a/#", 1));
    EXPECT_EQ(matches(index, "a/b"), Values{2});
}

TEST(TopicIndex, RefusesAPairThatIsThere) {
    Index index;
    EXPECT_TRUE(index.insert("a/+", 1));
    EXPECT_FALSE(index.insert("a/+", 1));
    EXPECT_TRUE(index.insert("a/+", 2));
    EXPECT_TRUE(index.insert("a/#", 1));
    EXPECT_FALSE(index.insert("a/#", 1, TopicProfile::aws));
    EXPECT_EQ(index.size(), 3U);
    EXPECT_FALSE(index.erase("a/+", 3));
    EXPECT_FALSE(index.erase("b", 1));
}

TEST(TopicIndex, RefusesFiltersBeyondTheLevelLimit) {
    Index index;
    std::string filter = "a";
    for (std::size_t i = 1; i < kTopicLevelsMax; ++i) {
        filter += "/a";
    }
    EXPECT_TRUE(index.insert(filter, 1));
    EXPECT_TRUE(index.insert("a/#", 2));
    EXPECT_TRUE(index.insert("a/#", 3, TopicProfile::aws));
    EXPECT_FALSE(index.insert(filter + "/a", 4));
    EXPECT_EQ(matches(index, filter), (Values{1, 2, 3}));
    EXPECT_EQ(matches(index, filter + "/a"), (Values{2, 3})) << "deeper topics still meet #";
    EXPECT_EQ(matches(index, filter + std::string(100'000, '/')), (Values{2, 3}));
}

TEST(TopicIndex, ErasesByPosition_WhenOneFilterHasManyValues) {
    Index index;
    constexpr std::uint32_t kCount = 20'000;
    for (std::uint32_t i = 0; i < kCount; ++i) {
        ASSERT_TRUE(index.insert("all", i));
        ASSERT_FALSE(index.insert("all", i));
    }
    for (std::uint32_t i = 0; i < kCount; i += 2) {
        ASSERT_TRUE(index.erase("all", i));
    }
    const auto left = matches(index, "all");
    ASSERT_EQ(left.size(), kCount / 2);
    EXPECT_TRUE(std::ranges::all_of(left, [](std::uint32_t value) { return value % 2 == 1; }));
    for (std::uint32_t i = 1; i < kCount; i += 2) {
        ASSERT_TRUE(index.erase("all", i));
    }
    EXPECT_TRUE(index.empty());
}

TEST(TopicIndex, GivesNodesBack_WhenFiltersComeAndGo) {
    Index index;
    const auto churn = [&] {
        for (std::uint32_t i = 0; i < 500; ++i) {
            index.insert("device/" + std::to_string(i) + "/+/x/#", i);
        }
        for (std::uint32_t i = 0; i < 500; ++i) {
            EXPECT_TRUE(index.erase("device/" + std::to_string(i) + "/+/x/#", i));
        }
    };
    churn();
    const auto after_one = index.footprint();
    for (int i = 0; i < 5; ++i) {
        churn();
    }
    EXPECT_EQ(index.footprint(), after_one);
}

// The worst a subscriber can do: filters that all stay in play down to their last level, and then
// miss.
TEST(TopicIndex, LooksAtNoNodeTwice_WhenPlusFiltersMultiply) {
    constexpr std::size_t kLevels = 32;
    constexpr std::size_t kFreeLevels = 10;
    Index index;
    for (std::uint32_t bits = 0; bits < (1U << kFreeLevels); ++bits) {
        std::string filter;
        for (std::size_t level = 0; level + 1 < kLevels; ++level) {
            filter += level < kFreeLevels && ((bits >> level) & 1U) != 0 ? "a/" : "+/";
        }
        ASSERT_TRUE(index.insert(filter + "miss", bits));
    }
    std::string topic = "a";
    for (std::size_t level = 1; level < kLevels; ++level) {
        topic += "/a";
    }
    std::size_t found = 0;
    const auto looked_at = index.match(topic, [&](std::uint32_t) { ++found; });
    EXPECT_EQ(found, 0U);
    EXPECT_LE(looked_at, kLevels << kFreeLevels);
}

TEST(TopicIndex, AgreesWithBruteForce_WhenRandom) {
    test::Random random{42};
    const auto make = [&](bool filter) {
        constexpr std::array<std::string_view, 6> kTexts = {
            "a", "b", "c", "", "$x", "longer-than-a-small-string-holds"
        };
        std::string out;
        const auto levels = 1 + random.below(5);
        for (std::size_t i = 0; i < levels; ++i) {
            out += i == 0 ? "" : "/";
            const auto kind = random.below(10);
            if (filter && kind < 3) {
                out += "+";
            } else if (filter && kind < 5 && i + 1 == levels) {
                out += "#";
            } else {
                out += kTexts[random.below(kTexts.size())];
            }
        }
        return out;
    };
    using Entry = std::tuple<std::string, std::uint32_t>;
    std::map<Entry, TopicProfile> model;
    Index index;
    for (int round = 0; round < 20'000; ++round) {
        const auto action = random.below(5);
        if (action < 2) {
            const auto filter = make(true);
            const auto value = static_cast<std::uint32_t>(random.below(50));
            const auto profile = random.below(4) == 0 ? TopicProfile::aws : TopicProfile::mqtt;
            ASSERT_EQ(
                index.insert(filter, value, profile),
                model.emplace(Entry{filter, value}, profile).second
            );
        } else if (action < 4 && !model.empty() && model.size() > 300) {
            auto victim = model.begin();
            std::advance(victim, static_cast<std::ptrdiff_t>(random.below(model.size())));
            ASSERT_TRUE(index.erase(std::get<0>(victim->first), std::get<1>(victim->first)));
            model.erase(victim);
        } else {
            const auto topic = make(false);
            Values expected;
            for (const auto& [entry, profile] : model) {
                if (filter_matches(std::get<0>(entry), topic, profile)) {
                    expected.push_back(std::get<1>(entry));
                }
            }
            std::ranges::sort(expected);
            ASSERT_EQ(matches(index, topic), expected) << topic;
        }
        ASSERT_EQ(index.size(), model.size());
    }
    while (!model.empty()) {
        const auto [filter, value] = model.begin()->first;
        ASSERT_TRUE(index.erase(filter, value));
        model.erase(model.begin());
    }
    EXPECT_TRUE(index.empty());
    EXPECT_EQ(index.match("a", [](std::uint32_t) {}), 0U);
}

}  // namespace
}  // namespace weir
