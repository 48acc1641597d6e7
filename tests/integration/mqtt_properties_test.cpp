// What MQTT 5 clients ask for in CONNECT, on the wire.
#include <gtest/gtest.h>

#include <string>

#include "integration/mqtt_fixture.hpp"

namespace weir::app::test {
namespace {

class Properties : public MqttGateway {
protected:
    /// Connects with clean start. @param properties hex, less than 100 bytes.
    static Bytes connect(HexPeer& peer, std::string_view properties, std::string_view client_id = "c") {
        const auto given = weir::test::bytes_of(properties);
        const auto size = 13 + given.size() + client_id.size();
        peer.sends(fmt::format(
            "10 {:02x} 0004 'MQTT' 05 02 003c {:02x} {} {:04x} '{}'",
            size, given.size(), properties, client_id.size(), client_id
        ));
        return peer.packet();
    }
    [[nodiscard]] static bool has(const Bytes& packet, std::string_view hex) {
        return as_text(packet).find(as_text(weir::test::bytes_of(hex))) != std::string_view::npos;
    }
};

constexpr std::string_view kDenied = "no policy allows this publish";

TEST_F(Properties, SaysWhyInWords_WhenTheCodeHasSeveralCauses) {
    start();
    HexPeer peer{port_};
    connect(peer, "");
    peer.sends("32 0f 0008 'secret/x' 0001 00 '00'");
    const auto puback = peer.packet();
    EXPECT_EQ(puback.at(4), 0x87U);
    EXPECT_NE(as_text(puback).find(kDenied), std::string_view::npos);
    peer.sends("34 0f 0008 'secret/x' 0002 00 '00'");
    EXPECT_TRUE(has(peer.packet(), "0002 87"));
    peer.sends("82 0e 0003 00 0008 'secret/x' 00");
    const auto suback = peer.packet();
    EXPECT_TRUE(has(suback, "1f")) << "Reason String";
    EXPECT_EQ(suback.back(), 0x87U);
    HexPeer banned{port_};
    EXPECT_NE(
        as_text(connect(banned, "", "banned")).find("no policy allows this connect"),
        std::string_view::npos
    );
}

TEST_F(Properties, SaysNothingInWords_WhenTheClientWantsNone_MQTT5_3_1_2_29) {
    start();
    HexPeer peer{port_};
    connect(peer, "17 00");
    peer.sends("32 0d 0008 'secret/x' 0001 00");
    peer.expects("40 03 0001 87");
    peer.sends("82 0e 0003 00 0008 'secret/x' 00");
    peer.expects("90 04 0003 00 87");
}

TEST_F(Properties, SaysNothingInWords_WhenThePacketWouldBeTooLarge_MQTT5_3_4_2_2_MQTT5_3_5_2_2_MQTT5_3_9_2_1) {
    start();
    HexPeer peer{port_};
    connect(peer, "27 00000020");
    peer.sends("32 0d 0008 'secret/x' 0001 00");
    peer.expects("40 03 0001 87");
    peer.sends("34 0d 0008 'secret/x' 0002 00");
    peer.expects("50 03 0002 87");
    peer.sends("82 0e 0003 00 0008 'secret/x' 00");
    peer.expects("90 04 0003 00 87");
}

TEST_F(Properties, SendsNoPacketAboveTheClientsMaximum_MQTT5_3_1_2_24) {
    start();
    HexPeer tiny{port_};
    EXPECT_EQ(connect(tiny, "27 00000008"), weir::test::bytes_of("20 03 00 95 00"))
        << "its CONNACK alone is larger";
    tiny.expects_close();
    HexPeer nothing{port_};
    nothing.sends("10 13 0004 'MQTT' 05 02 003c 05 27 00000004 0001 'd'");
    nothing.expects_close();
}

TEST_F(Properties, TellsWhereAnswersMayGo_WhenAskedAndAllowed_MQTT5_3_1_2_28) {
    start();
    HexPeer asks{port_};
    EXPECT_TRUE(has(connect(asks, "19 01", "one"), "1a 0009 'reply/one'"));
    HexPeer asks_not{port_};
    EXPECT_FALSE(has(connect(asks_not, "19 00", "two"), "'reply'"));
    HexPeer silent{port_};
    EXPECT_FALSE(has(connect(silent, "", "three"), "'reply'"));
    gateway_.reset();
    write("policies.d/open.yaml", "policy: open\nmatch: {anonymous: true}\nallow:\n  - connect: \"*\"\n    shared: true\n");
    start();
    HexPeer denied{port_};
    EXPECT_FALSE(has(connect(denied, "19 01", "one"), "'reply'")) << "it may not receive there";
}

TEST_F(Properties, GivesAliases_AsManyAsTheClientTakes_MQTT5_3_1_2_26_MQTT5_3_3_2_10) {
    start();
    HexPeer peer{port_};
    connect(peer, "22 0002");
    peer.sends("82 1e 0001 00 0006 'topic1' 00 0006 'topic2' 00 0006 'topic3' 00");
    peer.expects("90 06 0001 00 00 00 00");
    for (const char* again : {"30 0c 0006 'topic1' 03 23 0001", "30 06 0000 03 23 0001"}) {
        peer.sends("30 09 0006 'topic1' 00");
        peer.expects(again);
    }
    peer.sends("30 0a 0006 'topic2' 00 'y'");
    peer.expects("30 0d 0006 'topic2' 03 23 0002 'y'");
    peer.sends("30 09 0006 'topic3' 00");
    peer.expects("30 09 0006 'topic3' 00");
    peer.sends("30 0a 0006 'topic2' 00 'z'");
    peer.expects("30 07 0000 03 23 0002 'z'");
    HexPeer again{port_};
    connect(again, "22 0002");
    again.sends("82 0c 0001 00 0006 'topic1' 00");
    again.expects("90 04 0001 00 00");
    again.sends("30 09 0006 'topic1' 00");
    again.expects("30 0c 0006 'topic1' 03 23 0001");
}

TEST_F(Properties, GivesNoAliases_WhenTheClientTakesNone_MQTT5_3_1_2_27) {
    start();
    HexPeer peer{port_};
    connect(peer, "");
    peer.sends("82 0c 0001 00 0006 'topic1' 00");
    peer.expects("90 04 0001 00 00");
    for (int i = 0; i < 2; ++i) {
        peer.sends("30 09 0006 'topic1' 00");
        peer.expects("30 09 0006 'topic1' 00");
    }
}

TEST_F(Properties, KeepsTheWill_WhenDisconnectIsNoGoodbye_MQTT5_3_14_4_3) {
    start();
    HexPeer watcher{port_};
    connect(watcher, "", "w");
    watcher.sends("82 0a 0001 00 0004 'last' 00");
    watcher.expects("90 04 0001 00 00");
    for (const char* code : {"04", "81", "00"}) {
        HexPeer dying{port_};
        dying.sends("10 1a 0004 'MQTT' 05 06 003c 00 0001 'd' 00 0004 'last' 0003 'bye'");
        EXPECT_EQ(dying.packet().at(3), 0U);
        dying.sends(fmt::format("e0 01 {}", code));
        dying.expects_close();
        if (std::string_view{code} != "00") {
            watcher.expects("30 0a 0004 'last' 00 'bye'");
        }
    }
    watcher.sends("c0 00");
    watcher.expects("d0 00");
}

TEST_F(Properties, KeepsToTheReceiveMaximumOfEachConnection_MQTT5_3_3_4_9) {
    start();
    constexpr std::string_view kSession = "11 0000003c";
    const auto open = [&](HexPeer& peer, std::string_view receive_maximum) {
        peer.sends(fmt::format(
            "10 16 0004 'MQTT' 05 00 003c 08 {} 21 {} 0001 'r'", kSession, receive_maximum
        ));
        EXPECT_EQ(peer.packet().at(3), 0U);
    };
    HexPeer publisher{port_};
    connect(publisher, "", "p");
    {
        HexPeer first{port_};
        open(first, "0004");
        first.sends("82 07 0001 00 0001 't' 02");
        first.expects("90 04 0001 00 02");
        for (int i = 1; i <= 4; ++i) {
            publisher.sends(fmt::format("32 07 0001 't' {:04x} 00 '{}'", i, i));
            publisher.expects(fmt::format("40 02 {:04x}", i));
            first.expects(fmt::format("32 07 0001 't' {:04x} 00 '{}'", i, i));
        }
        first.drops();
    }
    HexPeer second{port_};
    open(second, "0002");
    second.expects("3a 07 0001 't' 0001 00 '1' 3a 07 0001 't' 0002 00 '2'");
    second.sends("c0 00");
    second.expects("d0 00");  // Nothing of the third.
    publisher.sends("32 07 0001 't' 0005 00 '5'");
    publisher.expects("40 02 0005");
    second.sends("40 02 0002");
    second.expects("3a 07 0001 't' 0003 00 '3'");
    second.sends("40 02 0001");
    second.expects("3a 07 0001 't' 0004 00 '4'");
    second.sends("40 02 0003 c0 00");
    second.expects("32 07 0001 't' 0005 00 '5' d0 00");
}

// ---- $SYS, and what the gateway does not take

constexpr std::string_view kStatusPolicy = R"(policy: open
match: {anonymous: true}
allow:
  - connect: "*"
    shared: true
  - publish: ["#", "$SYS/#"]
    retain: true
    shared: true
  - subscribe: ["#", "$SYS/#"]
on_violation: nack
)";

TEST_F(Properties, TellsItsStatusBelowSys_ToWhoMayListen) {
    start();
    HexPeer nosy{port_};
    connect(nosy, "17 00");
    nosy.sends("82 17 0001 00 0011 '$SYS/broker/versi' 00");
    nosy.expects("90 04 0001 00 87");
    gateway_.reset();
    write("policies.d/open.yaml", kStatusPolicy);
    start();
    for (const char* client_id : {"a", "b", "c"}) {  // On different shards.
        HexPeer listener{port_};
        connect(listener, "", client_id);
        listener.sends("82 19 0002 00 0013 '$SYS/broker/version' 00");
        listener.expects("90 04 0002 00 00");
        const auto told = listener.packet();
        EXPECT_TRUE(has(told, "0013 '$SYS/broker/version' 00 'weir '"));
    }
}

TEST_F(Properties, TakesNoPublishBelowSys_WhateverPoliciesSay_MQTT5_4_7_2_1) {
    write("policies.d/open.yaml", kStatusPolicy);
    start();
    HexPeer peer{port_};
    connect(peer, "17 00");
    peer.sends("32 0c 0006 '$SYS/x' 0001 00 'y'");
    peer.expects("40 03 0001 87");
    HexPeer dying{port_};
    dying.sends("10 19 0004 'MQTT' 05 06 003c 02 17 00 0001 'd' 00 0004 '$SYS' 0000");
    dying.expects("20 03 00 87 00");
}

TEST_F(Properties, SaysThatNothingIsRetained_MQTT5_3_2_2_13_MQTT5_3_2_2_14) {
    start({}, ", limits: {retained_messages: 0}");
    HexPeer peer{port_};
    EXPECT_TRUE(has(connect(peer, ""), "25 00"));
    peer.sends("31 04 0001 't' 00");
    peer.expects("e0 01 9a");
    peer.expects_close();
    HexPeer dying{port_};
    dying.sends("10 14 0004 'MQTT' 05 26 003c 00 0001 'd' 00 0001 't' 0000");
    dying.expects("20 03 00 9a 00");
}

TEST_F(Properties, LiftsWhatItCan_WhenNothingIsLimited) {
    start("limits: {preset: none}\n");
    HexPeer peer{port_};
    peer.sends("10 13 0004 'MQTT' 05 00 0000 05 11 ffffffff 0001 'd'");
    const auto connack = peer.packet();
    EXPECT_FALSE(has(connack, "13 ffff")) << "keep-alive 0 is never";
    EXPECT_FALSE(has(connack, "11 ffffffff")) << "granted as asked: not said";
    EXPECT_EQ(connack.at(3), 0U);
}

}  // namespace
}  // namespace weir::app::test
