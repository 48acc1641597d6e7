#include "sink_fixture.hpp"

#include <weir/sinks/record_extras.hpp>

namespace weir::sinks {
namespace {

using testing::IsEmpty;
using testing::MatchesRegex;
using testing::SizeIs;

class Probe : public SinkTest {
protected:
    std::optional<HttpSinkConfig> probe(const storage::OutboxRecord& record) {
        return sinks_->probe("pager", record, [this](http_client::Outcome&& outcome) {
            outcome_ = std::move(outcome);
        });
    }

    std::optional<http_client::Outcome> outcome_;
};

TEST_F(Probe, GoesTheWayOfAllRecords_ButPastTheOutbox) {
    auto config = pager();
    config.bearer_token = "s3cret";
    config.delivery.body = BodyFormat::array;
    configure(config);
    const auto extras = encode_extras(std::vector<http_client::Header>{{"X-Device", "p1"}});
    const auto used =
        probe({.target = "/hook/p1", .headers = extras, .payload = as_bytes("{\"a\":1}")});
    ASSERT_TRUE(used);
    EXPECT_EQ(used->name, "pager");
    ASSERT_THAT(client_.sent, SizeIs(1));
    EXPECT_EQ(last_sent().request.url, "https://ops.example/hook/p1");
    EXPECT_EQ(last_sent().request.body, "[{\"a\":1}]");
    EXPECT_EQ(last_sent().header("Authorization"), "Bearer s3cret");
    EXPECT_EQ(last_sent().header("X-Device"), "p1");
    EXPECT_THAT(last_key(), MatchesRegex("pager/test-[0-9a-f]+"));
    EXPECT_FALSE(outcome_);
    answer(404);
    ASSERT_TRUE(outcome_);
    EXPECT_EQ(outcome_->response.status, 404);
    EXPECT_EQ(status().in, 0U);
    EXPECT_EQ(status().attempts, 0U);
    EXPECT_THAT(dead_letters(), IsEmpty());
}

TEST_F(Probe, GoesThoughTheBreakerIsOpen) {
    auto config = pager();
    config.breaker.failures = 1;
    configure(config);
    enqueue("1");
    answer(503);
    ASSERT_EQ(status().breaker, BreakerState::open);
    ASSERT_TRUE(probe({.payload = as_bytes("2")}));
    EXPECT_EQ(last_sent().request.body, "2");
}

TEST_F(Probe, DoesNotKeepAnybodyWaitingForLong) {
    auto config = pager();
    config.timeout = 300s;
    configure(config);
    ASSERT_TRUE(probe({}));
    EXPECT_EQ(last_sent().request.timeout, 30s);
}

TEST_F(Probe, FollowsRedirects_AsTheSinkDoes) {
    auto config = pager();
    config.redirects = Redirects::same_origin;
    config.sigv4 = {.access_key_id = "AK", .secret_access_key = "s", .region = "eu", .service = "x"};
    configure(config);
    ASSERT_TRUE(probe({.payload = as_bytes("1")}));
    const auto key = last_key();
    const auto signature = last_sent().header("Authorization");
    answer({.response = {.status = 307, .location = "https://ops.example/b"}});
    EXPECT_FALSE(outcome_);
    ASSERT_THAT(client_.sent, SizeIs(2));
    EXPECT_EQ(last_sent().request.url, "https://ops.example/b");
    EXPECT_EQ(last_sent().request.body, "1");
    EXPECT_EQ(last_key(), key);
    EXPECT_NE(last_sent().header("Authorization"), signature) << "it signs the path";
    for (int i = 0; i < 2; ++i) {
        answer({.response = {.status = 308, .location = "https://ops.example/c"}});
    }
    EXPECT_FALSE(outcome_);
    answer({.response = {.status = 308, .location = "https://ops.example/d"}});
    ASSERT_TRUE(outcome_) << "not more than three";
    EXPECT_EQ(outcome_->response.status, 308);
    EXPECT_THAT(client_.sent, SizeIs(4));

    outcome_.reset();
    ASSERT_TRUE(probe({}));
    answer({.response = {.status = 307, .location = "https://evil.example/"}});
    ASSERT_TRUE(outcome_);
    EXPECT_THAT(client_.sent, SizeIs(5));
}

TEST_F(Probe, SaysAtOnce_WhatCannotBeSent) {
    configure(pager());
    ASSERT_TRUE(probe({.target = "https://evil.example/"}));
    ASSERT_TRUE(outcome_);
    EXPECT_EQ(outcome_->error, http_client::errc::bad_request);
    EXPECT_THAT(client_.sent, IsEmpty());
}

TEST_F(Probe, KnowsWhichSinksThereAre) {
    configure(pager());
    EXPECT_FALSE(sinks_->probe("other", {}, [](http_client::Outcome&&) { FAIL(); }));
}

}  // namespace
}  // namespace weir::sinks
