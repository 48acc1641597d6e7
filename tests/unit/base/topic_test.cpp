#include <weir/base/topic.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

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

}  // namespace
}  // namespace weir
