// Every packet in every state, from both ends: what the specification lets through, and nothing else.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>

#include <weir/mqtt/packet_order.hpp>

#include "support/hex.hpp"
#include "unit/mqtt/recorder.hpp"

namespace weir::mqtt::test {
namespace {

using weir::test::bytes_of;
using enum ConnectionState;

constexpr std::array kStates = {start, connecting, authenticating, connected, closed};

/// One letter for each packet type from CONNECT to AUTH: x may be sent, 5 only in MQTT 5, . may not.
struct Row {
    ConnectionState state;
    std::string_view client;
    std::string_view server;
};
// clang-format off
//                            CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBSCRIBE, SUBACK, UNSUBSCRIBE,
//                            UNSUBACK, PINGREQ, PINGRESP, DISCONNECT, AUTH
constexpr std::array kExpected = {
    Row{start,          "x..............", "..............."},
    Row{connecting,     "...............", ".x............."},
    Row{authenticating, ".............55", ".x............5"},
    Row{connected,      "..xxxxxx.x.x.x5", "..xxxxx.x.x.x55"},
    Row{closed,         "...............", "..............."},
};
// clang-format on

char letter(Role sender, ConnectionState state, PacketType type) {
    const Row& row = kExpected[static_cast<std::size_t>(state)];
    EXPECT_EQ(row.state, state);
    return (sender == Role::client ? row.client : row.server)[static_cast<std::size_t>(type) - 1];
}

TEST(
    ThreatT08,
    TableOfStatesAndPackets_IsTheOneOfTheSpecification_MQTT3_3_1_0_1_MQTT5_3_1_0_1_MQTT5_3_1_2_30
) {
    for (const Role sender : {Role::client, Role::server}) {
        for (const ConnectionState state : kStates) {
            for (unsigned type = 1; type <= 15; ++type) {
                const auto packet = static_cast<PacketType>(type);
                EXPECT_EQ(is_legal(sender, state, packet), letter(sender, state, packet) != '.')
                    << static_cast<int>(sender) << static_cast<int>(state) << type;
            }
        }
    }
}

/// A good packet of each type; the versions differ by an empty property list, and by reason codes.
struct Packets {
    PacketType type;
    std::string_view three;
    std::string_view five;
};
// clang-format off
constexpr std::array kPackets = {
    Packets{PacketType::connect, "10 0d 0004 'MQTT' 04 02 003c 0001 'c'", "10 0e 0004 'MQTT' 05 02 003c 00 0001 'c'"},
    Packets{PacketType::connack, "20 02 00 00", "20 03 00 00 00"},
    Packets{PacketType::publish, "30 03 0001 'a'", "30 04 0001 'a' 00"},
    Packets{PacketType::puback, "40 02 0001", "40 02 0001"},
    Packets{PacketType::pubrec, "50 02 0001", "50 02 0001"},
    Packets{PacketType::pubrel, "62 02 0001", "62 02 0001"},
    Packets{PacketType::pubcomp, "70 02 0001", "70 02 0001"},
    Packets{PacketType::subscribe, "82 06 0001 0001 'a' 00", "82 07 0001 00 0001 'a' 00"},
    Packets{PacketType::suback, "90 03 0001 00", "90 04 0001 00 00"},
    Packets{PacketType::unsubscribe, "a2 05 0001 0001 'a'", "a2 06 0001 00 0001 'a'"},
    Packets{PacketType::unsuback, "b0 02 0001", "b0 04 0001 00 00"},
    Packets{PacketType::pingreq, "c0 00", "c0 00"},
    Packets{PacketType::pingresp, "d0 00", "d0 00"},
    Packets{PacketType::disconnect, "e0 00", "e0 00"},
    Packets{PacketType::auth, "f0 06 18 04 15 0001 'm'", "f0 06 18 04 15 0001 'm'"},
};
// clang-format on
constexpr std::string_view kConnectWithMethod =
    "10 12 0004 'MQTT' 05 02 003c 04 15 0001 'm' 0001 'c'";

/// A connection that was brought into a state.
struct Meeting {
    Version version;
    ConnectionState state;
    bool method = false;  ///< CONNECT named one.
};
constexpr std::array kMeetings = {
    Meeting{Version::v311, start},
    Meeting{Version::v5, start},
    Meeting{Version::v311, connecting},
    Meeting{Version::v5, connecting},
    Meeting{Version::v5, authenticating, true},
    Meeting{Version::v311, connected},
    Meeting{Version::v5, connected},
    Meeting{Version::v5, connected, true},
    Meeting{Version::v311, closed},
    Meeting{Version::v5, closed},
};

bool may_come(Role sender, const Meeting& meeting, PacketType type) {
    const char wanted = letter(sender, meeting.state, type);
    const bool auth_agreed = type != PacketType::auth || meeting.method;
    return auth_agreed && (wanted == 'x' || (wanted == '5' && meeting.version == Version::v5));
}

/// AUTH of a client that is connected begins anew.
std::string_view form_of(const Packets& packets, const Meeting& meeting, Role sender) {
    if (packets.type == PacketType::auth && meeting.state == connected && sender == Role::client) {
        return "f0 06 19 04 15 0001 'm'";
    }
    return meeting.version == Version::v5 ? packets.five : packets.three;
}

TEST(
    ThreatT08,
    EveryPacketOfAClient_ComesThroughOrEndsTheConnection_MQTT3_3_1_0_2_MQTT5_3_1_0_2_MQTT5_4_12_0_7
) {
    for (const Meeting& meeting : kMeetings) {
        for (const Packets& packets : kPackets) {
            SCOPED_TRACE(fmt::format(
                "version {} state {} packet {}",
                static_cast<int>(meeting.version),
                static_cast<int>(meeting.state),
                static_cast<int>(packets.type)
            ));
            ServerProtocol server{ServerLimits{}};
            ServerRecorder handler{server};
            handler.accept = meeting.state == connected || meeting.state == closed;
            if (meeting.state != start) {
                const auto connect = meeting.method                   ? kConnectWithMethod
                                     : meeting.version == Version::v5 ? kPackets[0].five
                                                                      : kPackets[0].three;
                ASSERT_TRUE(server.feed(bytes_of(connect), handler));
            }
            if (meeting.state == closed) {
                ASSERT_TRUE(server.feed(bytes_of("e0 00"), handler));
            }
            ASSERT_EQ(server.state(), meeting.state);
            const auto before = handler.events.size();
            const Bytes bytes = bytes_of(form_of(packets, meeting, Role::client));
            const auto fed = server.feed(bytes, handler);
            if (may_come(Role::client, meeting, packets.type)) {
                ASSERT_TRUE(fed) << fed.error().message();
                EXPECT_EQ(*fed, bytes.size());
                EXPECT_EQ(handler.events.size(), before + 1);
                continue;
            }
            EXPECT_EQ(handler.events.size(), before) << "nobody hears of it";
            if (meeting.state == connecting || meeting.state == closed) {
                EXPECT_EQ(*fed, 0U) << "not even decoded";
            } else {
                EXPECT_EQ(fed.error(), errc::protocol_error);
            }
        }
    }
}

TEST(ThreatT08, EveryPacketOfAServer_ComesThroughOrEndsTheConnection) {
    for (const Meeting& meeting : kMeetings) {
        for (const Packets& packets : kPackets) {
            SCOPED_TRACE(fmt::format(
                "version {} state {} packet {}",
                static_cast<int>(meeting.version),
                static_cast<int>(meeting.state),
                static_cast<int>(packets.type)
            ));
            ClientProtocol client;
            ClientRecorder handler;
            const std::string_view method{"\x15\x00\x01m", 4};
            if (meeting.state != start) {
                Bytes out;
                client.connect(
                    out,
                    {.version = meeting.version,
                     .client_id = "c",
                     .properties =
                         Properties{as_bytes(meeting.method ? method : std::string_view{})}}
                );
            }
            const bool five = meeting.version == Version::v5;
            if (meeting.state == connected) {
                ASSERT_TRUE(client.feed(bytes_of(five ? "20 03 00 00 00" : "20 02 00 00"), handler)
                );
            } else if (meeting.state == closed) {
                ASSERT_TRUE(client.feed(bytes_of(five ? "20 03 00 87 00" : "20 02 00 05"), handler)
                );
            }
            ASSERT_EQ(client.state(), meeting.state);
            const auto before = handler.events.size();
            const auto fed =
                client.feed(bytes_of(form_of(packets, meeting, Role::server)), handler);
            if (may_come(Role::server, meeting, packets.type)) {
                ASSERT_TRUE(fed) << fed.error().message();
                EXPECT_EQ(handler.events.size(), before + 1);
                continue;
            }
            EXPECT_EQ(handler.events.size(), before);
            if (meeting.state == closed) {
                EXPECT_EQ(*fed, 0U);
            } else {
                EXPECT_EQ(fed.error(), errc::protocol_error);
            }
        }
    }
}

}  // namespace
}  // namespace weir::mqtt::test
