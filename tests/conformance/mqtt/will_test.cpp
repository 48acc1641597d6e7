// Wills: kept with the connection, published when it ends, or not.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "conformance/mqtt/gateway_fixture.hpp"

namespace weir::conformance {
namespace {

class Will : public GatewayTest {
protected:
    void SetUp() override {
        GatewayTest::SetUp();
        watcher_.emplace(v3("watcher"));
        watcher_->sends("82 06 0001 0001 'w' 02").expects("90 03 0001 02");
        last_.emplace(v3("last"));
    }
    void TearDown() override {
        watcher_.reset();
        last_.reset();
        GatewayTest::TearDown();
    }
    /// Whatever was published before has arrived when this does.
    void watcher_has_all() {
        last_->sends("32 06 0001 'w' 0001 '.'").expects("40 02 0001");
        watcher_->expects(marker()).sends(fmt::format("40 02 {:04x}", id_)).expects_nothing_more();
    }
    [[nodiscard]] std::string marker() { return fmt::format("32 06 0001 'w' {:04x} '.'", ++id_); }

    std::optional<WirePeer> watcher_;
    std::optional<WirePeer> last_;
    unsigned id_ = 0;
};
INSTANTIATE_TEST_SUITE_P(Mqtt, Will, kEveryWay, name_of);

constexpr std::string_view kWill = "0001 'w' 0004 'gone'";
constexpr std::string_view kWill5 = "00 0001 'w' 0004 'gone'";

TEST_P(
    Will,
    IsPublishedOnce_WhenTheConnectionBreaks_MQTT3_3_1_2_8_MQTT3_3_1_2_10_MQTT3_3_1_2_12_MQTT3_3_1_2_16
) {
    v3("c", "06", kWill).drops();
    watcher_->expects("30 07 0001 'w' 'gone'");
    v3("c", "02").drops();  // Without a will there is nothing to publish.
    v3("c", "00").drops();
    watcher_has_all();
    auto late = v3("late");
    late.sends("82 06 0001 0001 'w' 00").expects("90 03 0001 00").expects_nothing_more();
}

TEST_P(
    Will,
    IsPublishedOnce_WhenTheConnectionBreaks_MQTT5_3_1_2_7_MQTT5_3_1_2_8_MQTT5_3_1_2_10_MQTT5_3_1_2_14
) {
    v5("c", "06", "", kWill5).drops();
    watcher_->expects("30 07 0001 'w' 'gone'");
    v5("c", "04", kOneHour, kWill5).drops();
    watcher_->expects("30 07 0001 'w' 'gone'");
    v5("c", "02").drops();
    watcher_has_all();
    auto late = v3("late");
    late.sends("82 06 0001 0001 'w' 00").expects("90 03 0001 00").expects_nothing_more();
}

TEST_P(
    Will, IsForgotten_AfterDisconnect_MQTT3_3_1_2_10_MQTT3_3_14_4_3_MQTT5_3_1_2_10_MQTT5_3_14_4_3
) {
    v3("c", "06", kWill).leaves();
    v3("c", "04", kWill).leaves();
    v5("c", "06", "", kWill5).leaves();
    v5("c", "04", kOneHour, kWill5).leaves();
    v5("c", "06", "", kWill5).sends("e0 01 00").expects_close();
    watcher_has_all();
}

TEST_P(Will, IsPublished_WhenDisconnectAsksForItOrIsNoGood_MQTT5_3_1_2_8) {
    v5("c", "06", "", kWill5).sends("e0 01 04").expects_close();
    watcher_->expects("30 07 0001 'w' 'gone'");
    v5("c", "06", "", kWill5).sends("e1 00").expects("e0 01 81").expects_close();
    watcher_->expects("30 07 0001 'w' 'gone'");
    watcher_has_all();
}

TEST_P(Will, IsPublished_WhenAnotherConnectionTakesOver_MQTT5_3_1_2_8) {
    auto first = v5("c", "06", "", kWill5);
    auto second = v5("c");
    watcher_->expects("30 07 0001 'w' 'gone'");
    watcher_has_all();
}

TEST_P(
    Will, IsRetainedAndHasAQos_AsItSays_MQTT3_3_1_2_9_MQTT3_3_1_2_17_MQTT5_3_1_2_9_MQTT5_3_1_2_15
) {
    v3("c", "2e", "0001 'w' 0001 '1'").drops();
    watcher_->expects("32 06 0001 'w' 0001 '1'").sends("40 02 0001");
    v3("late")
        .sends("82 06 0001 0001 'w' 02")
        .expects("90 03 0001 02")
        .expects("33 06 0001 'w' 0001 '1'");
    v5("d", "36", "", "00 0001 'w' 0001 '2'").drops();
    watcher_->expects("34 06 0001 'w' 0002 '2'");
    v3("later")
        .sends("82 06 0001 0001 'w' 02")
        .expects("90 03 0001 02")
        .expects("35 06 0001 'w' 0001 '2'");
}

TEST_P(Will, KeepsItsPropertiesInOrder_MQTT5_3_1_3_10) {
    auto five = v5("five");
    five.sends("82 07 0001 00 0001 'w' 00").expects("90 04 0001 00 00");
    const std::string_view sent =
        "01 01 03 0001 't' 08 0001 'r' 09 0001 'c' 26 0001 'b' 0001 '1' 26 0001 'a' 0001 '2' 26 "
        "0001 'b' 0001 '0'";
    v5("c", "06", "", properties(sent) + " 0001 'w' 0004 'gone'").drops();
    five.expects(packet("30", "0001 'w' " + properties(sent) + " 'gone'"));
}

/// As a message that is published with the same.
TEST_P(Will, ReachesNobody_WhenItsMessageExpiryIsZero_MQTT5_3_3_2_5) {
    v5("p").sends(packet("30", "0001 'w' " + properties("02 00000000") + " 'now'"));
    auto first = v5("c", "06", "", properties("02 00000000") + " 0001 'w' 0004 'late'");
    auto second = v5("c", "06", "", properties("02 00000e10") + " 0001 'w' 0004 'gone'");
    auto third = v5("c");
    watcher_->expects("30 07 0001 'w' 'gone'");
    watcher_has_all();
}

TEST_P(Will, IsNotPublished_WhenItsClientIsBackInTime_MQTT5_3_1_2_8_MQTT5_3_1_3_9) {
    v5("c", "04", kOneHour, "05 18 0000000a 0001 'w' 0004 'gone'").drops();
    auto back = v5("c", "00", kOneHour);
    watcher_has_all();
    back.leaves();
    watcher_has_all();
}

}  // namespace
}  // namespace weir::conformance
