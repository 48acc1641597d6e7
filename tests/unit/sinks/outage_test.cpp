// A receiver that is away for a day, by the clock of the test.
#include "sink_fixture.hpp"

#include <map>

namespace weir::sinks {
namespace {

class Outage : public SinkTest {
protected:
    static constexpr auto kBetween = 10s;
    static constexpr int kDevices = 20;

    [[nodiscard]] static std::string payload(int number) {
        return R"({"device":"probe-)" + std::to_string(number % kDevices) + R"(","n":)" +
               std::to_string(number) + R"(,"reading":)" + std::string(60, '7') + "}";
    }

    [[nodiscard]] static storage::OutboxRecord record(
        const std::string& key, std::string_view body
    ) {
        return {.rule = "hot", .topic = "data/temp", .key = key, .payload = as_bytes(body)};
    }

    /// As a publisher does: only with room. @return Whether it was acknowledged.
    [[nodiscard]] bool publish(int number, std::uint64_t limit) {
        const auto body = payload(number);
        const auto key = "probe-" + std::to_string(number % kDevices);
        auto outgoing = record(key, body);
        outgoing.time_ms = clock_.wall().count();
        if (!store_->outbox_room("pager").reserve(storage::outbox_cost(outgoing), limit)) {
            return false;
        }
        storage::Batch batch;
        batch.enqueue_outbox("pager", outgoing);
        EXPECT_TRUE(store_->commit(std::move(batch)));
        settle();
        return true;
    }

    void answer_all(http_client::Outcome (*outcome)()) {
        auto sent = std::exchange(client_.sent, {});
        for (auto& each : sent) {
            ++attempts_;
            bodies_.push_back(each.request.body);
            each.done(outcome());
        }
        settle();
    }

    std::vector<std::string> bodies_;  ///< Of all attempts.
    std::size_t attempts_ = 0;
};

TEST_F(Outage, OfADay_LosesNothing_WithAnOutboxMadeForIt) {
    constexpr auto kOutage = 24h;
    constexpr int kMessages = kOutage / kBetween;
    // What docs/sinks.md says: the rate times the cost of a record times the outage, and a quarter.
    const auto cost = storage::outbox_cost(record("probe-19", payload(kMessages)));
    auto config = pager();
    config.outbox = {.size_bytes = kMessages * cost * 5 / 4, .age = 48h};
    configure(config);

    int acknowledged = 0;
    for (int number = 0; number < kMessages; ++number) {
        acknowledged += publish(number, reserve_limit(config.outbox)) ? 1 : 0;
        clock_.advance(kBetween);
        answer_all([] {
            return http_client::Outcome{
                .error = http_client::errc::connect_failed, .detail = "refused"
            };
        });
        ASSERT_LE(store_->outbox_room("pager").used(), config.outbox.size_bytes);
    }
    EXPECT_EQ(acknowledged, kMessages) << "nobody was held back";
    EXPECT_EQ(status().breaker, BreakerState::open);
    EXPECT_LT(attempts_, static_cast<std::size_t>(kOutage / 10s)) << "it was left alone";
    EXPECT_EQ(status().pending, static_cast<std::uint64_t>(kMessages));

    bodies_.clear();
    for (int turn = 0; turn < 2 * kMessages && status().pending > 0; ++turn) {
        pass(1s);
        answer_all([] { return http_client::Outcome{.response = {.status = 200}}; });
    }
    EXPECT_EQ(
        status().counters, (SinkCounters{.delivered = static_cast<std::uint64_t>(kMessages)})
    );
    std::map<int, int> last;  // Of the device: its newest record.
    for (const auto& body : bodies_) {
        const auto number = std::stoi(body.substr(body.find("\"n\":") + 4));
        const auto [newest, is_first] = last.emplace(number % kDevices, number);
        EXPECT_TRUE(is_first || newest->second == number - kDevices) << body;
        newest->second = number;
    }
    EXPECT_EQ(bodies_.size(), static_cast<std::size_t>(kMessages)) << "each once, in its order";
    EXPECT_EQ(store_->outbox_room("pager").used(), 0U);
}

TEST_F(Outage, HoldsPublishersBack_WhenTheOutboxIsTooSmall_AndLosesNothingOfTheRest) {
    const auto cost = storage::outbox_cost(record("probe-1", payload(1)));
    auto config = pager();
    config.outbox.size_bytes = 10 * cost;
    configure(config);
    int acknowledged = 0;
    for (int number = 1; number < 20; ++number) {
        acknowledged += publish(number, reserve_limit(config.outbox)) ? 1 : 0;
    }
    EXPECT_LT(acknowledged, 19);
    EXPECT_GE(acknowledged, 9);
    EXPECT_LE(store_->outbox_room("pager").used(), config.outbox.size_bytes);
    for (int turn = 0; turn < 20 && status().pending > 0; ++turn) {
        answer_all([] { return http_client::Outcome{.response = {.status = 200}}; });
    }
    EXPECT_EQ(status().counters.delivered, static_cast<std::uint64_t>(acknowledged));
}

}  // namespace
}  // namespace weir::sinks
