// Shared subscriptions against the whole gateway, over real sockets, with 1, 2 and 8 shards.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <weir/base/guarded.hpp>

#include "support/mqtt_peer.hpp"
#include "support/random.hpp"
#include "support/running_gateway.hpp"

namespace weir::app {
namespace {

using mqtt::Qos;
using mqtt::ReasonCode;
using test::MqttPeer;

class SharedOverSockets : public testing::TestWithParam<unsigned> {
protected:
    [[nodiscard]] std::uint16_t port() const noexcept { return gateway_.port(); }
    [[nodiscard]] std::unique_ptr<MqttPeer> connect(
        std::string_view client_id, mqtt::Version version = mqtt::Version::v5
    ) {
        auto peer = std::make_unique<MqttPeer>(port());
        EXPECT_EQ(peer->connect(client_id, version), ReasonCode::success);
        return peer;
    }

    test::RunningGateway gateway_{{
        .shards = GetParam(),
        .prepare =
            [](const std::filesystem::path& folder) {
                std::ofstream{folder / "policies.d/secret.yaml"}
                    << "policy: secret\nmatch: {anonymous: true}\ndeny:\n  - subscribe: [\"secret/#\"]\n";
            },
    }};
};
INSTANTIATE_TEST_SUITE_P(
    Gateway, SharedOverSockets, testing::Values(1U, 2U, 8U), [](const auto& shards) {
        return fmt::format("on_{}_shards", shards.param);
    }
);

TEST_P(SharedOverSockets, GivesEachMemberItsPart_WhateverItsVersion) {
    constexpr int kMembers = 8;  // Client ids fall on different shards.
    constexpr int kEach = 5;
    std::vector<std::unique_ptr<MqttPeer>> members;
    for (int i = 0; i < kMembers; ++i) {
        const auto version = i % 2 == 0 ? mqtt::Version::v5 : mqtt::Version::v311;
        members.push_back(connect(fmt::format("member-{}", i), version));
        EXPECT_EQ(
            members.back()->subscribe("$share/crew/work/+", Qos::at_least_once),
            ReasonCode::granted_qos_1
        );
    }
    const auto publisher = connect("publisher");
    for (int i = 0; i < kMembers * kEach; ++i) {
        publisher->publish("work/1", fmt::format("{}", i), Qos::at_least_once);
    }
    std::map<std::string, int> taken;
    for (const auto& member : members) {
        for (int i = 0; i < kEach; ++i) {
            ++taken[member->receive().payload];
        }
    }
    EXPECT_EQ(taken.size(), static_cast<std::size_t>(kMembers * kEach));
}

/// Members join, take some and leave while two publishers go on. What a member acknowledged is taken; what it did not, another
/// one gets.
TEST_P(SharedOverSockets, TakesEachMessageOnce_WhileMembersComeAndGo) {
    constexpr int kMessages = 3'000;
    constexpr std::string_view kFilter = "$share/crew/work/#";
    Guarded<std::map<std::string, int>> taken;
    const auto count = [&taken](const std::string& payload) {
        taken.with([&](auto& all) { ++all[payload]; });
    };

    const auto steady = connect("steady");
    steady->subscribe(kFilter, Qos::at_least_once);
    std::vector<std::jthread> crew;
    for (unsigned worker = 0; worker < 4; ++worker) {
        crew.emplace_back([&, worker] {
            test::Random random{worker + 1};
            bool goes_on = true;
            for (int round = 0; goes_on; ++round) {
                MqttPeer peer{port()};
                peer.connect(fmt::format("worker-{}-{}", worker, round));
                peer.subscribe("end", Qos::at_least_once);
                peer.subscribe(kFilter, random.below(2) == 0 ? Qos::at_least_once : Qos::exactly_once);
                const auto take = [&](const MqttPeer::Message& message) {
                    goes_on = goes_on && message.topic != "end";
                    if (message.topic != "end") {
                        count(message.payload);
                    }
                };
                for (auto left = random.below(60) + 1; left > 0 && goes_on; --left) {
                    take(peer.receive());
                }
                if (random.below(2) == 0) {
                    peer.unsubscribe(kFilter);
                }
                for (const auto& message : peer.take_received()) {
                    take(message);
                }
                peer.disconnect();
            }
        });
    }

    const auto first = connect("publisher-1");
    const auto second = connect("publisher-2", mqtt::Version::v311);
    for (int i = 0; i < kMessages; ++i) {
        auto& publisher = i % 2 == 0 ? *first : *second;
        publisher.publish(fmt::format("work/{}", i % 7), fmt::format("{}", i), Qos::at_least_once);
        if (i % 100 == 99) {
            first->until_settled();
            second->until_settled();
        }
    }
    first->publish("end", "now", Qos::at_least_once, true);
    first->until_settled();
    crew.clear();
    // Nobody else is left: the rest is the steady one's.
    const auto missing = [&taken] {
        return taken.with([](auto& all) { return kMessages - static_cast<int>(all.size()); });
    };
    for (int left = missing(); left > 0; --left) {
        count(steady->receive().payload);
    }
    steady->subscribe("work/mark", Qos::at_least_once);
    first->publish("work/mark", "plain and shared", Qos::at_least_once);
    EXPECT_EQ(steady->receive().payload, "plain and shared") << "nothing came twice";
    taken.with([](auto& all) {
        EXPECT_EQ(all.size(), static_cast<std::size_t>(kMessages));
        for (const auto& [payload, times] : all) {
            EXPECT_EQ(times, 1) << payload;
        }
    });
}

TEST_P(SharedOverSockets, RefusesWhatThePolicyDenies_AndSaysWhy) {
    const auto nosy = connect("nosy");
    EXPECT_EQ(nosy->subscribe("$share/crew/secret/#", Qos::at_least_once), ReasonCode::not_authorized);
    const auto decisions = gateway_->decisions("nosy");
    ASSERT_EQ(decisions.size(), 1U);
    EXPECT_EQ(decisions[0].reason, model::Reason::subscribe_denied);
    EXPECT_EQ(decisions[0].topic, "$share/crew/secret/#");
}

TEST_P(SharedOverSockets, BoundsTheNameOfAGroup_T13) {
    const auto device = connect("device");
    const std::string name(70'000 / 2, 'g');
    EXPECT_EQ(
        device->subscribe("$share/" + name + "/work/1", Qos::at_least_once),
        ReasonCode::topic_filter_invalid
    );
}

struct GrammarCase {
    std::string_view name;
    std::string_view filter;
    bool no_local = false;
    ReasonCode answer = ReasonCode::topic_filter_invalid;
};

class SharedGrammar : public testing::TestWithParam<GrammarCase> {
protected:
    static void SetUpTestSuite() { gateway_ = std::make_unique<test::RunningGateway>(test::RunningGateway::Options{}); }
    static void TearDownTestSuite() { gateway_.reset(); }
    static std::unique_ptr<test::RunningGateway> gateway_;
};
std::unique_ptr<test::RunningGateway> SharedGrammar::gateway_;

TEST_P(SharedGrammar, EndsTheConnection_AtSubscribeAndUnsubscribe_T13) {
    const GrammarCase& row = GetParam();
    MqttPeer subscribing{gateway_->port()};
    subscribing.connect("device");
    subscribing.send_subscribe({.filter = row.filter, .no_local = row.no_local});
    EXPECT_EQ(subscribing.closed(), row.answer);
    if (row.no_local) {
        return;
    }
    MqttPeer unsubscribing{gateway_->port()};
    unsubscribing.connect("device");
    unsubscribing.send_unsubscribe(row.filter);
    EXPECT_EQ(unsubscribing.closed(), row.answer);
    MqttPeer old{gateway_->port()};
    old.connect("device", mqtt::Version::v311);
    old.send_subscribe({.filter = row.filter});
    EXPECT_EQ(old.closed(), std::nullopt) << "3.1.1 has no DISCONNECT from a server";
}
INSTANTIATE_TEST_SUITE_P(
    Table,
    SharedGrammar,
    testing::Values(
        GrammarCase{"no_filter", "$share/crew"},
        GrammarCase{"empty_filter", "$share/crew/"},
        GrammarCase{"no_group", "$share"},
        GrammarCase{"empty_group", "$share//work/1"},
        GrammarCase{"plus_as_group", "$share/+/work/1"},
        GrammarCase{"hash_in_group", "$share/crew#/work/1"},
        GrammarCase{"bad_filter", "$share/crew/work/#/1"},
        GrammarCase{"no_local", "$share/crew/work/1", true, ReasonCode::protocol_error}
    ),
    [](const auto& row) { return std::string{row.param.name}; }
);

}  // namespace
}  // namespace weir::app
