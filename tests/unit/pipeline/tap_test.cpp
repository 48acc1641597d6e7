#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <weir/pipeline/tap.hpp>

namespace weir::pipeline {
namespace {

using namespace std::chrono_literals;

constexpr SteadyTime kStart{10'000};
constexpr WallTime kWall{1'700'000'000'000};

model::MessagePtr message(std::string_view topic, std::size_t bytes = 1) {
    const Bytes payload(bytes, Byte{'x'});
    return model::Message::make({.topic = topic, .payload = payload});
}

class LiveMessages : public testing::Test {
protected:
    void open(model::TapQuery query) {
        if (query.filters.empty()) {
            query.filters = {"#"};
        }
        tap_ = std::make_shared<Tap>(std::move(query), 2, kStart);
        taps_.open(tap_);
    }
    void publish(const model::MessagePtr& published, SteadyTime now = kStart) {
        taps_.take(
            {.subject = {.principal = *principal_, .client_id = "client"},
             .policies = nullptr,
             .principal = principal_,
             .device = "p7",
             .source_ip = "192.0.2.1"},
            published,
            now,
            kWall
        );
    }
    /// Topics of what was taken since the last time.
    std::vector<std::string> taken() {
        std::vector<std::string> topics;
        for (const auto& tapped : tap_->hand_out(1)) {
            topics.emplace_back(tapped.message->topic());
        }
        return topics;
    }

    model::PrincipalPtr principal_ = std::make_shared<const model::Principal>();
    std::shared_ptr<Tap> tap_;
    Taps taps_{1};
};

using Topics = std::vector<std::string>;

TEST_F(LiveMessages, AreThoseOfTheFilters_Once) {
    open({.filters = {"a/+", "a/1", "b/#"}});
    for (const auto* topic : {"a/1", "a/1/2", "b", "c", "b/1"}) {
        publish(message(topic));
    }
    EXPECT_EQ(taken(), (Topics{"a/1", "b", "b/1"}));
    EXPECT_EQ(taken(), Topics{}) << "they are handed out once";
}

TEST_F(LiveMessages, FollowTheProfileOfTheFilters) {
    open({.filters = {"b/#"}, .profile = TopicProfile::aws});
    publish(message("b"));
    publish(message("b/1"));
    EXPECT_EQ(taken(), Topics{"b/1"});
}

TEST_F(LiveMessages, HaveWhatRulesSee) {
    open({});
    const auto published = message("a/1");
    publish(published);
    publish(model::Message::make({.topic = "a/2", .protocol = model::Protocol::internal}));
    const auto both = tap_->hand_out(1);
    ASSERT_EQ(both.size(), 2U);
    EXPECT_EQ(both[0].message.get(), published.get()) << "no copy of the payload";
    EXPECT_EQ(both[0].principal, principal_);
    EXPECT_EQ(both[0].client_id, "client");
    EXPECT_EQ(both[0].device, "p7");
    EXPECT_EQ(both[0].source_ip, "192.0.2.1");
    EXPECT_EQ(both[0].time, kWall);
    EXPECT_EQ(both[1].client_id, "") << "a rule published it";
}

TEST_F(LiveMessages, AreSoManyInASecond_AndTheRestIsCounted) {
    open({.messages_per_s = 3});
    for (int i = 0; i < 5; ++i) {
        publish(message("a"), kStart + 999ms);
    }
    EXPECT_EQ(taken().size(), 3U);
    EXPECT_EQ(tap_->over_messages(), 2U);
    publish(message("b"), kStart + 1s);
    EXPECT_EQ(taken(), Topics{"b"});
    publish(message("c"), kStart + 999ms);  // A shard whose clock is late.
    publish(message("d"), kStart + 1s);
    publish(message("e"), kStart + 1s);
    EXPECT_EQ(taken(), (Topics{"c", "d"}));
    EXPECT_EQ(tap_->over_messages(), 3U);
    EXPECT_EQ(tap_->over_bytes(), 0U);
}

TEST_F(LiveMessages, AreSoManyBytesInASecond_AndSmallerOnesStillFit) {
    const auto small = message("a");
    open({.bytes_per_s = 3 * small->footprint()});
    publish(message("b", 3 * small->footprint()));
    for (int i = 0; i < 4; ++i) {
        publish(small);
    }
    EXPECT_EQ(taken(), (Topics{"a", "a", "a"}));
    EXPECT_EQ(tap_->over_bytes(), 2U);
    EXPECT_EQ(tap_->over_messages(), 0U);
}

TEST_F(LiveMessages, AreBoundedForAllShardsTogether) {
    open({.messages_per_s = 100});
    const auto published = message("a");
    std::atomic<int> admitted{0};
    std::vector<std::jthread> shards;
    for (int shard = 0; shard < 4; ++shard) {
        shards.emplace_back([&] {
            for (int i = 0; i < 1'000; ++i) {
                admitted += tap_->admit(*published, SteadyTime{0}) ? 1 : 0;
            }
        });
    }
    shards.clear();
    EXPECT_EQ(admitted, 100);
    EXPECT_EQ(tap_->over_messages(), 3'900U);
}

TEST_F(LiveMessages, EndWhenTheirTimeIsOver_AndCanBeReadStill) {
    open({.valid = 2s});
    publish(message("a"), kStart + 1'999ms);
    publish(message("b"), kStart + 2s);
    EXPECT_FALSE(tap_->is_closed(kStart + 1'999ms));
    EXPECT_TRUE(tap_->is_closed(kStart + 2s));
    EXPECT_EQ(taken(), Topics{"a"});
    EXPECT_EQ(tap_->over_messages(), 0U) << "what comes later is not left out";
}

TEST_F(LiveMessages, EndWhenNobodyReadsThem) {
    open({});
    const auto last_read = kStart + 3s;
    tap_->was_read(last_read);
    publish(message("a"), last_read);
    taps_.advance(last_read + Tap::kPatience - 1ms);
    EXPECT_FALSE(taps_.empty());
    publish(message("b"), last_read + Tap::kPatience);
    taps_.advance(last_read + Tap::kPatience);
    EXPECT_TRUE(taps_.empty());
    EXPECT_EQ(taken(), Topics{}) << "what it held is gone";
}

TEST_F(LiveMessages, EndWhenTheyAreClosed) {
    open({});
    const Tap other{{.filters = {"#"}}, 2, kStart};
    taps_.close(other);
    EXPECT_FALSE(taps_.empty());
    taps_.close(*tap_);
    EXPECT_TRUE(taps_.empty());
}

}  // namespace
}  // namespace weir::pipeline
