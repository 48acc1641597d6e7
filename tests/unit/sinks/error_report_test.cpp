// What the error stream or the error sink of a rule hears of records that a sink gives up.
#include "sink_fixture.hpp"

#include <weir/base/digest.hpp>
#include <weir/sinks/dead_letters.hpp>

namespace weir::sinks {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class ErrorStreamOfARule : public SinkTest {
protected:
    static HttpSinkConfig told() {
        auto config = pager();
        config.error_targets = {{.rule = "hot", .action = "http", .stream = "errors"}};
        return config;
    }
    [[nodiscard]] std::vector<std::string> reports() const {
        std::vector<std::string> payloads;
        for (const auto& entry : *store_->read_stream("errors", 1)) {
            payloads.emplace_back(as_text(entry.record.payload));
        }
        return payloads;
    }
};

TEST_F(ErrorStreamOfARule, HearsOfADeadLetter) {
    configure(told());
    enqueue("{\"t\":1}", {.rule = "hot", .topic = "data/\"p7\"", .key = "p7"});
    answer(422, "no such \"field\"");
    EXPECT_THAT(
        reports(),
        ElementsAre(
            R"({"ruleName":"hot","topic":"data/\"p7\"","device":"p7","time":"2023-11-14T22:13:20.000Z",)"
            R"("base64Output":")" +
            to_base64(as_bytes(std::string_view{"{\"t\":1}"})) +
            R"(","deadLetter":1,"attempts":1,"failures":[{"failedAction":"http","failedResource":"pager",)"
            R"("errorMessage":"sink_rejected: status 422: no such \"field\""}]})"
        )
    );
    const auto stored = *store_->read_stream("errors", 1);
    EXPECT_EQ(stored.front().record.topic, "data/\"p7\"");
    EXPECT_EQ(stored.front().record.key, "p7");
    EXPECT_EQ(stored.front().record.time_ms, clock_.wall().count());
    expect_balance(status());
}

TEST_F(ErrorStreamOfARule, HearsOfWhatGrewTooOld) {
    auto config = told();
    config.outbox.age = 60s;
    configure(config);
    enqueue("1", {.rule = "hot"});
    answer(500);
    EXPECT_THAT(reports(), IsEmpty()) << "it is tried again";
    pass(60s);
    EXPECT_THAT(reports(), ElementsAre(HasSubstr(R"("errorMessage":"sink_expired: status 500")")));
}

TEST_F(ErrorStreamOfARule, HearsOfEachRecordOfABatch_AndOfNoOtherRule) {
    auto config = told();
    config.delivery.batch = {.messages = 2, .wait = 1h};
    configure(config);
    enqueue("1", {.rule = "hot"});
    enqueue("2", {.rule = "hot"});
    answer(400);
    EXPECT_THAT(reports(), ElementsAre(HasSubstr(R"("deadLetter":1)"), HasSubstr(R"("deadLetter":2)")));
    enqueue("3", {.rule = "cold"});
    enqueue("4", {.rule = "cold"});
    answer(400);
    EXPECT_THAT(dead_letters(), SizeIs(4));
    EXPECT_THAT(reports(), SizeIs(2));
}

TEST_F(ErrorStreamOfARule, HearsOfItOnce_AndAgainWhenItIsGivenUpAgain) {
    configure(told());
    enqueue("1", {.rule = "hot"});
    answer(400);
    restart();
    configure(told());
    EXPECT_THAT(reports(), SizeIs(1)) << "it is stored with the dead letter";
    ASSERT_EQ(requeue_dead_letters(*store_, "pager", 1, 1, clock_.wall()).value(), 1U);
    settle();
    answer(200);
    EXPECT_THAT(reports(), SizeIs(1));
    enqueue("2", {.rule = "hot"});
    answer(400);
    EXPECT_THAT(reports(), SizeIs(2));
}

class ErrorSinkOfARule : public SinkTest {
protected:
    static HttpSinkConfig told(std::uint64_t room = 1'000'000) {
        auto config = pager();
        config.error_targets = {
            {.rule = "hot", .action = "http", .stream = "", .sink = "tickets", .sink_bytes = room}
        };
        return config;
    }
    [[nodiscard]] std::vector<storage::OutboxEntry> reports() const {
        return std::move(*store_->read_outbox("tickets", 1));
    }
};

TEST_F(ErrorSinkOfARule, HearsOfEachDeadLetter) {
    auto config = told();
    config.delivery.batch = {.messages = 2, .wait = 1h};
    configure(config);
    enqueue("1", {.rule = "hot", .topic = "data/p7", .key = "p7"});
    enqueue("2", {.rule = "hot"});
    answer(422, "no");
    const auto stored = reports();
    ASSERT_EQ(stored.size(), 2U);
    const auto& first = stored.front().record;
    EXPECT_EQ(first.rule, "hot");
    EXPECT_EQ(first.topic, "data/p7");
    EXPECT_EQ(first.key, "p7");
    EXPECT_EQ(first.time_ms, clock_.wall().count());
    EXPECT_EQ(first.target, "");
    EXPECT_THAT(std::string{as_text(first.payload)}, HasSubstr(R"("deadLetter":1)"));
    EXPECT_THAT(std::string{as_text(first.payload)}, HasSubstr(R"("failedResource":"pager")"));
    EXPECT_THAT(std::string{as_text(stored.back().record.payload)}, HasSubstr(R"("deadLetter":2)"));
    EXPECT_EQ(store_->outbox_room("tickets").used(), store_->outbox_room("tickets").stored())
        << "nothing stays promised";
    EXPECT_EQ(status().reports_lost, 0U);
}

TEST_F(ErrorSinkOfARule, LosesReportsWithoutRoom_AndCountsThem) {
    configure(told());
    enqueue("1", {.rule = "hot"});
    answer(400);
    ASSERT_EQ(reports().size(), 1U);
    configure(told(2 * store_->outbox_room("tickets").stored() - 1));
    enqueue("2", {.rule = "hot"});
    answer(400);
    EXPECT_EQ(reports().size(), 1U);
    EXPECT_EQ(status().reports_lost, 1U);
    EXPECT_THAT(dead_letters(), SizeIs(2));
    expect_balance(status());
}

}  // namespace
}  // namespace weir::sinks
