#include <weir/mqtt/topic.hpp>

#include <gtest/gtest.h>

#include <string>

namespace weir::mqtt {
namespace {

TEST(TopicName, FollowsTable_MQTT3_4_7_1_1_MQTT3_4_7_3_1_MQTT3_4_7_3_3_MQTT5_4_7_0_1_MQTT5_4_7_3_1_MQTT5_4_7_3_3) {
    for (const auto* const good :
         {"a", "/", "a/b", "a//b", "/a", "a/", "$SYS/x", " ", "a b", "\xC3\xA9"}) {
        EXPECT_TRUE(is_valid_topic_name(good)) << good;
    }
    for (const auto* const bad : {"", "+", "#", "a/+", "a/#", "a+", "#a", "a/b#/c"}) {
        EXPECT_FALSE(is_valid_topic_name(bad)) << bad;
    }
    EXPECT_FALSE(is_valid_topic_name(std::string(65'536, 'a')));
}

TEST(TopicFilter, FollowsTable_MQTT3_4_7_1_2_MQTT3_4_7_1_3_MQTT3_4_7_3_1_MQTT5_4_7_1_1_MQTT5_4_7_1_2_MQTT5_4_7_3_1) {
    for (const auto* const good :
         {"a", "+", "#", "a/#", "+/a/#", "a/+", "/+", "+/+", "/#", "//", "$SYS/#", "a/+/b"}) {
        EXPECT_TRUE(is_valid_topic_filter(good)) << good;
    }
    for (const auto* const bad :
         {"", "a+", "+a", "a/b+", "a#", "#/a", "a/#/b", "a/b#", "++", "##", "+#", "#/", "a/+b/c"}) {
        EXPECT_FALSE(is_valid_topic_filter(bad)) << bad;
    }
}

TEST(CheckTopicName, HoldsTheLimits_AtAndBeyond) {
    const TopicLimits limits{.bytes = 8, .levels = 3};
    EXPECT_TRUE(check_topic_name("a/b/c", limits));
    EXPECT_TRUE(check_topic_name("12345678", limits));
    EXPECT_EQ(check_topic_name("123456789", limits).error(), errc::topic_too_deep);
    EXPECT_EQ(check_topic_name("a/b/c/d", limits).error(), errc::topic_too_deep);
    EXPECT_EQ(check_topic_name("", limits).error(), errc::topic_name_invalid);
    EXPECT_EQ(check_topic_name("a/+", limits).error(), errc::topic_name_invalid);
    EXPECT_TRUE(is_within("a/+/#", limits));
    EXPECT_FALSE(is_within("a/+/+/#", limits));
}

TEST(CheckTopicName, DoesNotCountWhatAddressesARule) {
    const TopicLimits limits{.bytes = 8, .levels = 3};
    EXPECT_TRUE(check_topic_name("$aws/rules/a-long-name/a/b/c", limits));
    EXPECT_TRUE(check_topic_name("$aws/rules/a-long-name", limits));
    EXPECT_FALSE(check_topic_name("$aws/rules/a-long-name/a/b/c/d", limits));
    EXPECT_FALSE(check_topic_name("$aws/rules/a-long-name/123456789", limits));
    EXPECT_FALSE(check_topic_name("$aws/rulez/a/b", limits));
}

TEST(CheckTopicName, NeverPassesMoreLevelsThanMatchingTakes) {
    const TopicLimits limits{.bytes = 65'535, .levels = 65'535};
    EXPECT_TRUE(check_topic_name(std::string(kTopicLevelsMax - 1, '/'), limits));
    EXPECT_FALSE(check_topic_name(std::string(kTopicLevelsMax, '/'), limits));
}

TEST(SubscriptionFilter, SplitsSharedSubscriptions_MQTT5_4_8_2_1_MQTT5_4_8_2_2) {
    const auto plain = parse_subscription_filter("a/#");
    ASSERT_TRUE(plain);
    EXPECT_FALSE(plain->is_shared());
    EXPECT_EQ(plain->filter, "a/#");

    const auto shared = parse_subscription_filter("$share/group/a/+/b");
    ASSERT_TRUE(shared);
    EXPECT_EQ(shared->group, "group");
    EXPECT_EQ(shared->filter, "a/+/b");

    EXPECT_EQ(parse_subscription_filter("$share/g//a")->filter, "/a");
    EXPECT_EQ(parse_subscription_filter("$share/g/$share/h/a")->filter, "$share/h/a")
        << "only one level of it";
    EXPECT_EQ(parse_subscription_filter("$sharex/g/a")->filter, "$sharex/g/a");
}

TEST(SubscriptionFilter, RefusesBrokenShares_MQTT5_4_8_2_1_MQTT5_4_8_2_2) {
    for (const auto* const bad :
         {"$share",
          "$share/",
          "$share/g",
          "$share/g/",
          "$share//a",
          "$share/+/a",
          "$share/#/a",
          "$share/g+/a",
          "$share/g/a+",
          "$share/g/#/a"}) {
        EXPECT_EQ(parse_subscription_filter(bad).error(), errc::topic_filter_invalid) << bad;
    }
}

}  // namespace
}  // namespace weir::mqtt
