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
        start({}, {}, {std::make_shared<const Politeness>()});
    }
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

}  // namespace
}  // namespace weir::app::test
