// A part of the cases against a whole gateway over TCP, with MQTT inside the frames; and the upgrade.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <weir/mqtt/encoder.hpp>

#include "conformance/websocket/script.hpp"
#include "support/mqtt_peer.hpp"
#include "support/running_gateway.hpp"
#include "support/websocket_peer.hpp"

namespace weir::websocket::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using weir::test::MqttPeer;
using weir::test::RunningGateway;
using weir::test::WebSocketPeer;

constexpr std::string_view kPingreq{"\xC0\x00", 2};
constexpr std::string_view kPingresp{"\xD0\x00", 2};
constexpr std::size_t kConnackBytes = 4;  // Of MQTT 3.1.1.

Bytes connect_packet(std::string_view client_id, mqtt::Version version = mqtt::Version::v311) {
    Bytes out;
    mqtt::append_packet(out, mqtt::Connect{.version = version, .client_id = client_id}, version);
    return out;
}

/// With 1, 2 and 8 shards; one gateway for all cases of each: they do not touch each other.
class WebSocketGateway : public testing::Test {
protected:
    static void TearDownTestSuite() { gateway_.reset(); }

    static void run_with(unsigned shards) {
        if (std::exchange(shards_, shards) != shards || gateway_ == nullptr) {
            gateway_ = std::make_unique<RunningGateway>(RunningGateway::Options{
                .listener = R"(, ws: {paths: [/mqtt, /amqp], origins: ["https://console.test"]})",
                .limits = "packet_bytes: 64KiB",
                .shards = shards,
            });
        }
    }
    [[nodiscard]] static WebSocketPeer upgraded() {
        WebSocketPeer peer{gateway_->port()};
        EXPECT_THAT(peer.upgrade({}), StartsWith("HTTP/1.1 101 "));
        return peer;
    }
    [[nodiscard]] static WebSocketPeer connected() {
        WebSocketPeer peer = upgraded();
        peer.send_binary(connect_packet(""));
        EXPECT_EQ(peer.receive(kConnackBytes), (Bytes{0x20, 2, 0, 0}));
        return peer;
    }
    [[nodiscard]] static std::string refusal(const WebSocketPeer::Request& request) {
        weir::test::SocketPeer peer{gateway_->port()};
        peer.send(WebSocketPeer::head_of(request));
        return peer.read_all();
    }

    static std::unique_ptr<RunningGateway> gateway_;
    static unsigned shards_;
};
std::unique_ptr<RunningGateway> WebSocketGateway::gateway_;
unsigned WebSocketGateway::shards_ = 0;

class WebSocketOnShards : public WebSocketGateway, public testing::WithParamInterface<unsigned> {
protected:
    void SetUp() override { run_with(GetParam()); }
};
INSTANTIATE_TEST_SUITE_P(
    Gateway,
    WebSocketOnShards,
    testing::Values(1U, 2U, 8U),
    [](const auto& row) { return fmt::format("on_{}_shards", row.param); }
);

struct Talk {
    std::string_view id;  ///< As in docs/websocket-cases.md.
    Bytes sent;
    std::string data;
    std::vector<std::string> control;
};

void PrintTo(const Talk& talk, std::ostream* out) {
    *out << talk.id;
}

class WebSocketTalk : public WebSocketGateway,
                      public testing::WithParamInterface<std::tuple<Talk, unsigned>> {
protected:
    void SetUp() override { run_with(std::get<unsigned>(GetParam())); }
};

TEST_P(WebSocketTalk, IsAnsweredOverTcp) {
    WebSocketPeer peer = connected();
    const auto& talk = std::get<Talk>(GetParam());
    peer.send(talk.sent);
    const Bytes data = peer.until_end();
    EXPECT_EQ(as_text(data), talk.data);
    EXPECT_EQ(peer.control(), talk.control);
}

std::string name_of(const testing::TestParamInfo<std::tuple<Talk, unsigned>>& row) {
    const auto& [talk, shards] = row.param;
    std::string name = fmt::format("case_{}_on_{}_shards", talk.id, shards);
    std::ranges::replace(name, '.', '_');
    return name;
}

/// Every conversation ends with a closing frame, so that the test knows when all was answered.
INSTANTIATE_TEST_SUITE_P(
    Table,
    WebSocketTalk,
    testing::Combine(
        testing::Values(
            Talk{"1.1", Script{}.text(kPingreq), "", {"close 1003"}},
            Talk{
                "1.2",
                Script{}.binary(kPingreq).close(1000),
                std::string{kPingresp},
                {"close 1000"}},
            Talk{
                "2.4",
                Script{}.ping(std::string(125, 'p')).close(),
                "",
                {"pong " + std::string(125, 'p'), "close"}},
            Talk{"2.5", Script{}.ping(std::string(126, 'p')), "", {"close 1002"}},
            Talk{
                "2.9",
                Script{}.pong("nobody asked").ping("p").binary(kPingreq).close(1000),
                std::string{kPingresp},
                {"pong p", "close 1000"}},
            Talk{
                "3.4",
                Script{}.binary(kPingreq).odd(0xC2, kPingreq),
                std::string{kPingresp},
                {"close 1002"}},
            Talk{"4.1", Script{}.odd(0x83, {}), "", {"close 1002"}},
            Talk{"4.2", Script{}.odd(0x8B, "x"), "", {"close 1002"}},
            Talk{
                "5.6",
                Script{}
                    .begin(kPingreq.substr(0, 1))
                    .ping("p")
                    .last(kPingreq.substr(1))
                    .close(1000),
                std::string{kPingresp},
                {"pong p", "close 1000"}},
            Talk{"5.9", Script{}.last(kPingreq), "", {"close 1002"}},
            Talk{
                "5.18",
                Script{}.begin(kPingreq).binary(kPingreq),
                std::string{kPingresp},
                {"close 1002"}},
            Talk{"6.4", Script{}.text("\xF4\x90\x80\x80"), "", {"close 1003"}},
            Talk{"7.1.5", Script{}.begin("\xC0").close(1000).last({"\0", 1}), "", {"close 1000"}},
            Talk{"7.3.1", Script{}.close(), "", {"close"}},
            Talk{"7.3.2", Script{}.odd(0x88, "a"), "", {"close 1002"}},
            Talk{"7.5.1", Script{}.close(1000, "\xC3\x28"), "", {"close 1007"}},
            Talk{"7.7", Script{}.close(4999, "bye"), "", {"close 4999"}},
            Talk{"7.9", Script{}.close(1005), "", {"close 1002"}},
            Talk{"W.1", Bytes{0x82, 2, 0xC0, 0}, "", {"close 1002"}},
            Talk{
                "W.6",
                Bytes{0x82, 0xFF, 0x40, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4},
                "",
                {"close 1009"}},
            Talk{"W.8", Script{}.binary(std::string(64 * 1024 + 1, '\xC0')), "", {"close 1009"}}
        ),
        testing::Values(1U, 2U, 8U)
    ),
    name_of
);

TEST_P(WebSocketOnShards, TakesEverythingByteByByte) {
    WebSocketPeer peer{gateway_->port()};
    const std::string head = WebSocketPeer::head_of({});
    for (const char& byte : head) {
        peer.socket().send(std::string_view{&byte, 1});
    }
    EXPECT_THAT(peer.socket().read_until("\r\n\r\n"), StartsWith("HTTP/1.1 101 "));
    const Bytes frames = Script{}.binary(as_text(connect_packet("bytes"))).binary(kPingreq);
    for (const Byte& byte : frames) {
        peer.send({&byte, 1});
    }
    EXPECT_EQ(peer.receive(kConnackBytes + 2), (Bytes{0x20, 2, 0, 0, 0xD0, 0}));
}

TEST_P(WebSocketOnShards, TakesFramesThatComeWithTheUpgrade) {
    WebSocketPeer peer{gateway_->port()};
    const Bytes frames = Script{}.binary(as_text(connect_packet("eager"))).binary(kPingreq);
    EXPECT_THAT(peer.upgrade({}, frames), StartsWith("HTTP/1.1 101 "));
    EXPECT_EQ(peer.receive(kConnackBytes + 2), (Bytes{0x20, 2, 0, 0, 0xD0, 0}));
}

TEST_P(WebSocketOnShards, TakesManyPacketsInOneFrame_AndOneInManyFrames) {
    WebSocketPeer peer = upgraded();
    Bytes packets = connect_packet("packer");
    Bytes filters;
    mqtt::append_subscription(filters, {.filter = "own/#", .qos = mqtt::Qos::at_most_once});
    mqtt::append_packet(
        packets, mqtt::Subscribe{.packet_id = 1, .subscriptions = {filters, 1}}, mqtt::Version::v311
    );
    append(packets, kPingreq);
    peer.send_binary(packets);
    EXPECT_EQ(peer.receive(kConnackBytes).size(), kConnackBytes);
    // SUBACK waits for all shards, PINGRESP does not.
    EXPECT_THAT(peer.receive(5 + 2), testing::IsSupersetOf({0xD0, 0x90}));

    const std::string payload(20'000, 'x');
    Bytes publish;
    mqtt::append_publish(
        publish,
        {.topic = "own/x", .payload_bytes = payload.size()},
        as_bytes(payload),
        mqtt::Version::v311
    );
    for (ByteView left = publish; !left.empty();) {
        const auto part = left.first(std::min<std::size_t>(left.size(), 997));
        peer.send_binary(part);
        left = left.subspan(part.size());
    }
    EXPECT_EQ(peer.receive(publish.size()), publish);
}

struct Offer {
    std::string_view subprotocol;
    std::string_view chosen;
};

TEST_P(WebSocketOnShards, EchoesTheSubprotocol_AndSpeaksIt) {
    for (const auto& [offer, chosen] : {
             Offer{"mqtt", "mqtt"},
             Offer{"mqttv3.1", "mqttv3.1"},
             Offer{"soap, mqttv3.1, mqtt", "mqttv3.1"},
         }) {
        WebSocketPeer peer{gateway_->port()};
        const std::string answer = peer.upgrade({.subprotocol = offer});
        EXPECT_THAT(answer, HasSubstr("Sec-WebSocket-Protocol: " + std::string{chosen} + "\r\n"));
        peer.send_binary(
            connect_packet("speaker", chosen == "mqtt" ? mqtt::Version::v311 : mqtt::Version::v31)
        );
        EXPECT_EQ(peer.receive(kConnackBytes), (Bytes{0x20, 2, 0, 0})) << offer;
    }
    WebSocketPeer peer{gateway_->port()};
    EXPECT_THAT(
        peer.upgrade({.path = "/amqp", .subprotocol = "amqp"}),
        HasSubstr("Sec-WebSocket-Protocol: amqp\r\n")
    );
    constexpr std::string_view kSaslHeader{"AMQP\x03\x01\x00\x00", 8};
    peer.send_binary(as_bytes(kSaslHeader));
    EXPECT_EQ(as_text(peer.receive(kSaslHeader.size())), kSaslHeader);
}

TEST_P(WebSocketOnShards, DeclinesCompression) {
    WebSocketPeer peer{gateway_->port()};
    const std::string answer = peer.upgrade(
        {.more = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"}
    );
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 101 "));
    EXPECT_THAT(answer, Not(HasSubstr("Sec-WebSocket-Extensions")));
}

TEST_P(WebSocketOnShards, RefusesAnUpgrade_AndSaysWhy) {
    EXPECT_THAT(refusal({.subprotocol = ""}), StartsWith("HTTP/1.1 400 "));
    EXPECT_THAT(refusal({.subprotocol = "stomp"}), StartsWith("HTTP/1.1 400 "));
    EXPECT_THAT(refusal({.path = "/other"}), StartsWith("HTTP/1.1 404 "));
    EXPECT_THAT(
        refusal({.version = "8"}),
        testing::AllOf(StartsWith("HTTP/1.1 426 "), HasSubstr("Sec-WebSocket-Version: 13\r\n"))
    );
    EXPECT_THAT(refusal({.more = "Origin: https://evil.test\r\n"}), StartsWith("HTTP/1.1 403 "));
    EXPECT_THAT(
        WebSocketPeer{gateway_->port()}.upgrade({.more = "Origin: https://console.test\r\n"}),
        StartsWith("HTTP/1.1 101 ")
    );
}

TEST_P(WebSocketOnShards, FiresAWill_WhenAPeerClosesWithoutDisconnect) {
    MqttPeer watcher{gateway_->port()};
    watcher.connect("watcher");
    watcher.subscribe("wills/ws", mqtt::Qos::at_least_once);
    Bytes packet;
    mqtt::append_packet(
        packet,
        mqtt::Connect{
            .version = mqtt::Version::v311,
            .client_id = "doomed",
            .will = mqtt::Will{.topic = "wills/ws", .payload = as_bytes("gone")},
        },
        mqtt::Version::v311
    );
    {
        WebSocketPeer doomed = upgraded();
        doomed.send_binary(packet);
        EXPECT_EQ(doomed.receive(kConnackBytes).size(), kConnackBytes);
        doomed.send(Bytes{Script{}.close(1001)});
        doomed.until_end();
        EXPECT_THAT(doomed.control(), ElementsAre("close 1001"));
    }
    EXPECT_EQ(watcher.receive().payload, "gone");
}

TEST_P(WebSocketOnShards, SaysGoodbyeInBothProtocols_WhenTheSessionIsTakenOver) {
    WebSocketPeer first = upgraded();
    first.send_binary(connect_packet("twice", mqtt::Version::v5));
    EXPECT_EQ(first.receive(1), Bytes{0x20});
    MqttPeer second{gateway_->port()};
    EXPECT_EQ(second.connect("twice"), mqtt::ReasonCode::success);
    const Bytes rest = first.until_end();
    ASSERT_GE(rest.size(), 3U);
    EXPECT_EQ((Bytes{rest.end() - 3, rest.end()}), (Bytes{0xE0, 0x01, 0x8E}));
    EXPECT_THAT(first.control(), ElementsAre("close 1000"));
}

}  // namespace
}  // namespace weir::websocket::test
