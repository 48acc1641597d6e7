// T-24: everything at once on the same topics. Under ThreadSanitizer it says more; WEIR_SOAK_S makes it longer than 3 s.
#include <atomic>
#include <cstdlib>
#include <thread>
#include <vector>

#include "integration/threats/support.hpp"
#include "support/random.hpp"

namespace weir::test {
namespace {

std::chrono::seconds duration() {
    const char* const set =
        std::getenv("WEIR_SOAK_S");  // NOLINT(concurrency-mt-unsafe): nobody changes it.
    return std::chrono::seconds{set == nullptr ? 3 : std::atoi(set)};
}

/// Calls `work(random)` again and again, each time with a connection or two, until the end.
template <class Work>
std::thread again_and_again(const std::atomic<bool>& over, std::uint64_t seed, Work work) {
    return std::thread{[&over, seed, work] {
        Random random{seed};
        while (!over) {
            try {
                work(random);
            } catch (const std::runtime_error&) {
                // Taken over by another thread: that is a part of it.
            }
        }
    }};
}

class ThreatT24 : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Gateway, ThreatT24, testing::Values(1U, 2U, 8U), [](const auto& row) {
    return fmt::format("on_{}_shards", row.param);
});

/// Two that nobody disturbs get all that they send each other, once and in order, whatever happens beside them.
TEST_P(ThreatT24, KeepsItsPromises_WhileClientsComeGoAndQuarrel) {
    RunningGateway gateway{{.shards = GetParam()}};
    std::atomic<bool> over{false};
    std::vector<std::thread> threads;
    for (std::uint64_t seed = 1; seed <= 4;
         ++seed) {  // Of 3 client ids: they take each other's sessions over.
        threads.push_back(again_and_again(over, seed, [&gateway](Random& random) {
            MqttPeer peer{gateway.port()};
            peer.connect({
                .version = random.below(2) == 0 ? mqtt::Version::v5 : mqtt::Version::v311,
                .clean_start = random.below(2) == 0,
                .client_id = "rival-" + std::to_string(random.below(3)),
            });
            for (std::size_t left = random.below(20); left > 0; --left) {
                const auto qos = static_cast<mqtt::Qos>(random.below(3));
                switch (random.below(4)) {
                    case 0:
                        peer.subscribe(random.below(2) == 0 ? "hot" : "$share/g/hot", qos);
                        break;
                    case 1:
                        peer.unsubscribe("hot");
                        break;
                    default:
                        peer.publish("hot", "x", qos, random.below(4) == 0);
                        peer.until_settled();
                }
            }
            if (random.below(2) == 0) {
                peer.disconnect();
            }
        }));
    }
    threads.push_back(again_and_again(over, 5, [&gateway](Random& /*random*/) {
        EXPECT_TRUE(gateway->reload().applied);
        static_cast<void>(gateway->sessions({}));
        static_cast<void>(gateway->metrics_text());
        std::this_thread::sleep_for(std::chrono::milliseconds{20});
    }));

    MqttPeer subscriber{gateway.port()};
    subscriber.connect("subscriber");
    subscriber.subscribe("calm/+", mqtt::Qos::exactly_once);
    MqttPeer publisher{gateway.port()};
    publisher.connect("publisher");
    const auto end = std::chrono::steady_clock::now() + duration();
    for (int i = 0; std::chrono::steady_clock::now() < end; ++i) {
        const auto qos = static_cast<mqtt::Qos>(i % 3);
        publisher.publish("calm/1", std::to_string(i), qos);
        publisher.until_settled();
        ASSERT_EQ(subscriber.receive().payload, std::to_string(i));
    }
    over = true;
    for (auto& thread : threads) {
        thread.join();
    }
    subscriber.ping();
    EXPECT_TRUE(subscriber.take_received().empty()) << "nothing twice";
    expect_service(gateway.port());
}

}  // namespace
}  // namespace weir::test
