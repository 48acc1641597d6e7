#include <weir/base/topic.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/random.hpp"

namespace weir {
namespace {

std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> out;
    for (TopicLevels levels{text}; !levels.done();) {
        out.emplace_back(levels.next());
    }
    return out;
}

TEST(TopicLevels, KeepsEmptyLevels) {
    EXPECT_EQ(split("a/b"), (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(split("/a//"), (std::vector<std::string>{"", "a", "", ""}));
    EXPECT_EQ(split(""), (std::vector<std::string>{""}));
    EXPECT_EQ(split("/"), (std::vector<std::string>{"", ""}));
}

struct MatchCase {
    std::string_view filter;
    std::string_view topic;
    bool mqtt;
    bool aws;
};

TEST(FilterMatches, FollowsTable_MQTT3_4_7_2_1_MQTT3_4_7_3_4_MQTT5_4_7_2_1_MQTT5_4_7_3_4) {
    for (const auto& [filter, topic, mqtt, aws] : {
             MatchCase{"a/b", "a/b", true, true},       MatchCase{"a/b", "a/B", false, false},
             MatchCase{"a/b", "a", false, false},       MatchCase{"a", "a/b", false, false},
             MatchCase{"a", "a/", false, false},        MatchCase{"a/+", "a/b", true, true},
             MatchCase{"a/+", "a/", true, true},        MatchCase{"a/+", "a", false, false},
             MatchCase{"a/+", "a/b/c", false, false},   MatchCase{"+", "a", true, true},
             MatchCase{"+/+", "/a", true, true},        MatchCase{"/+", "/a", true, true},
             MatchCase{"+", "/a", false, false},        MatchCase{"+/b/#", "a/b/c/d", true, true},
             MatchCase{"#", "a", true, true},           MatchCase{"#", "a/b", true, true},
             MatchCase{"#", "/", true, true},           MatchCase{"a/#", "a", true, false},
             MatchCase{"a/#", "a/", true, true},        MatchCase{"a/#", "ab", false, false},
             MatchCase{"+/#", "a", true, false},        MatchCase{"#", "$SYS/x", false, false},
             MatchCase{"+/x", "$SYS/x", false, false},  MatchCase{"$SYS/#", "$SYS/x", true, true},
             MatchCase{"$SYS/+", "$SYS/x", true, true}, MatchCase{"a/#", "a/$x", true, true},
             MatchCase{"a/+", "a/$x", true, true},
         }) {
        EXPECT_EQ(filter_matches(filter, topic), mqtt) << filter << " on " << topic;
        EXPECT_EQ(filter_matches(filter, topic, TopicProfile::aws), aws)
            << filter << " on " << topic << " (aws)";
    }
}

TEST(HasWildcard, LooksAtWholeLevels) {
    EXPECT_TRUE(has_wildcard("a/+"));
    EXPECT_TRUE(has_wildcard("#"));
    EXPECT_FALSE(has_wildcard("a/b"));
    EXPECT_FALSE(has_wildcard(""));
}

struct CoverCase {
    std::string_view wide;
    std::string_view narrow;
    bool covers;
};

TEST(FilterCovers, FollowsTable) {
    for (const auto& [wide, narrow, covers] : {
             CoverCase{"#", "#", true},
             CoverCase{"#", "a/+/#", true},
             CoverCase{"+/#", "#", true},
             CoverCase{"+/+/#", "#", false},
             CoverCase{"a/#", "a", true},
             CoverCase{"a/#", "a/+", true},
             CoverCase{"a/+", "a/#", false},
             CoverCase{"a/+/#", "a/#", false},
             CoverCase{"a/+", "a/b", true},
             CoverCase{"a/b", "a/+", false},
             CoverCase{"+/b", "a/+", false},
             CoverCase{"#", "$SYS/x", false},
             CoverCase{"+/x", "$SYS/x", false},
             CoverCase{"$SYS/#", "$SYS/+/x", true},
             CoverCase{"#", "+/x", true},
             CoverCase{"a", "a", true},
             CoverCase{"a", "a/", false},
         }) {
        EXPECT_EQ(filter_covers(wide, narrow), covers) << wide << " over " << narrow;
    }
}

// Every topic of up to four levels over a small alphabet decides it; a fresh text ("z", "$z")
// stands for all others.
TEST(FilterCovers, AgreesWithBruteForce_WhenRandom) {
    const std::vector<std::string> texts = {"a", "b", "", "z", "$z"};
    std::vector<std::string> topics = texts;
    for (std::size_t from = 0, depth = 1; depth < 4; ++depth) {
        const std::size_t to = topics.size();
        for (; from < to; ++from) {
            for (const auto& text : texts) {
                topics.push_back(topics[from] + "/" + text);
            }
        }
    }
    test::Random random{7};
    const auto make_filter = [&] {
        std::string filter;
        const auto levels = 1 + random.below(3);
        for (std::size_t i = 0; i < levels; ++i) {
            const auto kind = random.below(8);
            const bool last = i + 1 == levels;
            filter += i == 0 ? "" : "/";
            filter += kind < 3           ? "+"
                      : kind < 5 && last ? "#"
                      : kind < 7         ? "a"
                      : i == 0           ? "$z"
                                         : "b";
        }
        return filter;
    };
    for (int round = 0; round < 3'000; ++round) {
        const auto wide = make_filter();
        const auto narrow = make_filter();
        bool expected = true;
        for (const auto& topic : topics) {
            if (filter_matches(narrow, topic) && !filter_matches(wide, topic)) {
                expected = false;
                break;
            }
        }
        ASSERT_EQ(filter_covers(wide, narrow), expected) << wide << " over " << narrow;
    }
}

}  // namespace
}  // namespace weir
