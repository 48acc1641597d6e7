// The load generator against a gateway in this process: it tells the truth about a broker that
// loses nothing, and notices one that refuses.
#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <fstream>
#include <string>

#include <weir/app/gateway.hpp>
#include <weir/bench/bench.hpp>

#include "support/gateway_books.hpp"
#include "support/temp_dir.hpp"

namespace weir::app {
namespace {

constexpr std::string_view kConfig = R"(version: 1
listeners:
  - {name: plain, bind: 127.0.0.1, port: 0, protocols: any, auth: {anonymous: true}}
storage: {path: data}
runtime: {shards: 2}
limits: {preset: none}
metrics: {listen: none}
admin: {socket: admin.sock}
include: [policies.d]
)";

constexpr std::string_view kPolicy = R"(policy: open
match: {anonymous: true}
allow:
  - {connect: "*", shared: true}
  - {publish: ["#"], retain: true, shared: true}
  - {subscribe: ["#"]}
deny:
  - {subscribe: ["secret/#"]}
)";

class Bench : public testing::Test {
protected:
    Bench() {
        std::filesystem::create_directory(home_.path() / "policies.d");
        std::ofstream{home_ / "weir.yaml"} << kConfig;
        std::ofstream{home_ / "policies.d/open.yaml"} << kPolicy;
        gateway_ = weir::test::make_gateway({.config = home_.path()});
        gateway_->start();
    }

    [[nodiscard]] bench::Report run(bench::Options options) const {
        options.port = gateway_->listeners().front().port;
        options.warm_up = bench::Seconds{0.1};
        options.duration = bench::Seconds{0.5};
        options.hold = bench::Seconds{0.1};
        options = bench::complete(options);
        EXPECT_EQ(bench::find_problem(options), std::nullopt);
        return bench::run(options);
    }

    void expect_whole(const bench::Options& options) const {
        const auto report = run(options);
        EXPECT_TRUE(report.is_good()) << to_text(report);
        ASSERT_TRUE(report.messages.has_value());
        EXPECT_GT(report.messages->delivered, 0U);
        EXPECT_EQ(report.messages->lost, 0);
        EXPECT_EQ(report.messages->reordered, 0U);
        EXPECT_GT(report.messages->latency.p50_us, 0);
        EXPECT_LE(report.messages->latency.p50_us, report.messages->latency.max_us);
    }

    test::TempDir home_;
    weir::test::GatewayPtr gateway_;
};

TEST_F(Bench, FindsPairsWholeAndInOrder_AtEachQos) {
    using enum mqtt::Qos;
    for (const auto qos : {at_most_once, at_least_once, exactly_once}) {
        expect_whole({.threads = 2, .pairs = 10, .qos = qos});
        expect_whole({.pairs = 10, .version = mqtt::Version::v5, .qos = qos});
    }
}

TEST_F(Bench, FindsOtherScenariosWhole) {
    expect_whole({.websocket = true, .pairs = 10});
    expect_whole({.scenario = bench::Scenario::fan_in, .publishers = 10});
    expect_whole({.scenario = bench::Scenario::fan_out, .subscribers = 10});
    expect_whole({.scenario = bench::Scenario::wild, .publishers = 3, .subscribers = 10});
    expect_whole({.scenario = bench::Scenario::ping_pong});
    expect_whole({.pairs = 10, .rate = 2'000});
}

TEST_F(Bench, CountsConnections) {
    const auto ended = run({.scenario = bench::Scenario::connects, .connections = 100});
    EXPECT_TRUE(ended.is_good()) << to_text(ended);
    EXPECT_EQ(ended.clients.connect.count, 100U);
    const auto idle = run(
        {.scenario = bench::Scenario::idle, .broker_pids = {::getpid()}, .connections = 100}
    );
    EXPECT_TRUE(idle.is_good()) << to_text(idle);
    EXPECT_TRUE(idle.broker_memory.has_value());
}

TEST_F(Bench, FailsWithTheReason_WhenTheBrokerRefuses) {
    const auto report = run({.pairs = 2, .topic_prefix = "secret"});
    EXPECT_FALSE(report.is_good());
    EXPECT_NE(report.error.find("SUBSCRIBE refused"), std::string::npos) << report.error;
}

TEST_F(Bench, WritesJsonThatSaysTheSame) {
    const auto report = run({.pairs = 2, .qos = mqtt::Qos::at_least_once, .label = "a \"b\""});
    const auto json = boost::json::parse(to_json(report));
    EXPECT_EQ(json.at("scenario").as_string(), "pairs");
    EXPECT_EQ(json.at("label").as_string(), "a \"b\"");
    EXPECT_TRUE(json.at("ok").as_bool());
    EXPECT_EQ(json.at("clients").at("connected").to_number<int>(), 4);
    EXPECT_EQ(json.at("messages").at("qos").to_number<int>(), 1);
    EXPECT_EQ(json.at("messages").at("lost").to_number<int>(), 0);
    EXPECT_EQ(
        json.at("messages").at("received").to_number<std::uint64_t>(), report.messages->received
    );
    EXPECT_GT(json.at("generator").at("cpu_us_per_message").to_number<double>(), 0);
}

}  // namespace
}  // namespace weir::app
