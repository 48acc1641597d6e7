#include <weir/bench/options.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include <weir/base/topic.hpp>
#include <weir/bench/plan.hpp>
#include <weir/bench/route.hpp>

namespace weir::bench {
namespace {

using testing::HasSubstr;

TEST(Options, AreCompletedByScenario) {
    EXPECT_EQ(complete({}).port, 1'883);
    EXPECT_EQ(complete({.tls = {.enabled = true}}).port, 8'883);
    EXPECT_EQ(complete({.scenario = Scenario::pairs}).pairs, 100U);
    EXPECT_EQ(complete({.scenario = Scenario::ping_pong}).pairs, 1U);
    EXPECT_EQ(complete({.scenario = Scenario::ping_pong}).window, 1U);
    EXPECT_EQ(complete({.qos = mqtt::Qos::at_least_once}).window, 20U);
    EXPECT_EQ(complete({.window = 5}).window, 5U);
}

TEST(Options, SpreadConnectionsOverAddresses_SoThatPortsSuffice) {
    EXPECT_EQ(complete({.scenario = Scenario::pairs}).source_addresses, 0U);
    EXPECT_EQ(
        complete({.scenario = Scenario::idle, .connections = 50'000}).source_addresses, 3U
    );
    EXPECT_EQ(
        complete({.scenario = Scenario::idle, .remote = true, .connections = 50'000})
            .source_addresses,
        0U
    );
}

struct Problem {
    std::string name;
    std::function<void(Options&)> change;
    std::string says;
};
class OptionsProblem : public testing::TestWithParam<Problem> {};

TEST_P(OptionsProblem, IsFound) {
    Options options;
    GetParam().change(options);
    const auto problem = find_problem(complete(options));
    ASSERT_TRUE(problem.has_value());
    EXPECT_THAT(*problem, HasSubstr(GetParam().says));
}
INSTANTIATE_TEST_SUITE_P(
    Table,
    OptionsProblem,
    testing::Values(
        Problem{"small_payload", [](Options& o) { o.payload_bytes = 15; }, "--payload"},
        Problem{"huge_payload", [](Options& o) { o.payload_bytes = kPayloadMax + 1; }, "--payload"},
        Problem{"too_many_clients", [](Options& o) { o.pairs = kClientsMax; }, "clients"},
        Problem{"no_threads", [](Options& o) { o.threads = 0; }, "--threads"},
        Problem{"negative_rate", [](Options& o) { o.rate = -1; }, "--rate"},
        Problem{"endless", [](Options& o) { o.duration = 2 * kTimeMax; }, "--duration"},
        Problem{"cert_without_key", [](Options& o) { o.tls.cert = "a"; }, "--key"},
        Problem{
            "too_many_filters",
            [](Options& o) {
                o.scenario = Scenario::wild;
                o.filters = kFiltersMax;
            },
            "filters"
        },
        Problem{
            "ping_pong_with_window",
            [](Options& o) {
                o.scenario = Scenario::ping_pong;
                o.window = 2;
            },
            "one message"
        },
        Problem{"share_of_pairs", [](Options& o) { o.share = "g"; }, "--share"}
    ),
    [](const auto& row) { return row.param.name; }
);

TEST(Options, HaveNoProblem_AsTheyAreCompleted) {
    for (const auto scenario :
         {Scenario::pairs,
          Scenario::fan_in,
          Scenario::fan_out,
          Scenario::wild,
          Scenario::ping_pong,
          Scenario::connects,
          Scenario::idle}) {
        EXPECT_EQ(find_problem(complete({.scenario = scenario})), std::nullopt) << name(scenario);
    }
}

TEST(Address, OfAnotherMachine_IsRefused_UnlessItIsMeant) {
    EXPECT_TRUE(find_address(complete({.host = "127.0.0.9"})).is_loopback());
    EXPECT_TRUE(find_address(complete({.host = "::1"})).is_loopback());
    EXPECT_THROW(static_cast<void>(find_address(complete({.host = "192.0.2.1"}))), std::exception);
    EXPECT_FALSE(find_address(complete({.host = "192.0.2.1", .remote = true})).is_loopback());
}

TEST(Plan, OfWild_MatchesEachTopicWithOneFilter) {
    const Plan plan{complete(
        {.scenario = Scenario::wild, .publishers = 1, .subscribers = 5, .filters = 40, .sites = 3}
    )};
    std::vector<std::string> filters;
    for (std::uint32_t subscriber = 0; subscriber < 5; ++subscriber) {
        for (std::uint32_t i = 0; i < plan.filters_of_each(); ++i) {
            filters.push_back(plan.filter(subscriber, i));
        }
    }
    ASSERT_EQ(plan.topics_of(0).size(), filters.size());
    for (const auto& topic : plan.topics_of(0)) {
        EXPECT_EQ(
            std::ranges::count_if(
                filters, [&](const auto& filter) { return filter_matches(filter, topic); }
            ),
            1
        ) << topic;
    }
}

TEST(Plan, OwesACopyToEachSubscriber_UnlessTheyShare) {
    EXPECT_EQ(Plan{complete({.scenario = Scenario::fan_out, .subscribers = 7})}.copies(), 7U);
    Options shared{.scenario = Scenario::fan_in, .subscribers = 7, .share = "group"};
    const Plan plan{complete(shared)};
    EXPECT_EQ(plan.copies(), 1U);
    EXPECT_FALSE(plan.whole_flows());
    EXPECT_EQ(plan.filter(0, 0), "$share/group/bench/fan-in/#");
}

}  // namespace
}  // namespace weir::bench
