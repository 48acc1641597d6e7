// What one hostile peer sends, and that others do not notice.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

#include "conformance/mqtt/wire_peer.hpp"
#include "support/hex.hpp"
#include "support/random.hpp"
#include "support/running_gateway.hpp"
#include "unit/mqtt/golden.hpp"
#include "unit/mqtt/recorder.hpp"

namespace weir::conformance {
namespace {

using mqtt::test::golden_packets;
using test::bytes_of;

TEST(ThreatT09, NoBytesDoMoreThanCloseTheConnection) {
    const auto& all = golden_packets();
    test::Random random{20'260'311};
    for (int round = 0; round < 20'000; ++round) {
        const Bytes connect = bytes_of(
            round % 2 == 0 ? "10 0d 0004 'MQTT' 04 02 003c 0001 'c'"
                           : "10 0e 0004 'MQTT' 05 02 003c 00 0001 'c'"
        );
        mqtt::ServerProtocol server{mqtt::ServerLimits{}};
        mqtt::test::ServerRecorder handler{server};
        ASSERT_TRUE(server.feed(connect, handler));
        for (int packet = 0; packet < 4; ++packet) {
            Bytes bytes = bytes_of(all[random.below(all.size())].hex);
            for (std::size_t damage = random.below(4); damage > 0; --damage) {
                bytes[random.below(bytes.size())] = static_cast<Byte>(random.below(256));
            }
            const auto fed = server.feed(bytes, handler);
            if (!fed) {
                const auto farewell = server.farewell(mqtt::reason_code_of(fed.error()));
                EXPECT_LE(farewell.bytes.size(), 4U);
                break;
            }
        }
    }
}

/// A gateway, and somebody who must not be disturbed.
class Hostile {
public:
    explicit Hostile(unsigned shards) : gateway_{{.shards = shards}}, victim_{peer()} {
        EXPECT_EQ(victim_.connects(connect5("victim")).code, 0U);
        victim_.sends("82 07 0001 00 0001 't' 02").expects("90 04 0001 00 02");
    }
    [[nodiscard]] WirePeer peer() { return WirePeer{Transport::tcp, {.plain = gateway_.port()}}; }
    [[nodiscard]] WirePeer connected(bool five) {
        WirePeer made = peer();
        EXPECT_EQ(made.connects(five ? connect5("hostile") : connect3("hostile")).code, 0U);
        return made;
    }
    WirePeer& victim() { return victim_; }

private:
    test::RunningGateway gateway_;
    WirePeer victim_;
};

TEST(ThreatT09, OddTopics_CloseAConnectionAtMost) {
    Hostile world{2};
    for (const std::string topic :
         {"$",
          "$SYS",
          "$SYS/x",
          "$share",
          "$share/g/t",
          "$share//",
          "/",
          "//",
          "$/",
          "$iothub/x",
          "$aws/things/x/shadow/update",
          " "}) {
        SCOPED_TRACE(topic);
        const auto does = [&](const std::string& hex) {
            auto hostile = world.connected(true);
            hostile.sends(hex).sends("c0 00");
            for (Bytes next = hostile.packet(); !next.empty() && next[0] != 0xD0;
                 next = hostile.packet()) {
            }
        };
        // Retained, subscribed to, replaced, removed, left, removed again.
        for (const char* payload : {"'1'", "'2'", "", ""}) {
            does(packet("33", fmt::format("{} 0001 00 {}", text(topic), payload)));
            does(packet("82", fmt::format("0002 00 {} 01", text(topic))));
            does(packet("a2", fmt::format("0003 00 {}", text(topic))));
        }
    }
    world.victim().expects_nothing_more();
}

TEST(ThreatT08, EveryPacketAtAnyTime_EndsItsOwnConnectionAtMost) {
    Hostile world{8};
    for (const bool five : {false, true}) {
        for (const auto& golden : golden_packets()) {
            if ((golden.version == mqtt::Version::v5) != five) {
                continue;
            }
            SCOPED_TRACE(golden.name);
            const Bytes bytes = bytes_of(golden.hex);
            const unsigned type = bytes[0] >> 4U;
            auto first = world.peer();
            first.sends_bytes(bytes);
            if (type != 1) {
                EXPECT_EQ(first.packet(), Bytes{}) << "only CONNECT comes first";
            }
            auto connected = world.connected(five);
            connected.sends_bytes(bytes);
            constexpr std::string_view kNeverFromClients = "\x01\x02\x09\x0b\x0d";
            if (kNeverFromClients.contains(static_cast<char>(type))) {
                if (five) {
                    connected.expects("e0 01 82");
                }
                connected.expects_close();
            }
        }
    }
    world.victim().expects_nothing_more();
}

TEST(ThreatT12, ASubscriberKeepsItsConnection_WhateverAPublisherPutsIntoProperties) {
    Hostile world{2};
    auto& victim = world.victim();
    std::string largest;
    for (int i = 0; i < 31; ++i) {
        largest += "26 0000 0000 ";
    }
    const std::string body = "01 01 03 0000 08 0001 'r' 09 0000 " + largest + "26 0001 'k' " +
                             text(std::string(8'000, 'v'));
    auto publisher = world.connected(true);
    publisher.sends(packet("32", "0001 't' 0001 " + properties(body))).expects("40 02 0001");
    victim.expects(packet("32", "0001 't' 0001 " + properties(body))).sends("40 02 0001");
    for (const std::string_view bad :
         {"0b 01",
          "11 00000000",
          "12 0000",
          "13 0000",
          "15 0000",
          "17 01",
          "18 00000000",
          "1f 0000",
          "21 0001",
          "23 0000",
          "24 01",
          "26 0001 ff 0000",
          "26 0001 00 0000",
          "08 0001 '#'",
          "08 0001 ff",
          "03 0001 00",
          "01 02",
          "02 00000001 02 00000001",
          "7f"}) {
        SCOPED_TRACE(bad);
        auto hostile = world.connected(true);
        hostile.sends(packet("32", "0001 't' 0001 " + properties(bad)));
        const Bytes answer = hostile.packet();
        ASSERT_FALSE(answer.empty());
        EXPECT_EQ(answer[0], 0xE0) << "the sender is told";
        hostile.expects_close();
    }
    auto crowd = world.connected(true);
    crowd.sends(packet("30", "0001 't' " + properties(largest + "26 0000 0000 26 0000 0000 ")))
        .expects("e0 01 97")
        .expects_close();
    victim.expects_nothing_more();
}

}  // namespace
}  // namespace weir::conformance
