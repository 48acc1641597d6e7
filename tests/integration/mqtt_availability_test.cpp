// What a listener has and has not, and how MQTT clients are told.
#include <string>

#include "integration/mqtt_fixture.hpp"

namespace weir::app::test {
namespace {

std::string hex_of(ByteView bytes) {
    std::string out;
    for (const Byte byte : bytes) {
        out += fmt::format("{:02x}", byte);
    }
    return out;
}

std::string hex_of(std::string_view written) {
    return hex_of(weir::test::bytes_of(written));
}

class Availability : public MqttGateway {
protected:
    /// @return CONNACK as hex.
    static std::string connect_v5(HexPeer& peer, std::string_view id) {
        peer.sends(fmt::format("10 0e 0004 'MQTT' 05 02 003c 00 0001 '{}'", id));
        return hex_of(peer.packet());
    }
    static void connect_v3(HexPeer& peer, std::string_view id) {
        peer.sends(fmt::format("10 0d 0004 'MQTT' 04 02 003c 0001 '{}'", id));
        peer.expects("20 02 00 00");
    }
};

TEST_F(Availability, HasWildcardsAndSharedSubscriptions_UnlessTheListenerSaysOtherwise) {
    start();
    HexPeer peer{port_};
    const auto connack = connect_v5(peer, "d");
    EXPECT_EQ(connack.find(hex_of("28 00")), std::string::npos) << connack;
    EXPECT_EQ(connack.find(hex_of("2a 00")), std::string::npos) << connack;
    peer.sends("82 12 0001 00 000c '$share/g/a/+' 01");
    peer.expects("90 04 0001 00 01");
}

TEST_F(Availability, TellsThatThereAreNoWildcards_AndEndsWhoUsesThem) {
    start({}, ", mqtt: {wildcard_subscriptions: false}");
    for (const char* filter : {"0001 '#'", "0003 'a/+'", "000a '$share/g/#'"}) {
        HexPeer peer{port_};
        EXPECT_NE(connect_v5(peer, "d").find(hex_of("28 00")), std::string::npos);
        peer.sends("82 07 0001 00 0001 't' 01");
        peer.expects("90 04 0001 00 01");
        const auto body = hex_of(fmt::format("0002 00 {} 00", filter));
        peer.sends(fmt::format("82 {:02x} {}", body.size() / 2, body));
        peer.expects("e0 01 a2");
        peer.expects_close();
    }
    HexPeer old{port_};
    connect_v3(old, "o");
    old.sends("82 0a 0001 0001 '#' 00 0001 't' 01");
    old.expects("90 04 0001 80 01");
}

TEST_F(Availability, TellsThatThereAreNoSharedSubscriptions_AndEndsWhoUsesThem) {
    start({}, ", mqtt: {shared_subscriptions: false}");
    HexPeer peer{port_};
    EXPECT_NE(connect_v5(peer, "d").find(hex_of("2a 00")), std::string::npos);
    peer.sends("82 09 0001 00 0003 'a/#' 01");
    peer.expects("90 04 0001 00 01");
    peer.sends("82 10 0002 00 000a '$share/g/t' 01");
    peer.expects("e0 01 9e");
    peer.expects_close();
    HexPeer old{port_};
    connect_v3(old, "o");
    old.sends("82 13 0001 000a '$share/g/t' 00 0001 't' 01");
    old.expects("90 04 0001 80 01");
}

TEST_F(Availability, SendsClientsElsewhere_WhenItStopsAndKnowsWhere) {
    start({}, ", mqtt: {server_reference: \"gw2.example:8883\"}");
    HexPeer peer{port_};
    connect_v5(peer, "d");
    HexPeer old{port_};
    connect_v3(old, "o");
    gateway_.reset();
    peer.expects("e0 15 9c 13 1c 0010 'gw2.example:8883'");
    peer.expects_close();
    old.expects_close();
}

TEST_F(Availability, SaysOnlyThatItStops_WhenItKnowsNowhere) {
    start();
    HexPeer peer{port_};
    connect_v5(peer, "d");
    gateway_.reset();
    peer.expects("e0 01 8b");
    peer.expects_close();
}

// ---- PUBACK and PUBREC say that nobody took it

TEST_F(Availability, SaysThatNobodyTookAMessage) {
    write(
        "rules.d/taken.sql",
        "---\nto: [{republish: {topic: nobody/knows}}]\n---\nSELECT * FROM 'ruled'\n"
    );
    start();
    HexPeer peer{port_};
    connect_v5(peer, "p");
    peer.sends("32 09 0003 'a/b' 0001 00 'x'");
    peer.expects("40 03 0001 10");
    peer.sends("34 09 0003 'a/b' 0002 00 'x'");
    peer.expects("50 03 0002 10");
    peer.sends("62 02 0002");
    peer.expects("70 02 0002");
    peer.sends("33 09 0003 'a/b' 0003 00 'x'");
    peer.expects("40 02 0003");
    peer.sends("32 0c 0005 'ruled' 0004 00 '{}'");
    peer.expects("40 02 0004");
    HexPeer subscriber{port_};
    connect_v5(subscriber, "s");
    subscriber.sends("82 09 0001 00 0003 'c/+' 00");
    subscriber.expects("90 04 0001 00 00");
    peer.sends("32 09 0003 'c/d' 0005 00 'x'");
    peer.expects("40 02 0005");
    HexPeer old{port_};
    connect_v3(old, "o");
    old.sends("32 08 0003 'a/c' 0001 'x'");
    old.expects("40 02 0001");
}

// ---- Limits of packets

TEST_F(Availability, TakesAConnectAsLargeAsAnyPacket_WhenNothingIsLimited) {
    start("limits: {preset: none}\n");
    HexPeer peer{port_};
    const std::string payload(0xFFFF, 'w');
    peer.sends(
        fmt::format("10 91 80 04 0004 'MQTT' 04 06 003c 0001 'd' 0001 'w' ffff '{}'", payload)
    );
    peer.expects("20 02 00 00");
}

TEST_F(Availability, TakesNoConnectAboveItsLimit) {
    start("limits: {connect_bytes: 1KiB}\n");
    HexPeer peer{port_};
    const std::string payload(1'024, 'w');
    peer.sends(fmt::format("10 92 08 0004 'MQTT' 04 06 003c 0001 'd' 0001 'w' 0400 '{}'", payload));
    peer.expects_close();
}

// ---- $SYS through a shared subscription

TEST_F(Availability, TellsItsStatusToASharedGroup) {
    write("policies.d/open.yaml", R"(policy: open
match: {anonymous: true}
allow:
  - connect: "*"
    shared: true
  - publish: ["#"]
    shared: true
  - subscribe: ["#", "$SYS/#"]
)");
    start();
    for (const char* id : {"a", "b", "c"}) {  // Groups and members fall on different shards.
        HexPeer member{port_};
        connect_v5(member, id);
        member.sends(fmt::format("82 22 0001 00 001c '$share/{}/$SYS/broker/version' 00", id));
        member.expects("90 04 0001 00 00");
        EXPECT_NE(hex_of(member.packet()).find(hex_of("'$SYS/broker/version'")), std::string::npos);
    }
}

}  // namespace
}  // namespace weir::app::test
