// T-07: what the gateway does not accept leaves nothing behind. Under ASan, LeakSanitizer says more.
#include <algorithm>
#include <vector>

#include "conformance/websocket/script.hpp"
#include "integration/threats/support.hpp"
#include "support/hex.hpp"
#include "support/websocket_peer.hpp"
#include "unit/mqtt/golden.hpp"

namespace weir::test {
namespace {

/// Beginnings that end in an error: each packet of a client with each of its bytes changed, behind a CONNECT, and a few of
/// each other protocol.
std::vector<Bytes> malformed() {
    std::vector<Bytes> out;
    for (const auto& golden : mqtt::test::golden_packets()) {
        const Bytes packet = bytes_of(golden.hex);
        const bool is_connect = packet[0] == 0x10;
        if (is_connect && golden.hex.contains(" 0000")) {
            continue;  // Some are accepted, each under an id of its own: see below.
        }
        const Bytes connect = packet_of(
            mqtt::Connect{.version = golden.version, .client_id = "broken"}, golden.version
        );
        for (std::size_t i = 0; i < packet.size(); ++i) {
            Bytes changed = is_connect ? Bytes{} : connect;
            append(changed, packet);
            changed[changed.size() - packet.size() + i] ^= 0xFF;
            out.push_back(std::move(changed));
        }
    }
    const auto add = [&out](std::string_view text) {
        out.emplace_back(as_bytes(text).begin(), as_bytes(text).end());
    };
    add(std::string_view{"AMQP\x00\x01\x00\x00\x00\x00\x00\x0c\x02\x00\x00\x00\x00\x53\x7f\x45", 20}
    );
    add(std::string_view{"AMQP\x03\x01\x00\x00\x00\x00\x00\x08\x02\x01\x00\x00", 16});
    add(std::string_view{"AMQP\x00\x01\x00\x00\xff\xff\xff\xff\x02\x00\x00\x00", 16});
    add("POST /topics/a HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n");
    add("POST /topics/a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
    add("GET /mqtt HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\r\n");
    for (const Bytes& frames : {
             Bytes{websocket::test::Script{}.text("x")},
             Bytes{websocket::test::Script{}.begin("\x10").binary("x")},
             Bytes{websocket::test::Script{}.binary(as_text(Bytes(40, 0xFF)))},
         }) {
        add(WebSocketPeer::head_of({}) + std::string{as_text(frames)});
    }
    return out;
}

TEST(ThreatT07, LeavesNothingBehind_WhateverIsMalformed) {
    RunningGateway gateway{{}};
    const auto inputs = malformed();
    const auto play = [&] {
        for (const Bytes& input : inputs) {
            SocketPeer peer{gateway.port()};
            peer.send(input);
            peer.finish();
            while (!peer.read().empty()) {
            }
        }
        EXPECT_TRUE(eventually([&] { return gateway.connections() == 0; }));
        gateway->flush_usage();
    };
    play();  // Tables and pools take their size.
    play();
    const std::size_t before = heap_bytes();
    for (int round = 0; round < 5; ++round) {
        play();
    }
    const std::size_t after = heap_bytes();
    EXPECT_LE(after, before + 16 * kKiB) << inputs.size() * 5 << " connections";
    expect_service(gateway.port());
}

Bytes connect_without_id(std::string_view password) {
    return packet_of(
        mqtt::Connect{
            .version = mqtt::Version::v5,
            .user_name = password.empty() ? std::optional<std::string_view>{} : "nobody",
            .password = password.empty() ? std::optional<ByteView>{} : as_bytes(password),
        },
        mqtt::Version::v5
    );
}

TEST(ThreatT07, LeavesNothingBehind_OfClientsWithoutAnIdThatAreRefused) {
    RunningGateway gateway{{}};
    const auto play = [&] {
        for (int i = 0; i < 300; ++i) {
            SocketPeer peer{gateway.port()};
            peer.send(connect_without_id("wrong"));
            EXPECT_EQ(peer.read().at(3), 0x86U);
        }
        EXPECT_TRUE(eventually([&] { return gateway.connections() == 0; }));
    };
    play();
    const std::size_t before = heap_bytes();
    play();
    EXPECT_LE(heap_bytes(), before + 4 * kKiB);
    EXPECT_FALSE(gateway->decisions("127.0.0.1").empty()) << "`why` knows them by their address";
}

TEST(ThreatT07, LeavesOnlyItsUsageBehind_OfAClientWithoutAnIdThatIsAccepted) {
    RunningGateway gateway{{}};
    constexpr std::size_t kClients = 300;
    const auto play = [&] {
        for (std::size_t i = 0; i < kClients; ++i) {
            SocketPeer peer{gateway.port()};
            peer.send(connect_without_id(""));
            EXPECT_EQ(peer.read().at(3), 0U);
        }
        EXPECT_TRUE(eventually([&] { return gateway.connections() == 0; }));
        gateway->flush_usage();
    };
    play();
    const std::size_t before = heap_bytes();
    play();
    EXPECT_LE(heap_bytes(), before + kClients * kKiB);
    EXPECT_EQ(gateway.metric("weir_sessions"), 0);
}

}  // namespace
}  // namespace weir::test
