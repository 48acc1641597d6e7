#include <weir/mqtt/decoder.hpp>

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <variant>
#include <vector>

#include "support/hex.hpp"

namespace weir::mqtt {
namespace {

using weir::test::bytes_of;
using enum Version;
using enum errc;

constexpr std::uint32_t kNoLimit = 1U << 30U;
constexpr auto kClient = Role::client;
constexpr auto kServer = Role::server;

struct RefusedCase {
    std::string_view name;
    Version version;
    Role sender;
    std::string_view hex;
    errc error;
};

void PrintTo(const RefusedCase& row, std::ostream* out) {
    *out << row.hex;
}

class Decode : public testing::TestWithParam<RefusedCase> {};

TEST_P(Decode, RefusesWhatBreaksARule) {
    const auto& row = GetParam();
    const Bytes bytes = bytes_of(row.hex);
    const auto frame = read_frame(bytes, kNoLimit);
    ASSERT_TRUE(frame) << frame.error().message();
    ASSERT_EQ(frame->size, bytes.size()) << "mistake in the test";
    const auto packet = decode(
        *frame, {.version = row.version, .sender = row.sender, .topics = {.bytes = 16, .levels = 4}}
    );
    ASSERT_FALSE(packet);
    EXPECT_EQ(packet.error(), row.error) << packet.error().message();
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(Connect, Decode, testing::Values(
    RefusedCase{"flags_MQTT3_2_2_2_1_MQTT3_2_2_2_2_MQTT5_2_1_3_1", v311, kClient, "11 0c 0004 'MQTT' 04 02 0000 0000", malformed_packet},
    RefusedCase{"other_name_MQTT3_3_1_2_1_MQTT5_3_1_2_1", v311, kClient, "10 0c 0004 'MQTX' 04 02 0000 0000", unsupported_version},
    RefusedCase{"lower_case_name", v311, kClient, "10 0c 0004 'mqtt' 04 02 0000 0000", unsupported_version},
    RefusedCase{"level_3_with_new_name", v311, kClient, "10 0c 0004 'MQTT' 03 02 0000 0000", unsupported_version},
    RefusedCase{"level_4_with_old_name", v311, kClient, "10 0e 0006 'MQIsdp' 04 02 0000 0000", unsupported_version},
    RefusedCase{"level_6", v311, kClient, "10 0c 0004 'MQTT' 06 02 0000 0000", unsupported_version},
    RefusedCase{"bridge_bit", v311, kClient, "10 0c 0004 'MQTT' 84 02 0000 0000", unsupported_version},
    RefusedCase{"reserved_flag_MQTT3_3_1_2_3", v311, kClient, "10 0c 0004 'MQTT' 04 03 0000 0000", malformed_packet},
    RefusedCase{"reserved_flag_MQTT5_3_1_2_3", v5, kClient, "10 0d 0004 'MQTT' 05 03 0000 00 0000", malformed_packet},
    RefusedCase{"will_qos_3_MQTT3_3_1_2_14_MQTT5_3_1_2_12", v311, kClient, "10 11 0004 'MQTT' 04 1e 0000 0000 0001 'w' 0000", malformed_packet},
    RefusedCase{"will_qos_without_will_MQTT3_3_1_2_11_MQTT3_3_1_2_13_MQTT5_3_1_2_11", v311, kClient, "10 0c 0004 'MQTT' 04 0a 0000 0000", malformed_packet},
    RefusedCase{"will_retain_without_will_MQTT3_3_1_2_15_MQTT5_3_1_2_13", v5, kClient, "10 0d 0004 'MQTT' 05 22 0000 00 0000", malformed_packet},
    RefusedCase{"password_without_user_MQTT3_3_1_2_22", v311, kClient, "10 0e 0004 'MQTT' 04 42 0000 0000 0000", malformed_packet},
    RefusedCase{"empty_id_keeps_session_MQTT3_3_1_3_7_MQTT3_3_1_3_8", v311, kClient, "10 0c 0004 'MQTT' 04 00 0000 0000", client_identifier_invalid},
    RefusedCase{"empty_id_31", v31, kClient, "10 0e 0006 'MQIsdp' 03 02 0000 0000", client_identifier_invalid},
    RefusedCase{"id_with_nul_MQTT3_3_1_3_4", v311, kClient, "10 0d 0004 'MQTT' 04 02 0000 0001 00", malformed_packet},
    RefusedCase{"id_with_surrogate_MQTT5_3_1_3_4", v5, kClient, "10 10 0004 'MQTT' 05 02 0000 00 0003 eda080", malformed_packet},
    RefusedCase{"no_will_topic_MQTT3_3_1_2_9_MQTT5_3_1_2_9", v311, kClient, "10 0c 0004 'MQTT' 04 06 0000 0000", malformed_packet},
    RefusedCase{"empty_will_topic", v311, kClient, "10 10 0004 'MQTT' 04 06 0000 0000 0000 0000", topic_name_invalid},
    RefusedCase{"wildcard_will_topic", v311, kClient, "10 11 0004 'MQTT' 04 06 0000 0000 0001 '#' 0000", topic_name_invalid},
    RefusedCase{"deep_will_topic", v311, kClient, "10 14 0004 'MQTT' 04 06 0000 0000 0004 '////' 0000", topic_too_deep},
    RefusedCase{"no_user_name_MQTT3_3_1_2_19_MQTT5_3_1_2_17", v311, kClient, "10 0c 0004 'MQTT' 04 82 0000 0000", malformed_packet},
    RefusedCase{"user_name_without_its_flag_MQTT3_3_1_2_18", v311, kClient, "10 0f 0004 'MQTT' 04 02 0000 0000 0001 'u'", malformed_packet},
    RefusedCase{"user_name_without_its_flag_MQTT5_3_1_2_16", v5, kClient, "10 10 0004 'MQTT' 05 02 0000 00 0000 0001 'u'", malformed_packet},
    RefusedCase{"no_user_name_5_MQTT5_3_1_2_17", v5, kClient, "10 0d 0004 'MQTT' 05 82 0000 00 0000", malformed_packet},
    RefusedCase{"password_without_its_flag_MQTT3_3_1_2_20", v311, kClient, "10 12 0004 'MQTT' 04 82 0000 0000 0001 'u' 0001 'p'", malformed_packet},
    RefusedCase{"password_without_its_flag_MQTT5_3_1_2_18", v5, kClient, "10 13 0004 'MQTT' 05 82 0000 00 0000 0001 'u' 0001 'p'", malformed_packet},
    RefusedCase{"no_password_MQTT3_3_1_2_21", v311, kClient, "10 0f 0004 'MQTT' 04 c2 0000 0000 0001 'u'", malformed_packet},
    RefusedCase{"no_password_MQTT5_3_1_2_19", v5, kClient, "10 10 0004 'MQTT' 05 c2 0000 00 0000 0001 'u'", malformed_packet},
    RefusedCase{"will_without_its_flag_MQTT3_3_1_2_11", v311, kClient, "10 11 0004 'MQTT' 04 02 0000 0000 0001 'w' 0000", malformed_packet},
    RefusedCase{"no_client_id_MQTT3_3_1_3_3", v311, kClient, "10 0a 0004 'MQTT' 04 02 0000", malformed_packet},
    RefusedCase{"no_client_id_MQTT5_3_1_3_3", v5, kClient, "10 0b 0004 'MQTT' 05 02 0000 00", malformed_packet},
    RefusedCase{"will_topic_not_text_MQTT3_3_1_3_10", v311, kClient, "10 11 0004 'MQTT' 04 06 0000 0000 0001 ff 0000", malformed_packet},
    RefusedCase{"will_topic_not_text_MQTT5_3_1_3_11", v5, kClient, "10 13 0004 'MQTT' 05 06 0000 00 0000 00 0001 ff 0000", malformed_packet},
    RefusedCase{"user_name_not_text_MQTT3_3_1_3_11", v311, kClient, "10 0f 0004 'MQTT' 04 82 0000 0000 0001 ff", malformed_packet},
    RefusedCase{"user_name_not_text_MQTT5_3_1_3_12", v5, kClient, "10 10 0004 'MQTT' 05 82 0000 00 0000 0001 ff", malformed_packet},
    RefusedCase{"will_qos_3_5_MQTT5_3_1_2_12", v5, kClient, "10 13 0004 'MQTT' 05 1e 0000 00 0000 00 0001 'w' 0000", malformed_packet},
    RefusedCase{"bytes_after_MQTT3_3_1_4_1_MQTT5_3_1_4_1", v311, kClient, "10 0d 0004 'MQTT' 04 02 0000 0000 00", malformed_packet},
    RefusedCase{"receive_maximum_0", v5, kClient, "10 10 0004 'MQTT' 05 02 0000 03 21 0000 0000", protocol_error},
    RefusedCase{"data_without_method", v5, kClient, "10 10 0004 'MQTT' 05 02 0000 03 16 0000 0000", protocol_error},
    RefusedCase{"will_delay_outside_will", v5, kClient, "10 12 0004 'MQTT' 05 02 0000 05 18 00000000 0000", malformed_packet}),
    [](const auto& row) { return std::string{row.param.name}; });

INSTANTIATE_TEST_SUITE_P(Publish, Decode, testing::Values(
    RefusedCase{"qos_3_MQTT5_3_3_1_4", v5, kClient, "36 06 0001 'a' 0001 00", malformed_packet},
    RefusedCase{"qos_3_MQTT3_3_3_1_4", v311, kClient, "36 05 0001 'a' 0001", malformed_packet},
    RefusedCase{"dup_at_qos_0_MQTT3_3_3_1_2_MQTT5_3_3_1_2", v5, kClient, "38 04 0001 'a' 00", malformed_packet},
    RefusedCase{"packet_id_0_MQTT3_2_3_1_1_MQTT5_2_2_1_3", v311, kClient, "32 05 0001 'a' 0000", protocol_error},
    RefusedCase{"no_packet_id", v311, kClient, "32 04 0001 'a' 00", malformed_packet},
    RefusedCase{"topic_cut", v311, kClient, "30 02 0001", malformed_packet},
    RefusedCase{"no_topic_length", v311, kClient, "30 00", malformed_packet},
    RefusedCase{"empty_topic_MQTT3_4_7_3_1", v311, kClient, "30 02 0000", topic_name_invalid},
    RefusedCase{"empty_topic_without_alias_MQTT5_4_7_3_1", v5, kClient, "30 03 0000 00", protocol_error},
    RefusedCase{"wildcard_MQTT3_3_3_2_2_MQTT5_3_3_2_2", v5, kClient, "30 06 0003 'a/+' 00", topic_name_invalid},
    RefusedCase{"topic_with_nul_MQTT3_4_7_3_2_MQTT5_4_7_3_2", v311, kClient, "30 04 0002 'a' 00", malformed_packet},
    RefusedCase{"topic_too_long", v311, kClient, "30 13 0011 '12345678901234567'", topic_too_deep},
    RefusedCase{"topic_too_deep", v311, kClient, "30 06 0004 '////'", topic_too_deep},
    RefusedCase{"alias_0_MQTT5_3_3_2_8", v5, kClient, "30 07 0001 'a' 03 23 0000", topic_alias_invalid},
    RefusedCase{"clients_subscription_id_MQTT5_3_3_4_6", v5, kClient, "30 06 0001 'a' 02 0b 01", malformed_packet},
    RefusedCase{"no_properties_MQTT5_2_2_2_1", v5, kClient, "30 03 0001 'a'", malformed_packet},
    RefusedCase{"topic_not_text_MQTT3_1_5_3_1_MQTT3_3_3_2_1", v311, kClient, "30 03 0001 ff", malformed_packet},
    RefusedCase{"topic_not_text_MQTT5_1_5_4_1_MQTT5_3_3_2_1", v5, kClient, "30 04 0001 ff 00", malformed_packet},
    RefusedCase{"response_topic_not_text_MQTT5_3_3_2_13", v5, kClient, "30 08 0001 'a' 04 08 0001 ff", malformed_packet},
    RefusedCase{"response_topic_with_wildcard_MQTT5_3_3_2_14", v5, kClient, "30 08 0001 'a' 04 08 0001 '#'", topic_name_invalid},
    RefusedCase{"content_type_not_text_MQTT5_3_3_2_19", v5, kClient, "30 08 0001 'a' 04 03 0001 ff", malformed_packet},
    RefusedCase{"user_property_name_not_text_MQTT5_1_5_7_1", v5, kClient, "30 0a 0001 'a' 06 26 0001 ff 0000", malformed_packet},
    RefusedCase{"user_property_value_not_text_MQTT5_1_5_7_1", v5, kClient, "30 0a 0001 'a' 06 26 0000 0001 00", malformed_packet},
    RefusedCase{"session_property", v5, kClient, "30 09 0001 'a' 05 11 00000000", malformed_packet}),
    [](const auto& row) { return std::string{row.param.name}; });

INSTANTIATE_TEST_SUITE_P(Acks, Decode, testing::Values(
    RefusedCase{"puback_flags", v311, kClient, "41 02 0001", malformed_packet},
    RefusedCase{"pubrel_flags_0_MQTT3_3_6_1_1_MQTT5_3_6_1_1", v311, kClient, "60 02 0001", malformed_packet},
    RefusedCase{"pubrel_flags_dup_311", v311, kClient, "6a 02 0001", malformed_packet},
    RefusedCase{"packet_id_0", v5, kClient, "40 02 0000", protocol_error},
    RefusedCase{"cut", v5, kClient, "40 01 00", malformed_packet},
    RefusedCase{"longer_311", v311, kClient, "40 03 0001 00", malformed_packet},
    RefusedCase{"undefined_code", v5, kClient, "40 03 0001 03", protocol_error},
    RefusedCase{"code_of_another_packet", v5, kClient, "62 03 0001 87", protocol_error},
    RefusedCase{"property_of_another_packet", v5, kClient, "40 06 0001 00 02 01 01", malformed_packet},
    RefusedCase{"bytes_after_properties", v5, kClient, "40 05 0001 00 00 00", malformed_packet}),
    [](const auto& row) { return std::string{row.param.name}; });

INSTANTIATE_TEST_SUITE_P(Subscribe, Decode, testing::Values(
    RefusedCase{"flags_MQTT3_3_8_1_1_MQTT5_3_8_1_1", v311, kClient, "80 06 0001 0001 'a' 00", malformed_packet},
    RefusedCase{"empty_MQTT3_3_8_3_3", v311, kClient, "82 02 0001", protocol_error},
    RefusedCase{"empty_MQTT5_3_8_3_2", v5, kClient, "82 03 0001 00", protocol_error},
    RefusedCase{"packet_id_0", v311, kClient, "82 06 0000 0001 'a' 00", protocol_error},
    RefusedCase{"no_options", v311, kClient, "82 05 0001 0001 'a'", malformed_packet},
    RefusedCase{"second_without_options", v311, kClient, "82 09 0001 0001 'a' 00 0001 'b'", malformed_packet},
    RefusedCase{"qos_3_311_MQTT3_3_8_3_4", v311, kClient, "82 06 0001 0001 'a' 03", malformed_packet},
    RefusedCase{"qos_3_5", v5, kClient, "82 07 0001 00 0001 'a' 03", protocol_error},
    RefusedCase{"reserved_bits_MQTT3_3_8_3_4", v311, kClient, "82 06 0001 0001 'a' 04", malformed_packet},
    RefusedCase{"reserved_bits_MQTT5_3_8_3_5", v5, kClient, "82 07 0001 00 0001 'a' 40", malformed_packet},
    RefusedCase{"retain_handling_3", v5, kClient, "82 07 0001 00 0001 'a' 30", protocol_error},
    RefusedCase{"no_local_on_shared_MQTT5_3_8_3_4", v5, kClient, "82 10 0001 00 000a '$share/g/a' 04", protocol_error},
    RefusedCase{"empty_filter", v311, kClient, "82 05 0001 0000 00", topic_filter_invalid},
    RefusedCase{"hash_not_last_MQTT3_4_7_1_2_MQTT5_4_7_1_1", v311, kClient, "82 08 0001 0003 '#/a' 00", topic_filter_invalid},
    RefusedCase{"share_without_filter", v5, kClient, "82 0e 0001 00 0008 '$share/g' 00", topic_filter_invalid},
    RefusedCase{"filter_not_text_MQTT3_3_8_3_1_MQTT5_3_8_3_1", v311, kClient, "82 06 0001 0001 ff 00", malformed_packet},
    RefusedCase{"two_subscription_ids", v5, kClient, "82 0b 0001 04 0b 01 0b 02 0001 'a' 00", protocol_error},
    RefusedCase{"unsubscribe_flags_MQTT3_3_10_1_1_MQTT5_3_10_1_1", v311, kClient, "a0 05 0001 0001 'a'", malformed_packet},
    RefusedCase{"unsubscribe_empty_MQTT3_3_10_3_2_MQTT5_3_10_3_2", v5, kClient, "a2 03 0001 00", protocol_error},
    RefusedCase{"unsubscribe_not_text_MQTT3_3_10_3_1", v311, kClient, "a2 05 0001 0001 ff", malformed_packet},
    RefusedCase{"unsubscribe_not_text_MQTT5_3_10_3_1", v5, kClient, "a2 06 0001 00 0001 ff", malformed_packet},
    RefusedCase{"unsubscribe_bad_share", v5, kClient, "a2 0e 0001 00 0009 '$share//a'", topic_filter_invalid},
    RefusedCase{"suback_undefined_code", v5, kServer, "90 04 0001 00 03", protocol_error},
    RefusedCase{"suback_empty", v311, kServer, "90 02 0001", protocol_error},
    RefusedCase{"unsuback_with_codes_311", v311, kServer, "b0 03 0001 00", malformed_packet}),
    [](const auto& row) { return std::string{row.param.name}; });

INSTANTIATE_TEST_SUITE_P(Others, Decode, testing::Values(
    RefusedCase{"pingreq_flags", v311, kClient, "c1 00", malformed_packet},
    RefusedCase{"pingreq_body", v311, kClient, "c0 01 00", malformed_packet},
    RefusedCase{"pingresp_body", v5, kServer, "d0 01 00", malformed_packet},
    RefusedCase{"disconnect_flags_MQTT3_3_14_1_1_MQTT5_3_14_1_1", v5, kClient, "e1 00", malformed_packet},
    RefusedCase{"disconnect_body_311", v311, kClient, "e0 01 00", malformed_packet},
    RefusedCase{"disconnect_servers_code", v5, kClient, "e0 01 8e", protocol_error},
    RefusedCase{"disconnect_clients_code", v5, kServer, "e0 01 04", protocol_error},
    RefusedCase{"disconnect_servers_property", v5, kClient, "e0 05 00 03 1c 0000", malformed_packet},
    RefusedCase{"disconnect_clients_property", v5, kServer, "e0 07 00 05 11 00000000", malformed_packet},
    RefusedCase{"auth_311", v311, kClient, "f0 00", protocol_error},
    RefusedCase{"auth_empty_from_client", v5, kClient, "f0 00", malformed_packet},
    RefusedCase{"auth_without_method", v5, kClient, "f0 02 18 00", protocol_error},
    RefusedCase{"auth_success_from_client", v5, kClient, "f0 06 00 04 15 0001 'm'", protocol_error},
    RefusedCase{"auth_flags_MQTT5_3_15_1_1", v5, kClient, "f1 06 18 04 15 0001 'm'", malformed_packet},
    RefusedCase{"connack_flags_MQTT5_3_2_2_1", v311, kServer, "20 02 02 00", malformed_packet},
    RefusedCase{"connack_session_with_refusal_MQTT5_3_2_2_6", v5, kServer, "20 03 01 87 00", protocol_error},
    RefusedCase{"connack_session_with_refusal_311", v311, kServer, "20 02 01 05", protocol_error},
    RefusedCase{"connack_cut", v311, kServer, "20 01 00", malformed_packet}),
    [](const auto& row) { return std::string{row.param.name}; });
// clang-format on

template <class P>
P decoded(const Bytes& bytes, Version version, Role sender = Role::client) {
    const auto frame = read_frame(bytes, kNoLimit);
    EXPECT_TRUE(frame);
    const auto packet = decode(*frame, {.version = version, .sender = sender});
    EXPECT_TRUE(packet) << packet.error().message();
    return std::get<P>(*packet);
}

TEST(DecodeConnect, ReadsEveryField_MQTT3_3_1_2_21_MQTT3_3_1_3_1_MQTT3_3_1_3_3) {
    const Bytes bytes =
        bytes_of("10 1d 0004 'MQTT' 04 ec 003c 0001 'c' 0003 'w/t' 0002 'by' 0001 'u' 0002 'pw'");
    const auto connect = decoded<Connect>(bytes, v5);
    EXPECT_EQ(connect.version, v311) << "its own, whatever was asked";
    EXPECT_FALSE(connect.clean_start);
    EXPECT_EQ(connect.keep_alive_s, 60);
    EXPECT_EQ(connect.client_id, "c");
    ASSERT_TRUE(connect.will);
    EXPECT_EQ(connect.will->topic, "w/t");
    EXPECT_EQ(as_text(connect.will->payload), "by");
    EXPECT_EQ(connect.will->qos, Qos::at_least_once);
    EXPECT_TRUE(connect.will->retain);
    EXPECT_EQ(connect.user_name, "u");
    EXPECT_EQ(as_text(*connect.password), "pw");
}

TEST(DecodeConnect, ReadsEveryField_MQTT5_3_1_3_1_MQTT5_3_1_3_3) {
    const Bytes bytes = bytes_of(
        "10 2e 0004 'MQTT' 05 f4 003c 03 21 0005 0001 'c' 0c 18 00000007 26 0001 'a' 0001 'b'"
        " 0003 'w/t' 0002 'by' 0001 'u' 0002 'pw'"
    );
    const auto connect = decoded<Connect>(bytes, v311);
    EXPECT_EQ(connect.version, v5);
    EXPECT_EQ(connect.properties.number(PropertyId::receive_maximum), 5U);
    EXPECT_EQ(connect.client_id, "c");
    ASSERT_TRUE(connect.will);
    EXPECT_EQ(connect.will->properties.number(PropertyId::will_delay_interval), 7U);
    EXPECT_EQ(connect.will->properties.find(PropertyId::user_property)->value, "b");
    EXPECT_EQ(connect.will->topic, "w/t");
    EXPECT_EQ(as_text(connect.will->payload), "by");
    EXPECT_EQ(connect.will->qos, Qos::exactly_once);
    EXPECT_TRUE(connect.will->retain);
    EXPECT_EQ(connect.user_name, "u");
    EXPECT_EQ(as_text(*connect.password), "pw");
}

TEST(DecodeConnect, TakesAnEmptyUserNameAsPresent) {
    const Bytes bytes = bytes_of("10 0e 0004 'MQTT' 04 82 0000 0000 0000");
    EXPECT_EQ(decoded<Connect>(bytes, v311).user_name, "");
}

TEST(DecodeConnect, LetsRemainingLengthWin_WhenVersionIs31) {
    const Bytes bytes = bytes_of("10 0f 0006 'MQIsdp' 03 c2 0000 0001 'c'");
    const auto connect = decoded<Connect>(bytes, v31);
    EXPECT_FALSE(connect.user_name);
    EXPECT_FALSE(connect.password);
}

TEST(DecodeAck, TakesARetransmission_WhenVersionIs31) {
    EXPECT_EQ(decoded<Ack>(bytes_of("6a 02 0001"), v31).packet_id, 1);
    EXPECT_EQ(decoded<Subscribe>(bytes_of("8a 06 0001 0001 'a' 01"), v31).packet_id, 1);
}

TEST(DecodePublish, SeparatesMessageFromDelivery) {
    const Bytes bytes = bytes_of("3b 14 0003 'a/b' 1234 0a 02 0000000a 23 0007 01 01 'hi'");
    const auto publish = decoded<Publish>(bytes, v5);
    EXPECT_EQ(publish.topic, "a/b");
    EXPECT_EQ(publish.packet_id, 0x1234);
    EXPECT_EQ(publish.qos, Qos::at_least_once);
    EXPECT_TRUE(publish.retain);
    EXPECT_TRUE(publish.dup);
    EXPECT_EQ(publish.message_expiry_s, 10U);
    EXPECT_EQ(publish.topic_alias, 7);
    EXPECT_EQ(as_text(publish.payload), "hi");
    EXPECT_EQ(publish.properties.number(PropertyId::payload_format_indicator), 1U);
}

TEST(DecodeSubscribe, ListsItsFiltersInOrder) {
    const Bytes bytes = bytes_of("82 0f 0001 02 0b 05 0003 'a/#' 02 0001 'b' 2d");
    const auto subscribe = decoded<Subscribe>(bytes, v5);
    EXPECT_EQ(subscribe.properties.number(PropertyId::subscription_identifier), 5U);
    ASSERT_EQ(subscribe.subscriptions.size(), 2U);
    std::vector<Subscription> all;
    for (const Subscription subscription : subscribe.subscriptions) {
        all.push_back(subscription);
    }
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].filter, "a/#");
    EXPECT_EQ(all[0].qos, Qos::exactly_once);
    EXPECT_FALSE(all[0].no_local);
    EXPECT_EQ(all[1].filter, "b");
    EXPECT_EQ(all[1].qos, Qos::at_least_once);
    EXPECT_TRUE(all[1].no_local);
    EXPECT_TRUE(all[1].retain_as_published);
    EXPECT_EQ(all[1].retain_handling, RetainHandling::do_not_send);
}

TEST(DecodeConnack, TranslatesReturnCodes) {
    EXPECT_EQ(
        decoded<Connack>(bytes_of("20 02 00 01"), v311, kServer).reason_code,
        ReasonCode::unsupported_protocol_version
    );
    EXPECT_EQ(
        decoded<Connack>(bytes_of("20 02 00 05"), v31, kServer).reason_code,
        ReasonCode::not_authorized
    );
    EXPECT_EQ(
        decoded<Connack>(bytes_of("20 02 00 77"), v311, kServer).reason_code,
        ReasonCode::unspecified_error
    );
}

TEST(ReadFrame, KnowsTheSizeBeforeTheBodyCame) {
    EXPECT_EQ(*read_packet_size(bytes_of("30 ff7f"), 16'386), 16'386U);
    EXPECT_EQ(read_packet_size(bytes_of("30 ff7f"), 16'385).error(), packet_too_large);
    EXPECT_EQ(read_frame(bytes_of("30 ff7f 00"), 100).error(), packet_too_large);
    EXPECT_EQ(read_packet_size(bytes_of("30 ffffff7f"), kNoLimit).value(), 268'435'460U);
}

TEST(ReadFrame, RefusesBrokenHeaders) {
    EXPECT_EQ(read_frame(bytes_of("00 00"), kNoLimit).error(), malformed_packet);
    EXPECT_EQ(read_frame(bytes_of("30 ffffffff"), kNoLimit).error(), malformed_packet);
    EXPECT_EQ(read_frame(bytes_of("30 8000"), kNoLimit).error(), malformed_packet);
    EXPECT_EQ(read_frame(bytes_of("30 ffffff"), kNoLimit).error(), need_more);
    EXPECT_EQ(read_frame({}, kNoLimit).error(), need_more);
}

TEST(ReadProtocolLevel, IsThere_EvenIfTheRestIsNot) {
    EXPECT_EQ(*read_protocol_level(bytes_of("0004 'MQTT' 05")), 5);
    EXPECT_EQ(*read_protocol_level(bytes_of("0006 'MQIsdp' 03 ff")), 3);
    EXPECT_EQ(*read_protocol_level(bytes_of("0004 'MQTT' 07")), 7);
    EXPECT_EQ(read_protocol_level(bytes_of("0004 'AMQP' 05")).error(), unsupported_version);
    EXPECT_EQ(read_protocol_level(bytes_of("0004 'MQTT'")).error(), malformed_packet);
}

}  // namespace
}  // namespace weir::mqtt
