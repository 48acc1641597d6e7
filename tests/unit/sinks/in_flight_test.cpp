// Several requests at a time, in the order of each key; the breaker; redirects.
#include "sink_fixture.hpp"

#include <support/random.hpp>

#include <map>
#include <set>

#include <weir/sinks/record_extras.hpp>

namespace weir::sinks {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class InFlight : public SinkTest {};

TEST_F(InFlight, SendsSeveralKeysSideBySide_EachInItsOrder) {
    configure(pager());
    for (const std::string payload : {"a1", "a2", "b1", "c1", "b2"}) {
        enqueue(payload, {.key = std::string_view{payload}.substr(0, 1)});
    }
    EXPECT_THAT(under_way(), ElementsAre("a1", "b1", "c1"));
    EXPECT_EQ(status().in_flight, 3U);
    answer_to("b1", 200);
    EXPECT_THAT(under_way(), ElementsAre("a1", "c1", "b2"));
    answer_to("a1", 200);
    EXPECT_THAT(under_way(), ElementsAre("c1", "b2", "a2"));
    for (const std::string body : {"c1", "a2", "b2"}) {
        answer_to(body, 200);
    }
    EXPECT_EQ(status().counters.delivered, 5U);
    EXPECT_EQ(status().activity, Activity::idle);
    expect_balance(status());
}

TEST_F(InFlight, NeverSendsMoreThanItMay) {
    auto config = pager();
    config.in_flight = 2;
    configure(config);
    for (const std::string key : {"a", "b", "c", "d"}) {
        enqueue(key, {.key = key});
    }
    EXPECT_THAT(under_way(), ElementsAre("a", "b"));
    answer_to("b", 200);
    EXPECT_THAT(under_way(), ElementsAre("a", "c"));
}

TEST_F(InFlight, OrdersByTheKeyThatTheRuleEvaluated) {
    const auto site = encode_extras({}, "north");
    configure(pager());
    enqueue("1", {.key = "a", .headers = site});
    enqueue("2", {.key = "b", .headers = site});
    enqueue("3", {.key = "a"});
    EXPECT_THAT(under_way(), ElementsAre("1", "3"));
}

TEST_F(InFlight, KeepsOneKeyWaiting_WhileItsRecordIsTriedAgain) {
    configure(pager());
    enqueue("a1", {.key = "a"});
    enqueue("a2", {.key = "a"});
    answer_to("a1", 503);
    enqueue("b1", {.key = "b"});
    EXPECT_THAT(under_way(), ElementsAre("b1"));
    pass(1s);
    EXPECT_THAT(under_way(), ElementsAre("b1", "a1"));
    answer_to("a1", 400);
    EXPECT_THAT(under_way(), ElementsAre("b1", "a2")) << "a dead letter lets the next one go";
}

TEST_F(InFlight, GathersBatchesAroundKeysThatAreTaken) {
    configure(batching(2, 1h));
    for (const std::string payload : {"1", "2", "3", "4", "5", "6"}) {
        enqueue(payload, {.key = payload == "3" || payload == "5" ? "1" : payload});
    }
    EXPECT_THAT(under_way(), ElementsAre("[1,2]", "[4,6]")) << "3 and 5 wait for 1";
    EXPECT_EQ(client_.sent[1].key(), "pager/4-6");
    answer_to("[1,2]", 200);
    EXPECT_THAT(under_way(), ElementsAre("[4,6]", "[3,5]"));
    EXPECT_EQ(last_key(), "pager/3-5");
    answer_to("[3,5]", 200);
    answer_to("[4,6]", 200);
    EXPECT_EQ(status().counters.delivered, 6U);
    EXPECT_EQ(store_->outbox("pager")->records, 0U);
}

TEST_F(InFlight, SendsAllBatchesUnderTheirKeysAgain_AfterACrash) {
    configure(batching(2, 1h));
    for (const std::string payload : {"1", "2", "3", "4", "5"}) {
        enqueue(payload, {.key = payload == "3" ? "1" : payload});
    }
    EXPECT_THAT(under_way(), ElementsAre("[1,2]", "[4,5]"));
    restart();
    configure(batching(100, 0s));
    EXPECT_THAT(under_way(), ElementsAre("[1,2]", "[4,5]"));
    EXPECT_EQ(client_.sent[0].key(), "pager/1-2");
    EXPECT_EQ(client_.sent[1].key(), "pager/4-5");
    answer_to("[4,5]", 200);
    restart();
    configure(batching(100, 0s));
    EXPECT_THAT(under_way(), ElementsAre("[1,2]"));
    answer_to("[1,2]", 200);
    EXPECT_THAT(under_way(), ElementsAre("3"));
    answer_to("3", 200);
    expect_balance(status());
}

TEST_F(InFlight, SendsMoreAtATime_AfterAReload) {
    auto config = pager();
    config.in_flight = 1;
    configure(config);
    enqueue("a", {.key = "a"});
    enqueue("b", {.key = "b"});
    EXPECT_THAT(under_way(), ElementsAre("a"));
    config.in_flight = 2;
    configure(config);
    EXPECT_THAT(under_way(), ElementsAre("a", "b"));
}

TEST_F(InFlight, LooksPastManyRecordsOfATakenKey_ButNotPastAll) {
    const auto enqueue_many = [&] {
        const storage::OutboxRecord record{
            .time_ms = clock_.wall().count(), .key = "a", .payload = as_bytes("a")
        };
        storage::Batch batch;
        for (int i = 0; i < 1'000; ++i) {
            EXPECT_TRUE(store_->outbox_room("pager").reserve(storage::outbox_cost(record), ~0ULL));
            batch.enqueue_outbox("pager", record);
        }
        EXPECT_TRUE(store_->commit(std::move(batch)));
    };
    configure(pager());
    enqueue_many();
    enqueue("b", {.key = "b"});
    EXPECT_THAT(under_way(), ElementsAre("a", "b"));
    enqueue_many();
    enqueue("c", {.key = "c"});
    EXPECT_THAT(under_way(), ElementsAre("a", "b")) << "what is kept in memory is bounded";
}

TEST_F(InFlight, KeepsOrderAndBooks_WhateverHappens) {
    test::Random random{11};
    auto config = batching(3, 200ms);
    config.in_flight = 3;
    config.outbox.age = 1h;
    config.breaker = {.failures = 4, .pause = 2s};
    configure(config);
    std::map<std::string, int> next;                 // Of the key, to enqueue.
    std::map<std::string, std::set<int>> delivered;  // Of the key.
    std::map<std::string, std::string> body_of;      // Of the idempotency key.
    const auto deliver = [&](const std::string& body) {
        // "[\"a3\",\"b7\"]" or "\"a3\"": each record stands after all earlier ones of its key.
        for (std::size_t at = body.find('"'); at != std::string::npos;) {
            const auto end = body.find('"', at + 1);
            const auto key = body.substr(at + 1, 1);
            const auto number = std::stoi(body.substr(at + 2, end - at - 2));
            auto& done = delivered[key];
            if (!done.contains(number)) {
                EXPECT_EQ(done.size(), static_cast<std::size_t>(number)) << body;
                done.insert(number);
            }
            at = body.find('"', end + 1);
        }
    };
    for (int i = 0; i < 1'500; ++i) {
        switch (random.below(8)) {
            case 0:
            case 1:
            case 2: {
                const std::string key(1, static_cast<char>('a' + random.below(4)));
                enqueue('"' + key + std::to_string(next[key]++) + '"', {.key = key});
                break;
            }
            case 3:
                pass(std::chrono::milliseconds{random.below(1'500)});
                break;
            case 4:
                if (random.below(4) == 0) {
                    restart();
                    configure(config);
                }
                break;
            default: {
                const auto bodies = under_way();
                if (!bodies.empty()) {
                    const auto& body = bodies[random.below(bodies.size())];
                    const bool taken = random.below(3) != 0;
                    if (taken) {
                        deliver(body);
                    }
                    answer_to(body, taken ? 200 : 503);
                }
            }
        }
        for (const auto& sent : client_.sent) {
            const auto [known, is_new] =
                body_of.emplace(sent.header("Idempotency-Key"), sent.request.body);
            EXPECT_EQ(known->second, sent.request.body) << "one key, one body";
        }
        EXPECT_LE(status().in_flight, 3U);
        expect_balance(status());
    }
    for (int i = 0; i < 1'000 && status().pending > 0; ++i) {
        pass(3s);
        for (const auto& body : under_way()) {
            deliver(body);
            answer_to(body, 200);
        }
    }
    EXPECT_EQ(status().pending, 0U);
    for (const auto& [key, count] : next) {
        EXPECT_EQ(delivered[key].size(), static_cast<std::size_t>(count)) << key;
    }
}

// The breaker.

class SinkBreaker : public SinkTest {
protected:
    /// Keys "0", "1", ... one record each, all failed.
    void open_it() {
        auto config = pager();
        config.in_flight = 4;
        config.breaker = {.failures = 3, .pause = 10s};
        config.retry = {.min = 1s, .max = 1s};
        configure(config);
        for (int i = 0; i < 3; ++i) {
            enqueue(std::to_string(i), {.key = std::to_string(i)});
        }
        for (int i = 0; i < 3; ++i) {
            answer_to(std::to_string(i), 503);
        }
        ASSERT_EQ(status().breaker, BreakerState::open);
        ASSERT_THAT(under_way(), IsEmpty());
    }
};

TEST_F(SinkBreaker, SendsNothingWhileItIsOpen) {
    open_it();
    pass(4'999ms);
    enqueue("new", {.key = "new"});
    EXPECT_THAT(under_way(), IsEmpty());
    EXPECT_EQ(status().activity, Activity::backing_off);
    EXPECT_GT(status().next_attempt, 0ms);
}

TEST_F(SinkBreaker, SendsOneProbe_ThenAll) {
    open_it();
    pass(10s);
    EXPECT_THAT(under_way(), ElementsAre("0"));
    EXPECT_EQ(status().breaker, BreakerState::half_open);
    pass(60s);
    EXPECT_THAT(under_way(), ElementsAre("0")) << "until its outcome is known";
    answer_to("0", 200);
    EXPECT_EQ(status().breaker, BreakerState::closed);
    EXPECT_THAT(under_way(), ElementsAre("1", "2"));
}

TEST_F(SinkBreaker, WaitsAgain_WhenTheProbeFails) {
    open_it();
    pass(10s);
    answer_to("0", 500);
    EXPECT_EQ(status().breaker, BreakerState::open);
    pass(4'999ms);
    EXPECT_THAT(under_way(), IsEmpty());
    pass(5'001ms);
    EXPECT_THAT(under_way(), SizeIs(1));
}

TEST_F(SinkBreaker, CountsARefusalAsALivingReceiver) {
    open_it();
    pass(10s);
    answer_to("0", 400);
    EXPECT_EQ(status().breaker, BreakerState::closed);
    EXPECT_THAT(dead_letters(), SizeIs(1));
}

TEST_F(SinkBreaker, GivesUpWhatGetsTooOldMeanwhile) {
    auto config = pager();
    config.outbox.age = 20s;
    config.breaker = {.failures = 1, .pause = 1h};
    configure(config);
    enqueue("1");
    answer_to("1", 503);
    pass(20s);
    ASSERT_THAT(dead_letters(), SizeIs(1));
    EXPECT_EQ(dead_letters()[0].letter.note.reason, "sink_expired: status 503");
}

TEST_F(SinkBreaker, IsNotOpenedByTheClientsOwnLimit) {
    auto config = pager();
    config.breaker.failures = 1;
    configure(config);
    enqueue("1");
    answer({.error = http_client::errc::overloaded});
    EXPECT_EQ(status().breaker, BreakerState::closed);
    EXPECT_EQ(status().failures, 0U);
    pass(1s);
    EXPECT_THAT(under_way(), ElementsAre("1"));
}

TEST_F(SinkBreaker, ClosesWithAReload) {
    open_it();
    configure(pager());
    EXPECT_EQ(status().breaker, BreakerState::closed);
    EXPECT_THAT(under_way(), ElementsAre("0", "1", "2"));
}

// Redirects.

struct RedirectCase {
    std::string_view name;
    Redirects redirects;
    std::uint16_t status;
    std::string_view location;
    bool followed;
};

class SinkRedirect : public SinkTest, public testing::WithParamInterface<RedirectCase> {};

TEST_P(SinkRedirect, StaysWithItsServer) {
    const auto& [name, redirects, code, location, followed] = GetParam();
    auto config = pager();
    config.redirects = redirects;
    config.bearer_token = "s3cret";
    configure(config);
    enqueue("1");
    answer({.response = {.status = code, .location = std::string{location}}});
    ASSERT_EQ(client_.sent.size(), followed ? 2U : 1U);
    if (followed) {
        EXPECT_EQ(last_sent().request.url, location);
        EXPECT_EQ(last_sent().request.method, "POST");
        EXPECT_EQ(last_sent().request.body, "1");
        EXPECT_EQ(last_key(), "pager/1-1");
        answer(200);
        EXPECT_EQ(status().counters.delivered, 1U);
        EXPECT_EQ(status().failures, 0U);
    } else {
        EXPECT_EQ(status().counters.dead, 1U);
    }
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    SinkRedirect,
    testing::Values(
        RedirectCase{"none", Redirects::none, 307, "https://ops.example/b", false},
        RedirectCase{"s307", Redirects::same_origin, 307, "https://ops.example/b", true},
        RedirectCase{"s308", Redirects::same_origin, 308, "https://ops.example/b", true},
        RedirectCase{"s302", Redirects::same_origin, 302, "https://ops.example/b", false},
        RedirectCase{"host", Redirects::same_origin, 307, "https://evil.example/", false},
        RedirectCase{"port", Redirects::same_origin, 307, "https://ops.example:8443/", false},
        RedirectCase{"scheme", Redirects::same_origin, 307, "http://ops.example/", false},
        RedirectCase{"nowhere", Redirects::same_origin, 307, "", false}
    ),
    [](const auto& row) { return std::string{row.param.name}; }
);

TEST_F(InFlight, FollowsThreeRedirects_NotMore) {
    auto config = pager();
    config.redirects = Redirects::same_origin;
    configure(config);
    enqueue("1");
    for (int i = 0; i < 4; ++i) {
        answer({.response = {.status = 307, .location = "https://ops.example/again"}});
    }
    EXPECT_THAT(client_.sent, SizeIs(4));
    ASSERT_THAT(dead_letters(), SizeIs(1));
    EXPECT_THAT(std::string{dead_letters()[0].letter.note.reason}, HasSubstr("status 307"));
}

// Latency.

TEST_F(InFlight, MeasuresHowLongAnswersTake) {
    configure(pager());
    enqueue("1");
    clock_.advance(80ms);
    answer(200);
    enqueue("2");
    clock_.advance(20s);
    answer(400);
    const auto& latency = status().latency;
    EXPECT_EQ(latency.count(), 2U);
    EXPECT_EQ(latency.counts[4], 1U) << "50 to 100 ms";
    EXPECT_EQ(latency.counts.back(), 1U);
    EXPECT_EQ(latency.sum, 20'080ms);
}

}  // namespace
}  // namespace weir::sinks
