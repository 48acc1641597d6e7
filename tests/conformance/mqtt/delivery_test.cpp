// From the gateway to a client: acknowledgements, resending, windows, sizes.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "conformance/mqtt/gateway_fixture.hpp"

namespace weir::conformance {
namespace {

class Delivery : public GatewayTest {
protected:
    /// Publishes to `t` at QoS 1 and knows that the gateway has taken it.
    void publish(std::string_view payload) {
        if (!publisher_) {
            publisher_.emplace(v3("publisher"));
        }
        publisher_->sends(packet("32", fmt::format("0001 't' 0001 '{}'", payload)))
            .expects("40 02 0001");
    }
    void publish_twice_exactly(std::string_view payload) {
        if (!publisher_) {
            publisher_.emplace(v3("publisher"));
        }
        publisher_->sends(packet("34", fmt::format("0001 't' 0002 '{}'", payload)))
            .expects("50 02 0002");
        publisher_->sends("62 02 0002").expects("70 02 0002");
    }
    void TearDown() override {
        publisher_.reset();
        GatewayTest::TearDown();
    }

    std::optional<WirePeer> publisher_;
};
INSTANTIATE_TEST_SUITE_P(Mqtt, Delivery, kEveryWay, name_of);

TEST_P(
    Delivery,
    SendsAgainWhatWasNotAcknowledged_OnReconnectionOnly_MQTT3_3_3_1_1_MQTT3_4_1_0_1_MQTT3_4_3_2_1_MQTT3_4_3_3_1_MQTT3_4_4_0_1
) {
    {
        auto client = v3("c", "00");
        client.sends("82 06 0001 0001 't' 02").expects("90 03 0001 02");
        publish("1");
        publish_twice_exactly("2");
        client.expects("32 06 0001 't' 0001 '1'")
            .expects("34 06 0001 't' 0002 '2'")
            .expects_nothing_more();
        client.drops();
    }
    {
        auto client = v3("c", "00");
        client.expects("3a 06 0001 't' 0001 '1'")
            .expects("3c 06 0001 't' 0002 '2'")
            .expects_nothing_more();
        client.sends("40 02 0001 50 02 0002").expects("62 02 0002").expects_nothing_more();
        client.drops();
    }
    {
        auto client = v3("c", "00");
        client.expects("62 02 0002")
            .expects_nothing_more()
            .sends("70 02 0002")
            .expects_nothing_more();
        client.drops();
    }
    v3("c", "00").expects_nothing_more();
}

TEST_P(
    Delivery,
    SendsAgainWhatWasNotAcknowledged_OnReconnectionOnly_MQTT5_3_3_1_1_MQTT5_4_3_2_3_MQTT5_4_3_3_3_MQTT5_4_3_3_5_MQTT5_4_3_3_6_MQTT5_4_4_0_1
) {
    {
        auto client = v5("c", "00", kOneHour);
        client.sends("82 07 0001 00 0001 't' 02").expects("90 04 0001 00 02");
        publish("1");
        publish_twice_exactly("2");
        client.expects("32 07 0001 't' 0001 00 '1'")
            .expects("34 07 0001 't' 0002 00 '2'")
            .expects_nothing_more();
        client.drops();
    }
    {
        auto client = v5("c", "00", kOneHour);
        client.expects("3a 07 0001 't' 0001 00 '1'")
            .expects("3c 07 0001 't' 0002 00 '2'")
            .expects_nothing_more();
        client.sends("40 02 0001 50 02 0002").expects("62 02 0002").expects_nothing_more();
        client.drops();
    }
    {
        auto client = v5("c", "00", kOneHour);
        client.expects("62 02 0002")
            .expects_nothing_more()
            .sends("70 02 0002")
            .expects_nothing_more();
        client.drops();
    }
    v5("c", "00", kOneHour).expects_nothing_more();
}

TEST_P(Delivery, EndsWithDisconnect_WhateverIsPublishedMeanwhile_MQTT5_3_14_4_1) {
    auto busy = v3("busy");
    std::string messages;
    for (int i = 0; i < 200; ++i) {
        messages += "30 04 0001 't' 'x'";
    }
    const auto next_but_publish = [](auto& client) {
        Bytes next;
        do {
            next = client.packet();
        } while (!next.empty() && next[0] == 0x30);
        return next;
    };
    for (int time = 0; time < 20; ++time) {
        auto client = v5("c");
        client.sends("82 07 0001 00 0001 't' 00");
        // Messages of the time before may come already. [MQTT5-3.8.4-1]
        EXPECT_EQ(next_but_publish(client), (Bytes{0x90, 0x04, 0x00, 0x01, 0x00, 0x00}));
        busy.sends(messages);
        client.sends("f0 00");  // Which may not come now.
        EXPECT_EQ(next_but_publish(client), (Bytes{0xE0, 0x01, 0x82}));
        client.expects_close();
    }
}

TEST_P(Delivery, TakesAnErrorForAnAcknowledgement_MQTT5_3_6_2_1_MQTT5_4_4_0_2) {
    {
        auto client = v5("c", "00", kOneHour);
        client.sends("82 07 0001 00 0001 't' 02").expects("90 04 0001 00 02");
        publish("1");
        publish_twice_exactly("2");
        client.expects("32 07 0001 't' 0001 00 '1'").expects("34 07 0001 't' 0002 00 '2'");
        client.sends("40 03 0001 80 50 03 0002 97").expects_nothing_more();
        client.sends("50 02 0002").expects("62 03 0002 92");  // Nothing is known of it any more.
        client.drops();
    }
    v5("c", "00", kOneHour).expects_nothing_more();
}

class DeliveryOnShards : public Delivery {};
INSTANTIATE_TEST_SUITE_P(Mqtt, DeliveryOnShards, kEveryShardCount, name_of);

TEST_P(
    DeliveryOnShards,
    KeepsToTheClientsReceiveMaximum_AndHoldsBackNothingElse_MQTT5_3_3_4_9_MQTT5_3_3_4_10_MQTT5_4_9_0_1_MQTT5_4_9_0_2_MQTT5_4_9_0_3
) {
    auto client = v5("c", "02", "21 0002");
    client.sends("82 0b 0001 00 0001 't' 02 0001 'z' 00").expects("90 05 0001 00 02 00");
    for (const char* payload : {"1", "2", "3", "4"}) {
        publish(payload);
    }
    client.expects("32 07 0001 't' 0001 00 '1'")
        .expects("32 07 0001 't' 0002 00 '2'")
        .expects_nothing_more();
    client.sends("82 07 0002 00 0001 'u' 01").expects("90 04 0002 00 01");
    client.sends("34 07 0001 'v' 0009 00 'x'")
        .expects("50 03 0009 10")
        .sends("62 02 0009")
        .expects("70 02 0009");
    client.sends("a2 06 0003 00 0001 'u'").expects("b0 04 0003 00 00").expects_nothing_more();
    client.sends("40 02 0002").expects("32 07 0001 't' 0003 00 '3'").expects_nothing_more();
    client.sends("40 02 0001").expects("32 07 0001 't' 0004 00 '4'").expects_nothing_more();
}

TEST_P(
    DeliveryOnShards,
    DropsWhatIsTooLargeForTheClient_AsIfItWereDelivered_MQTT5_3_1_2_24_MQTT5_3_1_2_25
) {
    auto client = v5("c", "02", "21 0001 27 00000013");
    client.sends("82 07 0001 00 0001 't' 01").expects("90 04 0001 00 01");
    publish("123456789012");  // 20 bytes with its head.
    publish("12345678901");
    client.expects("32 11 0001 't' 0002 00 '12345678901'")
        .sends("40 02 0002")
        .expects_nothing_more();
}

class Sizes : public GatewayTest {};
INSTANTIATE_TEST_SUITE_P(Mqtt, Sizes, kOneWay, name_of);

// The client takes nothing that is larger than CONNACK.
TEST_P(
    Sizes,
    OfAnswersStayBelowTheClientsMaximum_MQTT5_3_2_2_19_MQTT5_3_2_2_20_MQTT5_3_4_2_2_MQTT5_3_4_2_3_MQTT5_3_5_2_2_MQTT5_3_5_2_3_MQTT5_3_6_2_2_MQTT5_3_6_2_3_MQTT5_3_7_2_2_MQTT5_3_7_2_3_MQTT5_3_9_2_1_MQTT5_3_9_2_2_MQTT5_3_11_2_1_MQTT5_3_11_2_2_MQTT5_3_14_2_3_MQTT5_3_14_2_4
) {
    peer()
        .sends(connect5("a/#", "02", "17 01 27 00000005"))
        .expects("20 03 00 85 00")
        .expects_close();
    const std::string long_topic = "secret/" + std::string(200, 'x');
    const auto topic = text(long_topic);
    auto measure = peer();
    const auto smallest = measure.connects(connect5("c", "02", "17 01 27 000000ff")).bytes;
    auto client = peer();
    ASSERT_EQ(
        client.connects(connect5("c", "02", fmt::format("17 01 27 {:08x}", smallest))).bytes,
        smallest
    );
    const auto expects_short = [&](Byte first) {
        const Bytes got = client.packet();
        ASSERT_FALSE(got.empty());
        EXPECT_EQ(got[0], first);
        EXPECT_LE(got.size(), smallest);
    };
    client.sends(packet("32", topic + " 0001 00"));
    expects_short(0x40);
    client.sends(packet("34", topic + " 0002 00"));
    expects_short(0x50);
    client.sends("50 02 0003");
    expects_short(0x62);
    client.sends("62 02 0004");
    expects_short(0x70);
    client.sends(packet("82", "0005 00 " + topic + " 00"));
    expects_short(0x90);
    client.sends(packet("a2", "0006 00 " + topic));
    expects_short(0xB0);
    client.sends("d0 00");
    expects_short(0xE0);
    client.expects_close();
}

TEST_P(Sizes, OfAnswersHaveNoReasons_WhereTheClientWantsNone_MQTT5_3_1_2_29) {
    auto client = v5("c", "02", "17 00");
    client.sends("32 0d 0008 'secret/x' 0001 00").expects("40 03 0001 87");
    client.sends("34 0d 0008 'secret/x' 0002 00").expects("50 03 0002 87");
    client.sends("50 02 0003")
        .expects("62 03 0003 92")
        .sends("62 02 0004")
        .expects("70 03 0004 92");
    client.sends("82 0e 0005 00 0008 'secret/x' 00").expects("90 04 0005 00 87");
    client.sends("a2 0d 0006 00 0008 'secret/x'").expects("b0 04 0006 00 11");
}

class KeepAlive : public GatewayTest {};
INSTANTIATE_TEST_SUITE_P(Mqtt, KeepAlive, kOneWay, name_of);

TEST_P(
    KeepAlive,
    EndsASilentConnectionAsIfItHadBroken_MQTT3_3_1_2_24_MQTT3_3_12_4_1_MQTT5_3_1_2_22_MQTT5_3_2_2_22_MQTT5_3_12_4_1
) {
    auto watcher = v3("watcher");
    watcher.sends("82 06 0001 0001 'w' 00").expects("90 03 0001 00");
    auto five = peer();
    five.sends("10 1a 0004 'MQTT' 05 06 0001 02 17 00 0004 'five' 00 0001 'w' 0001 '5'");
    EXPECT_EQ(five.packet().at(0), 0x20);
    five.sends("c0 00").expects("d0 00");
    five.expects("e0 01 8d").expects_close();
    watcher.expects("30 04 0001 'w' '5'");
    auto three = peer();
    three.sends("10 17 0004 'MQTT' 04 06 0001 0005 'three' 0001 'w' 0001 '3'")
        .expects("20 02 00 00");
    three.sends("c0 00").expects("d0 00").expects_close();
    watcher.expects("30 04 0001 'w' '3'").expects_nothing_more();
}

}  // namespace
}  // namespace weir::conformance
