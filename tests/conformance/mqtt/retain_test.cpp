// Retained messages: what is kept, what removes it, who gets it, and with which flag.
#include <gtest/gtest.h>

#include <string>

#include "conformance/mqtt/gateway_fixture.hpp"

namespace weir::conformance {
namespace {

class Retain : public GatewayTest {
protected:
    /// What a new subscription gets at once. @param expected hex; empty: nothing.
    void expect_kept(std::string_view expected) {
        auto late = v3("late");
        late.sends("82 06 0001 0001 't' 02").expects("90 03 0001 02");
        if (!expected.empty()) {
            late.expects(expected);
        }
        late.expects_nothing_more();
    }
};
INSTANTIATE_TEST_SUITE_P(Mqtt, Retain, kEveryShardCount, name_of);

TEST_P(
    Retain,
    KeepsTheLastMessageWithItsQos_ForLaterSubscribers_MQTT3_3_3_1_5_MQTT3_3_3_1_6_MQTT3_3_3_1_7_MQTT3_3_3_1_8_MQTT3_3_3_1_9_MQTT5_3_3_1_5
) {
    auto publisher = v3("publisher");
    auto established = v3("established");
    established.sends("82 06 0001 0001 't' 02").expects("90 03 0001 02");
    expect_kept("");
    publisher.sends("33 06 0001 't' 0001 '1'").expects("40 02 0001");
    established.expects("32 06 0001 't' 0001 '1'").sends("40 02 0001");
    expect_kept("33 06 0001 't' 0001 '1'");
    publisher.sends("35 06 0001 't' 0002 '2'")
        .expects("50 02 0002")
        .sends("62 02 0002")
        .expects("70 02 0002");
    expect_kept("35 06 0001 't' 0001 '2'");
    publisher.sends("31 04 0001 't' '3'").expects_nothing_more();
    expect_kept("31 04 0001 't' '3'");
}

TEST_P(
    Retain,
    IsRemovedByAnEmptyMessageOnly_MQTT3_3_3_1_10_MQTT3_3_3_1_11_MQTT3_3_3_1_12_MQTT5_3_3_1_6_MQTT5_3_3_1_7_MQTT5_3_3_1_8
) {
    auto publisher = v3("publisher");
    auto established = v3("established");
    established.sends("82 06 0001 0001 't' 00").expects("90 03 0001 00");
    publisher.sends("30 04 0001 't' '0'").expects_nothing_more();
    expect_kept("");
    publisher.sends("33 06 0001 't' 0001 '1'").expects("40 02 0001");
    publisher.sends("32 06 0001 't' 0002 '2'")
        .expects("40 02 0002")
        .sends("32 05 0001 't' 0003")
        .expects("40 02 0003");
    expect_kept("33 06 0001 't' 0001 '1'");
    publisher.sends("33 05 0001 't' 0004").expects("40 02 0004");
    expect_kept("");
    established.expects("30 04 0001 't' '0'")
        .expects("30 04 0001 't' '1'")
        .expects("30 04 0001 't' '2'");
    established.expects("30 03 0001 't'").expects("30 03 0001 't'").expects_nothing_more();
}

TEST_P(Retain, OutlivesTheSessionOfItsPublisher_MQTT3_3_1_2_7) {
    v3("publisher", "00").sends("33 06 0001 't' 0001 '1'").expects("40 02 0001").leaves();
    v3("publisher", "02").leaves();
    expect_kept("33 06 0001 't' 0001 '1'");
}

TEST_P(Retain, IsHandedOutAsTheSubscriptionAsks_MQTT5_3_3_1_9_MQTT5_3_3_1_10_MQTT5_3_3_1_11) {
    v3("publisher").sends("33 06 0001 't' 0001 '1'").expects("40 02 0001").leaves();
    const std::string_view kept = "31 05 0001 't' 00 '1'";
    auto client = v5("c");
    client.sends("82 07 0001 00 0001 't' 20").expects("90 04 0001 00 00").expects_nothing_more();
    client.sends("82 07 0002 00 0001 't' 10").expects("90 04 0002 00 00").expects_nothing_more();
    client.sends("a2 06 0003 00 0001 't'").expects("b0 04 0003 00 00");
    client.sends("82 07 0004 00 0001 't' 10")
        .expects("90 04 0004 00 00")
        .expects(kept)
        .expects_nothing_more();
    client.sends("82 07 0005 00 0001 't' 10").expects("90 04 0005 00 00").expects_nothing_more();
    client.sends("82 07 0006 00 0001 't' 00")
        .expects("90 04 0006 00 00")
        .expects(kept)
        .expects_nothing_more();
    client.sends("82 07 0007 00 0001 't' 00")
        .expects("90 04 0007 00 00")
        .expects(kept)
        .expects_nothing_more();
}

TEST_P(Retain, KeepsItsFlag_OnlyWhereTheSubscriptionAsks_MQTT5_3_3_1_12_MQTT5_3_3_1_13) {
    auto plain = v5("plain");
    plain.sends("82 07 0001 00 0001 't' 00").expects("90 04 0001 00 00");
    auto as_published = v5("as_published");
    as_published.sends("82 07 0001 00 0001 't' 08").expects("90 04 0001 00 00");
    v3("publisher").sends("31 04 0001 't' '1'").sends("30 04 0001 't' '2'").leaves();
    plain.expects("30 05 0001 't' 00 '1'").expects("30 05 0001 't' 00 '2'").expects_nothing_more();
    as_published.expects("31 05 0001 't' 00 '1'")
        .expects("30 05 0001 't' 00 '2'")
        .expects_nothing_more();
}

}  // namespace
}  // namespace weir::conformance
