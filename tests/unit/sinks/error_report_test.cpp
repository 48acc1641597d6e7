// What the error action of a rule hears of records that a sink gives up.
#include "sink_fixture.hpp"

#include <weir/base/digest.hpp>
#include <weir/sinks/dead_letters.hpp>
#include <weir/sinks/record_extras.hpp>

namespace weir::sinks {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
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

/// Error actions that need more than the store.
class ErrorActionOfARule : public SinkTest {
protected:
    ErrorActionOfARule() {
        sinks_ = std::make_unique<Sinks>(*store_, client_, clock_, [this](GivenUp&& given_up) {
            EXPECT_THAT(dead_letters(), Not(IsEmpty())) << "which is stored before";
            if (has_room_) {
                told_.push_back(std::move(given_up));
            }
            return has_room_;
        });
    }
    static HttpSinkConfig told() {
        auto config = pager();
        config.error_targets = {{.rule = "hot", .action = "alert"}};
        return config;
    }

    std::vector<GivenUp> told_;
    bool has_room_ = true;
};

TEST_F(ErrorActionOfARule, HearsOfADeadLetter_WithTheMessageThatItWasMadeOf) {
    configure(told());
    const auto extras = encode_extras(
        {},
        {},
        Published{
            .client_id = "c7",
            .hops = 2,
            .kept = Published::Kept::beside,
            .payload = as_bytes("{\"t\":1,\"u\":2}")
        }
    );
    enqueue("{\"t\":1}", {.rule = "hot", .topic = "data/p7", .key = "p7", .headers = extras});
    answer(422);
    ASSERT_THAT(told_, SizeIs(1));
    const GivenUp& given_up = told_.front();
    EXPECT_EQ(given_up.rule, "hot");
    EXPECT_EQ(given_up.topic, "data/p7");
    EXPECT_EQ(given_up.client_id, "c7");
    EXPECT_EQ(given_up.device, "p7");
    EXPECT_EQ(given_up.hops, 2);
    EXPECT_EQ(as_text(given_up.payload), "{\"t\":1,\"u\":2}");
    EXPECT_EQ(
        given_up.report,
        R"({"ruleName":"hot","topic":"data/p7","clientId":"c7","device":"p7","time":"2023-11-14T22:13:20.000Z",)"
        R"("base64OriginalPayload":")" +
            to_base64(as_bytes("{\"t\":1,\"u\":2}")) + R"(","base64Output":")" +
            to_base64(as_bytes("{\"t\":1}")) +
            R"(","deadLetter":1,"attempts":1,"failures":[{"failedAction":"alert","failedResource":"pager",)"
            R"("errorMessage":"sink_rejected: status 422"}]})"
    );
}

TEST_F(ErrorActionOfARule, HearsOfTheOutput_WhereTheMessageWasNotKept) {
    configure(told());
    enqueue("1", {.rule = "hot", .topic = "data/p7", .key = "p7"});
    const auto extras = encode_extras({}, {}, Published{.kept = Published::Kept::dropped});
    answer(422);
    enqueue("2", {.rule = "hot", .topic = "data/p7", .key = "p7", .headers = extras});
    answer(422);
    ASSERT_THAT(told_, SizeIs(2));
    EXPECT_EQ(as_text(told_[0].payload), "1");
    EXPECT_EQ(as_text(told_[1].payload), "2");
    for (const GivenUp& given_up : told_) {
        EXPECT_THAT(given_up.report, Not(HasSubstr("base64OriginalPayload")));
    }
}

TEST_F(ErrorActionOfARule, HearsNothingOfOtherRules_NorOfWhatIsTriedAgain) {
    configure(told());
    enqueue("1", {.rule = "hot"});
    answer(503);
    EXPECT_THAT(told_, IsEmpty());
    pass(1s);
    answer(200);
    enqueue("2", {.rule = "cold"});
    answer(422);
    EXPECT_THAT(told_, IsEmpty());
}

TEST_F(ErrorActionOfARule, LosesReportsWithoutRoom_AndTheSinkCountsThem) {
    has_room_ = false;
    configure(told());
    enqueue("1", {.rule = "hot"});
    answer(422);
    EXPECT_EQ(status().reports_lost, 1U);
    EXPECT_THAT(dead_letters(), SizeIs(1));
    restart();  // Nobody runs error actions.
    configure(told());
    enqueue("2", {.rule = "hot"});
    answer(422);
    EXPECT_EQ(status().reports_lost, 1U);
    expect_balance(status());
}

}  // namespace
}  // namespace weir::sinks
