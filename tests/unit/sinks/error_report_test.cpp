// What the error stream of a rule hears of records that a sink gives up.
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
        config.error_streams = {{.rule = "hot", .action = "http", .stream = "errors"}};
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

}  // namespace
}  // namespace weir::sinks
