#include <weir/pipeline/failure.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include <weir/pipeline/routes.hpp>
#include <weir/rules/error.hpp>

namespace weir::pipeline {
namespace {

using model::Reason;

constexpr std::string_view kText = R"(---
to:
  - stream: raw
  - http: {sink: pager}
  - republish: {topic: "alarms/${topic(2)}"}
  - log: {}
  - alert: {sink: chat, text: hot}
on_error: {stream: rule-errors}
---
SELECT * FROM 'data/#'
)";

class FailureTest : public testing::Test {
protected:
    FailureTest() {
        document::Diagnostics diagnostics;
        auto definition = rules::parse_rule("rules.d/hot.sql", kText, diagnostics);
        EXPECT_TRUE(definition) << diagnostics.render_text();
        std::vector<rules::RuleDefinition> definitions;
        definitions.push_back(std::move(*definition));
        set_ = rules::RuleSet::build(std::move(definitions));
    }

    [[nodiscard]] const rules::Rule& rule() const { return set_->rules().front(); }
    [[nodiscard]] const rules::Action* action(std::size_t at) const {
        return &rule().actions()[at];
    }
    [[nodiscard]] std::string report(const std::vector<Failure>& failures) const {
        return error_report(
            {.rule = rule().name(),
             .topic = "data/\"p1\"",
             .trace_id = "8c1f0b52-6d0e-4b7a-9d3c-00a1b2c3d4e5",
             .client_id = "c\xFF",
             .device = "p1",
             .time = WallTime{1'700'000'000'000},
             .payload = as_bytes(std::string_view{"{}"})},
            failures
        );
    }

    std::shared_ptr<const rules::RuleSet> set_;
};

TEST_F(FailureTest, IsReportedWithActionResourceAndCause) {
    EXPECT_EQ(
        report({
            {.rule = &rule(), .error = rules::errc::too_many_outputs},
            {.rule = &rule(), .action = action(1), .reason = Reason::sink_full},
            {.rule = &rule(),
             .action = action(2),
             .reason = Reason::topic_invalid,
             .error = rules::errc::template_undefined,
             .detail = "topic alarms/${topic(2)}"},
            {.rule = &rule(), .action = action(3), .detail = "no \"reason\""},
            {.rule = &rule(), .action = action(4), .reason = Reason::republish_loop},
        }),
        R"({"ruleName":"hot","topic":"data/\"p1\"","traceId":"8c1f0b52-6d0e-4b7a-9d3c-00a1b2c3d4e5","clientId":"c)" "\uFFFD" R"(","device":"p1",)"
        R"("time":"2023-11-14T22:13:20.000Z","base64OriginalPayload":"e30=","failures":[)"
        R"({"failedAction":"evaluate","failedResource":"hot","errorMessage":"FOREACH makes more than 1000 outputs of this message"},)"
        R"({"failedAction":"http","failedResource":"pager","errorMessage":"the sink's outbox is full"},)"
        R"({"failedAction":"republish","failedResource":"alarms/${topic(2)}","errorMessage":"topic alarms/${topic(2)}: an expression of the template has no value for this message"},)"
        R"({"failedAction":"log","failedResource":"","errorMessage":"no \"reason\""},)"
        R"({"failedAction":"alert","failedResource":"chat","errorMessage":"the message was republished too often"}]})"
    );
}

TEST_F(FailureTest, AreToldOneByOneUpToALimit) {
    const Failure one{.rule = &rule(), .action = action(0), .detail = "why"};
    const auto at = report(std::vector<Failure>(kReportedMax, one));
    EXPECT_THAT(at, testing::Not(testing::HasSubstr("moreFailures")));
    const auto above = report(std::vector<Failure>(kReportedMax + 3, one));
    EXPECT_THAT(above, testing::EndsWith(R"(],"moreFailures":3})"));
    EXPECT_EQ(above.size(), at.size() + std::string_view{R"(,"moreFailures":3)"}.size());
}

TEST_F(FailureTest, IsKeptInOneWord) {
    LastFailure last;
    EXPECT_EQ(last.get().reason, Reason::none);
    for (const auto* const failed : {action(0), action(4), rule().on_error()}) {
        const auto place = LastFailure::place_of(rule(), failed);
        last.set({
            .reason = Reason::topic_invalid,
            .error = rules::errc::template_undefined,
            .action = place,
            .time_ms = 4'102'444'800'000,  // The year 2100.
        });
        const auto kept = last.get();
        EXPECT_EQ(kept.reason, Reason::topic_invalid);
        EXPECT_EQ(kept.error, rules::errc::template_undefined);
        EXPECT_EQ(kept.action, place);
        EXPECT_EQ(kept.time_ms, 4'102'444'800'000);
    }
    EXPECT_EQ(LastFailure::place_of(rule(), nullptr), LastFailure::kEvaluation);
}

}  // namespace
}  // namespace weir::pipeline
