#include <weir/mqtt/server_protocol.hpp>

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "support/hex.hpp"
#include "unit/mqtt/recorder.hpp"

namespace weir::mqtt::test {
namespace {

using weir::test::bytes_of;

constexpr std::string_view kConnect311 = "10 0d 0004 'MQTT' 04 02 003c 0001 'c'";
constexpr std::string_view kConnect5Auth = "10 12 0004 'MQTT' 05 02 003c 04 15 0001 'm' 0001 'c'";

/// A protocol with its handler, and what a peer can do to it.
struct Server {
    ServerLimits limits;
    ServerProtocol protocol{limits};
    ServerRecorder handler{protocol};

    /// The error that the bytes led to, or none.
    error_code sends(std::string_view hex) {
        const Bytes bytes = bytes_of(hex);
        const auto consumed = protocol.feed(bytes, handler);
        return consumed ? error_code{} : consumed.error();
    }
    std::size_t consumes(std::string_view hex) {
        const auto consumed = protocol.feed(bytes_of(hex), handler);
        EXPECT_TRUE(consumed) << consumed.error().message();
        return consumed ? *consumed : 0;
    }
};

constexpr std::string_view kConversation5 =
    "10 0e 0004 'MQTT' 05 02 003c 00 0001 'c'"
    "82 07 0001 00 0001 'a' 01"
    "32 0d 0003 'a/b' 0001 03 23 0001 'hi'"
    "34 0b 0000 0002 03 23 0001 'you' 62 02 0002"
    "40 02 0007 50 02 0008 70 03 0008 92"
    "a2 06 0002 00 0001 'a'"
    "c0 00 e0 01 04";

const Events kConversationEvents = {
    "connect c",
    "subscribe a",
    "publish a/b 1 1 hi",
    "publish a/b 2 2 you",
    "pubrel 2 success",
    "puback 7 success",
    "pubrec 8 success",
    "pubcomp 8 packet_identifier_not_found",
    "unsubscribe a",
    "pingreq",
    "disconnect disconnect_with_will",
};

TEST(ServerProtocol, HandsOutAConversation) {
    Server server;
    EXPECT_FALSE(server.sends(kConversation5));
    EXPECT_EQ(server.handler.events, kConversationEvents);
    EXPECT_EQ(server.protocol.state(), ConnectionState::closed);
    EXPECT_EQ(server.protocol.version(), Version::v5);
}

TEST(ServerProtocol, HandsOutTheSame_WhenSplitAtEveryByte) {
    const Bytes bytes = bytes_of(kConversation5);
    for (std::size_t at = 0; at <= bytes.size(); ++at) {
        Server server;
        for (const auto part : {ByteView{bytes}.first(at), ByteView{bytes}.subspan(at)}) {
            const auto consumed = server.protocol.feed(part, server.handler);
            ASSERT_TRUE(consumed) << at;
            ASSERT_EQ(*consumed, part.size()) << at;
        }
        ASSERT_EQ(server.handler.events, kConversationEvents) << at;
        ASSERT_LE(server.protocol.footprint(), 256U) << "the alias table, nothing of a packet";
    }
}

TEST(ServerProtocol, HandsOutTheSame_WhenFedByteByByte) {
    Server server;
    for (const Byte byte : bytes_of(kConversation5)) {
        ASSERT_TRUE(server.protocol.feed({&byte, 1}, server.handler));
    }
    EXPECT_EQ(server.handler.events, kConversationEvents);
}

TEST(ServerProtocol, RefusesEverythingButConnect_WhenItIsFirst_MQTT3_3_1_0_1_MQTT5_3_1_0_1) {
    for (const auto& [type, hex] : kOneOfEach) {
        Server server;
        const bool legal = type == PacketType::connect;
        EXPECT_EQ(server.sends(hex), legal ? error_code{} : make_error_code(errc::protocol_error))
            << hex;
        EXPECT_EQ(server.handler.events.size(), legal ? 1U : 0U);
    }
}

TEST(ServerProtocol, DecodesNothing_WhileConnectIsBeingAnswered_MQTT3_3_1_4_5_MQTT5_3_1_4_6) {
    for (const auto& [type, hex] : kOneOfEach) {
        Server server;
        server.handler.accept = false;
        EXPECT_FALSE(server.sends(kConnect5));
        EXPECT_EQ(server.consumes(hex), 0U) << hex;
        EXPECT_EQ(server.handler.events.size(), 1U);
    }
}

TEST(ServerProtocol, TakesAuthAndDisconnectOnly_WhileAuthenticating_MQTT5_3_1_2_30) {
    for (const auto& [type, hex] : kOneOfEach) {
        Server server;
        server.handler.accept = false;
        ASSERT_FALSE(server.sends(kConnect5Auth));
        ASSERT_EQ(server.protocol.state(), ConnectionState::authenticating);
        const bool legal = type == PacketType::disconnect || type == PacketType::auth;
        EXPECT_EQ(server.sends(hex), legal ? error_code{} : make_error_code(errc::protocol_error))
            << hex;
    }
}

TEST(ServerProtocol, TakesWhatClientsMaySend_WhenConnected) {
    for (const auto& [type, hex] : kOneOfEach) {
        Server server;
        ASSERT_FALSE(server.sends(kConnect5Auth));
        ASSERT_EQ(server.protocol.state(), ConnectionState::connected);
        const bool legal = type != PacketType::connect && type != PacketType::connack &&
                           type != PacketType::suback && type != PacketType::unsuback &&
                           type != PacketType::pingresp;
        const auto sent = type == PacketType::auth ? "f0 06 19 04 15 0001 'm'" : hex;  // Anew.
        EXPECT_EQ(server.sends(sent), legal ? error_code{} : make_error_code(errc::protocol_error))
            << hex;
    }
}

TEST(ServerProtocol, DecodesNothing_WhenClosed) {
    for (const auto& [type, hex] : kOneOfEach) {
        Server server;
        ASSERT_FALSE(server.sends(kConnect5));
        ASSERT_FALSE(server.sends("e0 00"));
        EXPECT_EQ(server.consumes(hex), 0U);
    }
}

TEST(ServerProtocol, RefusesASecondConnect_MQTT3_3_1_0_2_MQTT5_3_1_0_2) {
    Server server;
    EXPECT_EQ(
        server.sends(std::string{kConnect311} + std::string{kConnect311}), errc::protocol_error
    );
    EXPECT_EQ(server.handler.events, Events{"connect c"});
}

TEST(ServerProtocol, RefusesAtTheFirstByte_WhenThePacketMayNotCome) {
    Server server;
    EXPECT_EQ(server.sends("'G'"), errc::protocol_error) << "GET / HTTP/1.1";
    Server other;
    EXPECT_EQ(other.sends("00"), errc::malformed_packet);
}

TEST(ServerProtocol, RefusesAuth_WhenNoMethodWasNamed_MQTT5_4_12_0_7) {
    Server server;
    ASSERT_FALSE(server.sends(kConnect5));
    EXPECT_EQ(server.sends("f0 06 19 04 15 0001 'm'"), errc::protocol_error);
}

TEST(ServerProtocol, LeavesTheRest_WhenTheHandlerStops) {
    Server server;
    server.handler.stop_after = "publish";
    ASSERT_FALSE(server.sends(kConnect311));
    const std::string_view two = "30 03 0001 'a' 30 03 0001 'b' c0 00";
    EXPECT_EQ(server.consumes(two), 5U);
    EXPECT_EQ(server.consumes("30 03 0001 'b' c0 00"), 5U);
    EXPECT_EQ(server.consumes("c0 00"), 2U);
    EXPECT_EQ(
        server.handler.events, (Events{"connect c", "publish a 0 0 ", "publish b 0 0 ", "pingreq"})
    );
}

TEST(ServerProtocol, LeavesTheRest_WhenTheHandlerStopsAtAPacketThatWasCut) {
    Server server;
    server.handler.stop_after = "publish";
    ASSERT_FALSE(server.sends(kConnect311));
    EXPECT_EQ(server.consumes("30 03 00"), 3U);
    EXPECT_EQ(server.consumes("01 'a' c0 00"), 2U);
    EXPECT_EQ(server.consumes("c0 00"), 2U);
}

TEST(ServerProtocol, GoesOnElsewhere_WhenMovedAfterConnect) {
    ServerProtocol first{ServerLimits{}};
    ServerRecorder handler{first};
    handler.accept = false;
    const Bytes bytes = bytes_of(std::string{kConnect5Auth} + "f0 06 18");
    ASSERT_EQ(*first.feed(bytes, handler), bytes.size());
    ServerProtocol second{std::move(first)};
    ServerRecorder other{second};
    second.accept(60, ServerLimits{});
    EXPECT_EQ(second.feed(bytes_of("04 15 0001 'm'"), other).error(), errc::protocol_error)
        << "the exchange is over";
}

// ---- Topic aliases

TEST(ServerProtocol, LearnsReplacesAndResolvesAliases_MQTT5_3_3_2_12) {
    Server server;
    ASSERT_FALSE(server.sends(kConnect5));
    ASSERT_FALSE(server.sends("30 07 0001 'a' 03 23 000a 30 06 0000 03 23 000a"));
    ASSERT_FALSE(server.sends("30 07 0001 'b' 03 23 000a 30 06 0000 03 23 000a"));
    EXPECT_EQ(
        server.handler.events,
        (Events{"connect c", "publish a 0 0 ", "publish a 0 0 ", "publish b 0 0 ", "publish b 0 0 "}
        )
    );
}

TEST(ServerProtocol, RefusesAliases_BeyondTheMaximumOrUnknown_MQTT5_3_2_2_17_MQTT5_3_2_2_18_MQTT5_3_3_2_9) {
    Server server;
    ASSERT_FALSE(server.sends(kConnect5));
    EXPECT_EQ(server.sends("30 07 0001 'a' 03 23 000b"), errc::topic_alias_invalid)
        << "10 is the maximum";
    Server unknown;
    ASSERT_FALSE(unknown.sends(kConnect5));
    EXPECT_EQ(unknown.sends("30 06 0000 03 23 0001"), errc::protocol_error);
    Server none;
    none.handler.limits.topic_alias_maximum = 0;
    ASSERT_FALSE(none.sends(kConnect5));
    EXPECT_EQ(none.sends("30 07 0001 'a' 03 23 0001"), errc::topic_alias_invalid);
    EXPECT_EQ(none.protocol.footprint(), 0U);
}

// ---- Receive maximum

TEST(ServerProtocol, HoldsTheReceiveMaximum_AtAndBeyond_MQTT5_3_3_4_7) {
    Server server;
    server.handler.limits.receive_maximum = 2;
    ASSERT_FALSE(server.sends(kConnect5));
    EXPECT_FALSE(server.sends("32 06 0001 'a' 0001 00 34 06 0001 'a' 0002 00 30 04 0001 'a' 00"));
    EXPECT_EQ(server.protocol.unsettled(), 2U);
    server.protocol.settled();
    EXPECT_FALSE(server.sends("32 06 0001 'a' 0003 00"));
    EXPECT_EQ(server.sends("32 06 0001 'a' 0004 00"), errc::receive_maximum_exceeded);
}

TEST(ServerProtocol, OnlyCountsUnsettled_WhenVersionIs311) {
    Server server;
    server.handler.limits.receive_maximum = 1;
    ASSERT_FALSE(server.sends(kConnect311));
    EXPECT_FALSE(server.sends("32 05 0001 'a' 0001 32 05 0001 'a' 0002"));
    EXPECT_EQ(server.protocol.unsettled(), 2U);
    for (int i = 0; i < 3; ++i) {
        server.protocol.settled();
    }
    EXPECT_EQ(server.protocol.unsettled(), 0U);
}

// ---- Sizes and memory

TEST(ServerProtocol, HoldsThePacketLimits_BeforeAndAfterConnack_MQTT5_3_2_2_15) {
    Server server;
    server.limits.connect_bytes = 15;
    server.protocol = ServerProtocol{server.limits};
    server.handler.limits.packet_bytes = 20;
    EXPECT_FALSE(server.sends(kConnect311)) << "15 bytes";
    EXPECT_FALSE(server.sends("30 12 0001 'a' 000000000000000000000000000000"));
    EXPECT_EQ(server.sends("30 13 0001 'a'"), errc::packet_too_large) << "before the body came";

    Server small;
    small.limits.connect_bytes = 14;
    small.protocol = ServerProtocol{small.limits};
    EXPECT_EQ(small.sends(kConnect311), errc::packet_too_large);
}

TEST(ServerProtocol, KeepsOnlyWhatCame_WhenALargePacketTrickles) {
    Server server;
    ASSERT_FALSE(server.sends(kConnect311));
    EXPECT_EQ(server.protocol.footprint(), 0U) << "idle";
    EXPECT_FALSE(server.sends("30 80800f 0001 'a'"));
    EXPECT_LE(server.protocol.footprint(), 64U) << "declared 240 KiB, sent 7 bytes";
    for (int i = 0; i < 100; ++i) {
        EXPECT_FALSE(server.sends("00"));
    }
    EXPECT_LE(server.protocol.footprint(), 256U);
}

TEST(ServerProtocol, GivesMemoryBack_WhenACutPacketIsComplete) {
    Server server;
    ASSERT_FALSE(server.sends(kConnect311));
    EXPECT_FALSE(server.sends("30 04 0001"));
    EXPECT_GT(server.protocol.footprint(), 0U);
    EXPECT_FALSE(server.sends("'ax'"));
    EXPECT_EQ(server.protocol.footprint(), 0U);
    EXPECT_EQ(server.handler.events.back(), "publish a 0 0 x");
}

// ---- Keep-alive, DISCONNECT

TEST(ServerProtocol, TellsOneAndAHalfKeepAlives_MQTT3_3_1_2_24_MQTT5_3_1_2_22) {
    Server server;
    EXPECT_EQ(server.protocol.keep_alive_timeout().count(), 0);
    ASSERT_FALSE(server.sends(kConnect311));
    EXPECT_EQ(server.protocol.keep_alive_timeout(), std::chrono::seconds{90});
    server.protocol.accept(65'535, server.limits);
    EXPECT_EQ(server.protocol.keep_alive_timeout().count(), 98'302'500);
}

TEST(ServerProtocol, RefusesALateSessionExpiry_WhenConnectHadNone) {
    Server server;
    ASSERT_FALSE(server.sends(kConnect5));
    EXPECT_EQ(server.sends("e0 07 00 05 11 00000001"), errc::protocol_error);
    Server zero;
    ASSERT_FALSE(zero.sends(kConnect5));
    EXPECT_FALSE(zero.sends("e0 07 00 05 11 00000000"));
    Server some;
    ASSERT_FALSE(some.sends("10 13 0004 'MQTT' 05 02 003c 05 11 0000000a 0001 'c'"));
    EXPECT_FALSE(some.sends("e0 07 00 05 11 00000001"));
}

// ---- Enhanced authentication

TEST(ServerProtocol, RunsAnAuthenticationExchange_MQTT5_4_12_0_3_MQTT5_4_12_1_1) {
    Server server;
    server.handler.accept = false;
    EXPECT_FALSE(server.sends(kConnect5Auth));
    EXPECT_FALSE(server.sends("f0 0b 18 09 15 0001 'm' 16 0002 'ad'"));
    server.protocol.accept(60, server.limits);
    EXPECT_FALSE(server.sends("f0 06 19 04 15 0001 'm' f0 06 18 04 15 0001 'm'"));
    server.protocol.reauthenticated();
    EXPECT_EQ(server.sends("f0 06 18 04 15 0001 'm'"), errc::protocol_error)
        << "nothing to continue";
    EXPECT_EQ(
        server.handler.events,
        (Events{
            "connect c",
            "auth continue_authentication",
            "auth reauthenticate",
            "auth continue_authentication"
        })
    );
}

TEST(ServerProtocol, RefusesAnotherAuthenticationMethod_MQTT5_4_12_0_5) {
    Server server;
    server.handler.accept = false;
    ASSERT_FALSE(server.sends(kConnect5Auth));
    EXPECT_EQ(server.sends("f0 06 18 04 15 0001 'n'"), errc::bad_authentication_method);
}

TEST(ServerProtocol, RefusesReauthentication_WhenOneIsRunningOrItIsTooEarly) {
    Server early;
    early.handler.accept = false;
    ASSERT_FALSE(early.sends(kConnect5Auth));
    EXPECT_EQ(early.sends("f0 06 19 04 15 0001 'm'"), errc::protocol_error);
    Server twice;
    ASSERT_FALSE(twice.sends(kConnect5Auth));
    ASSERT_FALSE(twice.sends("f0 06 19 04 15 0001 'm'"));
    EXPECT_EQ(twice.sends("f0 06 19 04 15 0001 'm'"), errc::protocol_error);
}

// ---- Farewell

struct FarewellCase {
    std::string_view name;
    std::string_view sent;
    bool accepted;
    ReasonCode reason;
    std::string_view expected;
};

TEST(ServerProtocol, SaysFarewellInTheClientsVersion_MQTT3_3_1_4_1_MQTT3_3_2_2_6_MQTT5_3_2_2_8_MQTT5_3_14_0_1_MQTT5_3_14_2_1) {
    for (const auto& row : {
             FarewellCase{"nothing_known", "", false, ReasonCode::protocol_error, ""},
             FarewellCase{
                 "other_protocol",
                 "10 0c 0004 'MQTX' 04 02 0000 0000",
                 false,
                 ReasonCode::protocol_error,
                 ""
             },
             FarewellCase{
                 "connect_5", kConnect5, false, ReasonCode::not_authorized, "20 03 00 87 00"
             },
             FarewellCase{
                 "connect_5_not_for_connack",
                 kConnect5,
                 false,
                 ReasonCode::keep_alive_timeout,
                 "20 03 00 80 00"
             },
             FarewellCase{
                 "connect_311", kConnect311, false, ReasonCode::not_authorized, "20 02 00 05"
             },
             FarewellCase{
                 "connect_311_without_code", kConnect311, false, ReasonCode::malformed_packet, ""
             },
             FarewellCase{
                 "connected_5", kConnect5, true, ReasonCode::session_taken_over, "e0 01 8e"
             },
             FarewellCase{
                 "connected_5_not_for_disconnect", kConnect5, true, ReasonCode::banned, "e0 01 80"
             },
             FarewellCase{"connected_311", kConnect311, true, ReasonCode::session_taken_over, ""},
         }) {
        Server server;
        server.handler.accept = row.accepted;
        const auto error = server.sends(row.sent);
        const auto farewell = server.protocol.farewell(row.reason);
        EXPECT_EQ(Bytes(farewell.view().begin(), farewell.view().end()), bytes_of(row.expected))
            << row.name << ' ' << error.message();
    }
}

TEST(ServerProtocol, AnswersUnknownLevelsInTheNearestForm_MQTT3_3_1_2_2_MQTT5_3_1_2_2) {
    for (const auto& [hex, expected] :
         std::initializer_list<std::pair<std::string_view, std::string_view>>{
             {"10 0c 0004 'MQTT' 06 02 0000 0000", "20 03 00 84 00"},
             {"10 0c 0004 'MQTT' 02 02 0000 0000", "20 02 00 01"},
             {"10 0c 0004 'MQTT' 84 02 0000 0000", "20 02 00 01"},
         }) {
        Server server;
        const auto error = server.sends(hex);
        ASSERT_EQ(error, errc::unsupported_version);
        const auto farewell = server.protocol.farewell(reason_code_of(error));
        EXPECT_EQ(Bytes(farewell.view().begin(), farewell.view().end()), bytes_of(expected));
    }
}

TEST(ServerProtocol, AnswersAMalformedConnect_InItsVersion_MQTT5_3_1_4_1) {
    Server server;
    const auto error = server.sends("10 0d 0004 'MQTT' 05 03 0000 00 0000");
    ASSERT_EQ(error, errc::malformed_packet);
    const auto farewell = server.protocol.farewell(reason_code_of(error));
    EXPECT_EQ(Bytes(farewell.view().begin(), farewell.view().end()), bytes_of("20 03 00 81 00"));
}

}  // namespace
}  // namespace weir::mqtt::test
