#include <weir/mqtt/encoder.hpp>

#include <gtest/gtest.h>

#include <array>

#include <weir/mqtt/decoder.hpp>

#include "support/hex.hpp"

namespace weir::mqtt {
namespace {

using weir::test::bytes_of;

// Golden packets are encoded in golden_test; here stands what decoding does not show.

TEST(PublishHead, LeavesThePayloadOut) {
    const PublishHeader header{
        .topic = "a", .payload_bytes = 200, .packet_id = 3, .qos = Qos::at_least_once
    };
    Bytes out(publish_head_size(header, Version::v311));
    EXPECT_EQ(write_publish_head(out.data(), header, Version::v311), out.data() + out.size());
    EXPECT_EQ(out, bytes_of("32 cd01 0001 'a' 0003"));
    EXPECT_EQ(publish_size(header, Version::v311), out.size() + 200);
}

TEST(PublishHead, LeavesPropertiesOut_WhenVersionHasNone) {
    const std::array<std::uint32_t, 2> ids = {1, 128};
    const Bytes properties = bytes_of("01 01");
    const PublishHeader header{
        .topic = "a",
        .payload_bytes = 0,
        .properties = properties,
        .message_expiry_s = 7,
        .subscription_ids = ids,
        .packet_id = 0,
        .topic_alias = 2,
        .qos = Qos::at_most_once,
        .retain = true
    };
    Bytes old;
    append_publish(old, header, {}, Version::v311);
    EXPECT_EQ(old, bytes_of("31 03 0001 'a'"));
    Bytes v5;
    append_publish(v5, header, {}, Version::v5);
    EXPECT_EQ(v5, bytes_of("31 13 0001 'a' 0f 23 0002 02 00000007 0b 01 0b 8001 01 01"));
}

// Every width of the remaining length.
TEST(PublishHead, DeclaresSizesUpToTheMaximum) {
    for (const std::size_t payload :
         {124U, 125U, 16'380U, 16'381U, 2'097'148U, 2'097'149U, 268'435'452U}) {
        const PublishHeader header{
            .topic = "a", .payload_bytes = payload, .packet_id = 0, .qos = Qos::at_most_once
        };
        Bytes out(publish_head_size(header, Version::v311));
        ASSERT_EQ(write_publish_head(out.data(), header, Version::v311), out.data() + out.size())
            << payload;
        EXPECT_EQ(*read_packet_size(out, 1U << 30U), publish_size(header, Version::v311))
            << payload;
    }
}

TEST(Suback, FoldsErrors_WhenVersionIs311_MQTT3_3_9_3_2) {
    const Bytes codes = {0x00, 0x02, 0x87, 0x9E};
    Bytes out;
    append_packet(
        out, Suback{.packet_id = 5, .reason_codes = ReasonCodeList{codes}}, Version::v311
    );
    EXPECT_EQ(out, bytes_of("90 06 0005 00 02 80 80"));
}

TEST(Connack, NeverSaysSessionPresent_WhenItRefusesOrVersionIs31_MQTT3_3_2_2_4_MQTT5_3_2_2_6) {
    Bytes out;
    append_packet(
        out,
        Connack{.session_present = true, .reason_code = ReasonCode::not_authorized},
        Version::v311
    );
    append_packet(
        out, Connack{.session_present = true, .reason_code = ReasonCode::success}, Version::v31
    );
    append_packet(
        out,
        Connack{.session_present = true, .reason_code = ReasonCode::quota_exceeded},
        Version::v5
    );
    EXPECT_EQ(out, bytes_of("20 02 00 05 20 02 00 00 20 03 00 97 00"));
}

TEST(Ack, CarriesCodesToMqtt5Only) {
    const Ack refused{
        .type = PacketType::puback, .packet_id = 1, .reason_code = ReasonCode::quota_exceeded
    };
    Bytes old;
    append_packet(old, refused, Version::v311);
    EXPECT_EQ(old, bytes_of("40 02 0001"));
    Bytes v5;
    append_packet(v5, refused, Version::v5);
    EXPECT_EQ(v5, bytes_of("40 03 0001 97"));
}

}  // namespace
}  // namespace weir::mqtt
