// T-31: names that nobody has used before.
#include <algorithm>

#include "integration/threats/support.hpp"

namespace weir::test {
namespace {

std::size_t lines_of(const std::string& page) {
    return static_cast<std::size_t>(std::ranges::count(page, '\n'));
}

TEST(ThreatT31, ForgetsTopicsNobodySubscribesTo) {
    RunningGateway gateway{{}};
    MqttPeer device{gateway.port()};
    device.connect("inventive");
    const auto publish_fresh = [&](int from, int to) {
        for (int i = from; i < to; ++i) {
            device.publish(fmt::format("fresh/{}/topic/{}", i, i), "x", mqtt::Qos::at_most_once);
        }
        device.publish("last", "x", mqtt::Qos::at_least_once);
        device.until_settled();
    };
    publish_fresh(0, 1'000);
    const std::size_t series = lines_of(gateway->metrics_text());
    const std::size_t before = heap_bytes();
    publish_fresh(1'000, 101'000);
    EXPECT_LE(heap_bytes(), before + kMiB);
    EXPECT_EQ(lines_of(gateway->metrics_text()), series) << "no series per topic";
}

TEST(ThreatT31, ForgetsFiltersThatAreGivenUp) {
    RunningGateway gateway{{}};
    SocketPeer device = connected(gateway.port(), "inventive");
    const auto come_and_go = [&](int from, int to) {
        for (int i = from; i < to; ++i) {
            const auto filter = fmt::format("fresh/{}/+/{}/#", i, i);
            subscribe(device, filter, mqtt::Qos::at_most_once);
            Bytes list;
            mqtt::append_filter(list, filter);
            device.send(packet_of(mqtt::Unsubscribe{.packet_id = 2, .filters = {list, 1}}));
            ASSERT_EQ(device.read().size(), 4U) << "UNSUBACK";
        }
    };
    come_and_go(0, 500);
    const std::size_t before = heap_bytes();
    come_and_go(500, 3'000);
    EXPECT_LE(heap_bytes(), before + 256 * kKiB);
}

TEST(ThreatT31, ForgetsClientIdsThatLeave) {
    RunningGateway gateway{{}};
    const auto come_and_go = [&](int from, int to) {
        for (int i = from; i < to; ++i) {
            SocketPeer device = connected(gateway.port(), fmt::format("passer-by-{}", i));
            device.send(Bytes{0xE0, 0});
            EXPECT_TRUE(device.read().empty());
        }
    };
    come_and_go(0, 200);
    gateway->flush_usage();
    const std::size_t series = lines_of(gateway->metrics_text());
    const std::size_t before = heap_bytes();
    come_and_go(200, 3'000);
    gateway->flush_usage();
    const std::size_t grown = heap_bytes() - std::min(before, heap_bytes());
    EXPECT_LE(grown, 2'800 * kKiB) << "what is billed per device and hour stays, and little else";
    EXPECT_EQ(gateway.metric("weir_sessions"), 0);
    EXPECT_EQ(lines_of(gateway->metrics_text()), series) << "no series per client";
}

TEST(ThreatT31, KeepsNoMoreSessionsThanItsLimit_AndSaysSo) {
    constexpr std::size_t kSessions = 20;
    RunningGateway gateway{{.limits = "sessions: 20", .shards = 1}};
    const auto connect = [&](std::string_view id, bool clean, mqtt::Version version) {
        MqttPeer peer{gateway.port()};
        Bytes memory(16);
        mqtt::PropertyWriter properties{memory};
        if (version == mqtt::Version::v5) {
            properties.number(mqtt::PropertyId::session_expiry_interval, 3'600);
        }
        return peer.connect({
            .version = version,
            .clean_start = clean,
            .client_id = id,
            .properties = properties.properties(),
        });
    };
    for (std::size_t i = 0; i < kSessions; ++i) {
        const auto version = i % 2 == 0 ? mqtt::Version::v5 : mqtt::Version::v311;
        EXPECT_EQ(connect(fmt::format("kept-{}", i), false, version), mqtt::ReasonCode::success);
    }
    EXPECT_EQ(gateway.metric("weir_sessions"), kSessions);
    EXPECT_EQ(connect("more", false, mqtt::Version::v5), mqtt::ReasonCode::quota_exceeded);
    EXPECT_EQ(connect("more", false, mqtt::Version::v311), mqtt::ReasonCode::server_unavailable);
    EXPECT_EQ(gateway.metric(R"(weir_refused_total{reason="sessions_limit"})"), 2);
    EXPECT_EQ(gateway->decisions("more").size(), 1U) << "twice the same";
    EXPECT_EQ(connect("more", true, mqtt::Version::v311), mqtt::ReasonCode::success)
        << "ends with its connection";
    EXPECT_EQ(connect("kept-0", false, mqtt::Version::v5), mqtt::ReasonCode::success);
    EXPECT_TRUE(eventually([&] { return gateway.connections() == 0; }));
    {
        SocketPeer leaves{gateway.port()};
        leaves.send(packet_of(mqtt::Connect{
            .version = mqtt::Version::v311, .clean_start = true, .client_id = "kept-1"}));
        EXPECT_EQ(leaves.read().size(), kConnackBytes);
    }
    EXPECT_TRUE(eventually([&] {
        return connect("more", false, mqtt::Version::v5) == mqtt::ReasonCode::success;
    })) << "there is room again";
}

TEST(ThreatT31, RetainsNoMoreThanItsLimit) {
    RunningGateway gateway{{.limits = "retained_messages: 100"}};
    MqttPeer device{gateway.port()};
    device.connect("hoarder");
    for (int i = 0; i < 2'000; ++i) {
        device.publish(fmt::format("kept/{}", i), "x", mqtt::Qos::at_least_once, true);
        device.until_settled();
    }
    EXPECT_LE(gateway.metric("weir_retained"), 100);
    EXPECT_GE(gateway.metric("weir_retained"), 50);
}

}  // namespace
}  // namespace weir::test
