// Enhanced authentication: AUTH between CONNECT and CONNACK, and on a live session.
#include <gtest/gtest.h>

#include "integration/mqtt_fixture.hpp"

namespace weir::app::test {
namespace {

/// The peer names a thing, gets the challenge "say", and must answer "please". "endless" is challenged for ever.
class Politeness final : public identity::Mechanism {
    class Conversation final : public identity::Exchange {
    public:
        identity::Step next(ByteView data) override {
            if (thing_.empty() || thing_ == "endless") {
                thing_ = as_text(data);
                const auto question = as_bytes("say");
                return identity::Challenge{{question.begin(), question.end()}};
            }
            if (as_text(data) != "please") {
                return identity::errc::bad_credentials;
            }
            auto principal = std::make_shared<model::Principal>();
            principal->thing = thing_;
            principal->policies = {"things"};
            const auto thanks = as_bytes("ok");
            return identity::Proved{std::move(principal), {thanks.begin(), thanks.end()}};
        }

    private:
        std::string thing_;
    };

public:
    [[nodiscard]] std::string_view name() const noexcept override { return "m"; }
    [[nodiscard]] std::unique_ptr<identity::Exchange> begin(const identity::Registry& /*registry*/)
        const override {
        return std::make_unique<Conversation>();
    }
};

class Auth : public MqttGateway {
protected:
    void SetUp() override {
        MqttGateway::SetUp();
        write("policies.d/things.yaml", "policy: things\nallow:\n  - connect: \"*\"\n  - publish: [\"#\"]\n");
        start_with({});
    }
    void start_with(std::string_view limits) {
        gateway_.reset();
        start(
            limits.empty() ? std::string{} : fmt::format("limits: {{{}}}\n", limits),
            {},
            {std::make_shared<const Politeness>()}
        );
    }
    /// CONNECT of the thing 'a', answered with a challenge.
    static void begin(HexPeer& peer) {
        peer.sends("10 17 0004 'MQTT' 05 02 003c 08 15 0001 'm' 16 0001 'a' 0002 'cc'");
        peer.expects(kChallenge);
    }
    /// A new thing 'a' with a session of an hour and a will for 'w'. @return CONNACK
    static Bytes connect_with_will(HexPeer& peer) {
        peer.sends("10 26 0004 'MQTT' 05 04 003c 0d 11 00000e10 15 0001 'm' 16 0001 'a' 0002 'cc' 00 0001 'w' 0004 'gone'");
        peer.expects(kChallenge);
        peer.sends(kAnswer);
        return peer.packet();
    }
    /// Somebody who sees wills for 'w'.
    [[nodiscard]] HexPeer watcher() const {
        HexPeer peer{port_};
        peer.sends("10 0e 0004 'MQTT' 05 02 003c 00 0001 'v'");
        EXPECT_EQ(peer.packet().at(3), 0U);
        peer.sends("82 07 0001 00 0001 'w' 00");
        peer.expects("90 04 0001 00 00");
        return peer;
    }
    static constexpr std::string_view kChallenge = "f0 0c 18 0a 15 0001 'm' 16 0003 'say'";
    static constexpr std::string_view kAnswer = "f0 0f 18 0d 15 0001 'm' 16 0006 'please'";
    static constexpr std::string_view kWrongAnswer = "f0 0a 18 08 15 0001 'm' 16 0001 'x'";
    static constexpr std::string_view kAgain = "f0 0a 19 08 15 0001 'm' 16 0001 'a'";
    static constexpr std::string_view kAccepted = "f0 0b 00 09 15 0001 'm' 16 0002 'ok'";
    /// The rounds up to CONNACK, of the thing 'a'.
    static void connect(HexPeer& peer, std::string_view client_id) {
        peer.sends(
            std::string{"10 17 0004 'MQTT' 05 02 003c 08 15 0001 'm' 16 0001 'a' 0002 '"} +
            std::string{client_id} + "'"
        );
        peer.expects("f0 0c 18 0a 15 0001 'm' 16 0003 'say'");
        peer.sends("f0 0f 18 0d 15 0001 'm' 16 0006 'please'");
        const Bytes connack = peer.packet();
        ASSERT_GE(connack.size(), 4U);
        EXPECT_EQ(connack[0], 0x20U);
        EXPECT_EQ(connack[3], 0U);
        const auto text = as_text(connack);
        EXPECT_NE(text.find(as_text(bytes_of("15 0001 'm' 16 0002 'ok'"))), std::string_view::npos)
            << "the method and the server's own data";
    }
    static Bytes bytes_of(std::string_view hex) { return weir::test::bytes_of(hex); }
};

TEST_F(Auth, TakesRoundsUntilTheClientIsKnown_WhicheverShardItsSessionIsOn_MQTT5_4_12_0_2_MQTT5_4_12_0_5) {
    for (const char* client_id : {"c0", "c1", "c2", "c3", "c4", "c5"}) {
        HexPeer peer{port_};
        connect(peer, client_id);
        peer.sends("32 07 0001 't' 0001 00 'x'");
        peer.expects("40 03 0001 10");
    }
    const auto sessions = gateway_->sessions({.device = "a"});
    EXPECT_LE(sessions.size(), 6U);
}

TEST_F(Auth, TakesRoundsThatComeInOnePiece) {
    HexPeer peer{port_};
    peer.sends(
        "10 17 0004 'MQTT' 05 02 003c 08 15 0001 'm' 16 0001 'a' 0002 'cc'"
        "f0 0f 18 0d 15 0001 'm' 16 0006 'please'"
        "c0 00"
    );
    peer.expects("f0 0c 18 0a 15 0001 'm' 16 0003 'say'");
    EXPECT_EQ(peer.packet().front(), 0x20U);
    peer.expects("d0 00");
}

TEST_F(Auth, SaysOnlyMethodAndData_SoThatSmallPacketsSuffice_MQTT5_3_15_2_2_MQTT5_3_15_2_3) {
    HexPeer peer{port_};
    peer.sends("10 1b 0004 'MQTT' 05 02 003c 0d 27 00000010 15 0001 'm' 16 0001 'a' 0001 'c'");
    peer.expects("f0 0c 18 0a 15 0001 'm' 16 0003 'say'");
}

TEST_F(Auth, RefusesAMethodThatIsNotOffered_MQTT5_4_12_0_1) {
    HexPeer peer{port_};
    peer.sends("10 12 0004 'MQTT' 05 02 003c 04 15 0001 'x' 0001 'c'");
    EXPECT_EQ(peer.packet().at(3), 0x8cU);
    peer.expects_close();
}

TEST_F(Auth, RefusesAWrongAnswer_MQTT5_4_12_0_4) {
    HexPeer peer{port_};
    peer.sends("10 16 0004 'MQTT' 05 02 003c 08 15 0001 'm' 16 0001 'a' 0001 'c'");
    peer.expects("f0 0c 18 0a 15 0001 'm' 16 0003 'say'");
    peer.sends("f0 0a 18 08 15 0001 'm' 16 0001 'x'");
    EXPECT_EQ(peer.packet().at(3), 0x87U);
    peer.expects_close();
    EXPECT_TRUE(gateway_->sessions({.device = "a"}).empty());
}

TEST_F(Auth, RefusesAnotherMethodThanConnects_MQTT5_4_12_0_5) {
    HexPeer peer{port_};
    peer.sends("10 16 0004 'MQTT' 05 02 003c 08 15 0001 'm' 16 0001 'a' 0001 'c'");
    peer.expects("f0 0c 18 0a 15 0001 'm' 16 0003 'say'");
    peer.sends("f0 0a 18 08 15 0001 'n' 16 0001 'x'");
    EXPECT_EQ(peer.packet().at(3), 0x8cU);
    peer.expects_close();
}

TEST_F(Auth, RefusesOtherPacketsBetweenTheRounds_MQTT5_3_1_2_30) {
    HexPeer peer{port_};
    peer.sends("10 16 0004 'MQTT' 05 02 003c 08 15 0001 'm' 16 0001 'a' 0001 'c'");
    peer.expects("f0 0c 18 0a 15 0001 'm' 16 0003 'say'");
    peer.sends("30 04 0001 't' 00");
    EXPECT_EQ(peer.packet().at(3), 0x82U);
    peer.expects_close();
}

TEST_F(Auth, EndsAnExchangeThatDoesNot) {
    HexPeer peer{port_};
    peer.sends("10 1c 0004 'MQTT' 05 02 003c 0e 15 0001 'm' 16 0007 'endless' 0001 'c'");
    for (int round = 0; round < 8; ++round) {
        peer.expects("f0 0c 18 0a 15 0001 'm' 16 0003 'say'");
        peer.sends("f0 10 18 0e 15 0001 'm' 16 0007 'endless'");
    }
    EXPECT_EQ(peer.packet().at(3), 0x87U);
    peer.expects_close();
}

TEST_F(Auth, RefusesAuthWithoutAMethodInConnect_MQTT5_4_12_0_7) {
    HexPeer peer{port_};
    peer.sends("10 0e 0004 'MQTT' 05 02 003c 00 0001 'b'");
    EXPECT_EQ(peer.packet().at(3), 0U);
    peer.sends("f0 06 19 04 15 0001 'm'");
    EXPECT_EQ(peer.packet().at(2), 0x82U);
    peer.expects_close();
}

TEST_F(Auth, AuthenticatesAgainOnALiveSession_MQTT5_4_12_1_1) {
    HexPeer peer{port_};
    connect(peer, "cc");
    for (int time = 0; time < 2; ++time) {
        peer.sends("f0 0a 19 08 15 0001 'm' 16 0001 'a'");
        peer.expects("f0 0c 18 0a 15 0001 'm' 16 0003 'say'");
        peer.sends("c0 00");  // Everything else goes on in between.
        peer.expects("d0 00");
        peer.sends("f0 0f 18 0d 15 0001 'm' 16 0006 'please'");
        peer.expects("f0 0b 00 09 15 0001 'm' 16 0002 'ok'");
    }
}

TEST_F(Auth, EndsASession_WhenItAuthenticatesAgainAsSomebodyElse) {
    HexPeer peer{port_};
    connect(peer, "cc");
    peer.sends("f0 0a 19 08 15 0001 'm' 16 0001 'b'");
    peer.expects("f0 0c 18 0a 15 0001 'm' 16 0003 'say'");
    peer.sends("f0 0f 18 0d 15 0001 'm' 16 0006 'please'");
    EXPECT_EQ(peer.packet().at(2), 0x87U);
    peer.expects_close();
}

TEST_F(Auth, EndsASession_WhenItCannotAuthenticateAgain_MQTT5_4_12_1_2) {
    HexPeer peer{port_};
    connect(peer, "cc");
    peer.sends("f0 0a 19 08 15 0001 'm' 16 0001 'a'");
    peer.expects("f0 0c 18 0a 15 0001 'm' 16 0003 'say'");
    peer.sends("f0 0a 18 08 15 0001 'm' 16 0001 'x'");
    EXPECT_EQ(peer.packet().at(2), 0x87U);
    peer.expects_close();
}

TEST_F(Auth, RefusesToGoOnWithNothing) {
    HexPeer peer{port_};
    connect(peer, "cc");
    peer.sends("f0 0a 18 08 15 0001 'm' 16 0001 'a'");
    EXPECT_EQ(peer.packet().at(2), 0x82U);
    peer.expects_close();
}

// --- As a hostile peer would ---------------------------------------------------------------------------------------

TEST_F(Auth, RefusesAuthBeforeConnect_OrOfVersionsThatHaveNone) {
    HexPeer first{port_};
    first.sends("f0 06 18 04 15 0001 'm'");
    first.expects_close();
    HexPeer old{port_};
    old.sends("10 0d 0004 'MQTT' 04 02 003c 0001 'b'");
    old.expects("20 02 00 00");
    old.sends("f0 00");
    old.expects_close();
}

TEST_F(Auth, RefusesAuthThatNamesNoMethod_MQTT5_4_12_0_5) {
    HexPeer early{port_};
    begin(early);
    early.sends("f0 02 18 00");
    EXPECT_EQ(early.packet().at(3), 0x82U);
    early.expects_close();
    HexPeer late{port_};
    connect(late, "cc");
    late.sends("f0 02 19 00");
    EXPECT_EQ(late.packet().at(2), 0x82U);
    late.expects_close();
}

TEST_F(Auth, RefusesDataBeyondWhatAPeerMaySayBeforeItIsKnown) {
    start_with("connect_bytes: 1KiB");
    HexPeer peer{port_};
    begin(peer);
    peer.sends("f0 ff 0f");  // 2,047 bytes are to come.
    EXPECT_EQ(peer.packet().at(3), 0x95U);
    peer.expects_close();
}

TEST_F(Auth, IsOver_WhenTheClientLeavesBetweenTheRounds) {
    HexPeer watching = watcher();
    HexPeer peer{port_};
    peer.sends("10 26 0004 'MQTT' 05 04 003c 0d 11 00000e10 15 0001 'm' 16 0001 'a' 0002 'cc' 00 0001 'w' 0004 'gone'");
    peer.expects(kChallenge);
    peer.sends("e0 00");
    peer.expects_close();
    {
        HexPeer broken{port_};
        begin(broken);
    }
    HexPeer refused{port_};
    begin(refused);
    refused.sends(kWrongAnswer);
    EXPECT_EQ(refused.packet().at(3), 0x87U);
    EXPECT_TRUE(gateway_->sessions({.device = "a"}).empty());
    watching.sends("c0 00");
    watching.expects("d0 00");
}

TEST_F(Auth, IsOver_WhenTheClientTakesItsTimeBetweenTheRounds_T29) {
    start_with("handshake: 3s");
    HexPeer silent{port_};
    begin(silent);
    HexPeer unfinished{port_};
    begin(unfinished);
    unfinished.sends("f0 0f 18 0d");
    silent.expects_close();
    unfinished.expects_close();
    EXPECT_TRUE(gateway_->sessions({.device = "a"}).empty());
}

TEST_F(Auth, TakesNothingFromTheOneWhoIsConnected_UntilTheOtherIsKnown) {
    HexPeer first{port_};
    connect(first, "cc");
    HexPeer stranger{port_};
    begin(stranger);
    first.sends("c0 00");
    first.expects("d0 00");
    stranger.sends(kWrongAnswer);
    EXPECT_EQ(stranger.packet().at(3), 0x87U);
    stranger.expects_close();
    HexPeer another{port_};
    another.sends("10 17 0004 'MQTT' 05 02 003c 08 15 0001 'm' 16 0001 'b' 0002 'cc'");
    another.expects(kChallenge);
    another.sends(kAnswer);
    EXPECT_EQ(another.packet().at(3), 0x87U) << "the client id is a's";
    another.expects_close();
    first.sends("c0 00");
    first.expects("d0 00");
    HexPeer second{port_};
    connect(second, "cc");
    first.expects("e0 01 8e");
    first.expects_close();
}

TEST_F(Auth, GoesOnWithMessagesAtQos2_WhileItAuthenticatesAgain) {
    HexPeer peer{port_};
    connect(peer, "cc");
    peer.sends("34 06 0001 't' 0005 00");
    peer.expects("50 03 0005 10");  // Nobody wants it.
    peer.sends(kAgain);
    peer.expects(kChallenge);
    peer.sends("62 02 0005");
    peer.expects("70 02 0005");
    peer.sends("34 06 0001 't' 0006 00");
    peer.expects("50 03 0006 10");
    peer.sends(kAnswer);
    peer.expects(kAccepted);
    peer.sends("3c 06 0001 't' 0006 00");  // Known already.
    peer.expects("50 02 0006");
    peer.sends("62 02 0006");
    peer.expects("70 02 0006");
}

TEST_F(Auth, LeavesTheSessionAndPublishesTheWill_WhenItCannotAuthenticateAgain_MQTT5_4_12_1_2) {
    HexPeer watching = watcher();
    const auto fails = [&](std::string_view again, unsigned code) {
        HexPeer peer{port_};
        const Bytes connack = connect_with_will(peer);
        EXPECT_EQ(connack.at(3), 0U);
        peer.sends(again);
        if (again == kAgain) {
            peer.expects(kChallenge);
            peer.sends(kWrongAnswer);
        }
        EXPECT_EQ(peer.packet().at(2), code);
        peer.expects_close();
        watching.expects("30 08 0001 'w' 00 'gone'");
        return connack.at(2) == 1;
    };
    EXPECT_FALSE(fails(kAgain, 0x87)) << "a new session";
    EXPECT_TRUE(fails("f0 0a 19 08 15 0001 'n' 16 0001 'a'", 0x8c)) << "another method";
    EXPECT_TRUE(fails("f0 06 18 04 15 0001 'm'", 0x82)) << "nothing to go on with";
    EXPECT_TRUE(fails("f0 06 00 04 15 0001 'm'", 0x82)) << "the server's word";
    HexPeer last{port_};
    EXPECT_EQ(connect_with_will(last).at(2), 1U);
}

TEST_F(Auth, RefusesToBeginAgain_BeforeItHasEnded) {
    HexPeer peer{port_};
    connect(peer, "cc");
    peer.sends(kAgain);
    peer.expects(kChallenge);
    peer.sends(kAgain);
    EXPECT_EQ(peer.packet().at(2), 0x82U);
    peer.expects_close();
}

TEST_F(Auth, EndsASession_WhoseNewExchangeDoesNotEnd) {
    HexPeer peer{port_};
    connect(peer, "cc");
    peer.sends("f0 10 19 0e 15 0001 'm' 16 0007 'endless'");
    for (int round = 0; round < 8; ++round) {
        peer.expects(kChallenge);
        peer.sends("f0 10 18 0e 15 0001 'm' 16 0007 'endless'");
    }
    EXPECT_EQ(peer.packet().at(2), 0x87U);
    peer.expects_close();
}

TEST_F(Auth, AuthenticatesAgainAsOftenAsItLikes_WhateverItSubscribesTo) {
    constexpr int kTimes = 2'000;
    write(
        "policies.d/things.yaml",
        "policy: things\nallow:\n  - connect: \"*\"\n  - subscribe: [\"#\"]\n"
    );
    start_with({});
    HexPeer peer{port_};
    connect(peer, "cc");
    for (int i = 100; i < 600; ++i) {
        peer.sends(fmt::format("82 09 0001 00 0003 '{}' 00", i));
        peer.expects("90 04 0001 00 00");
    }
    std::string all;
    for (int time = 0; time < kTimes; ++time) {
        all.append(kAgain).append(kAnswer);
    }
    peer.sends(all);
    for (int time = 0; time < kTimes; ++time) {
        peer.expects(kChallenge);
        peer.expects(kAccepted);
    }
}

}  // namespace
}  // namespace weir::app::test
