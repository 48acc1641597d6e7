// What a publish costs in memory on its whole way from socket to socket: one allocation, the message with its payload.
#include <gtest/gtest.h>

#include <weir/mqtt/encoder.hpp>

#include "support/count_allocations.hpp"
#include "support/mqtt_peer.hpp"
#include "support/running_gateway.hpp"
#include "support/socket_peer.hpp"

namespace weir {
namespace {

constexpr std::size_t kMessages = 10'000;
/// For what happens every second beside the messages.
constexpr std::size_t kElsewhere = kMessages / 20;
constexpr std::size_t kPerSend = 50;

/// A peer that is connected and does nothing by itself.
test::SocketPeer connected(std::uint16_t port, std::string_view client_id, std::string_view filter) {
    test::SocketPeer peer{port};
    Bytes out;
    out.reserve(256);
    mqtt::append_packet(
        out, mqtt::Connect{.version = mqtt::Version::v311, .client_id = client_id}, mqtt::Version::v311
    );
    if (!filter.empty()) {
        Bytes list;
        mqtt::append_subscription(list, {.filter = filter});
        mqtt::append_packet(
            out, mqtt::Subscribe{.packet_id = 1, .subscriptions = {list, 1}}, mqtt::Version::v311
        );
    }
    peer.send(out);
    std::size_t answer = filter.empty() ? 4 : 9;
    while (answer > 0) {
        answer -= peer.read().size();
    }
    return peer;
}

/// Reads that many bytes without allocating.
void skip(test::SocketPeer& peer, std::size_t bytes) {
    std::array<Byte, 64 * 1024> buffer;
    while (bytes > 0) {
        const auto count = ::recv(peer.fd(), buffer.data(), std::min(buffer.size(), bytes), 0);
        ASSERT_GT(count, 0) << "the messages did not come";
        bytes -= static_cast<std::size_t>(count);
    }
}

class PublishPath : public testing::TestWithParam<mqtt::Qos> {};
INSTANTIATE_TEST_SUITE_P(
    AtQos, PublishPath, testing::Values(mqtt::Qos::at_most_once, mqtt::Qos::at_least_once),
    [](const auto& qos) { return std::to_string(static_cast<int>(qos.param)); }
);

TEST_P(PublishPath, AllocatesOncePerMessage_BetweenTwoSockets) {
    test::RunningGateway gateway{{.limits = "preset: none", .shards = 1}};
    auto subscriber = connected(gateway.port(), "subscriber", "t");
    auto publisher = connected(gateway.port(), "publisher", "");
    const Bytes payload(256, Byte{'x'});
    Bytes out;
    std::size_t packet_bytes = 0;
    for (std::size_t i = 0; i < kPerSend; ++i) {
        const auto before = out.size();
        mqtt::append_publish(
            out,
            {.topic = "t",
             .payload_bytes = payload.size(),
             .packet_id = GetParam() == mqtt::Qos::at_most_once ? std::uint16_t{0} : std::uint16_t{7},
             .qos = GetParam()},
            payload,
            mqtt::Version::v311
        );
        packet_bytes = out.size() - before;
    }
    // What arrives was subscribed to at QoS 0: it has no packet id.
    const std::size_t delivered_bytes = packet_bytes - (GetParam() == mqtt::Qos::at_most_once ? 0 : 2);
    const auto round = [&] {
        publisher.send(out);
        skip(subscriber, kPerSend * delivered_bytes);
        if (GetParam() != mqtt::Qos::at_most_once) {
            skip(publisher, kPerSend * 4);
        }
    };
    for (int i = 0; i < 20; ++i) {
        round();  // Buffers and tables reach their size.
    }
    const std::size_t before = test::allocations;
    for (std::size_t sent = 0; sent < kMessages; sent += kPerSend) {
        round();
    }
    EXPECT_LE(test::allocations - before, kMessages + kElsewhere);
}

}  // namespace
}  // namespace weir
