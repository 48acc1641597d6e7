// T-45: a sink that is stuck, and rules that have nothing to do with it.
#include <algorithm>
#include <chrono>
#include <vector>

#include <support/http_server.hpp>

#include "integration/threats/support.hpp"

namespace weir::test {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kAddedMax{100};
constexpr int kRounds = 3;  ///< At most: another when the machine was busy with something else.
constexpr std::size_t kMessages = 30;

/// Two sinks and a rule for each. The receiver of `fine` takes everything.
class ThreatT45 : public testing::Test {
protected:
    struct Setup {
        std::string stuck_url;
        std::string outbox;
        std::string stuck_filter;
    };

    [[nodiscard]] std::unique_ptr<RunningGateway> start(const Setup& setup) const {
        return std::make_unique<RunningGateway>(RunningGateway::Options{
            .include = "policies.d, rules.d, sinks.d",
            .prepare =
                [&](const std::filesystem::path& home) {
                    const auto write = [&](const std::string& file, const std::string& text) {
                        std::filesystem::create_directories((home / file).parent_path());
                        std::ofstream{home / file} << text;
                    };
                    write(
                        "sinks.d/stuck.yaml",
                        "sink: stuck\ntype: http\nurl: " + setup.stuck_url +
                            "\ntimeout: 2s\noutbox: {" + setup.outbox + "}\n"
                    );
                    write(
                        "sinks.d/fine.yaml", "sink: fine\ntype: http\nurl: " + fine_.url() + "\n"
                    );
                    write(
                        "rules.d/stuck.sql",
                        "---\nto: [{http: {sink: stuck}}]\n---\nSELECT * FROM '" +
                            setup.stuck_filter + "'\n"
                    );
                    write(
                        "rules.d/fine.sql",
                        "---\nto: [{http: {sink: fine}}]\n---\nSELECT * FROM 'data/#'\n"
                    );
                },
        });
    }

    /// From a publish until the receiver of `fine` has it: nine of ten are not longer.
    [[nodiscard]] milliseconds lag(RunningGateway& gateway, const std::string& topic) {
        MqttPeer device{gateway.port()};
        device.connect("device");
        std::vector<std::chrono::steady_clock::duration> lags;
        for (std::size_t i = 0; i < kMessages; ++i) {
            const auto sent = std::chrono::steady_clock::now();
            device.publish(topic, std::to_string(i), mqtt::Qos::at_least_once);
            static_cast<void>(fine_.wait_for(++received_));
            lags.push_back(std::chrono::steady_clock::now() - sent);
            device.until_settled();
        }
        std::ranges::sort(lags);
        return std::chrono::duration_cast<milliseconds>(lags[lags.size() * 9 / 10]);
    }

    /// @return  Messages published meanwhile.
    std::size_t expect_no_delay(
        RunningGateway& gateway, milliseconds alone, const std::string& topic
    ) {
        const auto before = received_;
        auto with_stuck = lag(gateway, topic);
        for (int round = 1; round < kRounds && with_stuck > alone + kAddedMax; ++round) {
            with_stuck = std::min(with_stuck, lag(gateway, topic));
        }
        RecordProperty("lag_alone_ms", static_cast<int>(alone.count()));
        RecordProperty("lag_with_stuck_sink_ms", static_cast<int>(with_stuck.count()));
        EXPECT_LE(with_stuck, alone + kAddedMax);
        return received_ - before;
    }

    [[nodiscard]] milliseconds lag_alone() {
        const auto gateway = start({hanging_.url(), "", "nothing"});
        return lag(*gateway, "data/a");
    }

    HttpServer fine_{[](const HttpRequest&) { return http_reply(204); }};
    HttpServer hanging_{[](const HttpRequest&) { return kHang; }};
    std::size_t received_ = 0;
};

TEST_F(ThreatT45, DelaysNoOtherRule_WhenAReceiverHangs) {
    const auto alone = lag_alone();
    const auto gateway = start({hanging_.url(), "", "data/#"});
    const auto sent = expect_no_delay(*gateway, alone, "data/a");
    EXPECT_EQ(gateway->metric(R"(weir_sink_pending{sink="stuck"})"), sent) << "none is lost";
}

TEST_F(ThreatT45, DelaysNoOtherRule_WhenNobodyListens) {
    const auto alone = lag_alone();
    const auto nobody = HttpServer{[](const HttpRequest&) { return std::nullopt; }}.url();
    const auto gateway = start({nobody, "", "data/#"});
    const auto sent = expect_no_delay(*gateway, alone, "data/a");
    EXPECT_EQ(gateway->metric(R"(weir_sink_pending{sink="stuck"})"), sent);
}

TEST_F(ThreatT45, DelaysNoOtherRule_WhenAReceiverRefuses_AndCountsDeadLetters) {
    const auto alone = lag_alone();
    HttpServer refusing{[](const HttpRequest&) { return http_reply(422); }};
    const auto gateway = start({refusing.url(), "", "data/#"});
    const auto sent = expect_no_delay(*gateway, alone, "data/a");
    EXPECT_EQ(refusing.wait_for(sent).size(), sent);
    EXPECT_TRUE(eventually([&] {
        return gateway->metric(R"(weir_sink_dead_total{sink="stuck"})") == static_cast<double>(sent);
    }));
}

TEST_F(ThreatT45, DelaysNoOtherRule_WhenARuleFails_AndCountsIt) {
    const auto alone = lag_alone();
    const auto gateway = start({hanging_.url() + "${missing}", "", "data/#"});
    const auto sent = expect_no_delay(*gateway, alone, "data/a");
    EXPECT_EQ(gateway->metric(R"(weir_lost_total{reason="rule_failed"})"), sent);
    EXPECT_EQ(gateway->metric(R"(weir_sink_in_total{sink="stuck"})"), 0);
}

TEST_F(ThreatT45, DelaysNoOtherRuleOfTheMessage_WhenAFullOutboxDropsOrLoses) {
    const auto alone = lag_alone();
    for (const std::string on_full : {"dead_letter", "drop_oldest"}) {
        const auto gateway = start({hanging_.url(), "size: 64KiB, on_full: " + on_full, "data/#"});
        MqttPeer flood{gateway->port()};
        flood.connect("flood");
        for (int i = 0; i < 20; ++i) {
            flood.publish("data/b", std::string(8'000, 'x'), mqtt::Qos::at_least_once);
            flood.until_settled();
        }
        static_cast<void>(fine_.wait_for(received_ += 20));
        expect_no_delay(*gateway, alone, "data/a");
    }
}

TEST_F(ThreatT45, TakesEachNewRecord_WhenAFullOutboxDropsOldOnes) {
    const auto gateway = start({hanging_.url(), "size: 64KiB, on_full: drop_oldest", "data/#"});
    MqttPeer flood{gateway->port()};
    flood.connect("flood");
    constexpr int kFlood = 40;  // Five times the outbox, as fast as it goes.
    for (int i = 0; i < kFlood; ++i) {
        flood.publish("data/b", std::string(8'000, 'x'), mqtt::Qos::at_least_once);
    }
    flood.until_settled();
    EXPECT_EQ(gateway->metric(R"(weir_sink_in_total{sink="stuck"})"), kFlood);
    EXPECT_EQ(gateway->metric(R"(weir_lost_total{reason="sink_full"})"), 0);
    EXPECT_TRUE(eventually([&] {
        return gateway->metric(R"(weir_sink_pending_bytes{sink="stuck"})") <= 64 * 1024;
    })) << "and no more is kept than it may hold";
    EXPECT_EQ(
        gateway->metric(R"(weir_sink_lost_total{sink="stuck"})"),
        kFlood - gateway->metric(R"(weir_sink_pending{sink="stuck"})")
    );
}

TEST_F(ThreatT45, DelaysNoOtherPublisher_WhenAFullOutboxHoldsOneBack) {
    const auto alone = lag_alone();
    const auto gateway =
        start({hanging_.url(), "size: 64KiB, on_full: block, block_timeout: 60s", "stuck/#"});
    MqttPeer flood{gateway->port()};
    flood.connect("flood");
    for (int i = 0; i < 15; ++i) {
        flood.publish("stuck/b", std::string(8'000, 'x'), mqtt::Qos::at_least_once);
    }
    expect_no_delay(*gateway, alone, "data/a");
    EXPECT_GT(gateway->metric("weir_parked_total"), 0) << "the other one is held back meanwhile";
}

TEST_F(ThreatT45, DelaysNoOtherRuleWithAMemory_WhichIsAnotherShards) {
    const RunningGateway gateway{{
        .include = "policies.d, rules.d, sinks.d",
        .prepare = [&](const std::filesystem::path& home) {
            const auto write = [&](const std::string& file, const std::string& text) {
                std::filesystem::create_directories((home / file).parent_path());
                std::ofstream{home / file} << text;
            };
            write(
                "sinks.d/stuck.yaml",
                "sink: stuck\ntype: http\nurl: " + hanging_.url() +
                    "\noutbox: {size: 64KiB, block_timeout: 60s}\n"
            );
            write("sinks.d/fine.yaml", "sink: fine\ntype: http\nurl: " + fine_.url() + "\n");
            write(
                "rules.d/stuck.sql",
                "---\nto: [{http: {sink: stuck}}]\n---\nSELECT n, last(n) AS before FROM 'stuck/#'\n"
            );
            write(
                "rules.d/fine.sql",
                "---\nto: [{http: {sink: fine}}]\n---\nSELECT n, last(n) AS before FROM 'data/#'\n"
            );
        },
    }};
    // Each topic is a key of its own, at home on one shard or the other.
    std::vector<std::unique_ptr<MqttPeer>> floods;
    for (int i = 0; i < 24; ++i) {
        floods.push_back(std::make_unique<MqttPeer>(gateway.port()));
        floods.back()->connect("flood" + std::to_string(i));
        for (int k = 0; k < 2; ++k) {
            floods.back()->publish(
                "stuck/" + std::to_string(2 * i + k),
                R"({"n":")" + std::string(8'000, 'x') + R"("})",
                mqtt::Qos::at_least_once
            );
        }
    }
    for (int device = 0; device < 4; ++device) {
        MqttPeer peer{gateway.port()};
        peer.connect("device" + std::to_string(device));
        const auto since = std::chrono::steady_clock::now();
        for (int i = 0; i < 16; ++i) {
            peer.publish(
                "data/" + std::to_string(16 * device + i), R"({"n":1})", mqtt::Qos::at_least_once
            );
            peer.until_settled();
        }
        EXPECT_LT(std::chrono::steady_clock::now() - since, 16 * kAddedMax);
        received_ += 16;
    }
    EXPECT_EQ(fine_.wait_for(received_).size(), received_);
}

TEST_F(ThreatT45, HoldsAPublisherBack_AsLongAsTheFullOutboxSays) {
    // The other sink would hold back for 30 s, but has room.
    const auto gateway =
        start({hanging_.url(), "size: 64KiB, on_full: block, block_timeout: 200ms", "data/#"});
    MqttPeer flood{gateway->port()};
    flood.connect("flood");
    const auto since = std::chrono::steady_clock::now();
    for (int i = 0; i < 15; ++i) {
        flood.publish("data/b", std::string(8'000, 'x'), mqtt::Qos::at_least_once);
    }
    flood.until_settled();
    const auto took = std::chrono::steady_clock::now() - since;
    EXPECT_GE(took, milliseconds{150});
    EXPECT_LT(took, std::chrono::seconds{25});
    EXPECT_GT(gateway->metric(R"(weir_lost_total{reason="sink_full"})"), 0);
    EXPECT_EQ(fine_.wait_for(15).size(), 15U) << "what has room is delivered";
}

}  // namespace
}  // namespace weir::test
