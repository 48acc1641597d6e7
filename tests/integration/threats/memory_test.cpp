// T-04: what a peer can make the gateway hold before it has proved who it is.
#include <vector>

#include "integration/threats/support.hpp"
#include "support/websocket_peer.hpp"

namespace weir::test {
namespace {

constexpr std::size_t kSockets = 100;
/// 64 KiB of the peer's bytes, and what a connection costs by itself.
constexpr std::size_t kHeldMax = 64 * kKiB + 4 * kKiB;

struct Opening {
    std::string_view name;
    std::string start;  ///< Then `filler` again and again.
    char filler = 'x';
};

void PrintTo(const Opening& opening, std::ostream* out) {
    *out << opening.name;
}

std::string mqtt_header(std::uint32_t declared) {
    Bytes out{0x10};
    for (; declared >= 128; declared /= 128) {
        out.push_back(static_cast<Byte>(declared % 128 | 128U));
    }
    out.push_back(static_cast<Byte>(declared));
    return std::string{as_text(out)} + std::string{"\x00\x04MQTT\x05\xC2\x00\x3C", 10};
}

std::string http_head(std::string_view more) {
    return "POST /topics/a HTTP/1.1\r\nHost: h\r\n" + std::string{more};
}

/// A binary frame that declares `size` bytes; its mask is zeros.
std::string frame_header(std::uint64_t size) {
    Bytes out{0x82, 0xFF};
    append_be(out, size);
    append_be(out, std::uint32_t{0});
    return std::string{as_text(out)};
}

/// A device on every shard is answered: what came to the gateway before was looked at by then.
void visit_every_shard(std::uint16_t port) {
    for (int i = 0; i < 4; ++i) {
        EXPECT_EQ(MqttPeer{port}.connect("visitor"), mqtt::ReasonCode::not_authorized);
    }
}

class ThreatT04 : public testing::TestWithParam<Opening> {};

TEST_P(ThreatT04, HoldsLittle_OfPeersThatSayMuchAndProveNothing) {
    RunningGateway gateway{{.auth = "methods: [password]", .limits = "handshake: 60s"}};
    visit_every_shard(gateway.port());
    const std::size_t before = heap_bytes();
    std::vector<SocketPeer> peers;
    for (std::size_t i = 0; i < kSockets; ++i) {
        peers.emplace_back(gateway.port()).send(GetParam().start);
    }
    // What a peer would send in the end, a little at a time, so that nobody can take it in one piece.
    const std::string piece(3 * kKiB, GetParam().filler);
    for (std::size_t sent = 0; sent < 256 * kKiB; sent += piece.size()) {
        for (SocketPeer& peer : peers) {
            peer.try_send(as_bytes(piece));
        }
        if (sent % (15 * kKiB) == 0) {
            visit_every_shard(gateway.port());
        }
        ASSERT_LE(heap_bytes(), before + kSockets * kHeldMax) << "after " << sent << " of each";
    }
}

INSTANTIATE_TEST_SUITE_P(
    Openings,
    ThreatT04,
    testing::Values(
        Opening{"mqtt_256MiB", mqtt_header(268'435'455)},
        Opening{"mqtt_64KiB", mqtt_header(64 * kKiB - 4)},
        Opening{
            "amqp_4GiB", std::string{"AMQP\x00\x01\x00\x00\xFF\xFF\xFF\xFF\x02\x00\x00\x00", 16}},
        Opening{
            "amqp_64KiB", std::string{"AMQP\x00\x01\x00\x00\x00\x01\x00\x00\x02\x00\x00\x00", 16}},
        Opening{
            "sasl_64KiB", std::string{"AMQP\x03\x01\x00\x00\x00\x01\x00\x00\x02\x01\x00\x00", 16}},
        Opening{"http_head", http_head("X-Endless: ")},
        Opening{"http_body_256MiB", http_head("Content-Length: 268435456\r\n\r\n")},
        Opening{"http_body_within_the_limit", http_head("Content-Length: 262144\r\n\r\n")},
        Opening{"http_chunk", http_head("Transfer-Encoding: chunked\r\n\r\n3fff0\r\n")},
        Opening{
            "upgrade_head", "GET /mqtt HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nX-Endless: "},
        Opening{
            "websocket_4EiB", WebSocketPeer::head_of({}) + frame_header(std::uint64_t{1} << 62U)},
        Opening{
            "websocket_mqtt_64KiB",
            WebSocketPeer::head_of({}) + frame_header(200 * kKiB) + mqtt_header(64 * kKiB - 4)}
    ),
    [](const auto& row) { return std::string{row.param.name}; }
);

}  // namespace
}  // namespace weir::test
