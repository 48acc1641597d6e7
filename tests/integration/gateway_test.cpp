// The whole gateway in this process, over real sockets, with 1, 2 and 8 shards.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <latch>
#include <string>
#include <thread>
#include <vector>

#include <weir/app/gateway.hpp>
#include <weir/metering/formula.hpp>
#include <weir/net/connection.hpp>

#include "integration/sharded_gateway.hpp"
#include "support/mqtt_peer.hpp"
#include "support/open_policy.hpp"
#include "support/socket_peer.hpp"

namespace weir::app {
namespace {

using mqtt::Qos;
using mqtt::ReasonCode;
using weir::test::MqttPeer;

const std::string kPolicy = std::string{weir::test::kOpenPolicy} + "deny:\n  - publish: [\"secret/#\"]\n";

constexpr std::string_view kRule = R"(---
to: [{stream: hot}]
---
SELECT temp FROM 'data/+/temp' WHERE temp > 80
)";

class Running : public test::ShardedGateway {
protected:
    void SetUp() override {
        ShardedGateway::SetUp();
        write("policies.d/open.yaml", kPolicy);
        write("rules.d/hot.sql", kRule);
        write("streams.d/hot.yaml", "stream: hot\n");
        start();
    }

    [[nodiscard]] std::size_t stored() { return payloads("hot").size(); }
};
INSTANTIATE_TEST_SUITE_P(Gateway, Running, testing::ValuesIn(test::kShards), test::shards_name);

TEST_P(Running, CarriesMessagesAtEveryQosBetweenAnyTwoClients) {
    for (int pair = 0; pair < 8; ++pair) {  // Client ids fall on different shards.
        MqttPeer subscriber{port_};
        MqttPeer publisher{port_};
        ASSERT_EQ(subscriber.connect(fmt::format("s{}", pair)), ReasonCode::success);
        ASSERT_EQ(
            publisher.connect(fmt::format("p{}", pair), mqtt::Version::v311), ReasonCode::success
        );
        const auto topic = fmt::format("t/{}", pair);
        subscriber.subscribe(topic, Qos::exactly_once);
        for (const Qos qos : {Qos::at_most_once, Qos::at_least_once, Qos::exactly_once}) {
            publisher.publish(topic, "hello", qos);
            const auto got = subscriber.receive();
            EXPECT_EQ(got.topic, topic);
            EXPECT_EQ(got.payload, "hello");
            EXPECT_EQ(got.qos, qos);
        }
        publisher.until_settled();
    }
}

TEST_P(Running, NeverMissesAPublishThatFollowsTheSuback) {
    MqttPeer publisher{port_};
    publisher.connect("publisher");
    for (int round = 0; round < 50; ++round) {
        MqttPeer subscriber{port_};
        subscriber.connect(fmt::format("fresh-{}", round));
        subscriber.subscribe("race", Qos::at_least_once);
        publisher.publish("race", fmt::format("{}", round), Qos::at_most_once);
        EXPECT_EQ(subscriber.receive().payload, fmt::format("{}", round));
    }
}

TEST_P(Running, KeepsTheOrderOfManyMessages_MQTT3_4_6_0_5_MQTT3_4_6_0_6_MQTT5_4_6_0_5_MQTT5_4_6_0_6) {
    MqttPeer subscriber{port_};
    MqttPeer publisher{port_};
    subscriber.connect("subscriber");
    publisher.connect("publisher", mqtt::Version::v311);
    subscriber.subscribe("order", Qos::exactly_once);
    constexpr int kMessages = 500;
    for (const Qos qos : {Qos::at_least_once, Qos::exactly_once}) {
        for (int i = 0; i < kMessages; ++i) {
            publisher.publish("order", fmt::format("{}", i), qos);
        }
        for (int i = 0; i < kMessages; ++i) {
            ASSERT_EQ(subscriber.receive().payload, fmt::format("{}", i));
        }
        publisher.until_settled();
    }
}

TEST_P(Running, StoresWhatARuleTakes_BeforeItAcknowledges) {
    MqttPeer device{port_};
    device.connect("probe");
    for (int i = 0; i < 20; ++i) {
        device.publish(
            "data/p1/temp", fmt::format(R"({{"temp": {}}})", 71 + i), Qos::at_least_once
        );
    }
    device.until_settled();
    EXPECT_EQ(stored(), 10U);
    device.publish("data/p1/temp", R"({"temp": 99})", Qos::exactly_once);
    device.until_settled();
    EXPECT_EQ(stored(), 11U);
    start();
    EXPECT_EQ(stored(), 11U) << "and they are there after a restart";
}

TEST_P(Running, StoresUsageBeforeItAcknowledges_WhenDurabilityIsAck) {
    configure("metering: {durability: ack}\n");
    ASSERT_TRUE(gateway_->reload().applied);
    MqttPeer device{port_};
    device.connect("probe");
    for (const Qos qos : {Qos::at_least_once, Qos::exactly_once}) {
        device.publish("for/nobody", "x", qos);
        device.publish("data/p1/temp", R"({"temp": 91})", qos);
    }
    device.until_settled();
    storage::UsageDelta sums;
    ASSERT_TRUE(gateway_->store().read_usage({.to_hour = UINT32_MAX}, [&](const storage::UsageEntry& entry) {
        sums += entry.sums;
        return true;
    }));
    EXPECT_EQ(sums.counters.at(index(metering::Counter::messages_in)), 4U);
    EXPECT_EQ(sums.counters.at(index(metering::Counter::rules_triggered)), 2U);
}

TEST_P(Running, RefusesWhatThePolicyDenies_AndSaysWhy) {
    MqttPeer device{port_};
    device.connect("nosy");
    device.publish("secret/plan", "x", Qos::at_least_once);
    device.until_settled();
    const auto decisions = gateway_->decisions("nosy");
    ASSERT_EQ(decisions.size(), 1U);
    EXPECT_EQ(decisions[0].reason, model::Reason::publish_denied);
    EXPECT_EQ(decisions[0].topic, "secret/plan");
    EXPECT_EQ(decisions[0].source.line, 11U);
}

TEST_P(Running, HoldsBackADeviceThatPublishesTooFast_AndLosesNothing) {
    write("policies.d/open.yaml", kPolicy + "limits: {publish_rate: 1/m}\n");
    ASSERT_TRUE(gateway_->reload().applied);
    MqttPeer device{port_};
    device.connect("eager");
    device.publish("data/p1/temp", R"({"temp": 91})", Qos::at_least_once);
    device.until_settled();
    device.publish("data/p1/temp", R"({"temp": 92})", Qos::at_least_once);
    device.ping();  // It is served meanwhile.
    EXPECT_EQ(stored(), 1U);
    const auto decisions = gateway_->decisions("eager");
    ASSERT_EQ(decisions.size(), 1U);
    EXPECT_EQ(decisions[0].reason, model::Reason::quota_exceeded);
    write("policies.d/open.yaml", kPolicy + "limits: {publish_rate: unlimited}\n");
    ASSERT_TRUE(gateway_->reload().applied);
    device.until_settled();
    EXPECT_EQ(stored(), 2U);
}

TEST_P(Running, TakesWhatItHeldBackAsNew_WhenItComesAgainOnAnotherConnection) {
    write("policies.d/open.yaml", kPolicy + "limits: {publish_rate: 1/m}\n");
    ASSERT_TRUE(gateway_->reload().applied);
    const mqtt::Connect connect{
        .version = mqtt::Version::v311, .clean_start = false, .client_id = "eager"
    };
    MqttPeer first{port_};
    first.connect(connect);
    first.publish("data/p1/temp", R"({"temp": 91})", Qos::at_least_once);
    first.until_settled();
    first.publish("data/p1/temp", R"({"temp": 92})", Qos::exactly_once);
    first.ping();
    first.drop();
    MqttPeer second{port_};
    second.connect(connect);
    second.unsubscribe("nothing");  // So that the packet id is the same.
    second.publish("data/p1/temp", R"({"temp": 92})", Qos::exactly_once);
    second.ping();
    write("policies.d/open.yaml", kPolicy + "limits: {publish_rate: unlimited}\n");
    ASSERT_TRUE(gateway_->reload().applied);
    second.until_settled();
    EXPECT_EQ(stored(), 2U);
}

TEST_P(Running, CountsTheBytesOfDevices) {
    const Bytes connect{0x10, 13, 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 0, 0, 1, 'b'};
    weir::test::SocketPeer device{port_};
    device.send(connect);
    EXPECT_EQ(device.read(), (Bytes{0x20, 2, 0, 0}));
    device.send(Bytes{0xC0, 0});
    EXPECT_EQ(device.read(), (Bytes{0xD0, 0}));
    EXPECT_EQ(gateway_->sessions({}).size(), 1U);  // Every shard is through with what it did.
    const std::string page = gateway_->metrics_text();
    EXPECT_TRUE(page.contains("\nweir_received_bytes_total 17\n")) << page;
    EXPECT_TRUE(page.contains("\nweir_sent_bytes_total 6\n")) << page;
}

TEST_P(Running, HandsTheSessionToTheNewestConnection) {
    MqttPeer first{port_};
    first.connect("twice");
    MqttPeer second{port_};
    EXPECT_EQ(second.connect("twice"), ReasonCode::success);
    EXPECT_EQ(first.closed(), ReasonCode::session_taken_over);
}

TEST_P(Running, FiresAWill_WhenAConnectionBreaks) {
    MqttPeer watcher{port_};
    watcher.connect("watcher");
    watcher.subscribe("wills/+", Qos::at_least_once);
    {
        MqttPeer doomed{port_};
        doomed.connect(
            {.client_id = "doomed",
             .will = mqtt::Will{.topic = "wills/doomed", .payload = as_bytes("gone")}}
        );
        doomed.drop();
    }
    EXPECT_EQ(watcher.receive().payload, "gone");
}

TEST_P(Running, FiresAWillAtOnce_WhenAPeerThatBrokeTheProtocolKeepsItsSocketOpen_MQTT5_3_1_2_8) {
    MqttPeer watcher{port_};
    watcher.connect("watcher");
    watcher.subscribe("status/#", Qos::at_least_once);
    MqttPeer rude{port_};
    const mqtt::Will will{.topic = "status/rude", .payload = as_bytes(std::string_view{"gone"})};
    rude.connect({.version = mqtt::Version::v5, .client_id = "rude", .will = will});
    const auto began = std::chrono::steady_clock::now();
    rude.write(mqtt::Connect{.version = mqtt::Version::v5, .client_id = "rude"});  // A second one.
    EXPECT_EQ(watcher.receive().topic, "status/rude");
    EXPECT_LT(std::chrono::steady_clock::now() - began, net::Connection::kLinger);
    EXPECT_EQ(rude.closed(), ReasonCode::protocol_error);
}

TEST_P(Running, SaysGoodbye_WhenItStops) {
    MqttPeer device{port_};
    device.connect("device");
    std::jthread stopping{[this] { gateway_->stop(); }};
    EXPECT_EQ(device.closed(), ReasonCode::server_shutting_down);
}

TEST_P(Running, AcknowledgesWhatItTook_BeforeItSaysGoodbye_AndStopsInTime) {
    constexpr std::size_t kMessages = 50;
    MqttPeer deaf{port_};
    deaf.connect("deaf");  // And reads nothing more.
    MqttPeer device{port_};
    device.connect("device");
    for (std::size_t i = 0; i < kMessages; ++i) {
        device.publish("data/p1/temp", R"({"temp": 90})", Qos::at_least_once);
    }
    device.ping();
    const auto began = std::chrono::steady_clock::now();
    std::jthread stopping{[this] { gateway_->stop(); }};
    EXPECT_EQ(device.closed(), ReasonCode::server_shutting_down);
    EXPECT_EQ(device.unsettled(), 0U);
    stopping.join();
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds{10});
    start();
    EXPECT_EQ(stored(), kMessages);
}

TEST_P(Running, Answers_WhileItStops) {
    MqttPeer device{port_};
    device.connect("device");
    std::latch asked{3};
    const auto asks = [&](auto question) {
        return std::jthread{[&asked, question](const std::stop_token& stop) {
            question();
            asked.count_down();
            while (!stop.stop_requested()) {
                question();
            }
        }};
    };
    std::vector<std::jthread> operators;
    operators.push_back(asks([this] { static_cast<void>(gateway_->sessions({})); }));
    operators.push_back(asks([this] { static_cast<void>(gateway_->retained({.filter = "#"})); }));
    operators.push_back(asks([this] { gateway_->flush_usage(); }));
    asked.wait();
    gateway_->stop();
    EXPECT_TRUE(gateway_->sessions({}).empty()) << "nobody is there to be asked";
    operators.clear();
}

TEST_P(Running, SurvivesManyClientsThatComeAndGoWhileItReloads) {
    std::vector<std::jthread> clients;
    for (int worker = 0; worker < 4; ++worker) {
        clients.emplace_back([this, worker] {
            for (int round = 0; round < 25; ++round) {
                try {
                    MqttPeer peer{port_};
                    // Some share client ids: take-over storms.
                    const auto connected =
                        peer.connect(fmt::format("worker-{}", (worker + round) % 3));
                    if (connected != ReasonCode::success) {
                        continue;
                    }
                    peer.subscribe("storm/#", Qos::exactly_once);
                    peer.publish("storm/x", "1", Qos::at_least_once, round % 2 == 0);
                    peer.publish("storm/y", "2", Qos::exactly_once);
                    peer.until_settled();
                } catch (const std::runtime_error&) {
                    // Taken over in between: that is the point.
                }
            }
        });
    }
    for (int i = 0; i < 10; ++i) {
        EXPECT_TRUE(gateway_->reload().applied);
    }
    clients.clear();
    MqttPeer last{port_};
    EXPECT_EQ(last.connect("last"), ReasonCode::success);
}

TEST_P(Running, KeepsTheOldConfiguration_WhenTheNewOneIsBroken) {
    write("rules.d/hot.sql", "---\nto: [{stream: hot}]\n---\nSELECT FROM\n");
    const auto outcome = gateway_->reload();
    EXPECT_FALSE(outcome.applied);
    EXPECT_NE(outcome.text.find("rules.d/hot.sql:4"), std::string::npos) << outcome.text;
    MqttPeer device{port_};
    device.connect("probe");
    device.publish("data/p1/temp", R"({"temp": 90})", Qos::at_least_once);
    device.until_settled();
    EXPECT_EQ(stored(), 1U);
}

}  // namespace
}  // namespace weir::app
