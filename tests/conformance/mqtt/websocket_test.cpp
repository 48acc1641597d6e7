// MQTT in WebSocket frames. Everything else runs over WebSocket too: see kEveryWay.
#include <gtest/gtest.h>

#include <string>

#include "conformance/mqtt/gateway_fixture.hpp"
#include "support/hex.hpp"

namespace weir::conformance {
namespace {

class WebSocket : public GatewayTest {};
INSTANTIATE_TEST_SUITE_P(
    Mqtt,
    WebSocket,
    testing::Values(Way{Transport::ws, 1}, Way{Transport::ws, 8}, Way{Transport::wss, 2}),
    name_of
);

TEST_P(WebSocket, IsAnsweredAsMqtt_MQTT3_6_0_0_4_MQTT5_6_0_0_4) {
    EXPECT_NE(peer().upgrade_answer().find("\r\nSec-WebSocket-Protocol: mqtt"), std::string::npos);
}

TEST_P(WebSocket, FramesNeedNotBePackets_MQTT3_6_0_0_2_MQTT5_6_0_0_2) {
    const Bytes all = test::bytes_of(connect3("c") + "82 06 0001 0001 't' 00 c0 00");
    for (std::size_t cut = 0; cut <= all.size(); ++cut) {
        auto client = peer();
        client.sends_bytes(ByteView{all}.first(cut)).sends_bytes(ByteView{all}.subspan(cut));
        client.expects("20 02 00 00");
        const Bytes next =
            client.packet();  // Over several shards SUBACK takes longer than PINGRESP.
        client.expects(next.at(0) == 0xD0 ? "90 03 0001 00" : "d0 00");
    }
}

TEST_P(WebSocket, TakesBinaryFramesOnly_MQTT3_6_0_0_1_MQTT5_6_0_0_1) {
    constexpr std::uint8_t kText = 0x81;
    auto first = peer();
    first.sends_frame(kText, test::bytes_of(connect3("c")));
    first.expects_close();
    auto second = v3("c");
    second.sends_frame(kText, test::bytes_of("c0 00"));
    second.expects_close();
}

}  // namespace
}  // namespace weir::conformance
