#include <weir/mqtt/client_protocol.hpp>

#include <gtest/gtest.h>

#include <array>

#include "support/hex.hpp"
#include "unit/mqtt/recorder.hpp"

namespace weir::mqtt::test {
namespace {

using weir::test::bytes_of;

struct Client {
    ClientProtocol protocol;
    ClientRecorder handler;

    explicit Client(Version version, Properties properties = {}) {
        Bytes out;
        protocol.connect(
            out,
            Connect{
                .version = version,
                .clean_start = true,
                .keep_alive_s = 0,
                .client_id = "c",
                .properties = properties
            }
        );
    }
    error_code receives(std::string_view hex) {
        const auto consumed = protocol.feed(bytes_of(hex), handler);
        return consumed ? error_code{} : consumed.error();
    }
};

TEST(ClientProtocol, TakesConnackOnly_BeforeItIsConnected) {
    for (const auto& [type, hex] : kOneOfEach) {
        Client client{Version::v5};
        const bool legal = type == PacketType::connack;
        EXPECT_EQ(
            client.receives(hex), legal ? error_code{} : make_error_code(errc::protocol_error)
        ) << hex;
    }
    ClientProtocol silent;
    ClientRecorder handler;
    EXPECT_FALSE(silent.feed(bytes_of("20 03 00 00 00"), handler)) << "no CONNECT was sent";
}

TEST(ClientProtocol, TakesWhatServersMaySend_WhenConnected) {
    for (const auto& [type, hex] : kOneOfEach) {
        Client client{Version::v5, Properties{as_bytes(std::string_view{"\x15\x00\x01m", 4})}};
        ASSERT_FALSE(client.receives("20 03 00 00 00"));
        const bool legal = type != PacketType::connect && type != PacketType::connack &&
                           type != PacketType::subscribe && type != PacketType::unsubscribe &&
                           type != PacketType::pingreq;
        EXPECT_EQ(
            client.receives(hex), legal ? error_code{} : make_error_code(errc::protocol_error)
        ) << hex;
    }
}

TEST(ClientProtocol, RefusesServersDisconnectAndAuth_WhenVersionIs311) {
    for (const auto* const hex : {"e0 00", "f0 00"}) {
        Client client{Version::v311};
        ASSERT_FALSE(client.receives("20 02 00 00"));
        EXPECT_EQ(client.receives(hex), errc::protocol_error);
    }
}

TEST(ClientProtocol, IsClosed_WhenRefused) {
    Client client{Version::v311};
    EXPECT_FALSE(client.receives("20 02 00 04"));
    EXPECT_EQ(client.protocol.state(), ConnectionState::closed);
    EXPECT_EQ(client.handler.events, Events{"connack bad_user_name_or_password"});
}

TEST(ClientProtocol, ResolvesTheServersAliases_AsAnnounced_MQTT5_3_3_2_10) {
    Client client{Version::v5, Properties{as_bytes(std::string_view{"\x22\x00\x02", 3})}};
    ASSERT_FALSE(client.receives("20 03 00 00 00"));
    EXPECT_FALSE(client.receives("30 07 0001 'a' 03 23 0002 30 07 0000 03 23 0002 'x'"));
    EXPECT_EQ(client.handler.events.back(), "publish a 0 0 x");
    EXPECT_EQ(client.receives("30 07 0001 'a' 03 23 0003"), errc::topic_alias_invalid);
}

TEST(ClientProtocol, CountsPacketIdsWithoutZero) {
    ClientProtocol protocol;
    for (unsigned i = 1; i <= 65'535; ++i) {
        ASSERT_EQ(protocol.next_packet_id(), i);
    }
    EXPECT_EQ(protocol.next_packet_id(), 1);
}

// Both ends, joined by byte strings, in every version.
TEST(BothEnds, UnderstandEachOther_MQTT3_7_0_0_1) {
    for (const auto version : {Version::v31, Version::v311, Version::v5}) {
        ServerProtocol server{ServerLimits{}};
        ServerRecorder at_server{server};
        ClientProtocol client;
        ClientRecorder at_client;

        Bytes up;
        client.connect(
            up,
            Connect{
                .version = version,
                .clean_start = false,
                .keep_alive_s = 10,
                .client_id = "me",
                .will = Will{.topic = "w", .qos = Qos::at_least_once, .retain = true},
                .user_name = "u",
                .password = as_bytes("p")
            }
        );
        Bytes filters;
        append_subscription(filters, {.filter = "a/#", .qos = Qos::exactly_once});
        append_packet(up, Subscribe{.packet_id = 1, .subscriptions = {filters, 1}}, version);
        append_publish(
            up,
            {.topic = "a/b",
             .payload_bytes = 2,
             .packet_id = 9,
             .qos = Qos::exactly_once,
             .dup = true},
            as_bytes("hi"),
            version
        );
        append_packet(
            up,
            Ack{.type = PacketType::pubrel, .packet_id = 9, .reason_code = ReasonCode::success},
            version
        );
        Bytes names;
        append_filter(names, "a/#");
        append_packet(up, Unsubscribe{.packet_id = 2, .filters = {names, 1}}, version);
        append_packet(up, Pingreq{}, version);
        append_packet(up, Disconnect{}, version);
        ASSERT_EQ(*server.feed(up, at_server), up.size());
        EXPECT_EQ(
            at_server.events,
            (Events{
                "connect me",
                "subscribe a/#",
                "publish a/b 2 9 hi",
                "pubrel 9 success",
                "unsubscribe a/#",
                "pingreq",
                "disconnect success"
            })
        );

        Bytes down;
        append_packet(
            down, Connack{.session_present = true, .reason_code = ReasonCode::success}, version
        );
        const Bytes codes = {0x87};
        append_packet(down, Suback{.packet_id = 1, .reason_codes = ReasonCodeList{codes}}, version);
        append_packet(
            down,
            Ack{.type = PacketType::pubrec, .packet_id = 9, .reason_code = ReasonCode::success},
            version
        );
        append_packet(
            down, Unsuback{.packet_id = 2, .reason_codes = ReasonCodeList{codes}}, version
        );
        append_packet(down, Pingresp{}, version);
        ASSERT_EQ(*client.feed(down, at_client), down.size());
        const std::string refused = version == Version::v5 ? "not_authorized" : "unspecified_error";
        EXPECT_EQ(
            at_client.events,
            (Events{
                "connack success",
                "suback 1 " + refused,
                "pubrec 9 success",
                "unsuback 2",
                "pingresp"
            })
        );
    }
}

}  // namespace
}  // namespace weir::mqtt::test
