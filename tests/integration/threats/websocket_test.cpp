// T-26: what a hostile peer does with frames, beside the cases of tests/conformance/websocket.
#include <vector>

#include "integration/threats/support.hpp"
#include "support/websocket_peer.hpp"

namespace weir::test {
namespace {

/// Of a binary message that goes on, masked with zeros; its payload may never come.
Bytes fragment(bool is_first, std::uint16_t claimed_bytes) {
    Bytes out{is_first ? Byte{0x02} : Byte{0x00}};
    if (claimed_bytes > 125) {
        out.push_back(0xFE);
        append_be(out, claimed_bytes);
    } else {
        out.push_back(static_cast<Byte>(0x80U | claimed_bytes));
    }
    out.insert(out.end(), 4, 0);
    return out;
}

TEST(ThreatT26, AStormOfEmptyFragments_TakesNoMemory_AndOthersAreServed) {
    constexpr int kFragments = 1'000'000;
    constexpr int kBatch = 10'000;
    const RunningGateway gateway{{}};
    WebSocketPeer peer{gateway.port()};
    peer.upgrade({});
    peer.send(fragment(true, 0));
    Bytes batch;
    for (int i = 0; i < kBatch; ++i) {
        append(batch, fragment(false, 0));
    }
    const std::size_t before = heap_bytes();
    for (int sent = 0; sent < kFragments; sent += kBatch) {
        peer.send(batch);
    }
    expect_service(gateway.port());
    EXPECT_LE(heap_bytes(), before + kMiB);
}

TEST(ThreatT26, BytesThatAreOnlyClaimed_TakeNoMemory) {
    constexpr std::size_t kPeers = 500;
    constexpr std::size_t kEach = 16 * kKiB;  // Of the 64 KiB that each claims.
    const RunningGateway gateway{{}};
    expect_service(gateway.port());
    const std::size_t before = heap_bytes();
    std::vector<WebSocketPeer> peers;
    peers.reserve(kPeers);
    for (std::size_t i = 0; i < kPeers; ++i) {
        peers.emplace_back(gateway.port()).upgrade({});
        peers.back().send(fragment(true, 0xFFFF));
    }
    expect_service(gateway.port());
    EXPECT_LE(heap_bytes(), before + kPeers * kEach);
}

TEST(ThreatT26, ACompressedMessage_EndsTheConnection_WhetherCompressionWasAskedForOrNot) {
    const RunningGateway gateway{{}};
    for (const std::string_view more :
         {std::string_view{}, std::string_view{"Sec-WebSocket-Extensions: permessage-deflate\r\n"}}) {
        WebSocketPeer peer{gateway.port()};
        peer.upgrade({.more = more});
        // An empty deflate block: RSV1, masked with zeros.
        peer.send(Bytes{0xC2, 0x81, 0, 0, 0, 0, 0});
        EXPECT_TRUE(peer.until_end().empty());
        EXPECT_EQ(peer.control(), std::vector<std::string>{"close 1002"});
    }
    expect_service(gateway.port());
}

}  // namespace
}  // namespace weir::test
