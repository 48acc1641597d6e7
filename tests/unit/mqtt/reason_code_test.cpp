#include <weir/mqtt/reason_code.hpp>

#include <gtest/gtest.h>

#include <weir/mqtt/error.hpp>

namespace weir::mqtt {
namespace {

TEST(ReasonCode, KnowsTheDefinedNumbersOnly) {
    std::size_t defined = 0;
    for (unsigned code = 0; code < 256; ++code) {
        defined += find_reason_code(static_cast<std::uint8_t>(code)) != nullptr ? 1U : 0U;
    }
    EXPECT_EQ(defined, 43U);
    EXPECT_EQ(find_reason_code(0x03), nullptr);
    EXPECT_EQ(find_reason_code(0xA3), nullptr);
    EXPECT_EQ(name(ReasonCode::not_authorized), "not_authorized");
    EXPECT_EQ(name(static_cast<ReasonCode>(0x7F)), "undefined");
}

TEST(ReasonCode, StandsOnlyWhereTheSpecificationLetsIt_MQTT5_3_2_2_8_MQTT5_3_4_2_1_MQTT5_3_5_2_1_MQTT5_3_6_2_1_MQTT5_3_7_2_1_MQTT5_3_9_3_2_MQTT5_3_11_3_2_MQTT5_3_14_2_1_MQTT5_3_15_2_1) {
    EXPECT_TRUE(is_allowed(ReasonCode::disconnect_with_will, PacketContext::disconnect_from_client)
    );
    EXPECT_FALSE(is_allowed(ReasonCode::disconnect_with_will, PacketContext::disconnect_from_server)
    );
    EXPECT_TRUE(is_allowed(ReasonCode::session_taken_over, PacketContext::disconnect_from_server));
    EXPECT_FALSE(is_allowed(ReasonCode::session_taken_over, PacketContext::disconnect_from_client));
    EXPECT_TRUE(is_allowed(ReasonCode::reauthenticate, PacketContext::auth_from_client));
    EXPECT_FALSE(is_allowed(ReasonCode::reauthenticate, PacketContext::auth_from_server));
    EXPECT_FALSE(is_allowed(ReasonCode::success, PacketContext::auth_from_client));
    EXPECT_FALSE(is_allowed(ReasonCode::granted_qos_1, PacketContext::puback));
    EXPECT_FALSE(is_allowed(ReasonCode::not_authorized, PacketContext::pubrel));
}

TEST(ReasonCode, MapsToReturnCodes_MQTT3_3_2_2_6) {
    EXPECT_EQ(return_code_of(ReasonCode::success), ConnectReturnCode::accepted);
    EXPECT_EQ(
        return_code_of(ReasonCode::unsupported_protocol_version),
        ConnectReturnCode::unacceptable_protocol_version
    );
    EXPECT_EQ(
        return_code_of(ReasonCode::client_identifier_not_valid),
        ConnectReturnCode::identifier_rejected
    );
    EXPECT_EQ(
        return_code_of(ReasonCode::bad_user_name_or_password),
        ConnectReturnCode::bad_user_name_or_password
    );
    EXPECT_EQ(return_code_of(ReasonCode::not_authorized), ConnectReturnCode::not_authorized);
    EXPECT_EQ(return_code_of(ReasonCode::server_busy), ConnectReturnCode::server_unavailable);
    EXPECT_EQ(return_code_of(ReasonCode::malformed_packet), std::nullopt);
}

TEST(Errc, HasATextAndAReasonCodeThatCloses) {
    for (int value = 1; value <= static_cast<int>(errc::bad_authentication_method); ++value) {
        const error_code error{value, category()};
        EXPECT_NE(error.message(), "unknown") << value;
        EXPECT_TRUE(is_error(reason_code_of(error))) << value;
    }
    EXPECT_EQ(reason_code_of(error_code{}), ReasonCode::unspecified_error);
    EXPECT_EQ(reason_code_of(errc::packet_too_large), ReasonCode::packet_too_large);
}

}  // namespace
}  // namespace weir::mqtt
