/// What the threat tests against a whole gateway have in common.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include <weir/mqtt/encoder.hpp>

#include "support/heap.hpp"
#include "support/mqtt_peer.hpp"
#include "support/running_gateway.hpp"
#include "support/socket_peer.hpp"

namespace weir::test {

inline constexpr std::size_t kKiB = 1024;
inline constexpr std::size_t kMiB = 1024 * kKiB;
inline constexpr std::size_t kConnackBytes = 4;  ///< Of MQTT 3.1.1.

template <class Packet>
[[nodiscard]] Bytes packet_of(const Packet& packet, mqtt::Version version = mqtt::Version::v311) {
    Bytes out;
    mqtt::append_packet(out, packet, version);
    return out;
}

/// A peer that has its CONNACK and from then on does only what the test says.
[[nodiscard]] inline SocketPeer connected(
    std::uint16_t port, std::string_view client_id, int receive_buffer = 0
) {
    SocketPeer peer{port, receive_buffer};
    peer.send(packet_of(mqtt::Connect{.version = mqtt::Version::v311, .client_id = client_id}));
    EXPECT_EQ(peer.read(), (Bytes{0x20, 2, 0, 0}));
    return peer;
}

inline void subscribe(SocketPeer& peer, std::string_view filter, mqtt::Qos qos) {
    Bytes list;
    mqtt::append_subscription(list, {.filter = filter, .qos = qos});
    peer.send(packet_of(mqtt::Subscribe{.packet_id = 1, .subscriptions = {list, 1}}));
    EXPECT_EQ(peer.read().size(), 5U) << "SUBACK";
}

/// Waits for what other threads do, at most SocketPeer::kPatience.
template <class Condition>
[[nodiscard]] bool eventually(Condition&& met) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{SocketPeer::kPatience};
    while (!met()) {
        if (std::chrono::steady_clock::now() > end) {
            return false;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds{1});
    }
    return true;
}

/// An honest device on every shard says something and hears it: what came to the gateway before was
/// looked at by then.
inline void expect_service(std::uint16_t port) {
    for (int i = 0; i < 8; ++i) {
        MqttPeer honest{port};
        const auto topic = "honest/" + std::to_string(i);
        EXPECT_EQ(honest.connect("honest-" + std::to_string(i)), mqtt::ReasonCode::success);
        honest.subscribe(topic, mqtt::Qos::at_least_once);
        honest.publish(topic, "still here", mqtt::Qos::at_least_once);
        EXPECT_EQ(honest.receive().payload, "still here");
        honest.until_settled();
    }
}

}  // namespace weir::test
