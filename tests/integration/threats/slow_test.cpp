// T-29: peers that take their time, to say who they are or what they have to say.
#include <chrono>
#include <thread>
#include <vector>

#include <weir/admin/http_server.hpp>
#include <weir/amqp/message_head.hpp>
#include <weir/app/admin_api.hpp>

#include "integration/threats/support.hpp"
#include "support/amqp_frames.hpp"
#include "support/certificates.hpp"
#include "support/websocket_peer.hpp"

namespace weir::test {
namespace {

using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kSockets = 500;
constexpr auto kPatience = 60s;  ///< With limits of 2 s for the handshake and a packet.

RunningGateway::Options quick(RunningGateway::Options options = {}) {
    options.limits = "handshake: 2s, packet_grace: 2s";
    return options;
}

/// A peer's bytes, one by one; the last one is never sent.
struct Dripper {
    SocketPeer socket;
    std::string text;
    std::size_t next = 0;
    bool over = false;

    void drip() {
        std::array<Byte, 1'024> ignored;
        const auto count = ::recv(socket.fd(), ignored.data(), ignored.size(), MSG_DONTWAIT);
        over = count == 0 || (count < 0 && errno != EAGAIN && errno != EWOULDBLOCK);
        if (!over && next + 1 < text.size()) {
            over = socket.try_send(as_bytes(text).subspan(next++, 1)) < 0;
        }
    }
};

/// Drips on all of them until the gateway has closed the last one, and connects an honest device meanwhile.
void drip_until_closed(
    const RunningGateway& gateway, std::vector<Dripper>& peers, SteadyClock::time_point end
) {
    std::size_t left = peers.size();
    while (left != 0 && SteadyClock::now() < end) {
        left = 0;
        for (Dripper& peer : peers) {
            if (!peer.over) {
                peer.drip();
                left += peer.over ? 0U : 1U;
            }
        }
        MqttPeer honest{gateway.port()};
        EXPECT_EQ(honest.connect("honest"), mqtt::ReasonCode::success);
        std::this_thread::sleep_for(20ms);
    }
    EXPECT_EQ(left, 0U) << "still open";
}

/// As above; the gateway has forgotten them, too, and counts them under `reason`.
void expect_all_closed(
    const RunningGateway& gateway, std::vector<Dripper>& peers, std::string_view reason
) {
    const auto end = SteadyClock::now() + kPatience;
    drip_until_closed(gateway, peers, end);
    peers.clear();
    while (gateway.connections() != 0 && SteadyClock::now() < end) {
        std::this_thread::sleep_for(20ms);
    }
    EXPECT_EQ(gateway.connections(), 0U);
    EXPECT_GE(
        gateway.metric(fmt::format(R"(weir_refused_total{{reason="{}"}})", reason)), kSockets
    );
}

struct Beginning {
    std::string_view name;
    std::string at_once;  ///< Then `slowly`, byte by byte.
    std::string slowly;
    std::string_view reason = "handshake_timeout";
};

void PrintTo(const Beginning& beginning, std::ostream* out) {
    *out << beginning.name;
}

class ThreatT29 : public testing::TestWithParam<Beginning> {};

TEST_P(ThreatT29, ClosesSlowPeers_AndServesOthers) {
    const RunningGateway gateway{quick()};
    std::vector<Dripper> peers;
    for (std::size_t i = 0; i < kSockets; ++i) {
        peers.push_back({SocketPeer{gateway.port()}, GetParam().slowly});
        peers.back().socket.send(GetParam().at_once);
    }
    expect_all_closed(gateway, peers, GetParam().reason);
}

std::string connect_text(std::string_view client_id = "c") {
    return std::string{as_text(
        packet_of(mqtt::Connect{.version = mqtt::Version::v311, .client_id = client_id})
    )};
}

std::string in_websocket(std::string_view packet) {
    return std::string{as_text(
        websocket::client_frame(websocket::Opcode::binary, as_bytes(packet), 0x37FA213D)
    )};
}

INSTANTIATE_TEST_SUITE_P(
    Beginnings,
    ThreatT29,
    testing::Values(
        Beginning{"silent", "", ""},
        Beginning{"mqtt_connect", "", connect_text(std::string(200, 'c'))},
        Beginning{
            "amqp",
            "",
            std::string{"AMQP\x00\x01\x00\x00\x00\x00\x02\x00\x02\x00\x00\x00", 16} +
                std::string(500, '\0')},
        Beginning{
            "http_head", "", "POST /topics/a HTTP/1.1\r\nHost: h\r\nX: " + std::string(500, 'x')},
        Beginning{
            "http_body",
            "POST /topics/a HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n",
            std::string(1'000, 'x'),
            "packet_too_slow"},
        Beginning{"upgrade", "", WebSocketPeer::head_of({})},
        Beginning{
            "websocket_frame",
            WebSocketPeer::head_of({}),
            in_websocket(connect_text(std::string(200, 'c')))},
        Beginning{
            "websocket_pings",
            WebSocketPeer::head_of({}),
            [] {
                std::string pings;
                for (int i = 0; i < 100; ++i) {
                    pings += std::string{"\x89\x80\0\0\0\0", 6};
                }
                return pings;
            }()}
    ),
    [](const auto& row) { return std::string{row.param.name}; }
);

TEST(ThreatT29, ClosesTlsPeersThatDoNotFinishTheirHandshake) {
    const RunningGateway gateway{quick({
        .listener = ", tls: {cert: gateway.crt, key: {file: gateway.key}}",
        .prepare =
            [](const std::filesystem::path& home) {
                make_identity({.alternative = "IP:127.0.0.1"})
                    .write(home / "gateway.crt", home / "gateway.key");
            },
    })};
    std::vector<Dripper> peers;
    for (std::size_t i = 0; i < kSockets; ++i) {
        // A record of 512 bytes that begins like a ClientHello.
        peers.push_back({SocketPeer{gateway.port()}, std::string(500, '\0')});
        peers.back().socket.send(std::string_view{
            "\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03", 11});
    }
    const auto end = SteadyClock::now() + kPatience;
    std::size_t left = kSockets;
    while (left != 0 && SteadyClock::now() < end) {
        left = 0;
        for (Dripper& peer : peers) {
            if (!peer.over) {
                peer.drip();
                left += peer.over ? 0U : 1U;
            }
        }
        std::this_thread::sleep_for(20ms);
    }
    EXPECT_EQ(left, 0U) << "still open";
    EXPECT_TRUE(eventually([&] { return gateway.connections() == 0; }));
}

// --- Operators' HTTP --------------------------------------------------------------------------------------------------

TEST(ThreatT29, ClosesSlowPeersOfTheAdminSocket_AndServesOthersMeanwhile) {
    constexpr std::size_t kPeers = 64;  // As many as it has at once.
    std::filesystem::path home;
    RunningGateway gateway{
        {.prepare = [&home](const std::filesystem::path& folder) { home = folder; }}};
    admin::Routes api;
    app::add_routes(api, *gateway);
    admin::HttpServer doors{std::move(api)};
    const auto socket = home / "admin.sock";
    doors.listen_unix(socket);
    doors.start();
    std::vector<Dripper> peers;
    for (std::size_t i = 0; i < kPeers; ++i) {
        if (i % 2 == 0) {
            peers.push_back({SocketPeer{socket}, "GET / HTTP/1.1\r\nX: " + std::string(7'000, 'x')});
        } else {
            peers.push_back({SocketPeer{socket}, std::string(7'000, 'x')});
            peers.back().socket.send(
                "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 7000\r\n\r\n"
            );
        }
    }
    SocketPeer operators{socket};
    operators.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(operators.read_all().starts_with("HTTP/1.1 ")) << "served meanwhile";
    drip_until_closed(gateway, peers, SteadyClock::now() + kPatience);
}

// --- Known devices ---------------------------------------------------------------------------------------------------

/// A PUBLISH at QoS 0 whose payload has that many bytes.
std::string publish_text(std::size_t payload_bytes) {
    Bytes out;
    mqtt::append_publish(
        out,
        {.topic = "slow", .payload_bytes = payload_bytes},
        as_bytes(std::string(payload_bytes, 'x')),
        mqtt::Version::v311
    );
    return std::string{as_text(out)};
}

double too_slow(const RunningGateway& gateway) {
    return gateway.metric(R"(weir_refused_total{reason="packet_too_slow"})");
}

std::string text_of(ByteView bytes) {
    return std::string{as_text(bytes)};
}

std::string amqp_beginning() {
    using namespace amqp_frames;
    return text_of(
        protocol_header(0) + open_frame() + begin_frame() + attach_frame(0, "up", "slow")
    );
}

/// An AMQP message in one frame.
std::string transfer_text(std::size_t payload_bytes) {
    Bytes message;
    amqp::append_message_head(message, {}, payload_bytes);
    append(message, as_bytes(std::string(payload_bytes, 'x')));
    return text_of(amqp_frames::transfer_frame(0, 0, message));
}

std::string post_head(std::size_t body_bytes) {
    return "POST /topics/slow HTTP/1.1\r\nHost: h\r\nContent-Length: " +
           std::to_string(body_bytes) + "\r\n\r\n";
}

/// What a device that is let in says, as the gateway wants it, before it begins to drip.
struct Unfinished {
    std::string_view name;
    std::vector<std::string> before;  ///< Each of them is answered.
    std::string slowly;               ///< 10 KB or more.
};

std::vector<Unfinished> unfinished_of_each_protocol() {
    return {
        {"mqtt", {connect_text("plain")}, publish_text(10'000)},
        {"mqtt_in_websocket",
         {WebSocketPeer::head_of({}), in_websocket(connect_text("in websocket"))},
         in_websocket(publish_text(10'000))},
        {"amqp_frame", {amqp_beginning()}, transfer_text(10'000)},
        {"http_first_body", {}, post_head(10'000) + std::string(10'000, 'x')},
        {"http_later_head", {post_head(0)}, "GET /" + std::string(10'000, 'x')},
        {"http_later_body", {post_head(0)}, post_head(10'000) + std::string(10'000, 'x')},
        {"http_later_chunks",
         {post_head(0)},
         "POST /topics/slow HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" +
             [] {
                 std::string chunks;
                 for (int i = 0; i < 2'000; ++i) {
                     chunks += "1\r\nx\r\n";
                 }
                 return chunks;
             }()},
    };
}

TEST(ThreatT29, IsClosed_WhenItsPacketDrips) {
    const RunningGateway gateway{{.limits = "packet_grace: 1s"}};
    const auto kinds = unfinished_of_each_protocol();
    std::vector<Dripper> devices;
    for (const Unfinished& kind : kinds) {
        devices.push_back({SocketPeer{gateway.port()}, kind.slowly});
        for (const auto& text : kind.before) {
            devices.back().socket.send(text);
            EXPECT_FALSE(devices.back().socket.read().empty()) << kind.name;
        }
    }
    const auto end = SteadyClock::now() + kPatience;
    bool all_over = false;
    while (!all_over && SteadyClock::now() < end) {
        all_over = true;
        for (Dripper& device : devices) {
            if (!device.over) {
                device.drip();
                all_over = all_over && device.over;
            }
        }
        std::this_thread::sleep_for(10ms);
    }
    for (std::size_t i = 0; i < kinds.size(); ++i) {
        EXPECT_TRUE(devices[i].over) << kinds[i].name;
    }
    EXPECT_EQ(too_slow(gateway), static_cast<double>(kinds.size()));
    expect_service(gateway.port());
}

TEST(ThreatT29, IsClosed_WhenItStopsInsideAPacket) {
    const RunningGateway gateway{{.limits = "packet_grace: 1s, stall: 2s"}};
    SocketPeer device = connected(gateway.port(), "halting");
    device.send(publish_text(100'000).substr(0, 90'000));  // Of which 512 B/s would take minutes.
    EXPECT_TRUE(device.read().empty());
    EXPECT_EQ(too_slow(gateway), 1);
}

TEST(ThreatT29, IsSilent_WhileItsPacketDoesNotEnd_MQTT3_3_1_2_24_MQTT5_3_1_2_22) {
    const RunningGateway gateway{{.limits = "packet_grace: 10m"}};
    SocketPeer slow{gateway.port()};
    slow.send(packet_of(mqtt::Connect{
        .version = mqtt::Version::v311, .keep_alive_s = 1, .client_id = "dripping"}));
    EXPECT_EQ(slow.read().size(), kConnackBytes);
    Dripper device{std::move(slow), publish_text(10'000)};
    const auto end = SteadyClock::now() + kPatience;
    while (!device.over && SteadyClock::now() < end) {
        device.drip();
        std::this_thread::sleep_for(10ms);
    }
    EXPECT_TRUE(device.over);
    EXPECT_EQ(gateway.metric(R"(weir_refused_total{reason="keep_alive_timeout"})"), 1);
}

TEST(ThreatT29, IsHeard_WhenItSaysShortThingsInPieces) {
    const RunningGateway gateway{{.limits = "packet_grace: 10m"}};
    SocketPeer slow{gateway.port()};
    slow.send(packet_of(mqtt::Connect{
        .version = mqtt::Version::v311, .keep_alive_s = 1, .client_id = "in pieces"}));
    EXPECT_EQ(slow.read().size(), kConnackBytes);
    // Each piece ends a packet and begins the next one.
    const Bytes piece = {0x00, 0xC0};
    slow.send(Bytes{0xC0});
    for (int i = 0; i < 20; ++i) {  // Longer than it may be silent.
        slow.send(piece);
        EXPECT_EQ(slow.read().size(), 2U);
        std::this_thread::sleep_for(100ms);
    }
    EXPECT_EQ(gateway.metric(R"(weir_refused_total{reason="keep_alive_timeout"})"), 0);
}

// --- Devices that ask for the same again and again ---------------------------------------------------------------------

TEST(ThreatT14, AnswersManySubscribes_AndServesOthersMeanwhile) {
    constexpr std::size_t kSubscribes = 50'000;
    const RunningGateway gateway{{}};
    SocketPeer busy = connected(gateway.port(), "busy");
    Bytes list;
    mqtt::append_subscription(list, {.filter = "again/+", .qos = mqtt::Qos::at_most_once});
    Bytes batch;
    for (int i = 0; i < 1'000; ++i) {
        append(batch, packet_of(mqtt::Subscribe{.packet_id = 1, .subscriptions = {list, 1}}));
    }
    const std::size_t before = heap_bytes();
    for (std::size_t sent = 0; sent < kSubscribes; sent += 1'000) {
        busy.send(batch);
    }
    for (std::size_t answered = 0; answered < kSubscribes * 5;) {  // A SUBACK has 5 bytes.
        const Bytes some = busy.read();
        ASSERT_FALSE(some.empty());
        answered += some.size();
    }
    EXPECT_LE(heap_bytes(), before + 4 * kMiB) << "nothing is left of them";
    expect_service(gateway.port());
}

TEST(ThreatT29, IsHeard_WhenItIsOnlySlow) {
    constexpr std::size_t kPayload = 8'000;
    const RunningGateway gateway{{.limits = "handshake: 1s, packet_grace: 1s, stall: 2s"}};
    MqttPeer listener{gateway.port()};
    listener.connect("listener");
    listener.subscribe("slow", mqtt::Qos::at_most_once);

    std::vector<std::pair<SocketPeer, std::string>> devices;
    devices.emplace_back(connected(gateway.port(), "slow"), publish_text(kPayload));
    devices.emplace_back(gateway.port(), transfer_text(kPayload));
    devices.back().first.send(amqp_beginning());
    devices.emplace_back(gateway.port(), post_head(kPayload) + std::string(kPayload, 'x'));
    for (std::size_t at = 0; at < kPayload + 200; at += 100) {  // 2 KB/s, for 4 s.
        for (auto& [device, text] : devices) {
            device.send(std::string_view{text}.substr(std::min(at, text.size()), 100));
        }
        std::this_thread::sleep_for(50ms);
    }
    for (std::size_t i = 0; i < devices.size(); ++i) {
        EXPECT_EQ(listener.receive().payload.size(), kPayload);
    }
    EXPECT_EQ(too_slow(gateway), 0);
}

}  // namespace
}  // namespace weir::test
