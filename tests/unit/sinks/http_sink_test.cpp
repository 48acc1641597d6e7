#include "sink_fixture.hpp"

#include <support/random.hpp>

#include <weir/sinks/dead_letters.hpp>
#include <weir/sinks/record_extras.hpp>

namespace weir::sinks {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

class HttpSink : public SinkTest {};

TEST_F(HttpSink, SendsOneRecordAsItIs) {
    auto config = pager();
    config.bearer_token = "s3cret";
    config.headers = {{"X-Site", "north"}};
    configure(config);
    enqueue(R"({"temp":81})");

    ASSERT_THAT(client_.sent, SizeIs(1));
    const auto& sent = last_sent();
    EXPECT_EQ(sent.request.method, "POST");
    EXPECT_EQ(sent.request.url, "https://ops.example/hook");
    EXPECT_EQ(sent.request.body, R"({"temp":81})");
    EXPECT_EQ(sent.header("Content-Type"), "application/json");
    EXPECT_EQ(sent.header("Idempotency-Key"), "pager/1-1@1700000000000");
    EXPECT_EQ(sent.header("Authorization"), "Bearer s3cret");
    EXPECT_EQ(sent.header("X-Site"), "north");
}

TEST_F(HttpSink, SettlesRecord_AfterSuccess) {
    configure(pager());
    enqueue("1");
    EXPECT_EQ(status().activity, Activity::delivering);
    EXPECT_EQ(status().pending, 1U);
    answer(204);
    EXPECT_EQ(status().activity, Activity::idle);
    EXPECT_EQ(status().pending, 0U);
    EXPECT_EQ(status().counters.delivered, 1U);
    expect_balance(status());
}

TEST_F(HttpSink, SendsInOrder_OneRequestAtATime) {
    configure(pager());
    for (const std::string payload : {"1", "2", "3"}) {
        enqueue(payload);
    }
    for (const std::string payload : {"1", "2", "3"}) {
        EXPECT_EQ(last_sent().request.body, payload);
        answer(200);
    }
    EXPECT_THAT(client_.sent, SizeIs(3));
}

TEST_F(HttpSink, SendsWhatWaited_BeforeItWasConfigured) {
    enqueue("early");
    configure(pager());
    ASSERT_THAT(client_.sent, SizeIs(1));
    EXPECT_EQ(last_sent().request.body, "early");
}

TEST_F(HttpSink, UsesBasicCredentials) {
    auto config = pager();
    config.basic_user = "Aladdin";
    config.basic_password = "open sesame";
    configure(config);
    enqueue("1");
    EXPECT_EQ(last_sent().header("Authorization"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
}

// Batches.

TEST_F(HttpSink, SendsArray_WhenBatchIsFull) {
    configure(batching(3, 1h));
    enqueue("1");
    enqueue("2");
    EXPECT_THAT(client_.sent, IsEmpty());
    EXPECT_EQ(status().activity, Activity::gathering);
    enqueue("3");
    ASSERT_THAT(client_.sent, SizeIs(1));
    EXPECT_EQ(last_sent().request.body, "[1,2,3]");
    EXPECT_EQ(last_key(), "pager/1-3");
}

TEST_F(HttpSink, SendsIncompleteBatch_AfterItsWait) {
    configure(batching(3, 1s));
    enqueue("1");
    pass(400ms);
    enqueue("2");
    pass(599ms);
    EXPECT_THAT(client_.sent, IsEmpty());
    pass(1ms);
    ASSERT_THAT(client_.sent, SizeIs(1));
    EXPECT_EQ(last_sent().request.body, "[1,2]");
}

TEST_F(HttpSink, TellsWhenItsBatchIsDue) {
    configure(batching(3, 1s));
    enqueue("1");
    pass(400ms);
    EXPECT_EQ(settle(), 600ms);
}

TEST_F(HttpSink, ClosesBatch_AtItsBytes) {
    auto config = batching(100, 1h);
    config.delivery.batch.bytes = 6;
    configure(config);
    enqueue("111");
    enqueue("22");
    EXPECT_THAT(client_.sent, IsEmpty());
    enqueue("33");
    ASSERT_THAT(client_.sent, SizeIs(1));
    EXPECT_EQ(last_sent().request.body, "[111,22]");
}

TEST_F(HttpSink, SendsLargeRecordAlone) {
    auto config = batching(100, 1h);
    config.delivery.batch.bytes = 2;
    configure(config);
    enqueue("12345");
    ASSERT_THAT(client_.sent, SizeIs(1));
    EXPECT_EQ(last_sent().request.body, "12345");
}

TEST_F(HttpSink, NeverMixesRulesUrlsOrHeaders) {
    const auto headers = encode_extras(std::vector<http_client::Header>{{"X-Device", "p1"}});
    configure(batching(100, 1h));
    enqueue("1", {.rule = "hot"});
    enqueue("2", {.rule = "cold"});
    EXPECT_EQ(last_sent().request.body, "1");
    answer(200);
    enqueue("3", {.rule = "cold", .target = "https://ops.example/hook/p1"});
    EXPECT_EQ(last_sent().request.body, "2");
    answer(200);
    enqueue("4", {.rule = "cold", .target = "https://ops.example/hook/p1", .headers = headers});
    EXPECT_EQ(last_sent().request.body, "3");
    EXPECT_EQ(last_sent().request.url, "https://ops.example/hook/p1");
    answer(200);
    pass(1h);
    EXPECT_EQ(last_sent().header("X-Device"), "p1");
}

TEST_F(HttpSink, BatchesAsTheRuleSays) {
    auto config = pager();
    config.by_rule = {
        {"many", {.body = BodyFormat::json, .batch = {.messages = 2, .wait = 1h}}},
        {"plain", {.body = BodyFormat::raw, .batch = {.messages = 2, .wait = 1h}}},
    };
    configure(config);
    enqueue("1", {.rule = "many"});
    enqueue("2", {.rule = "many"});
    EXPECT_EQ(last_sent().request.body, "[1,2]");
    answer(200);
    enqueue("\x01\x02", {.rule = "plain"});
    EXPECT_EQ(last_sent().request.body, "\x01\x02");
    EXPECT_EQ(last_sent().header("Content-Type"), "application/octet-stream");
}

// Failures.

TEST_F(HttpSink, TriesAgainUnderTheSameKey) {
    configure(pager());
    enqueue("1");
    answer(503, "down");
    EXPECT_EQ(status().activity, Activity::backing_off);
    EXPECT_THAT(status().last_error, HasSubstr("503"));
    EXPECT_EQ(status().failures, 1U);
    EXPECT_THAT(client_.sent, SizeIs(1));
    pass(1s);
    ASSERT_THAT(client_.sent, SizeIs(2));
    EXPECT_EQ(last_key(), "pager/1-1");
    EXPECT_EQ(last_sent().request.body, "1");
    answer(200);
    EXPECT_EQ(status().counters.delivered, 1U);
    EXPECT_THAT(status().last_error, IsEmpty());
}

TEST_F(HttpSink, WaitsLongerEachTime_UpToItsMaximum) {
    auto config = pager();
    config.retry = {.min = 100ms, .max = 400ms};
    configure(config);
    enqueue("1");
    for (const auto longest : {100ms, 200ms, 400ms, 400ms}) {
        answer({.error = http_client::errc::connect_failed, .detail = "refused"});
        EXPECT_GE(status().next_attempt, longest / 2);
        EXPECT_LE(status().next_attempt, longest);
        const auto attempts = client_.sent.size();
        pass(status().next_attempt);
        EXPECT_EQ(client_.sent.size(), attempts + 1);
    }
    EXPECT_EQ(status().batch_attempts, 5U);
    EXPECT_EQ(status().breaker, BreakerState::closed);
}

TEST_F(HttpSink, WaitsAsTheServerAsks_ButNotOverAnHour) {
    configure(pager());
    enqueue("1");
    answer({.response = {.status = 429, .retry_after = 90s}});
    EXPECT_EQ(status().next_attempt, 90s);
    pass(89s);
    EXPECT_THAT(client_.sent, SizeIs(1));
    pass(1s);
    EXPECT_THAT(client_.sent, SizeIs(2));
    answer({.response = {.status = 503, .retry_after = 10h}});
    EXPECT_EQ(status().next_attempt, 1h);
}

TEST_F(HttpSink, MakesDeadLetter_WhenRefusedForGood) {
    configure(batching(2, 1h));
    enqueue("1");
    enqueue("2");
    answer(422, "no such field");
    const auto letters = dead_letters();
    ASSERT_THAT(letters, SizeIs(2));
    EXPECT_EQ(letters[0].offset, 1U);
    EXPECT_EQ(as_text(letters[1].letter.record.payload), "2");
    EXPECT_EQ(letters[0].letter.note.attempts, 1U);
    EXPECT_EQ(letters[0].letter.note.time_ms, clock_.wall().count());
    EXPECT_EQ(letters[0].letter.note.reason, "sink_rejected: status 422: no such field");
    EXPECT_EQ(status().counters.dead, 2U);
    EXPECT_EQ(status().dead_letters, 2U);
    EXPECT_EQ(status().pending, 0U);
    expect_balance(status());
}

TEST_F(HttpSink, GoesOnWithTheNext_AfterADeadLetter) {
    configure(pager());
    enqueue("1");
    enqueue("2");
    answer(400);
    EXPECT_EQ(last_sent().request.body, "2");
}

struct TargetCase {
    std::string_view name;
    std::string_view url;
    std::string_view target;
    bool sent;
};

class HttpSinkTarget : public SinkTest, public testing::WithParamInterface<TargetCase> {};

TEST_P(HttpSinkTarget, MustStayAtTheSinksOrigin) {
    auto config = pager();
    config.url = GetParam().url;
    configure(config);
    enqueue("1", {.target = GetParam().target});
    EXPECT_EQ(!client_.sent.empty(), GetParam().sent);
    EXPECT_EQ(status().counters.dead, GetParam().sent ? 0U : 1U);
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    HttpSinkTarget,
    testing::Values(
        TargetCase{"resolved", "https://ops.example/${topic(2)}", "https://ops.example/p1", true},
        TargetCase{"path", "https://ops.example/${topic(2)}", "/p1", true},
        TargetCase{"query", "https://ops.example?d=${topic(2)}", "?d=p1", true},
        TargetCase{"slashes_as_path", "https://ops.example/", "//evil.example/", true},
        TargetCase{"host_behind_a_blank", "https://ops.example", "@evil.example/", false},
        TargetCase{"unresolved", "https://ops.example/${topic(2)}", "", false},
        TargetCase{"other_host", "https://ops.example/", "https://evil.example/", false},
        TargetCase{"host_as_prefix", "https://ops.example", "https://ops.example.evil/", false},
        TargetCase{"user_trick", "https://ops.example", "https://ops.example@evil.example/", false},
        TargetCase{"other_port", "https://ops.example/", "https://ops.example:8443/", false},
        TargetCase{"other_scheme", "https://ops.example/", "http://ops.example/", false}
    ),
    [](const auto& row) { return std::string{row.param.name}; }
);

TEST_F(HttpSink, MakesDeadLetter_WhenTooOldAfterAttempts) {
    auto config = pager();
    config.outbox.age = 60s;
    config.retry = {.min = 40s, .max = 40s};
    configure(config);
    enqueue("1");
    pass(50s);
    answer(500);
    EXPECT_EQ(status().next_attempt, 10s) << "not later than its end";
    pass(10s);
    ASSERT_THAT(dead_letters(), SizeIs(1));
    EXPECT_EQ(dead_letters()[0].letter.note.reason, "sink_expired: status 500");
    EXPECT_THAT(client_.sent, SizeIs(1));
    expect_balance(status());
}

TEST_F(HttpSink, MakesDeadLetters_WhenTooOldBeforeAnyAttempt) {
    auto config = pager();
    config.outbox.age = 60s;
    enqueue("1");
    pass(59s);
    enqueue("2");
    pass(1s);
    configure(config);
    ASSERT_THAT(dead_letters(), SizeIs(1));
    EXPECT_THAT(dead_letters()[0].letter.note.reason, StartsWith("sink_expired"));
    EXPECT_EQ(dead_letters()[0].letter.note.attempts, 0U);
    EXPECT_EQ(last_sent().request.body, "2");
}

TEST_F(HttpSink, DelaysNobodyElse_WhenItsServerHangs) {
    auto other = pager();
    other.name = "other";
    sinks_->configure({pager(), other});
    settle();
    enqueue("stuck");
    for (int i = 0; i < 3; ++i) {
        enqueue("fine", {}, "other");
        EXPECT_EQ(last_key(), "other/" + std::to_string(i + 1) + "-" + std::to_string(i + 1));
        answer(200);
    }
    EXPECT_EQ(sinks_->status()[0].counters.delivered, 3U);
    EXPECT_EQ(sinks_->status()[1].activity, Activity::delivering);
}

// Restarts.

TEST_F(HttpSink, SendsTheSameBatchUnderTheSameKey_AfterACrash) {
    configure(batching(3, 1s));
    enqueue("1");
    enqueue("2");
    pass(1s);
    ASSERT_EQ(last_sent().request.body, "[1,2]");
    enqueue("3");
    restart();
    configure(batching(100, 0s));
    ASSERT_THAT(client_.sent, SizeIs(1));
    EXPECT_EQ(last_sent().request.body, "[1,2]");
    EXPECT_EQ(last_key(), "pager/1-2");
    answer(200);
    EXPECT_EQ(last_sent().request.body, "3");
}

TEST_F(HttpSink, NeverUsesAKeyAgain_WhenTheOutboxBeginsAnew) {
    configure(pager());
    enqueue("1");
    const auto before = last_sent().header("Idempotency-Key");
    sinks_.reset();
    store_ = storage::Store::in_memory({.clock = &clock_});
    restart();
    configure(pager());
    clock_.advance(1ms);
    enqueue("2");
    EXPECT_EQ(last_key(), "pager/1-1");
    EXPECT_NE(last_sent().header("Idempotency-Key"), before);
}

TEST_F(HttpSink, KeepsCounters_AfterACrash) {
    configure(pager());
    enqueue("1");
    answer(200);
    enqueue("2");
    answer(400);
    enqueue("3");
    restart();
    configure(pager());
    EXPECT_EQ(status().counters, (SinkCounters{.delivered = 1, .dead = 1, .lost = 0}));
    EXPECT_EQ(status().in, 3U);
    expect_balance(status());
}

TEST_F(HttpSink, ForgetsItsClaim_WhenEntriesWereRemovedByHand) {
    configure(batching(2, 1h));
    enqueue("1");
    enqueue("2");
    restart();
    storage::Batch changes;
    changes.settle_outbox("pager", 1, 1);
    ASSERT_TRUE(store_->commit(std::move(changes)));
    configure(pager());
    EXPECT_EQ(last_sent().request.body, "2");
    EXPECT_EQ(last_key(), "pager/2-2");
}

// Reloads.

TEST_F(HttpSink, FollowsNewConfigAtOnce_WithTheSameBatch) {
    configure(batching(2, 1h));
    enqueue("1");
    enqueue("2");
    answer(503);
    auto changed = pager();
    changed.url = "https://new.example/";
    configure(changed);
    ASSERT_THAT(client_.sent, SizeIs(2));
    EXPECT_EQ(last_sent().request.url, "https://new.example/");
    EXPECT_EQ(last_sent().request.body, "[1,2]");
    EXPECT_EQ(last_key(), "pager/1-2");
}

TEST_F(HttpSink, SendsAllOfABatch_WhenAReloadTakesBatchesAway) {
    for (const auto body : {BodyFormat::raw, BodyFormat::cloudevents, BodyFormat::json}) {
        configure(batching(2, 1h));
        enqueue("\"first\"");
        enqueue("\"second\"");
        answer(503);
        const auto key = last_key();
        auto config = pager();
        config.delivery.body = body;
        configure(config);
        EXPECT_EQ(last_key(), key);
        EXPECT_THAT(last_sent().request.body, HasSubstr("\"first\""));
        EXPECT_THAT(last_sent().request.body, HasSubstr("\"second\""));
        answer(200);
        EXPECT_EQ(status().pending, 0U);
    }
}

TEST_F(HttpSink, LeavesOutboxAsItIs_WhenRemoved) {
    configure(pager());
    enqueue("1");
    sinks_->configure({});
    answer(200);
    EXPECT_EQ(store_->outbox("pager")->records, 1U);
    configure(pager());
    EXPECT_EQ(last_key(), "pager/1-1");
}

TEST_F(HttpSink, ChangesNothing_WhenOneConfigIsWrong) {
    configure(pager());
    auto wrong = pager();
    wrong.url = "ftp://ops.example/";
    EXPECT_THROW(sinks_->configure({wrong}), std::invalid_argument);
    EXPECT_THROW(sinks_->configure({pager(), pager()}), std::invalid_argument);
    enqueue("1");
    EXPECT_THAT(client_.sent, SizeIs(1));
}

// Limits.

TEST_F(HttpSink, DropsOldest_WhenOverItsSize) {
    auto config = pager();
    config.outbox.on_full = OnFull::drop_oldest;
    config.outbox.size_bytes = 3 * storage::outbox_cost({.payload = as_bytes("1")});
    configure(config);
    for (const std::string payload : {"1", "2", "3"}) {
        enqueue(payload);
    }
    EXPECT_EQ(status().counters.lost, 0U);
    answer(503);
    enqueue("4");
    enqueue("5");
    EXPECT_EQ(status().counters.lost, 2U);
    EXPECT_EQ(status().pending, 3U);
    expect_balance(status());
    pass(1s);
    EXPECT_EQ(last_sent().request.body, "1") << "the batch under way stays";
    answer(200);
    EXPECT_EQ(last_sent().request.body, "4");
}

TEST_F(HttpSink, DropsOldest_WhenOverTheBudgetOfAllOutboxes) {
    const auto cost = storage::outbox_cost({.payload = as_bytes("1")});
    auto config = pager();
    config.outbox.on_full = OnFull::drop_oldest;
    configure(config);
    for (const std::string payload : {"1", "2", "3", "4", "5"}) {
        enqueue(payload);
    }
    answer(503);
    auto& budgets = store_->budgets();
    budgets.set_budget(storage::Area::outbox, 5 * cost);
    settle();
    EXPECT_EQ(status().counters.lost, 0U);
    budgets.set_budget(storage::Area::outbox, 3 * cost);
    pass(1s);
    EXPECT_EQ(status().counters.lost, 2U);
    EXPECT_EQ(status().pending, 3U);
    EXPECT_EQ(budgets.use(storage::Area::outbox).bytes, 3 * cost);
    EXPECT_EQ(budgets.use(storage::Area::outbox).lost, 2U);
    expect_balance(status());
    EXPECT_EQ(last_sent().request.body, "1") << "the batch under way stays";
    answer(200);
    EXPECT_EQ(last_sent().request.body, "4");
}

TEST_F(HttpSink, LosesNothingForTheBudget_WhereItHoldsPublishersBack) {
    const auto cost = storage::outbox_cost({.payload = as_bytes("1")});
    configure(pager());
    for (const std::string payload : {"1", "2", "3"}) {
        enqueue(payload);
    }
    store_->budgets().set_budget(storage::Area::outbox, cost);
    pass(1s);
    EXPECT_EQ(status().counters.lost, 0U);
    EXPECT_EQ(status().pending, 3U);
    EXPECT_FALSE(store_->outbox_room("pager").reserve(cost, ~0ULL));
}

TEST_F(HttpSink, PurgesOldestDeadLetters_WhenOverTheirSize) {
    auto config = pager();
    config.outbox.dead_letter_bytes = 150;
    configure(config);
    for (int i = 0; i < 20; ++i) {
        enqueue("1");
        answer(400);
    }
    const auto info = store_->outbox("pager");
    EXPECT_LE(info->dead_bytes, 150U);
    EXPECT_GT(info->dead_records, 0U);
    EXPECT_EQ(dead_letters().back().offset, 20U);
    EXPECT_EQ(status().counters.dead, 20U);
    expect_balance(status());
}

TEST_F(HttpSink, SendsDeadLettersAgain_WhenTheOperatorSaysSo) {
    configure(pager());
    enqueue("1");
    answer(400);
    enqueue("2");
    answer(400);
    ASSERT_EQ(requeue_dead_letters(*store_, "pager", 2, 2, clock_.wall()).value(), 1U);
    settle();
    EXPECT_EQ(last_sent().request.body, "2");
    EXPECT_EQ(last_key(), "pager/3-3");
    answer(200);
    EXPECT_THAT(dead_letters(), SizeIs(1));
    EXPECT_EQ(status().in, 3U);
    expect_balance(status());
    EXPECT_EQ(store_->outbox_room("pager").used(), 0U);
}

TEST_F(HttpSink, BalancesItsBooks_WhileAnOutcomeIsBeingStored) {
    constexpr std::uint16_t kOutcomes[] = {204, 400};
    configure(pager());
    for (const std::uint16_t outcome : kOutcomes) {
        enqueue("1");
        std::exchange(client_.sent.back().done, nullptr)({.response = {.status = outcome}});
        for (int turn = 0; turn < 4; ++turn) {
            sinks_->poll();
            expect_balance(status());
            store_->drain();
            expect_balance(status());
        }
        EXPECT_EQ(status().pending, 0U);
    }
}

TEST_F(HttpSink, BalancesItsBooks_BeforeItsFirstTurn) {
    configure(pager());
    enqueue("1");
    answer(204);
    enqueue("2");
    restart();
    sinks_->configure({pager()});
    EXPECT_EQ(status().activity, Activity::starting);
    EXPECT_EQ(status().counters.delivered, 1U);
    EXPECT_EQ(status().pending, 1U);
    expect_balance(status());
}

TEST_F(HttpSink, BalancesItsBooks_WhateverHappens) {
    test::Random random{7};
    auto config = batching(4, 500ms);
    config.outbox.on_full = OnFull::drop_oldest;
    config.outbox.size_bytes = 600;
    config.outbox.age = 20s;
    configure(config);
    for (int i = 0; i < 400; ++i) {
        switch (random.below(6)) {
            case 0:
            case 1:
                enqueue(std::to_string(i));
                break;
            case 2:
                pass(std::chrono::milliseconds{random.below(3'000)});
                break;
            case 3:
                restart();
                configure(config);
                break;
            default: {
                constexpr std::uint16_t kStatuses[] = {200, 200, 503, 400};
                if (!client_.sent.empty() && client_.sent.back().done) {
                    auto done = std::move(client_.sent.back().done);
                    client_.sent.pop_back();
                    done({.response = {.status = kStatuses[random.below(4)]}});
                    settle();
                }
            }
        }
        expect_balance(status());
    }
}

}  // namespace
}  // namespace weir::sinks
