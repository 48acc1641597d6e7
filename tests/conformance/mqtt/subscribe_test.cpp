// SUBSCRIBE and UNSUBSCRIBE: what is answered, and what comes or does not come from then on.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "conformance/mqtt/gateway_fixture.hpp"

namespace weir::conformance {
namespace {

class Subscribe : public GatewayTest {};
INSTANTIATE_TEST_SUITE_P(Mqtt, Subscribe, kEveryWay, name_of);

TEST_P(
    Subscribe,
    IsAnsweredFilterByFilter_InOrder_MQTT3_2_3_1_7_MQTT3_3_8_3_2_MQTT3_3_8_4_1_MQTT3_3_8_4_2_MQTT3_3_8_4_4_MQTT3_3_8_4_5_MQTT3_3_9_3_1_MQTT3_3_9_3_2
) {
    auto client = v3("c");
    client.sends("82 1f 1234 0001 'a' 02 0003 'b/+' 01 0008 'secret/x' 00 0001 '#' 00 0001 'd' 00")
        .expects("90 07 1234 02 01 80 80 00");
    auto publisher = v3("publisher");
    for (const char* topic : {"0001 'a'", "0003 'b/1'", "0001 'c'", "0001 'd'"}) {
        publisher.sends(packet("30", topic));
    }
    client.expects("30 03 0001 'a'")
        .expects("30 05 0003 'b/1'")
        .expects("30 03 0001 'd'")
        .expects_nothing_more();
}

TEST_P(
    Subscribe,
    IsAnsweredFilterByFilter_InOrder_MQTT5_2_2_1_6_MQTT5_3_8_4_1_MQTT5_3_8_4_2_MQTT5_3_8_4_5_MQTT5_3_8_4_6_MQTT5_3_8_4_7_MQTT5_3_9_3_1_MQTT5_3_9_3_2
) {
    auto client = v5("c");
    client
        .sends("82 20 1234 00 0001 'a' 02 0003 'b/+' 01 0008 'secret/x' 00 0001 '#' 00 0001 'd' 00")
        .expects("90 08 1234 00 02 01 87 87 00");
    auto publisher = v3("publisher");
    for (const char* topic : {"0001 'a'", "0003 'b/1'", "0001 'c'", "0001 'd'"}) {
        publisher.sends(packet("30", topic));
    }
    client.expects("30 04 0001 'a' 00")
        .expects("30 06 0003 'b/1' 00")
        .expects("30 04 0001 'd' 00")
        .expects_nothing_more();
}

TEST_P(
    Subscribe,
    IsEndedByAnEqualFilterOnly_MQTT3_2_3_1_7_MQTT3_3_10_4_1_MQTT3_3_10_4_2_MQTT3_3_10_4_4_MQTT3_3_10_4_5_MQTT3_3_10_4_6
) {
    auto client = v3("c");
    client.sends("82 14 0001 0003 'a/b' 01 0003 'a/+' 01 0003 'c/d' 01")
        .expects("90 05 0001 01 01 01");
    client.sends("a2 12 0002 0003 'a/#' 0003 'A/b' 0004 'a/b/'").expects("b0 02 0002");
    client.sends("a2 0c 0003 0003 'a/+' 0003 'c/d'").expects("b0 02 0003");
    auto publisher = v3("publisher");
    publisher.sends("30 05 0003 'c/d' 30 05 0003 'a/c' 30 05 0003 'a/b'");
    client.expects("30 05 0003 'a/b'").expects_nothing_more();
    client.sends("a2 07 0004 0003 'a/b'")
        .expects("b0 02 0004")
        .sends("a2 07 0005 0003 'a/b'")
        .expects("b0 02 0005");
    publisher.sends("30 05 0003 'a/b'").expects_nothing_more();
    client.expects_nothing_more();
}

TEST_P(
    Subscribe,
    IsEndedByAnEqualFilterOnly_MQTT5_2_2_1_6_MQTT5_3_10_4_1_MQTT5_3_10_4_2_MQTT5_3_10_4_4_MQTT5_3_10_4_5_MQTT5_3_10_4_6_MQTT5_3_11_3_1_MQTT5_3_11_3_2
) {
    auto client = v5("c");
    client.sends("82 15 0001 00 0003 'a/b' 01 0003 'a/+' 01 0003 'c/d' 01")
        .expects("90 06 0001 00 01 01 01");
    client.sends("a2 18 0002 00 0003 'a/+' 0003 'a/#' 0003 'c/d' 0004 'a/b/'")
        .expects("b0 07 0002 00 00 11 00 11");
    auto publisher = v3("publisher");
    publisher.sends("30 05 0003 'c/d' 30 05 0003 'a/c' 30 05 0003 'a/b'");
    client.expects("30 06 0003 'a/b' 00").expects_nothing_more();
}

TEST_P(Subscribe, CompletesWhatIsUnderWay_AfterUnsubscribe_MQTT3_3_10_4_3_MQTT5_3_10_4_3) {
    auto publisher = v3("publisher");
    for (const bool five : {false, true}) {
        const auto keep = [&] { return five ? v5("five", "00", kOneHour) : v3("three", "00"); };
        const std::string none = five ? "00" : "";
        auto client = keep();
        client.sends(packet("82", "0001 " + none + " 0001 't' 02"))
            .expects(five ? "90 04 0001 00 02" : "90 03 0001 02");
        publisher.sends("32 06 0001 't' 0001 '1'")
            .expects("40 02 0001")
            .sends("34 06 0001 't' 0002 '2'")
            .expects("50 02 0002");
        publisher.sends("62 02 0002").expects("70 02 0002");
        const auto first = "0001 't' 0001 " + none + "'1'";
        const auto second = "0001 't' 0002 " + none + "'2'";
        client.expects(packet("32", first)).expects(packet("34", second));
        client.sends(packet("a2", "0002 " + none + " 0001 't'"))
            .expects(five ? "b0 04 0002 00 00" : "b0 02 0002");
        client.drops();
        auto back = keep();
        back.expects(packet("3a", first)).expects(packet("3c", second));
        back.sends("40 02 0001 50 02 0002")
            .expects("62 02 0002")
            .sends("70 02 0002")
            .expects_nothing_more();
        back.leaves();
    }
}

class SubscribeOnShards : public GatewayTest {};
INSTANTIATE_TEST_SUITE_P(Mqtt, SubscribeOnShards, kEveryShardCount, name_of);

TEST_P(SubscribeOnShards, GetsTheLowerQosOfBoth_MQTT3_3_8_4_6_MQTT5_3_8_4_8) {
    auto publisher = v3("publisher");
    for (int granted = 0; granted <= 2; ++granted) {
        auto three = v3("three");
        three.sends(fmt::format("82 06 0001 0001 't' {:02x}", granted))
            .expects(fmt::format("90 03 0001 {:02x}", granted));
        auto five = v5("five");
        five.sends(fmt::format("82 07 0001 00 0001 't' {:02x}", granted))
            .expects(fmt::format("90 04 0001 00 {:02x}", granted));
        for (unsigned sent = 0; sent <= 2; ++sent) {
            publisher.sends(
                sent == 0 ? "30 03 0001 't'"
                          : fmt::format("{:02x} 05 0001 't' 0001", 0x30 + 2 * sent)
            );
            if (sent > 0) {
                publisher.expects(sent == 1 ? "40 02 0001" : "50 02 0001 ");
            }
            if (sent == 2) {
                publisher.sends("62 02 0001").expects("70 02 0001");
            }
            const auto expected = 0x30 + 2 * std::min<int>(granted, static_cast<int>(sent));
            EXPECT_EQ(three.packet().at(0), expected) << granted << sent;
            EXPECT_EQ(five.packet().at(0), expected) << granted << sent;
        }
    }
}

TEST_P(
    SubscribeOnShards,
    ReplacesTheSubscriptionWithThatFilter_MQTT3_3_8_4_3_MQTT5_3_8_4_3_MQTT5_3_8_4_4
) {
    auto publisher = v3("publisher");
    publisher.sends("33 06 0001 't' 0001 'r'").expects("40 02 0001");
    auto three = v3("three");
    three.sends("82 06 0001 0001 't' 00").expects("90 03 0001 00").expects("31 04 0001 't' 'r'");
    three.sends("82 06 0002 0001 't' 01")
        .expects("90 03 0002 01")
        .expects("33 06 0001 't' 0001 'r'")
        .sends("40 02 0001");
    auto five = v5("five");
    five.sends("82 09 0001 02 0b 01 0001 't' 00")
        .expects("90 04 0001 00 00")
        .expects("31 07 0001 't' 02 0b 01 'r'");
    five.sends("82 09 0002 02 0b 02 0001 't' 01")
        .expects("90 04 0002 00 01")
        .expects("33 09 0001 't' 0001 02 0b 02 'r'");
    five.sends("40 02 0001");
    publisher.sends("32 06 0001 't' 0002 'n'").expects("40 02 0002");
    three.expects("32 06 0001 't' 0002 'n'").expects_nothing_more();
    five.expects("32 09 0001 't' 0002 02 0b 02 'n'").expects_nothing_more();
}

TEST_P(
    SubscribeOnShards,
    GetsOneCopyAtTheHighestQos_WhereFiltersOverlap_MQTT3_3_3_5_1_MQTT5_3_3_4_2_MQTT5_3_3_4_3_MQTT5_3_3_4_4_MQTT5_3_3_4_5
) {
    auto publisher = v3("publisher");
    auto three = v3("three");
    three.sends("82 0e 0001 0003 'a/#' 00 0003 'a/b' 02").expects("90 04 0001 00 02");
    auto five = v5("five");
    five.sends("82 0b 0001 02 0b 05 0003 'a/#' 00").expects("90 04 0001 00 00");
    five.sends("82 0c 0002 03 0b 8001 0003 'a/b' 01").expects("90 04 0002 00 01");
    five.sends("82 09 0003 00 0003 'a/+' 01").expects("90 04 0003 00 01");
    publisher.sends("34 07 0003 'a/b' 0001")
        .expects("50 02 0001")
        .sends("62 02 0001")
        .expects("70 02 0001");
    three.expects("34 07 0003 'a/b' 0001").expects_nothing_more();
    const Bytes got = five.packet();
    ASSERT_EQ(got.size(), 15U);
    EXPECT_EQ(got[0], 0x32);
    const std::string ids{as_text(ByteView{got}.subspan(10))};
    EXPECT_TRUE(
        ids == std::string_view("\x0b\x05\x0b\x80\x01", 5) ||
        ids == std::string_view("\x0b\x80\x01\x0b\x05", 5)
    );
    five.expects_nothing_more();
}

TEST_P(SubscribeOnShards, DoesNotHearItself_WhenNoLocal_MQTT5_3_8_3_3) {
    auto client = v5("c");
    client.sends("82 07 0001 00 0001 't' 04").expects("90 04 0001 00 00");
    client.sends("30 05 0001 't' 00 '1'").expects_nothing_more();
    v5("other").sends("30 05 0001 't' 00 '2'").leaves();
    client.expects("30 05 0001 't' 00 '2'").expects_nothing_more();
}

TEST_P(
    SubscribeOnShards,
    MatchesAsItStands_MQTT3_1_5_3_3_MQTT3_4_7_2_1_MQTT3_4_7_3_4_MQTT5_1_5_4_3_MQTT5_4_7_2_1_MQTT5_4_7_3_4
) {
    auto publisher = v3("publisher");
    auto client = v3("c");
    // U+FEFF, an accent in one character and in two, upper and lower case, an empty level: all of them differ.
    const char* const topics[] = {
        "0004 efbbbf 'a'",
        "0001 'a'",
        "0002 c3a9",
        "0003 'e' cc81",
        "0001 'A'",
        "0002 '/a'",
        "0002 'a/'"};
    for (const char* topic : topics) {
        client.sends(packet("82", fmt::format("0001 {} 00", topic))).expects("90 03 0001 00");
        for (const char* other : topics) {
            publisher.sends(packet("30", other));
        }
        publisher.expects_nothing_more();
        client.expects(packet("30", topic)).expects_nothing_more();
        client.sends(packet("a2", fmt::format("0002 {}", topic))).expects("b0 02 0002");
    }
    client.sends("82 0d 0003 0001 '+' 00 0004 '$y/#' 00").expects("90 04 0003 00 00");
    publisher.sends("30 04 0002 '$x' 30 03 0001 'x' 30 06 0004 '$y/x'").expects_nothing_more();
    client.expects("30 03 0001 'x'").expects("30 06 0004 '$y/x'").expects_nothing_more();
}

}  // namespace
}  // namespace weir::conformance
