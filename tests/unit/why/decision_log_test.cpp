#include <gtest/gtest.h>

#include <string>

#include <weir/base/text.hpp>
#include <weir/why/decision_log.hpp>

namespace weir::why {
namespace {

using model::Action;
using model::Reason;

TEST(DecisionLog, TellsWhatWasDecidedAndWhere) {
    DecisionLog log{1 << 20};
    const model::Source source{"policies.d/sensor.yaml", 6};
    log.record(
        "probe-1",
        Action::publish,
        Reason::publish_denied,
        WallTime{1'000},
        "data/other/temp",
        &source
    );

    const auto told = log.of("probe-1");
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].action, Action::publish);
    EXPECT_EQ(told[0].reason, Reason::publish_denied);
    EXPECT_EQ(told[0].topic, "data/other/temp");
    EXPECT_EQ(told[0].source.file, "policies.d/sensor.yaml");
    EXPECT_EQ(told[0].source.line, 6U);
    EXPECT_TRUE(log.of("probe-2").empty());
}

TEST(DecisionLog, CutsALongTopicBetweenCharacters) {
    DecisionLog log{1 << 20};
    for (const std::string start : {"", "x"}) {
        std::string topic = start;
        while (topic.size() < 500) {
            topic += "é";
        }
        log.record("p", Action::publish, Reason::publish_denied, WallTime{1'000}, topic);
        const auto told = log.of("p").back().topic;
        EXPECT_TRUE(topic.starts_with(told));
        EXPECT_GT(told.size(), 20U);
        EXPECT_TRUE(is_utf8(told));
    }
}

TEST(DecisionLog, CountsEqualDecisionsInARow) {
    DecisionLog log{1 << 20};
    for (int i = 0; i < 5; ++i) {
        log.record("p", Action::publish, Reason::publish_denied, WallTime{1'000 + i * 100}, "a");
    }
    log.record("p", Action::publish, Reason::publish_denied, WallTime{2'000}, "b");
    const auto told = log.of("p");
    ASSERT_EQ(told.size(), 2U);
    EXPECT_EQ(told[0].count, 5U);
    EXPECT_EQ(told[0].first.count(), 1'000);
    EXPECT_EQ(told[0].last.count(), 1'400);
    EXPECT_EQ(told[1].count, 1U);
}

TEST(DecisionLog, KeepsTheNewestRecords_WhenTheRingIsFull) {
    DecisionLog log{1 << 20};
    for (std::size_t i = 0; i < DecisionLog::kRecordsPerDevice + 3; ++i) {
        log.record(
            "p",
            Action::deliver,
            Reason::queue_full,
            WallTime{static_cast<std::int64_t>(i)},
            std::to_string(i)
        );
    }
    const auto told = log.of("p");
    ASSERT_EQ(told.size(), DecisionLog::kRecordsPerDevice);
    EXPECT_EQ(told.front().topic, "3");
    EXPECT_EQ(told.back().topic, std::to_string(DecisionLog::kRecordsPerDevice + 2));
}

TEST(DecisionLog, ForgetsTheDeviceQuietForLongest_WhenMemoryIsUsedUp) {
    DecisionLog log{5 * 9'000};  // A quarter is not for devices.
    for (const char* device : {"a", "b", "c"}) {
        log.record(device, Action::connect, Reason::connect_denied, WallTime{1});
    }
    const std::size_t kept = log.devices();
    EXPECT_LE(kept, 3U);
    EXPECT_GE(kept, 2U);
    log.record("a", Action::connect, Reason::connect_denied, WallTime{2});
    log.record("d", Action::connect, Reason::connect_denied, WallTime{3});
    EXPECT_EQ(log.devices(), kept);
    EXPECT_FALSE(log.of("a").empty());
    EXPECT_FALSE(log.of("d").empty());
    EXPECT_TRUE(log.of("b").empty());
}

TEST(DecisionLog, KeepsTheLastPeersAddress) {
    DecisionLog log{1 << 20};
    for (const char* peer : {"203.0.113.7", "[2001:db8::1]", "192.0.2.1", ""}) {
        log.record("p", Action::connect, Reason::bad_credentials, WallTime{1}, {}, nullptr, {.peer = peer});
    }
    ASSERT_EQ(log.of("p").size(), 1U);
    EXPECT_EQ(log.of("p")[0].count, 4U);
    EXPECT_EQ(log.of("p")[0].peer, "192.0.2.1");

    log.record("q", Action::connect, Reason::bad_credentials, WallTime{1}, {}, nullptr, {.peer = "[2001:db8::1]"});
    EXPECT_EQ(log.of("q").at(0).peer, "2001:db8::1");
    log.record("r", Action::connect, Reason::bad_credentials, WallTime{1}, {}, nullptr, {.peer = "no address"});
    EXPECT_EQ(log.of("r").at(0).peer, "");
}

TEST(DecisionLog, TellsWhatTheReasonLeavesOpen) {
    DecisionLog log{1 << 20};
    const auto record = [&log](std::string_view detail) {
        log.record("p", Action::connect, Reason::tls_failed, WallTime{1}, {}, nullptr, {.detail = detail});
    };
    record("certificate is of another CA");
    record("certificate has expired (not after 2026-01-02)");
    record("steers \x1b[2J and \xC2\x9B[2J");
    record("\xff\xfe");
    record(std::string(49, 'x') + "\u00fc");
    record(std::string(48, 'x') + "\u00fc");
    record(model::info(Reason::tls_failed).text);
    const auto told = log.of("p");
    ASSERT_EQ(told.size(), 7U) << "another detail is another decision";
    EXPECT_EQ(told[1].detail, "certificate has expired (not after 2026-01-02)");
    EXPECT_EQ(told[2].detail, "steers \uFFFD[2J and \uFFFD[2J");
    EXPECT_EQ(told[3].detail, "\uFFFD\uFFFD");
    EXPECT_EQ(told[4].detail, std::string(49, 'x') + "...") << "no half of a character";
    EXPECT_EQ(told[5].detail, std::string(48, 'x') + "\u00fc") << "all of what has room";
    EXPECT_EQ(told[6].detail, "") << "the reason says it already";
}

TEST(DecisionLog, KeepsApartWhatPeersOnlyClaim) {
    DecisionLog log{1 << 20};
    log.record("p", Action::publish, Reason::publish_denied, WallTime{1}, "a");
    for (std::size_t i = 0; i < 1'000; ++i) {
        log.record(
            {"p", true},
            Action::connect,
            i % 2 == 0 ? Reason::bad_credentials : Reason::anonymous_refused,
            WallTime{2}
        );
    }
    const auto told = log.of("p");
    ASSERT_EQ(told.size(), 1 + DecisionLog::kRecordsPerClaim);
    EXPECT_EQ(told[0].reason, Reason::publish_denied) << "nobody unknown pushes it out";
    EXPECT_FALSE(told[0].is_claim);
    EXPECT_TRUE(told[1].is_claim);
}

TEST(DecisionLog, KeepsDevices_WhoeverClaimsWhatName) {
    DecisionLog log{64 * 1024};
    log.record("p", Action::publish, Reason::publish_denied, WallTime{1}, "a");
    for (int i = 0; i < 10'000; ++i) {
        log.record({std::to_string(i), true}, Action::connect, Reason::bad_credentials, WallTime{2});
    }
    EXPECT_EQ(log.of("p").size(), 1U);
    EXPECT_LE(log.claims(), 16 * 1024 / (DecisionLog::kRecordsPerClaim * 128));
}

TEST(DecisionLog, KeepsLongNamesByTheirBeginning) {
    DecisionLog log{1 << 20};
    const std::string name(60'000, 'n');
    log.record({name, true}, Action::connect, Reason::client_id_invalid, WallTime{1});
    EXPECT_EQ(log.of(name).size(), 1U);
    EXPECT_EQ(log.of(name.substr(0, DecisionLog::kNameBytesMax)).size(), 1U);
}

TEST(DecisionLog, CutsLongTopics) {
    DecisionLog log{1 << 20};
    log.record("p", Action::publish, Reason::publish_denied, WallTime{1}, std::string(500, 'x'));
    EXPECT_EQ(log.of("p").at(0).topic, std::string(43, 'x'));
}

}  // namespace
}  // namespace weir::why
