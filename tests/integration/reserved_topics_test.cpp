// Topics that begin with `$`, whoever publishes: `$SYS` is the gateway's own, others must be named by a policy.
#include <string>
#include <vector>

#include <weir/amqp/message_head.hpp>

#include "integration/mqtt_fixture.hpp"
#include "support/amqp_client.hpp"
#include "support/mqtt_peer.hpp"

namespace weir::app::test {
namespace {

using weir::test::AmqpClient;
using weir::test::ClientSasl;
using weir::test::MqttPeer;
using weir::test::SocketPeer;

constexpr std::string_view kPolicy = R"(policy: open
match: {anonymous: true}
allow:
  - connect: "*"
    shared: true
  - publish: ["#", "$y/#", "$SYS/#"]
    retain: true
    shared: true
  - subscribe: ["#", "$y/#", "$z/#", "$SYS/#"]
)";

struct Attempt {
    std::string topic;
    bool allowed;
};

const std::vector<Attempt> kAttempts = {
    {"plain", true},
    {"a/$SYS", true},
    {"$y/1", true},
    {"$z/1", false},
    {"$SYS/x", false},
    {"$SYS", false}};

class ReservedTopics : public MqttGateway {
protected:
    void SetUp() override {
        MqttGateway::SetUp();
        write("policies.d/open.yaml", kPolicy);
    }
    void listen(MqttPeer& peer) const {
        peer.connect("listener");
        for (const char* filter : {"#", "$y/#", "$z/#"}) {
            EXPECT_EQ(
                peer.subscribe(filter, mqtt::Qos::at_least_once), mqtt::ReasonCode::granted_qos_1
            );
        }
    }
};

TEST_F(ReservedTopics, AreForWhomAPolicyNamesThem_ByHttp) {
    start();
    MqttPeer listener{port_};
    listen(listener);
    for (const auto& [topic, allowed] : kAttempts) {
        SocketPeer peer{port_};
        peer.send(fmt::format(
            "POST /topics/{} HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nConnection: "
            "close\r\n\r\nx",
            topic
        ));
        const auto answer = peer.read_all();
        EXPECT_TRUE(answer.starts_with(allowed ? "HTTP/1.1 200 " : "HTTP/1.1 403 ")) << answer;
        if (allowed) {
            EXPECT_EQ(listener.receive().topic, topic);
        }
    }
    listener.ping();
    EXPECT_TRUE(listener.take_received().empty());
}

/// An AMQP client at a door of the gateway.
struct AmqpPeer {
    explicit AmqpPeer(std::uint16_t port) : socket{port} {}

    template <class Condition>
    void until(Condition&& met) {
        for (socket.send(client.output()); !met(); socket.send(client.output())) {
            const Bytes bytes = socket.read();
            ASSERT_FALSE(bytes.empty()) << "closed";
            client.input(bytes);
        }
    }

    AmqpClient client{ClientSasl::anonymous()};
    SocketPeer socket;
};

Bytes message_to(std::string_view to) {
    Bytes out;
    amqp::append_message_head(out, {.to = to}, 1);
    append(out, "x");
    return out;
}

TEST_F(ReservedTopics, AreForWhomAPolicyNamesThem_ByAmqp) {
    start();
    MqttPeer listener{port_};
    listen(listener);
    AmqpPeer peer{port_};
    peer.client.open("amqp");
    auto* const anonymous = peer.client.sender("anonymous", "");
    peer.until([&] { return pn_link_credit(anonymous) > 0; });
    for (const auto& [topic, allowed] : kAttempts) {
        auto* const link = peer.client.sender("to " + topic, topic);
        peer.until([&] { return pn_link_credit(link) > 0 || AmqpClient::is_detached(link); });
        EXPECT_EQ(AmqpClient::is_detached(link), !allowed) << topic;
        const auto settled = peer.client.settled.size();
        peer.client.send(anonymous, "by to " + topic, message_to(topic));
        peer.until([&] { return peer.client.settled.size() > settled; });
        EXPECT_EQ(peer.client.settled.back().state == PN_ACCEPTED, allowed) << topic;
        if (allowed) {
            EXPECT_EQ(listener.receive().topic, topic);
        }
    }
    listener.ping();
    EXPECT_TRUE(listener.take_received().empty());
}

TEST_F(ReservedTopics, AreForRulesToo_ButNotSys) {
    for (const auto& [name, topic] : {
             std::pair{"own", "$z/from-a-rule"},
             std::pair{"system", "$SYS/from-a-rule"},
         }) {
        write(
            fmt::format("rules.d/{}.sql", name),
            fmt::format(
                "---\nto: [{{republish: {{topic: \"${{'{}'}}\"}}}}]\n---\nSELECT * FROM 'in/{}'\n",
                topic,
                name
            )
        );
    }
    start();
    MqttPeer listener{port_};
    listen(listener);
    MqttPeer device{port_};
    device.connect("device");
    for (const char* topic : {"in/system", "in/own"}) {
        device.publish(topic, "{}", mqtt::Qos::at_least_once);
        device.until_settled();
        EXPECT_EQ(listener.receive().topic, topic);
    }
    EXPECT_EQ(listener.receive().topic, "$z/from-a-rule");
    EXPECT_TRUE(gateway_->metrics_text().contains("weir_lost_total{reason=\"topic_invalid\"} 1"));
}

}  // namespace
}  // namespace weir::app::test
