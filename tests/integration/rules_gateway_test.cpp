// Rules that remember, and rules that are published to by name, in a whole gateway with 1, 2 and 8 shards.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <weir/app/gateway.hpp>

#include "integration/sharded_gateway.hpp"
#include "support/mqtt_peer.hpp"

namespace weir::app {
namespace {

using mqtt::Qos;
using mqtt::ReasonCode;
using weir::test::MqttPeer;

constexpr std::string_view kPolicy = R"(policy: open
match: {anonymous: true}
allow:
  - connect: "*"
  - publish: ["#", "$aws/rules/#"]
    retain: true
  - subscribe: ["#", "$aws/rules/#"]
)";

class Rules : public test::ShardedGateway {
protected:
    void SetUp() override {
        ShardedGateway::SetUp();
        write("policies.d/open.yaml", kPolicy);
        write("streams.d/out.yaml", "stream: out\n");
    }

    [[nodiscard]] std::vector<std::string> stored() { return payloads("out"); }
    [[nodiscard]] RuleStatus status(std::string_view name) {
        for (auto& rule : gateway_->rules()) {
            if (rule.name == name) {
                return std::move(rule);
            }
        }
        return {};
    }
};
INSTANTIATE_TEST_SUITE_P(Gateway, Rules, testing::ValuesIn(test::kShards), test::shards_name);

TEST_P(Rules, RememberAKey_WhoeverPublishes) {
    write(
        "rules.d/door.sql",
        "---\nto: {stream: out}\nstate: {key: id}\n---\n"
        "SELECT id, door, last(door) AS before FROM 'door/#' WHERE changed(door)\n"
    );
    start();
    // Client ids, and keys, fall on different shards.
    for (int device = 0; device < 6; ++device) {
        MqttPeer peer{port_};
        ASSERT_EQ(peer.connect(fmt::format("d{}", device)), ReasonCode::success);
        for (int key = 0; key < 4; ++key) {
            peer.publish(
                "door/x",
                fmt::format(R"({{"id":"k{}","door":"{}"}})", key, device < 3 ? "open" : "shut"),
                Qos::at_least_once
            );
        }
        peer.until_settled();
        EXPECT_EQ(stored().size(), device < 3 ? 4U : 8U) << "an acknowledgement means stored";
    }
    EXPECT_THAT(
        stored(),
        testing::IsSupersetOf(
            {std::string{R"({"id":"k0","door":"open"})"},
             std::string{R"({"id":"k3","door":"shut","before":"open"})"}}
        )
    );
    EXPECT_EQ(status("door").matched, 24U);
    EXPECT_EQ(status("door").passed, 8U);
    start();
    MqttPeer peer{port_};
    peer.connect("after");
    peer.publish("door/x", R"({"id":"k1","door":"shut"})", Qos::at_least_once);
    peer.publish("door/x", R"({"id":"k1","door":"open"})", Qos::at_least_once);
    peer.until_settled();
    EXPECT_EQ(stored().size(), 9U) << "what it knew before the restart, it knows now";
    EXPECT_EQ(stored().back(), R"({"id":"k1","door":"open","before":"shut"})");
}

TEST_P(Rules, TakeOneOfTheSameMessages_WhoeverPublishes) {
    write(
        "rules.d/once.sql",
        "---\nto: {stream: out}\ndeduplicate: {by: id, within: 10m}\n---\nSELECT id FROM 'data/#'\n"
    );
    start();
    std::vector<std::unique_ptr<MqttPeer>> peers;
    for (int i = 0; i < 8; ++i) {
        peers.push_back(std::make_unique<MqttPeer>(port_));
        peers.back()->connect(fmt::format("p{}", i));
    }
    for (int id = 0; id < 10; ++id) {
        for (const auto& peer : peers) {
            peer->publish("data/x", fmt::format(R"({{"id":{}}})", id), Qos::at_least_once);
        }
    }
    for (const auto& peer : peers) {
        peer->until_settled();
    }
    auto all = stored();
    std::ranges::sort(all);
    EXPECT_EQ(all.size(), 10U);
    EXPECT_EQ(std::ranges::unique(all).size(), 0U);
    EXPECT_EQ(status("once").duplicates, 70U);
}

TEST_P(Rules, ForgetWithTheirFile) {
    constexpr std::string_view kRule =
        "---\nto: {stream: out}\n---\nSELECT v FROM 'data/#' WHERE changed(v)\n";
    write("rules.d/r.sql", kRule);
    start();
    MqttPeer peer{port_};
    peer.connect("p");
    const auto publish = [&] {
        peer.publish("data/x", R"({"v":1})", Qos::at_least_once);
        peer.until_settled();
        return stored().size();
    };
    EXPECT_EQ(publish(), 1U);
    EXPECT_EQ(publish(), 1U);
    ASSERT_TRUE(gateway_->reload().applied);
    EXPECT_EQ(publish(), 1U) << "a reload is no reason to forget";
    std::filesystem::remove(home_ / "rules.d/r.sql");
    ASSERT_TRUE(gateway_->reload().applied);
    write("rules.d/r.sql", kRule);
    ASSERT_TRUE(gateway_->reload().applied);
    EXPECT_EQ(publish(), 2U);
}

TEST_P(Rules, CountWhatBecameOfMessages) {
    write(
        "rules.d/r.sql",
        "---\nto: {republish: {topic: \"out/${name}\"}}\n---\nSELECT v FROM 'data/#' WHERE v > 1\n"
    );
    start();
    MqttPeer peer{port_};
    peer.connect("p");
    for (const std::string_view payload :
         {R"({"v":2,"name":"n"})", R"({"v":1})", R"({"w":1})", R"({"v":3})"}) {
        peer.publish("data/x", std::string{payload}, Qos::at_least_once);
    }
    peer.until_settled();
    const auto rule = status("r");
    EXPECT_EQ(rule.matched, 4U);
    EXPECT_EQ(rule.passed, 2U);
    EXPECT_EQ(rule.undefined, 1U);
    EXPECT_EQ(rule.turned_down, 1U);
    EXPECT_EQ(rule.broken, 0U);
    EXPECT_EQ(rule.failed, 1U) << "the topic of the last one has no name";
    EXPECT_EQ(
        rule.last_error,
        "republish out/${name}: an expression of the template has no value for this message"
    );
    EXPECT_GT(rule.last_error_ms, 0);
    EXPECT_GT(rule.steps, 10U);
    EXPECT_GT(rule.timed, 0U);
}

TEST_P(Rules, ArePublishedToByName) {
    write(
        "rules.d/direct.sql",
        "---\nto: {stream: out}\n---\nSELECT v, topic() AS t, topic(1) AS first FROM 'never/#'\n"
    );
    write("rules.d/all.sql", "---\nto: {stream: out}\n---\nSELECT 'all' AS rule FROM '#'\n");
    write("rules.d/off.sql", "---\nto: {stream: out}\nenabled: false\n---\nSELECT v FROM '#'\n");
    start();
    MqttPeer subscriber{port_};
    subscriber.connect("s");
    subscriber.subscribe("#", Qos::at_least_once);
    MqttPeer peer{port_};
    peer.connect("p");
    peer.publish("$aws/rules/direct/data/p1", R"({"v":1})", Qos::at_least_once);
    peer.publish("$aws/rules/off/data/p1", R"({"v":1})", Qos::at_least_once);
    peer.publish("$aws/rules/none/data/p1", R"({"v":1})", Qos::at_least_once);
    peer.until_settled();
    EXPECT_THAT(
        stored(), testing::ElementsAre(R"({"v":1,"t":"data/p1","first":"data"})")
    );
    const auto decisions = gateway_->decisions("p");
    ASSERT_EQ(decisions.size(), 2U) << "of the rule that is off, and of the one that is not there";
    EXPECT_EQ(decisions.front().reason, model::Reason::rule_not_found);
    EXPECT_EQ(decisions.back().reason, model::Reason::rule_not_found);
    peer.publish("plain", "x", Qos::at_least_once);
    EXPECT_EQ(subscriber.receive().topic, "plain") << "nobody else got them";
    EXPECT_EQ(subscriber.subscribe("$aws/rules/direct/#", Qos::at_least_once), ReasonCode::not_authorized);
}

TEST_P(Rules, FeedThemselvesOnlySoOften) {
    write(
        "rules.d/loop.sql",
        "---\nto: [{stream: out}, {republish: {topic: data/again}}]\n---\nSELECT v FROM 'data/#'\n"
    );
    start();
    MqttPeer peer{port_};
    peer.connect("p");
    peer.publish("data/x", R"({"v":1})", Qos::at_least_once);
    peer.until_settled();
    EXPECT_EQ(stored().size(), 9U) << "once, and limits.hops times more";
    const auto decisions = gateway_->decisions("p");
    ASSERT_EQ(decisions.size(), 1U);
    EXPECT_EQ(decisions.front().reason, model::Reason::republish_loop);
}

// What an error action gets: one report for a rule and a message, whatever failed.

TEST_P(Rules, ReportAllThatFailedOfAMessageAtOnce) {
    write("sinks.d/pager.yaml", "sink: pager\ntype: http\nurl: http://127.0.0.1:1/\nheaders: {X-Site: \"${site}\"}\n");
    write(
        "rules.d/r.sql",
        "---\nto:\n  - http: {sink: pager}\n  - republish: {topic: \"x/${name}\"}\n"
        "on_error: {stream: out}\n---\nFOREACH list FROM 'data/#'\n"
    );
    start();
    MqttPeer peer{port_};
    peer.connect("p");
    peer.publish("data/x", R"({"list":[{"a":1},{"a":2},{"a":3}]})", Qos::at_least_once);
    peer.publish("data/x", R"({"list":[{"a":1}],"site":"s","name":"n"})", Qos::at_least_once);
    peer.until_settled();
    const auto reports = stored();
    ASSERT_EQ(reports.size(), 1U);
    EXPECT_THAT(reports.front(), testing::HasSubstr(R"("ruleName":"r","topic":"data/x","traceId":")"));
    EXPECT_THAT(reports.front(), testing::HasSubstr(R"(","clientId":"p")"));
    const std::string_view of_http =
        R"({"failedAction":"http","failedResource":"pager","errorMessage":"header X-Site ${site}: an expression of the template has no value for this message"})";
    const std::string_view of_republish =
        R"({"failedAction":"republish","failedResource":"x/${name}","errorMessage":"topic x/${name}: an expression of the template has no value for this message"})";
    EXPECT_THAT(
        reports.front(),
        testing::EndsWith(fmt::format(
            R"("failures":[{0},{1},{0},{1},{0},{1}]}})", of_http, of_republish
        ))
    );
    EXPECT_EQ(status("r").failed, 6U);
}

TEST_P(Rules, SeeOneTraceIdPerMessageAndSoDoesTheReport) {
    for (const std::string name : {"a", "b"}) {
        write(
            "rules.d/" + name + ".sql",
            "---\nto: [{stream: out}, {republish: {topic: \"" + name + "/${missing}\"}}]\non_error: {stream: out}\n---\n"
            "SELECT traceid() AS \"traceId\" FROM 'data/#'\n"
        );
    }
    // The memory of its key may be another shard's.
    write(
        "rules.d/c.sql",
        "---\nto: {stream: out}\nstate: {key: k}\n---\nSELECT traceid() AS \"traceId\", last(v) AS v FROM 'data/#'\n"
    );
    start();
    MqttPeer peer{port_};
    peer.connect("p");
    constexpr std::size_t kMessages = 6;
    for (std::size_t i = 0; i < kMessages; ++i) {
        peer.publish("data/x", fmt::format(R"({{"k":{}}})", i), Qos::at_least_once);
    }
    peer.until_settled();
    constexpr std::size_t kTold = 5;  // Two outputs, two reports, and what remembers.
    std::map<std::string, std::size_t> told;
    for (const auto& record : stored()) {
        constexpr std::string_view kName = R"("traceId":")";
        const auto at = record.find(kName);
        ASSERT_NE(at, std::string::npos) << record;
        ++told[record.substr(at + kName.size(), 36)];
    }
    EXPECT_EQ(told.size(), kMessages);
    EXPECT_THAT(told, testing::Each(testing::Pair(testing::_, kTold)));
}

TEST_P(Rules, ReportEveryKindOfFailure) {
    struct Case {
        std::string_view action;
        std::string_view payload;
        std::string_view expected;
    };
    const std::vector<Case> cases = {
        {"republish: {topic: \"x/${t}\"}", R"({"t":"#"})", "topic 'x/#': the topic name or filter is not valid"},
        {"republish: {topic: x, content_type: \"${t}\"}", "{}", "content_type ${t}: an expression of the template has no value"},
        {"republish: {topic: x, message_expiry: \"${t}\"}", R"({"t":"soon"})", "message_expiry ${t}: 'soon' is no value of this property"},
        {"republish: {topic: data/again}", "{}", "the message was republished too often"},
        {"log: {message: \"${t}\"}", "{}", "message ${t}: an expression of the template has no value"},
        {"alert: {sink: pager, text: \"${t}\"}", "{}", "text ${t}: an expression of the template has no value"},
        {"alert: {sink: pager, text: hot, key: \"${t}\"}", "{}", "key ${t}: an expression of the template has no value"},
    };
    write("sinks.d/pager.yaml", "sink: pager\ntype: http\nurl: http://127.0.0.1:1/\n");
    for (const auto& [action, payload, expected] : cases) {
        write(
            "rules.d/r.sql",
            fmt::format("---\nto:\n  - {}\non_error: {{stream: out}}\n---\nSELECT * FROM 'data/#'\n", action)
        );
        start();
        const auto before = stored().size();
        MqttPeer peer{port_};
        peer.connect("p");
        peer.publish("data/x", std::string{payload}, Qos::at_least_once);
        peer.until_settled();
        const auto reports = stored();
        ASSERT_EQ(reports.size(), before + 1) << action;
        EXPECT_THAT(reports.back(), testing::HasSubstr(std::string{expected})) << action;
        EXPECT_EQ(status("r").failed, 1U) << action;
    }
}

TEST_P(Rules, DoNotReportAnErrorActionThatFails) {
    write(
        "rules.d/r.sql",
        "---\nto: {republish: {topic: \"x/${name}\"}}\non_error: {republish: {topic: \"y/${name}\"}}\n---\n"
        "SELECT * FROM 'data/#'\n"
    );
    start();
    MqttPeer peer{port_};
    peer.connect("p");
    peer.publish("data/x", "{}", Qos::at_least_once);
    peer.until_settled();
    EXPECT_EQ(status("r").failed, 2U) << "both are counted";
    EXPECT_THAT(status("r").last_error, testing::StartsWith("republish y/${name}: "));
}

TEST_P(Rules, CanBeSwitchedOff_UntilTheyAreSwitchedOn) {
    write("rules.d/r.sql", "---\nto: {stream: out}\n---\nSELECT v FROM 'data/#'\n");
    start();
    const auto publish = [&] {
        MqttPeer peer{port_};
        peer.connect("p");
        peer.publish("data/x", R"({"v":1})", Qos::at_least_once);
        peer.until_settled();
        return stored().size();
    };
    EXPECT_EQ(publish(), 1U);
    ASSERT_TRUE(gateway_->set_rule_paused("r", true));
    EXPECT_EQ(publish(), 1U);
    EXPECT_TRUE(status("r").is_paused);
    ASSERT_TRUE(gateway_->reload().applied);
    EXPECT_EQ(publish(), 1U) << "a reload does not put it back";
    start();
    EXPECT_EQ(publish(), 1U) << "nor does a restart";
    ASSERT_TRUE(gateway_->set_rule_paused("r", false));
    EXPECT_EQ(publish(), 2U);
    EXPECT_FALSE(status("r").is_paused);
}

}  // namespace
}  // namespace weir::app
