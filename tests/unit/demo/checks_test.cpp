// What `--once` accepts, and how it names what is wrong.
#include <weir/demo/checks.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string_view>

#include <weir/demo/home.hpp>

namespace weir::demo {
namespace {

/// All books agree: each device sent two readings, one of them hot; the last was denied once.
Observation consistent() {
    Observation seen;
    for (const auto name : kDevices) {
        Tally tally{.device = std::string{name}};
        tally.sent = 2;
        tally.on_connected();
        tally.on_acknowledged({16, 20, false}, mqtt::ReasonCode::success);
        tally.on_acknowledged({16, 20, true}, mqtt::ReasonCode::success);
        seen.devices.push_back(tally);
        seen.usage.lines.push_back(
            {.tenant = "default", .device = tally.device, .sums = tally.usage}
        );
    }
    auto& last = seen.devices.back();
    last.sent = 3;
    last.on_acknowledged({16, 20, true}, mqtt::ReasonCode::not_authorized);
    why::Decision decision;
    decision.count = 1;
    decision.action = model::Action::publish;
    decision.reason = model::Reason::publish_denied;
    decision.topic = "data/demo-1/temp";
    seen.denials.push_back({std::string{kMisbehaving}, decision});
    seen.rule_matches = 3;
    seen.stream_records = 3;
    seen.received = {.records = 3, .repeats = 0};
    return seen;
}

TEST(Checks, PassWhenAllBooksAgree) {
    const auto checks = check(consistent());
    EXPECT_EQ(verdict(checks), "demo: all checks passed") << render(checks);
}

TEST(Checks, FailWhenNothingHappened) {
    EXPECT_TRUE(verdict(check({})).starts_with("demo: FAILED: "));
}

struct Fault {
    std::string_view name;
    std::function<void(Observation&)> make;
    std::string_view check;
};

class ChecksFail : public testing::TestWithParam<Fault> {};

TEST_P(ChecksFail, NamingWhatIsWrong) {
    auto seen = consistent();
    GetParam().make(seen);
    const auto checks = check(seen);
    EXPECT_EQ(std::ranges::count(checks, false, &Check::holds), 1) << render(checks);
    EXPECT_EQ(verdict(checks), "demo: FAILED: " + std::string{GetParam().check});
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    ChecksFail,
    testing::Values(
        Fault{
            "unanswered",
            [](Observation& seen) { ++seen.devices[0].sent; },
            "devices stay connected, each publish is answered"
        },
        Fault{
            "lost_connection",
            [](Observation& seen) { seen.devices[0].on_failure("closed"); },
            "devices stay connected, each publish is answered"
        },
        Fault{
            "rule",
            [](Observation& seen) { --seen.rule_matches; },
            "the rule fires on each hot reading"
        },
        Fault{
            "stream",
            [](Observation& seen) { ++seen.stream_records; },
            "the stream holds each alarm"
        },
        Fault{
            "delivered_twice",
            [](Observation& seen) { seen.received = {.records = 4, .repeats = 1}; },
            "no record is delivered twice"
        },
        Fault{
            "not_delivered",
            [](Observation& seen) { seen.received.records = 2; },
            "the sink's receiver got each alarm"
        },
        Fault{
            "denial_not_recorded",
            [](Observation& seen) { seen.denials.clear(); },
            "demo-3 is denied data/demo-1/temp, with the reason publish_denied"
        },
        Fault{
            "overbilled",
            [](Observation& seen) {
                ++seen.usage.lines[1].sums.counters[metering::index(
                    metering::Counter::units_in, metering::Scheme::azure_4k
                )];
            },
            "units of azure-4k"
        }
    ),
    [](const auto& row) { return std::string{row.param.name}; }
);

}  // namespace
}  // namespace weir::demo
