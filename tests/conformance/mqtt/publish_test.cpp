// PUBLISH from a client through the gateway to another: what is answered, what is delivered, and in which bytes.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

#include "conformance/mqtt/gateway_fixture.hpp"

namespace weir::conformance {
namespace {

class Publish : public GatewayTest {};
INSTANTIATE_TEST_SUITE_P(Mqtt, Publish, kEveryWay, name_of);

TEST_P(
    Publish,
    IsAnsweredAndDelivered_AsItsQosSays_MQTT3_2_3_1_5_MQTT3_2_3_1_6_MQTT3_3_3_2_1_MQTT3_3_3_2_3_MQTT3_3_3_4_1_MQTT3_4_3_1_1_MQTT3_4_3_2_1_MQTT3_4_3_2_2_MQTT3_4_3_3_1_MQTT3_4_3_3_2_MQTT3_4_5_0_1
) {
    auto publisher = v3("publisher");
    auto subscriber = v3("subscriber");
    subscriber.sends("82 06 0001 0001 't' 02").expects("90 03 0001 02");
    publisher.sends("30 05 0001 't' 'q0'").expects_nothing_more();
    subscriber.expects("30 05 0001 't' 'q0'").expects_nothing_more();
    publisher.sends("32 07 0001 't' 000a 'q1'").expects("40 02 000a").expects_nothing_more();
    subscriber.expects("32 07 0001 't' 0001 'q1'").sends("40 02 0001").expects_nothing_more();
    publisher.sends("34 07 0001 't' 000b 'q2'")
        .expects("50 02 000b")
        .sends("62 02 000b")
        .expects("70 02 000b")
        .expects_nothing_more();
    subscriber.expects("34 07 0001 't' 0002 'q2'")
        .sends("50 02 0002")
        .expects("62 02 0002")
        .sends("70 02 0002")
        .expects_nothing_more();
}

TEST_P(
    Publish,
    IsAnsweredAndDelivered_AsItsQosSays_MQTT5_2_2_1_2_MQTT5_2_2_1_5_MQTT5_3_3_2_1_MQTT5_3_3_2_3_MQTT5_3_3_4_1_MQTT5_4_3_1_1_MQTT5_4_3_2_2_MQTT5_4_3_2_4_MQTT5_4_3_3_2_MQTT5_4_3_3_4_MQTT5_4_3_3_8_MQTT5_4_3_3_11
) {
    auto publisher = v5("publisher");
    auto subscriber = v5("subscriber");
    subscriber.sends("82 07 0001 00 0001 't' 02").expects("90 04 0001 00 02");
    publisher.sends("30 06 0001 't' 00 'q0'").expects_nothing_more();
    subscriber.expects("30 06 0001 't' 00 'q0'").expects_nothing_more();
    publisher.sends("32 08 0001 't' 000a 00 'q1'").expects("40 02 000a").expects_nothing_more();
    subscriber.expects("32 08 0001 't' 0001 00 'q1'").sends("40 02 0001").expects_nothing_more();
    publisher.sends("34 08 0001 't' 000b 00 'q2'")
        .expects("50 02 000b")
        .sends("62 02 000b")
        .expects("70 02 000b")
        .expects_nothing_more();
    subscriber.expects("34 08 0001 't' 0002 00 'q2'")
        .sends("50 02 0002")
        .expects("62 02 0002")
        .sends("70 02 0002")
        .expects_nothing_more();
}

TEST_P(
    Publish,
    CarriesAllThatIsEndToEnd_MQTT5_3_3_2_4_MQTT5_3_3_2_15_MQTT5_3_3_2_16_MQTT5_3_3_2_17_MQTT5_3_3_2_18_MQTT5_3_3_2_20
) {
    auto publisher = v5("publisher");
    auto online = v5("online");
    online.sends("82 07 0001 00 0001 't' 01").expects("90 04 0001 00 01");
    auto away = v5("away", "00", kOneHour);
    away.sends("82 07 0001 00 0001 't' 01").expects("90 04 0001 00 01");
    away.leaves();
    const std::string_view end_to_end =
        "01 01 03 0002 'ct' 08 0003 'r/t' 09 0003 00ff00 26 0001 'b' 0001 '1' 26 0001 'a' 0000 26 "
        "0001 'b' 0001 '0'";
    const auto body = "0001 't' 0001 " + properties(end_to_end) + " 'hi'";
    publisher.sends(packet("33", body)).expects("40 02 0001");
    online.expects(packet("32", body));
    auto back = v5("away", "00", kOneHour);
    back.expects(packet("32", body));
    v5("late")
        .sends("82 07 0001 00 0001 't' 01")
        .expects("90 04 0001 00 01")
        .expects(packet("33", body));
}

class PublishOnShards : public GatewayTest {};
INSTANTIATE_TEST_SUITE_P(Mqtt, PublishOnShards, kEveryShardCount, name_of);

TEST_P(PublishOnShards, DoesNotHandOnDup_MQTT3_3_3_1_3_MQTT5_3_3_1_3) {
    auto publisher = v3("publisher");
    auto subscriber = v3("subscriber");
    subscriber.sends("82 06 0001 0001 't' 02").expects("90 03 0001 02");
    publisher.sends("3a 06 0001 't' 000a '1'")
        .expects("40 02 000a")
        .sends("3c 06 0001 't' 000b '2'")
        .expects("50 02 000b");
    subscriber.expects("32 06 0001 't' 0001 '1'").expects("34 06 0001 't' 0002 '2'");
}

TEST_P(PublishOnShards, IsNewUnderTheSameId_AfterPuback_MQTT3_4_3_2_2_MQTT5_4_3_2_5) {
    auto publisher = v5("publisher");
    auto subscriber = v3("subscriber");
    subscriber.sends("82 06 0001 0001 't' 00").expects("90 03 0001 00");
    publisher.sends("32 07 0001 't' 0001 00 '1'").expects("40 02 0001");
    publisher.sends("3a 07 0001 't' 0001 00 '2'").expects("40 02 0001");
    subscriber.expects("30 04 0001 't' '1'").expects("30 04 0001 't' '2'").expects_nothing_more();
}

TEST_P(
    PublishOnShards,
    IsDeliveredOnce_UntilPubrel_MQTT3_4_3_3_2_MQTT5_4_3_3_10_MQTT5_4_3_3_11_MQTT5_4_3_3_12
) {
    auto subscriber = v3("subscriber");
    subscriber.sends("82 06 0001 0001 't' 00").expects("90 03 0001 00");
    for (const bool five : {false, true}) {
        const std::string none = five ? "00" : "";
        const auto first = packet("34", "0001 't' 0001 " + none + "'1'");
        const auto again = packet("3c", "0001 't' 0001 " + none + "'1'");
        {
            auto publisher = five ? v5("publisher", "00", kOneHour) : v3("publisher", "00");
            publisher.sends(first)
                .expects("50 02 0001")
                .sends(again)
                .expects("50 02 0001")
                .leaves();
        }
        // The exchange belongs to the session, not to the connection.
        auto publisher = five ? v5("publisher", "00", kOneHour) : v3("publisher", "00");
        publisher.sends(again).expects("50 02 0001").sends("62 02 0001").expects("70 02 0001");
        subscriber.expects("30 04 0001 't' '1'").expects_nothing_more();
        publisher.sends(first).expects("50 02 0001").sends("62 02 0001").expects("70 02 0001");
        subscriber.expects("30 04 0001 't' '1'").expects_nothing_more();
        publisher.sends("62 02 0001").expects(five ? "70 03 0001 92" : "70 02 0001");
    }
}

TEST_P(PublishOnShards, MayBeReleased_WhileASecondPubrecIsOwed) {
    for (const bool five : {false, true}) {
        const std::string none = five ? "00" : "";
        auto publisher = five ? v5("publisher", "00", kOneHour) : v3("publisher", "00");
        publisher.sends(packet("34", "0001 't' 0001 " + none)).expects("50 02 0001");
        publisher
            .sends(
                packet("34", "0001 't' 0002 " + none) + packet("3c", "0001 't' 0001 " + none) +
                "62 02 0001"
            )
            .expects("50 02 0002")
            .expects("50 02 0001")
            .expects("70 02 0001")
            .sends("62 02 0002")
            .expects("70 02 0002")
            .leaves();
    }
}

TEST_P(
    PublishOnShards,
    IsRefusedByCode_OrAcknowledgedWithoutEffect_MQTT3_3_3_5_2_MQTT5_3_4_2_1_MQTT5_3_5_2_1_MQTT5_3_7_2_1_MQTT5_4_3_3_9
) {
    auto three = v3("three");
    three.sends("32 0c 0008 'secret/x' 0001").expects("40 02 0001");
    three.sends("34 0c 0008 'secret/x' 0002")
        .expects("50 02 0002")
        .sends("62 02 0002")
        .expects("70 02 0002");
    three.expects_nothing_more();
    auto subscriber = v3("subscriber");
    subscriber.sends("82 06 0001 0001 't' 00").expects("90 03 0001 00");
    auto five = v5("five");
    five.sends("32 0d 0008 'secret/x' 0001 00").expects("40 03 0001 87");
    five.sends("34 0d 0008 'secret/x' 0002 00").expects("50 03 0002 87");
    five.sends("34 07 0001 't' 0002 00 '1'").expects("50 02 0002");  // The id is free again.
    subscriber.expects("30 04 0001 't' '1'").expects_nothing_more();
    five.sends("62 02 0002").expects("70 02 0002").sends("62 02 0003").expects("70 03 0003 92");
}

TEST_P(PublishOnShards, TellsWhatIsLeftOfItsLife_MQTT5_3_3_2_6) {
    auto publisher = v5("publisher");
    auto subscriber = v5("subscriber", "00", kOneHour);
    subscriber.sends("82 07 0001 00 0001 't' 01").expects("90 04 0001 00 01").leaves();
    publisher.sends("32 0c 0001 't' 0001 05 02 00000064 '1'").expects("40 02 0001");
    auto back = peer();
    EXPECT_TRUE(back.connects(connect5("subscriber", "00", kOneHour)).session_present);
    const Bytes got = back.packet();
    ASSERT_EQ(got.size(), 14U);
    const auto left = load_be<std::uint32_t>(got.data() + 9);
    EXPECT_LE(left, 100U);
    EXPECT_GE(left, 70U) << "seconds have passed, not minutes";
}

/// What is published to `out` waits for a sink that never takes anything.
class Blocked : public GatewayTest {
protected:
    void write_more() override {
        std::filesystem::create_directory(home_.path() / "sinks.d");
        std::filesystem::create_directory(home_.path() / "rules.d");
        write(
            "sinks.d/gone.yaml",
            "sink: gone\ntype: http\nurl: http://127.0.0.1:1/\noutbox: {size: 64KiB}\n"
        );
        write("rules.d/out.sql", "---\nto: [{http: {sink: gone}}]\n---\nSELECT * FROM 'out'\n");
    }
    [[nodiscard]] std::string limits() const override { return "preset: none, parked_bytes: 4KiB"; }
};
INSTANTIATE_TEST_SUITE_P(Mqtt, Blocked, kOneWay, name_of);

TEST_P(Blocked, EndsTheConnection_WhenItCanHoldNoMore_MQTT3_4_8_0_2_MQTT5_4_13_1_1) {
    const auto payload = fmt::format("'{{\"x\":\"{}\"}}'", std::string(1'000, 'x'));
    for (const bool five : {false, true}) {
        auto publisher = five ? v5("five") : v3("three");
        for (int i = 1; i <= 100; ++i) {
            publisher.sends(
                packet("32", fmt::format("0003 'out' {:04x} {} {}", i, five ? "00" : "", payload))
            );
        }
        int acknowledged = 0;
        Bytes last = publisher.packet();
        for (; !last.empty() && last[0] == 0x40; last = publisher.packet()) {
            EXPECT_EQ(load_be<std::uint16_t>(last.data() + 2), ++acknowledged)
                << "in order, none left out";
        }
        EXPECT_LT(acknowledged, 100);
        EXPECT_EQ(last, five ? (Bytes{0xE0, 1, 0x97}) : Bytes{});
    }
}

class Aliases : public GatewayTest {};
INSTANTIATE_TEST_SUITE_P(Mqtt, Aliases, kOneWay, name_of);

TEST_P(Aliases, StandForATopic_InTheirConnectionOnly_MQTT5_3_3_2_7_MQTT5_3_3_2_12) {
    auto subscriber = v3("subscriber");
    subscriber.sends("82 06 0001 0001 't' 00").expects("90 03 0001 00");
    auto publisher = peer();
    const auto maximum =
        publisher.connects(connect5("publisher", "00", kOneHour)).properties.number(0x22);
    ASSERT_GT(maximum, 0U);
    const unsigned highest = maximum & 0xFFFFU;
    for (const unsigned alias : {1U, highest}) {
        publisher.sends(fmt::format("30 08 0001 't' 03 23 {:04x} '1'", alias));
        publisher.sends(fmt::format("30 07 0000 03 23 {:04x} '2'", alias));
        subscriber.expects("30 04 0001 't' '1'").expects("30 04 0001 't' '2'");
    }
    publisher.leaves();
    auto again = v5("publisher", "00", kOneHour);
    again.sends("30 07 0000 03 23 0001 '3'").expects("e0 01 82").expects_close();
    subscriber.expects_nothing_more();
}

/// The Topic Alias of a PUBLISH at QoS 0 with a topic of one byte or none; 0: none.
unsigned alias_of(ByteView publish) {
    const std::size_t after_topic = 4U + load_be<std::uint16_t>(publish.data() + 2);
    const Properties given{publish.subspan(after_topic + 1, publish[after_topic])};
    return given.has(0x23) ? given.number(0x23) : 0;
}

TEST_P(Aliases, AreNotSentBeyondTheClientsMaximum_MQTT5_3_1_2_26_MQTT5_3_1_2_27_MQTT5_3_3_2_11) {
    auto publisher = v5("publisher");
    for (const auto& [given, maximum] :
         {std::pair{"", 0U}, std::pair{"22 0000", 0U}, std::pair{"22 0001", 1U}}) {
        auto subscriber = v5("subscriber", "02", given);
        subscriber.sends("82 0b 0001 00 0001 'a' 00 0001 'b' 00").expects("90 05 0001 00 00 00");
        for (int round = 0; round < 3; ++round) {
            for (const char* topic : {"'a'", "'b'"}) {
                publisher.sends(fmt::format("30 05 0001 {} 00 '1'", topic));
                EXPECT_LE(alias_of(subscriber.packet()), maximum);
            }
        }
    }
}

}  // namespace
}  // namespace weir::conformance
