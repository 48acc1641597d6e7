// T-25 and T-42: peers that take, or finish, nothing.
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <thread>

#include <weir/storage/store.hpp>

#include "integration/threats/support.hpp"
#include "support/amqp_frames.hpp"

namespace weir::test {
namespace {

constexpr int kSmallBuffer = 16 * 1024;

Bytes publish_packet(
    std::string_view topic,
    std::size_t payload_bytes,
    std::uint16_t packet_id,
    mqtt::Qos qos,
    mqtt::Version version = mqtt::Version::v311
) {
    Bytes out;
    mqtt::append_publish(
        out,
        {.topic = topic, .payload_bytes = payload_bytes, .packet_id = packet_id, .qos = qos},
        as_bytes(std::string(payload_bytes, 'x')),
        version
    );
    return out;
}

TEST(ThreatT42, DropsAndCounts_WhatASubscriberThatStoppedReadingDoesNotTake) {
    RunningGateway gateway{{.limits = "stall: 10m"}};
    SocketPeer stuck = connected(gateway.port(), "stuck", kSmallBuffer);
    subscribe(stuck, "flood", mqtt::Qos::at_most_once);
    MqttPeer publisher{gateway.port()};
    MqttPeer other{gateway.port()};
    publisher.connect("publisher");
    other.connect("other");
    other.subscribe("flood", mqtt::Qos::at_most_once);

    const std::string payload(16 * kKiB, 'x');
    constexpr std::size_t kMessages = 4'096;  // 64 MiB.
    const std::size_t before = heap_bytes();
    std::size_t grown = 0;
    std::chrono::steady_clock::duration slowest{0};
    for (std::size_t i = 0; i < kMessages; ++i) {
        const auto sent = std::chrono::steady_clock::now();
        publisher.publish("flood", payload, mqtt::Qos::at_most_once);
        ASSERT_EQ(other.receive().payload.size(), payload.size());
        slowest = std::max(slowest, std::chrono::steady_clock::now() - sent);
        grown = std::max(grown, heap_bytes() - std::min(before, heap_bytes()));
    }
    RecordProperty(
        "others_slowest_us",
        static_cast<int>(std::chrono::duration_cast<std::chrono::microseconds>(slowest).count())
    );
    RecordProperty("heap_growth_bytes", static_cast<int>(grown));
    EXPECT_LE(grown, 8 * kMiB);
    const auto lost = [&] { return gateway.metric(R"(weir_lost_total{reason="slow_consumer"})"); };
    EXPECT_TRUE(eventually([&] {
        return gateway.metric(R"(weir_messages_delivered_total{qos="0"})") + lost() ==
               2.0 * kMessages;
    })) << "each copy was sent or counted as lost";
    EXPECT_EQ(gateway.metric("weir_routed_total"), 2.0 * kMessages);
    EXPECT_GE(lost(), kMessages / 2) << "the socket takes some, the backlog 1 MiB";
}

TEST(ThreatT42, BoundsTheQueue_OfASubscriberThatStoppedReading) {
    RunningGateway gateway{{.limits = "queue_bytes: 4MiB, stall: 10m"}};
    SocketPeer stuck = connected(gateway.port(), "stuck", kSmallBuffer);
    subscribe(stuck, "flood", mqtt::Qos::at_least_once);
    MqttPeer publisher{gateway.port()};
    publisher.connect("publisher");

    const std::string payload(16 * kKiB, 'x');
    const std::size_t before = heap_bytes();
    for (int i = 0; i < 2'048; ++i) {  // 32 MiB.
        publisher.publish("flood", payload, mqtt::Qos::at_least_once);
        publisher.until_settled();
    }
    EXPECT_LE(heap_bytes(), before + 8 * kMiB);
    EXPECT_GT(gateway.metric(R"(weir_lost_total{reason="queue_dropped_oldest"})"), 1'000);
}

TEST(ThreatT42, DisconnectsASubscriberThatTakesNothing) {
    RunningGateway gateway{{.limits = "stall: 1s"}};
    SocketPeer stuck = connected(gateway.port(), "stuck", kSmallBuffer);
    subscribe(stuck, "flood", mqtt::Qos::at_most_once);
    MqttPeer other{gateway.port()};
    other.connect("other");
    other.subscribe("flood", mqtt::Qos::at_most_once);
    MqttPeer publisher{gateway.port()};
    publisher.connect("publisher");
    const std::string payload(64 * kKiB, 'x');
    const auto disconnected = [&] {
        return gateway.metric(R"(weir_refused_total{reason="slow_consumer"})");
    };
    EXPECT_TRUE(eventually([&] {
        publisher.publish("flood", payload, mqtt::Qos::at_most_once);
        EXPECT_EQ(other.receive().payload.size(), payload.size());
        return disconnected() == 1;
    }));
    EXPECT_TRUE(eventually([&] { return gateway.connections() == 2; }));
    publisher.publish("flood", "after", mqtt::Qos::at_most_once);
    EXPECT_EQ(other.receive().payload, "after");
}

TEST(ThreatT42, EndsAClientThatAsksOnAndOn_AndReadsNoAnswer) {
    RunningGateway gateway{{.limits = "stall: 10m"}};
    SocketPeer stuck = connected(gateway.port(), "stuck", kSmallBuffer);
    Bytes pings(64 * kKiB);
    for (std::size_t i = 0; i < pings.size(); i += 2) {
        pings[i] = 0xC0;
    }
    const std::size_t before = heap_bytes();
    std::size_t taken = 0;
    EXPECT_TRUE(eventually([&] {
        const auto more = stuck.try_send(ByteView{pings}.subspan(taken % 2));
        taken += static_cast<std::size_t>(std::max<std::ptrdiff_t>(more, 0));
        return gateway.metric(R"(weir_refused_total{reason="slow_consumer"})") == 1;
    }));
    EXPECT_LE(heap_bytes(), before + 8 * kMiB);
    expect_service(gateway.port());
}

/// Meanwhile the client is not silent, though its keep-alive is over.
TEST(ThreatT42, ReadsNoFurther_WhileManyAnswersWaitForTheDisk) {
    RunningGateway gateway{{}};
    SocketPeer client{gateway.port()};
    ::setsockopt(client.fd(), SOL_SOCKET, SO_SNDBUF, &kSmallBuffer, sizeof kSmallBuffer);
    client.send(packet_of(mqtt::Connect{
        .version = mqtt::Version::v311,
        .clean_start = false,
        .keep_alive_s = 2,
        .client_id = "lasting"}));
    ASSERT_EQ(client.read(), (Bytes{0x20, 2, 0, 0}));

    std::promise<void> disk;
    storage::Batch batch;
    batch.append_stream("other", {});
    gateway->store().submit(
        std::move(batch),
        [over = disk.get_future().share()](const Result<storage::CommitInfo>&) { over.wait(); }
    );
    client.send(publish_packet("t", 4, 1, mqtt::Qos::exactly_once));
    Bytes releases;
    for (std::uint16_t id = 2; id < 10'002; ++id) {
        mqtt::append_packet(
            releases,
            mqtt::Ack{.type = mqtt::PacketType::pubrel, .packet_id = id},
            mqtt::Version::v311
        );
    }
    const std::size_t before = heap_bytes();
    std::size_t taken = 0;
    pollfd room{.fd = client.fd(), .events = POLLOUT, .revents = 0};
    constexpr int kStuckMs = 4'500;  // Beyond 1.5 times the keep-alive, and a second for the timer.
    while (taken < 16 * kMiB && ::poll(&room, 1, kStuckMs) == 1) {
        const auto more = client.try_send(ByteView{releases}.subspan(taken % releases.size()));
        ASSERT_GE(more, 0);
        taken += static_cast<std::size_t>(more);
    }
    EXPECT_LT(taken, 16 * kMiB);
    EXPECT_LE(heap_bytes(), before + 4 * kMiB);

    disk.set_value();
    std::size_t answered = 0;  // A PUBREC, and a PUBCOMP for each PUBREL that is whole: 4 bytes each.
    while (answered < 4 + taken / 4 * 4) {
        const auto part = client.read();
        ASSERT_FALSE(part.empty());
        answered += part.size();
    }
    EXPECT_EQ(answered, 4 + taken / 4 * 4);
    expect_service(gateway.port());
}

TEST(ThreatT42, ReadsNoFurther_WhileManyAnswersWaitBehindOneThatIsHeldBack) {
    RunningGateway gateway{{.limits = "publish_rate: 1/m"}};
    SocketPeer client = connected(gateway.port(), "eager");
    ::setsockopt(client.fd(), SOL_SOCKET, SO_SNDBUF, &kSmallBuffer, sizeof kSmallBuffer);
    client.send(publish_packet("t", 4, 1, mqtt::Qos::at_least_once));
    EXPECT_EQ(client.read().size(), 4U) << "PUBACK";
    const Bytes repeated = publish_packet("t", 4, 2, mqtt::Qos::exactly_once);
    Bytes many;
    while (many.size() < 64 * kKiB) {
        append(many, repeated);
    }
    const std::size_t before = heap_bytes();
    std::size_t taken = 0;
    pollfd room{.fd = client.fd(), .events = POLLOUT, .revents = 0};
    constexpr int kStuckMs = 1'000;
    while (taken < 16 * kMiB && ::poll(&room, 1, kStuckMs) == 1) {
        const auto more = client.try_send(ByteView{many}.subspan(taken % repeated.size()));
        ASSERT_GE(more, 0);
        taken += static_cast<std::size_t>(more);
    }
    EXPECT_LT(taken, 16 * kMiB);
    EXPECT_LE(heap_bytes(), before + 4 * kMiB);
    expect_service(gateway.port());
}

TEST(ThreatT42, EndsAnAmqpPeerThatAttachesOnAndOn_AndReadsNoAnswer) {
    using namespace amqp_frames;
    RunningGateway gateway{{.limits = "stall: 10m"}};
    SocketPeer stuck{gateway.port(), kSmallBuffer};
    stuck.send(protocol_header(0) + open_frame() + begin_frame());
    const Bytes link = attach_frame(0, "link", "topic/t") + detach_frame(0, true);
    Bytes links;
    while (links.size() < 64 * kKiB) {
        append(links, link);
    }
    const std::size_t before = heap_bytes();
    std::size_t taken = 0;
    EXPECT_TRUE(eventually([&] {
        const auto more = stuck.try_send(ByteView{links}.subspan(taken % link.size()));
        taken += static_cast<std::size_t>(std::max<std::ptrdiff_t>(more, 0));
        return gateway.metric(R"(weir_refused_total{reason="slow_consumer"})") == 1;
    }));
    EXPECT_LE(heap_bytes(), before + 16 * kMiB);
    expect_service(gateway.port());
}

TEST(ThreatT25, EndsA311ClientThatReleasesNothing) {
    RunningGateway gateway{{.limits = "unreleased: 100"}};
    SocketPeer client = connected(gateway.port(), "endless");
    for (std::uint16_t id = 1; id <= 100; ++id) {
        client.send(publish_packet("t", 4, id, mqtt::Qos::exactly_once));
    }
    for (std::size_t answered = 0; answered < 100 * 4;) {
        const Bytes some = client.read();
        ASSERT_FALSE(some.empty());
        answered += some.size();
    }
    client.send(publish_packet("t", 4, 50, mqtt::Qos::exactly_once));
    EXPECT_EQ(client.read(), (Bytes{0x50, 2, 0, 50})) << "the same again is no more";
    client.send(publish_packet("t", 4, 101, mqtt::Qos::exactly_once));
    EXPECT_TRUE(client.read().empty()) << "one more than there may be";
    EXPECT_EQ(gateway.metric(R"(weir_refused_total{reason="receive_maximum_exceeded"})"), 1);
    expect_service(gateway.port());
}

TEST(ThreatT25, CountsTheIdsOfEarlierConnections) {
    RunningGateway gateway{{.limits = "unreleased: 100"}};
    const auto connect = [&] {
        SocketPeer peer{gateway.port()};
        peer.send(packet_of(mqtt::Connect{
            .version = mqtt::Version::v311, .clean_start = false, .client_id = "again"}));
        EXPECT_EQ(peer.read().size(), kConnackBytes);
        return peer;
    };
    for (std::uint16_t id = 1; id <= 100; ++id) {
        SocketPeer client = connect();
        client.send(publish_packet("t", 4, id, mqtt::Qos::exactly_once));
        EXPECT_EQ(client.read().size(), 4U);
    }
    SocketPeer client = connect();
    client.send(publish_packet("t", 4, 101, mqtt::Qos::exactly_once));
    EXPECT_TRUE(client.read().empty());
}

/// A session of MQTT 5 that lasts, on a connection of its own.
SocketPeer connected_again(std::uint16_t port) {
    std::array<Byte, 16> memory;
    mqtt::PropertyWriter properties{memory};
    properties.number(mqtt::PropertyId::session_expiry_interval, 3'600);
    SocketPeer peer{port};
    peer.send(packet_of(
        mqtt::Connect{
            .version = mqtt::Version::v5,
            .clean_start = false,
            .client_id = "again",
            .properties = properties.properties()},
        mqtt::Version::v5
    ));
    EXPECT_EQ(peer.read().at(0), 0x20);
    return peer;
}

/// @return The reason code of PUBREC.
Byte answer_to_publish(SocketPeer& client, std::uint16_t id) {
    client.send(publish_packet("t", 4, id, mqtt::Qos::exactly_once, mqtt::Version::v5));
    const Bytes answer = client.read();
    EXPECT_EQ(answer.at(0), 0x50);
    EXPECT_EQ(answer.at(3), id);
    return answer.at(1) == 2 ? Byte{0} : answer.at(4);
}

constexpr Byte kError = 0x80;  ///< Below: accepted.
constexpr Byte kQuotaExceeded = 0x97;

TEST(ThreatT25, CountsTheIdsOfEarlierConnections_AndTellsAnMqtt5Client) {
    RunningGateway gateway{{.limits = "receive_maximum: 10, unreleased: 30"}};
    for (std::uint16_t id = 1; id <= 30;) {
        SocketPeer client = connected_again(gateway.port());
        for (const int last = id + 9; id <= last; ++id) {
            EXPECT_LT(answer_to_publish(client, id), kError);
        }
    }
    SocketPeer client = connected_again(gateway.port());
    for (std::uint16_t id = 31; id <= 60; ++id) {  // More than the receive maximum: each was answered for good.
        EXPECT_EQ(answer_to_publish(client, id), kQuotaExceeded);
    }
    EXPECT_EQ(answer_to_publish(client, 7), 0) << "the same again is no more";
    client.send(packet_of(mqtt::Ack{.type = mqtt::PacketType::pubrel, .packet_id = 1}, mqtt::Version::v5));
    EXPECT_EQ(client.read(), (Bytes{0x70, 2, 0, 1}));
    EXPECT_LT(answer_to_publish(client, 31), kError);
    EXPECT_EQ(answer_to_publish(client, 32), kQuotaExceeded);
    EXPECT_EQ(gateway.metric(R"(weir_refused_total{reason="receive_maximum_exceeded"})"), 31);
    expect_service(gateway.port());
}

TEST(ThreatT25, MakesRoomForAnMqtt5Client_WhenIdsOfEarlierConnectionsAreTooOld) {
    RunningGateway gateway{{.limits = "receive_maximum: 2, unreleased: 2, release_timeout: 1s"}};
    {
        SocketPeer client = connected_again(gateway.port());
        EXPECT_LT(answer_to_publish(client, 1), kError);
        EXPECT_LT(answer_to_publish(client, 2), kError);
    }
    SocketPeer client = connected_again(gateway.port());
    EXPECT_TRUE(eventually([&] { return answer_to_publish(client, 3) < kError; }));
}

TEST(ThreatT25, ForgetsAnIdThatIsNotReleased_SoThatItsNextMessageIsNotTakenForTheSame) {
    RunningGateway gateway{{.limits = "release_timeout: 1s"}};
    MqttPeer subscriber{gateway.port()};
    subscriber.connect("subscriber");
    subscriber.subscribe("t", mqtt::Qos::at_most_once);
    SocketPeer client = connected(gateway.port(), "forgetful");
    client.send(publish_packet("t", 4, 1, mqtt::Qos::exactly_once));
    EXPECT_EQ(client.read().size(), 4U);
    client.send(publish_packet("t", 5, 1, mqtt::Qos::exactly_once));
    EXPECT_EQ(client.read().size(), 4U);
    EXPECT_EQ(subscriber.receive().payload.size(), 4U);
    EXPECT_TRUE(eventually([&] {
        client.send(publish_packet("t", 6, 1, mqtt::Qos::exactly_once));
        EXPECT_EQ(client.read().size(), 4U);
        subscriber.ping();
        return !subscriber.take_received().empty();
    }));
}

TEST(ThreatT25, HoldsAllIdsOfAClientThatNeverReleases_AndServesOthers) {
    RunningGateway gateway{{.limits = "unreleased: 65535"}};
    SocketPeer client = connected(gateway.port(), "endless");
    expect_service(gateway.port());
    const std::size_t before = heap_bytes();
    constexpr std::size_t kIds = 65'535;
    constexpr std::size_t kBatch = 1'000;
    std::size_t answered = 0;
    for (std::size_t id = 1; id <= kIds;) {
        Bytes batch;
        const std::size_t last = std::min(kIds, id + kBatch - 1);
        for (; id <= last; ++id) {
            append(
                batch,
                publish_packet("t", 4, static_cast<std::uint16_t>(id), mqtt::Qos::exactly_once)
            );
        }
        client.send(batch);
        while (answered < last * 4) {  // A PUBREC has 4 bytes.
            const Bytes some = client.read();
            ASSERT_FALSE(some.empty()) << "closed after " << id;
            answered += some.size();
        }
    }
    EXPECT_EQ(answered, kIds * 4);
    EXPECT_LE(heap_bytes(), before + 24 * kIds) << "an id costs a few bytes, its message nothing";
    expect_service(gateway.port());
}

TEST(ThreatT25, EndsAClientThatGoesBeyondReceiveMaximum) {
    RunningGateway gateway{{.limits = "receive_maximum: 10"}};
    MqttPeer client{gateway.port()};
    client.connect("eager");
    for (std::uint16_t id = 1; id <= 11; ++id) {
        client.send(publish_packet("t", 4, id, mqtt::Qos::exactly_once, mqtt::Version::v5));
    }
    EXPECT_EQ(client.closed(), mqtt::ReasonCode::receive_maximum_exceeded);
    expect_service(gateway.port());
}

TEST(ThreatT25, KeepsWindowAndQueue_OfASubscriberThatNeverAnswers) {
    constexpr std::size_t kWindow = 20;
    constexpr std::size_t kQueue = 50;
    constexpr std::size_t kMessages = 500;
    RunningGateway gateway{{.limits = "in_flight: 20, queue_messages: 50"}};
    SocketPeer mute = connected(gateway.port(), "mute");
    subscribe(mute, "work", mqtt::Qos::exactly_once);
    MqttPeer other{gateway.port()};
    other.connect("other");
    other.subscribe("work", mqtt::Qos::exactly_once);
    MqttPeer publisher{gateway.port()};
    publisher.connect("publisher");
    for (std::size_t i = 0; i < kMessages; ++i) {
        publisher.publish("work", "x", mqtt::Qos::exactly_once);
        publisher.until_settled();
        EXPECT_EQ(other.receive().payload, "x");
    }
    const std::size_t each = publish_packet("work", 1, 1, mqtt::Qos::exactly_once).size();
    std::size_t got = 0;
    while (got < kWindow * each) {
        got += mute.read().size();
    }
    EXPECT_EQ(got, kWindow * each);
    const auto lost = [&] {
        return gateway.metric(R"(weir_lost_total{reason="queue_dropped_oldest"})");
    };
    EXPECT_TRUE(eventually([&] {
        return lost() == static_cast<double>(kMessages - kWindow - kQueue);
    })) << lost();
}

}  // namespace
}  // namespace weir::test
