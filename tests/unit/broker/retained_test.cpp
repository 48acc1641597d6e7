#include <gtest/gtest.h>

#include <algorithm>

#include <weir/broker/retained.hpp>

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

std::vector<std::string> topics(
    const RetainedStore& store, std::string_view filter, WallTime now = WallTime{1}
) {
    std::vector<Retained> found;
    store.collect(filter, now, found);
    std::vector<std::string> out;
    for (const auto& each : found) {
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
    std::vector<Retained> found;
    store.collect("a/b", WallTime{1}, found);
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

TEST(RetainedStore, RefusesNewTopics_WhenFull_ButReplacesKnownOnes) {
    RetainedStore store{1};
    EXPECT_TRUE(store.put(retained("a", "1")));
    EXPECT_FALSE(store.put(retained("b", "1")));
    EXPECT_TRUE(store.put(retained("a", "2")));
}

}  // namespace
}  // namespace weir::broker
