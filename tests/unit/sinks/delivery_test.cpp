#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <weir/sinks/config.hpp>
#include <weir/sinks/detail/breaker.hpp>
#include <weir/sinks/detail/delivery.hpp>
#include <weir/sinks/record_extras.hpp>
#include <weir/storage/error.hpp>

namespace weir::sinks {
namespace {

using detail::Fate;

struct FateCase {
    std::string_view name;
    http_client::Outcome outcome;
    Fate fate;
};

http_client::Outcome status(std::uint16_t code) {
    return {.response = {.status = code}};
}
http_client::Outcome failed(http_client::errc code) {
    return {.error = code};
}

class FateOf : public testing::TestWithParam<FateCase> {};

TEST_P(FateOf, FollowsTable) {
    EXPECT_EQ(detail::fate_of(GetParam().outcome), GetParam().fate);
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    FateOf,
    testing::Values(
        FateCase{"s200", status(200), Fate::delivered},
        FateCase{"s299", status(299), Fate::delivered},
        FateCase{"s301", status(301), Fate::never},
        FateCase{"s400", status(400), Fate::never},
        FateCase{"s401", status(401), Fate::never},
        FateCase{"s408", status(408), Fate::again},
        FateCase{"s413", status(413), Fate::never},
        FateCase{"s425", status(425), Fate::again},
        FateCase{"s429", status(429), Fate::again},
        FateCase{"s500", status(500), Fate::again},
        FateCase{"s599", status(599), Fate::again},
        FateCase{"s600", status(600), Fate::never},
        FateCase{"refused", failed(http_client::errc::connect_failed), Fate::again},
        FateCase{"tls", failed(http_client::errc::tls_failed), Fate::again},
        FateCase{"timeout", failed(http_client::errc::timed_out), Fate::again},
        FateCase{"overloaded", failed(http_client::errc::overloaded), Fate::again},
        FateCase{"bad_request", failed(http_client::errc::bad_request), Fate::never},
        FateCase{"cancelled", failed(http_client::errc::cancelled), Fate::undecided}
    ),
    [](const auto& row) { return std::string{row.param.name}; }
);

std::string repeated(std::string_view text, std::size_t times) {
    std::string out;
    for (std::size_t i = 0; i < times; ++i) {
        out += text;
    }
    return out;
}

TEST(Describe, GivesStatusAndStartOfBody) {
    EXPECT_EQ(detail::describe(status(503)), "status 503");
    EXPECT_EQ(
        detail::describe({.response = {.status = 400, .body = "a\n\"b\""}}),
        R"(status 400: a "b")"
    ) << "not escaped: whoever writes JSON does that";
    EXPECT_EQ(detail::describe({.response = {.status = 404, .body = "gone\r\n"}}), "status 404: gone");
    EXPECT_EQ(detail::describe({.response = {.status = 404, .body = "\n"}}), "status 404");
    EXPECT_EQ(
        detail::describe({.response = {.status = 422, .body = "x" + repeated("é", 600)}}),
        "status 422: x" + repeated("é", 127) + "..."
    ) << "cut between characters";
    EXPECT_EQ(
        detail::describe({.response = {.status = 400, .body = "\x1B[2J\xFF"}}),
        "status 400: \uFFFD[2J\uFFFD"
    );
    EXPECT_EQ(
        detail::describe({.response = {.status = 400, .body = std::string(300, 'x')}}).size(),
        12U + 256U + 3U
    );
    EXPECT_EQ(
        detail::describe({.error = http_client::errc::tls_failed, .detail = "expired"}), "expired"
    );
    EXPECT_EQ(
        detail::describe({.error = http_client::errc::tls_failed, .detail = "name '\xFF'"}),
        "name '\uFFFD'"
    );
}

TEST(Backoff, NeverOverflows) {
    detail::Backoff backoff{1};
    const RetryPolicy policy;
    EXPECT_LE(backoff.pause(policy, 4'000'000'000, {}), policy.max);
    EXPECT_GE(backoff.pause(policy, 4'000'000'000, {}), policy.max / 2);
}

struct ConfigCase {
    std::string_view name;
    void (*change)(HttpSinkConfig&);
    std::string_view problem;  ///< What the text starts with; empty: none.
};

class CheckConfig : public testing::TestWithParam<ConfigCase> {};

TEST_P(CheckConfig, FollowsTable) {
    HttpSinkConfig config{.name = "pager", .url = "https://ops.example/${topic(2)}"};
    GetParam().change(config);
    const auto problem = check(config);
    EXPECT_EQ(problem.substr(0, problem.find(':')), GetParam().problem) << problem;
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    CheckConfig,
    testing::Values(
        ConfigCase{"defaults", [](auto&) {}, ""},
        ConfigCase{"no_name", [](auto& c) { c.name = ""; }, "sink"},
        ConfigCase{"long_name", [](auto& c) { c.name = std::string(256, 'x'); }, "sink"},
        ConfigCase{"no_url", [](auto& c) { c.url = ""; }, "url"},
        ConfigCase{"url_with_password", [](auto& c) { c.url = "https://a:b@ops.example/"; }, "url"},
        ConfigCase{"templated_host", [](auto& c) { c.url = "https://${topic(2)}/x"; }, "url"},
        ConfigCase{
            "templated_part_of_host",
            [](auto& c) { c.url = "https://${site}.ops.example/x"; },
            "url"
        },
        ConfigCase{"get", [](auto& c) { c.method = "GET"; }, "method"},
        ConfigCase{"delete", [](auto& c) { c.method = "DELETE"; }, ""},
        ConfigCase{"two_auths", [](auto& c) { c.bearer_token = c.basic_user = "x"; }, "auth"},
        ConfigCase{
            "bearer_and_sigv4",
            [](auto& c) {
                c.bearer_token = "x";
                c.sigv4.emplace();
            },
            "auth"
        },
        ConfigCase{"in_flight_none", [](auto& c) { c.in_flight = 0; }, "in_flight"},
        ConfigCase{"in_flight_max", [](auto& c) { c.in_flight = 64; }, ""},
        ConfigCase{"in_flight_above", [](auto& c) { c.in_flight = 65; }, "in_flight"},
        ConfigCase{"connect_timeout", [](auto& c) { c.connect_timeout = {}; }, "timeout"},
        ConfigCase{"breaker_pause", [](auto& c) { c.breaker.pause = {}; }, "breaker"},
        ConfigCase{"timeout", [](auto& c) { c.timeout = {}; }, "timeout"},
        ConfigCase{"age", [](auto& c) { c.outbox.age = std::chrono::milliseconds{999}; }, "outbox"},
        ConfigCase{"size", [](auto& c) { c.outbox.size_bytes = 0; }, "outbox"},
        ConfigCase{"token_of_two_lines", [](auto& c) { c.bearer_token = "a\nb"; }, "auth"},
        ConfigCase{
            "session_token_of_two_lines",
            [](auto& c) { c.sigv4 = http_client::SigV4{.session_token = "a\r\nb"}; },
            "auth"
        },
        ConfigCase{"user_with_colon", [](auto& c) { c.basic_user = "a:b"; }, "auth"},
        ConfigCase{"retry", [](auto& c) { c.retry.max = std::chrono::milliseconds{999}; }, "retry"},
        ConfigCase{
            "batch_messages", [](auto& c) { c.delivery.batch.messages = 0; }, "batch.messages"
        },
        ConfigCase{"batch_messages_max", [](auto& c) { c.delivery.batch.messages = 10'000; }, ""},
        ConfigCase{
            "batch_messages_above",
            [](auto& c) { c.delivery.batch.messages = 10'001; },
            "batch.messages"
        },
        ConfigCase{
            "rule_batch",
            [](auto& c) { c.by_rule = {{"hot", {.batch = {.bytes = 0}}}}; },
            "batch.bytes"
        }
    ),
    [](const auto& row) { return std::string{row.param.name}; }
);

TEST(RecordExtras, ComeBackAsTheyWere) {
    const std::vector<http_client::Header> headers = {{"X-Device", "p1"}, {"Empty", ""}};
    const auto extras = encode_extras(headers, "site 7");
    const auto decoded = decode_headers(extras);
    ASSERT_TRUE(decoded);
    ASSERT_EQ(decoded->size(), 2U);
    EXPECT_EQ((*decoded)[0].name, "X-Device");
    EXPECT_EQ((*decoded)[0].value, "p1");
    EXPECT_EQ((*decoded)[1].name, "Empty");
    EXPECT_EQ(order_key_of({.topic = "t", .key = "p1", .headers = extras}), "site 7");
    EXPECT_TRUE(encode_extras({}).empty());
    EXPECT_TRUE(decode_headers({})->empty());
}

TEST(RecordExtras, OrderByDeviceThenTopic_WhereTheRuleSaysNothing) {
    EXPECT_EQ(order_key_of({.topic = "t", .key = "p1"}), "p1");
    EXPECT_EQ(order_key_of({.topic = "t"}), "t");
    const auto only_headers = encode_extras(std::vector<http_client::Header>{{"X", "y"}});
    EXPECT_EQ(order_key_of({.key = "p1", .headers = only_headers}), "p1");
}

TEST(RecordExtras, HaveEqualHeaderBytes_WhateverTheOrderKey) {
    const std::vector<http_client::Header> headers = {{"X", "y"}};
    const auto a = encode_extras(headers, "a");
    const auto b = encode_extras(headers, "b");
    EXPECT_EQ(as_text(header_bytes(a)), as_text(header_bytes(b)));
    EXPECT_EQ(as_text(header_bytes(encode_extras({}, "a"))), "");
}

TEST(RecordExtras, ReadTheirFirstVersion) {
    const Bytes golden = {1, 0, 1, 'X', 0, 2, 'y', 'z'};
    const auto decoded = decode_headers(golden);
    ASSERT_TRUE(decoded);
    ASSERT_EQ(decoded->size(), 1U);
    EXPECT_EQ((*decoded)[0].name, "X");
    EXPECT_EQ((*decoded)[0].value, "yz");
    EXPECT_EQ(order_key_of({.key = "p1", .headers = golden}), "p1");
}

TEST(RecordExtras, ReadTheirSecondVersion) {
    const Bytes golden = {2, 0, 1, 'k', 0, 1, 'X', 0, 2, 'y', 'z'};
    EXPECT_EQ(decode_headers(golden)->at(0).value, "yz");
    EXPECT_EQ(order_key_of({.key = "p1", .headers = golden}), "k");
    EXPECT_FALSE(published_of({.headers = golden}));
}

TEST(RecordExtras, KeepWhatWasPublished) {
    using Kept = Published::Kept;
    const std::vector<http_client::Header> headers = {{"X", "y"}};
    const std::string said = "{\"t\":1,\"site\":\"north\"}";
    const auto beside = encode_extras(
        headers,
        "key",
        Published{.client_id = "c1", .hops = 3, .kept = Kept::beside, .payload = as_bytes(said)}
    );
    const auto published = published_of({.headers = beside, .payload = as_bytes("{\"t\":1}")});
    ASSERT_TRUE(published);
    EXPECT_EQ(published->client_id, "c1");
    EXPECT_EQ(published->hops, 3);
    EXPECT_EQ(as_text(published->payload), said);
    EXPECT_EQ(order_key_of({.headers = beside}), "key");
    EXPECT_EQ(decode_headers(beside)->at(0).value, "y");
    EXPECT_EQ(as_text(header_bytes(beside)), as_text(header_bytes(encode_extras(headers, "key"))));

    const auto same = encode_extras({}, {}, Published{.client_id = "c1"});
    EXPECT_EQ(as_text(published_of({.headers = same, .payload = as_bytes("7")})->payload), "7");
    EXPECT_LT(same.size(), 10U) << "nothing is kept twice";
    EXPECT_EQ(order_key_of({.key = "p1", .headers = same}), "p1");
    EXPECT_TRUE(decode_headers(same)->empty());

    const auto dropped = encode_extras({}, {}, Published{.kept = Kept::dropped});
    EXPECT_EQ(published_of({.headers = dropped, .payload = as_bytes("7")})->kept, Kept::dropped);
    for (std::size_t size = 1; size < dropped.size(); ++size) {
        EXPECT_FALSE(decode_headers(ByteView{dropped}.first(size))) << size;
        EXPECT_FALSE(published_of({.headers = ByteView{dropped}.first(size)})) << size;
    }
    EXPECT_FALSE(decode_headers(Bytes{3, 0, 0, 0, 0, 0, 9})) << "another way of keeping it";
    EXPECT_FALSE(decode_headers(Bytes{3, 0, 0, 0, 0, 0, 1, 255, 255, 255, 255, 'x'}));
}

TEST(RecordExtras, RefuseDamage) {
    const auto extras = encode_extras(std::vector<http_client::Header>{{"X", "y"}}, "key");
    const std::size_t without_headers = 1 + 2 + 3;
    for (std::size_t size = 1; size < extras.size(); ++size) {
        EXPECT_EQ(decode_headers(ByteView{extras}.first(size)).has_value(), size == without_headers)
            << size;
    }
    EXPECT_EQ(decode_headers(Bytes{9}).error(), storage::errc::newer_version);
}

class BreakerTest : public testing::Test {
protected:
    void fail(int times) {
        for (int i = 0; i < times; ++i) {
            breaker_.fail(policy_, now_, std::chrono::seconds{10});
        }
    }

    const BreakerPolicy policy_{.failures = 3};
    SteadyTime now_{5'000};
    detail::Breaker breaker_;
};

TEST_F(BreakerTest, OpensAfterFailuresInARow) {
    fail(2);
    EXPECT_TRUE(breaker_.admit(now_));
    breaker_.succeed();
    fail(2);
    EXPECT_EQ(breaker_.state(), BreakerState::closed);
    fail(1);
    EXPECT_EQ(breaker_.state(), BreakerState::open);
    EXPECT_FALSE(breaker_.admit(now_));
}

TEST_F(BreakerTest, AdmitsOneProbe_AfterItsPause) {
    fail(3);
    now_ += std::chrono::milliseconds{9'999};
    EXPECT_FALSE(breaker_.admit(now_));
    now_ += std::chrono::milliseconds{1};
    EXPECT_EQ(breaker_.opens_at(), now_);
    EXPECT_TRUE(breaker_.admit(now_));
    EXPECT_EQ(breaker_.state(), BreakerState::half_open);
    EXPECT_FALSE(breaker_.admit(now_));
}

TEST_F(BreakerTest, ClosesOrOpensAgain_AsTheProbeEnds) {
    fail(3);
    now_ += std::chrono::seconds{10};
    ASSERT_TRUE(breaker_.admit(now_));
    fail(1);
    EXPECT_EQ(breaker_.state(), BreakerState::open);
    now_ += std::chrono::seconds{10};
    ASSERT_TRUE(breaker_.admit(now_));
    breaker_.succeed();
    EXPECT_EQ(breaker_.state(), BreakerState::closed);
    fail(2);
    EXPECT_TRUE(breaker_.admit(now_)) << "counts anew";
}

TEST_F(BreakerTest, StaysOpen_WhenItsProbeSaysNothing) {
    fail(3);
    now_ += std::chrono::seconds{10};
    ASSERT_TRUE(breaker_.admit(now_));
    breaker_.forget();
    EXPECT_TRUE(breaker_.admit(now_)) << "the next one is the probe";
}

TEST_F(BreakerTest, IsNotDelayedByStragglers) {
    fail(3);
    const auto opens = breaker_.opens_at();
    now_ += std::chrono::seconds{5};
    fail(2);
    EXPECT_EQ(breaker_.opens_at(), opens);
}

TEST(Breaker, NeverOpens_WhenSwitchedOff) {
    detail::Breaker breaker;
    for (int i = 0; i < 100; ++i) {
        breaker.fail({.failures = 0}, SteadyTime{0}, std::chrono::seconds{1});
    }
    EXPECT_EQ(breaker.state(), BreakerState::closed);
}

}  // namespace
}  // namespace weir::sinks
