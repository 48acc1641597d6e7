// Fields that are absent, empty or as large as they can be, that hold no text, or stand where they may not.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "conformance/mqtt/wire_peer.hpp"
#include "conformance/mqtt_threats/encode.hpp"
#include "support/hex.hpp"

namespace weir::mqtt::test {
namespace {

using conformance::packet;
using weir::test::bytes_of;

/// The refusal of a packet, or none.
error_code refusal_of(
    const Bytes& bytes, Version version, Role sender = Role::client, PropertyLimits properties = {}
) {
    const auto frame = read_frame(bytes, kNoLimit);
    EXPECT_TRUE(frame) << "mistake in the test";
    const auto decoded = decode(
        *frame,
        {.version = version,
         .sender = sender,
         .topics = {.bytes = 0xFFFF, .levels = 32},
         .properties = properties}
    );
    return decoded ? error_code{} : decoded.error();
}
error_code refusal_of(std::string_view hex, Version version, Role sender = Role::client) {
    return refusal_of(bytes_of(hex), version, sender);
}

std::string repeated(std::size_t count) {
    return fmt::format("{:04x} '{}'", count, std::string(count, 'x'));
}

struct FieldCase {
    std::string_view name;
    Version version;
    std::string_view first;
    std::string_view body;  ///< `{}` is where the field stands, with its length.
    std::optional<errc> absent;
    std::optional<errc> empty;
};

void PrintTo(const FieldCase& row, std::ostream* out) {
    *out << row.name;
}

class ThreatT10 : public testing::TestWithParam<FieldCase> {};

TEST_P(ThreatT10, HasAResult_AbsentEmptyAndLargest) {
    const auto& row = GetParam();
    const auto sent = [&](std::string_view field) {
        return refusal_of(
            packet(row.first, fmt::format(fmt::runtime(row.body), field)), row.version
        );
    };
    const auto as_error = [](const std::optional<errc>& code) {
        return code ? make_error_code(*code) : error_code{};
    };
    EXPECT_EQ(sent(""), as_error(row.absent)) << "absent";
    EXPECT_EQ(sent("0000"), as_error(row.empty)) << "empty";
    EXPECT_EQ(sent(repeated(0xFFFF)), error_code{}) << "largest";
    EXPECT_EQ(sent("ffff 'x'"), errc::malformed_packet) << "larger than the packet";
}

constexpr auto kCut = errc::malformed_packet;
// clang-format off
INSTANTIATE_TEST_SUITE_P(Fields, ThreatT10, testing::Values(
    FieldCase{"client_id_3", Version::v311, "10", "0004 'MQTT' 04 02 003c {}", kCut, {}},
    FieldCase{"client_id_5", Version::v5, "10", "0004 'MQTT' 05 02 003c 00 {}", kCut, {}},
    FieldCase{"client_id_3_kept", Version::v311, "10", "0004 'MQTT' 04 00 003c {}", kCut, errc::client_identifier_invalid},
    FieldCase{"user_name_3", Version::v311, "10", "0004 'MQTT' 04 82 003c 0000 {}", kCut, {}},
    FieldCase{"user_name_5", Version::v5, "10", "0004 'MQTT' 05 82 003c 00 0000 {}", kCut, {}},
    FieldCase{"password_3", Version::v311, "10", "0004 'MQTT' 04 c2 003c 0000 0000 {}", kCut, {}},
    FieldCase{"password_5", Version::v5, "10", "0004 'MQTT' 05 42 003c 00 0000 {}", kCut, {}},
    FieldCase{"will_topic_3", Version::v311, "10", "0004 'MQTT' 04 06 003c 0000 {} 0000", kCut, errc::topic_name_invalid},
    FieldCase{"will_topic_5", Version::v5, "10", "0004 'MQTT' 05 06 003c 00 0000 00 {} 0000", kCut, errc::topic_name_invalid},
    FieldCase{"will_payload_3", Version::v311, "10", "0004 'MQTT' 04 06 003c 0000 0001 'w' {}", kCut, {}},
    FieldCase{"will_payload_5", Version::v5, "10", "0004 'MQTT' 05 06 003c 00 0000 00 0001 'w' {}", kCut, {}},
    FieldCase{"topic_3", Version::v311, "30", "{}", kCut, errc::topic_name_invalid},
    FieldCase{"filter_3", Version::v311, "82", "0001 {} 00", kCut, errc::topic_filter_invalid},
    FieldCase{"filter_5", Version::v5, "82", "0001 00 {} 00", kCut, errc::topic_filter_invalid},
    FieldCase{"unsubscribed_filter_3", Version::v311, "a2", "0001 {}", errc::protocol_error, errc::topic_filter_invalid},
    FieldCase{"unsubscribed_filter_5", Version::v5, "a2", "0001 00 {}", errc::protocol_error, errc::topic_filter_invalid}),
    [](const auto& row) { return std::string{row.param.name}; });

/// Places for a text; `{}` is the text with its length. Where property lengths depend on it they are written by `properties`.
struct TextField {
    std::string_view name;
    Version version;
    Role sender;
    std::string_view first;
    std::string_view before;      ///< Of the properties, or of the text itself.
    std::string_view in_property; ///< Its identifier and what precedes the text in it; empty: no property.
    std::string_view after;
};
constexpr std::array kTextFields = {
    TextField{"client_id_3", Version::v311, Role::client, "10", "0004 'MQTT' 04 02 003c", "", ""},
    TextField{"client_id_5", Version::v5, Role::client, "10", "0004 'MQTT' 05 02 003c 00", "", ""},
    TextField{"user_name_3", Version::v311, Role::client, "10", "0004 'MQTT' 04 82 003c 0000", "", ""},
    TextField{"user_name_5", Version::v5, Role::client, "10", "0004 'MQTT' 05 82 003c 00 0000", "", ""},
    TextField{"will_topic_3", Version::v311, Role::client, "10", "0004 'MQTT' 04 06 003c 0000", "", "0000"},
    TextField{"will_topic_5", Version::v5, Role::client, "10", "0004 'MQTT' 05 06 003c 00 0000 00", "", "0000"},
    TextField{"will_content_type", Version::v5, Role::client, "10", "0004 'MQTT' 05 06 003c 00 0000", "03", "0001 'w' 0000"},
    TextField{"will_response_topic", Version::v5, Role::client, "10", "0004 'MQTT' 05 06 003c 00 0000", "08", "0001 'w' 0000"},
    TextField{"authentication_method", Version::v5, Role::client, "10", "0004 'MQTT' 05 02 003c", "15", "0000"},
    TextField{"connect_user_property", Version::v5, Role::client, "10", "0004 'MQTT' 05 02 003c", "26 0000", "0000"},
    TextField{"topic_3", Version::v311, Role::client, "30", "", "", ""},
    TextField{"topic_5", Version::v5, Role::client, "30", "", "", "00"},
    TextField{"topic_31", Version::v31, Role::client, "30", "", "", ""},
    TextField{"content_type", Version::v5, Role::client, "30", "0001 'a'", "03", ""},
    TextField{"response_topic", Version::v5, Role::client, "30", "0001 'a'", "08", ""},
    TextField{"user_property_value", Version::v5, Role::client, "30", "0001 'a'", "26 0001 'k'", ""},
    TextField{"puback_reason_string", Version::v5, Role::client, "40", "0001 80", "1f", ""},
    TextField{"disconnect_reason_string", Version::v5, Role::client, "e0", "80", "1f", ""},
    TextField{"filter_3", Version::v311, Role::client, "82", "0001", "", "00"},
    TextField{"filter_5", Version::v5, Role::client, "82", "0001 00", "", "00"},
    TextField{"shared_filter", Version::v5, Role::client, "82", "0001 00 000a '$share/g/a' 00", "", "00"},
    TextField{"unsubscribed_filter_3", Version::v311, Role::client, "a2", "0001", "", ""},
    TextField{"unsubscribed_filter_5", Version::v5, Role::client, "a2", "0001 00", "", ""},
    TextField{"assigned_client_id", Version::v5, Role::server, "20", "00 00", "12", ""},
    TextField{"server_reference", Version::v5, Role::server, "20", "00 00", "1c", ""},
};
constexpr std::string_view kNoText[] = {
    "00", "61 00", "00 61", "ff", "fe", "80", "bf", "c0 80", "c1 bf", "e0 80 80", "e0 9f bf", "ed a0 80", "ed bf bf",
    "f0 80 80 80", "f0 8f bf bf", "f4 90 80 80", "f5 80 80 80", "f8 88 80 80 80", "c3", "e2 82", "f0 9f 98", "c3 28",
    "61 62 63 64 65 66 67 68 ff",
};
constexpr std::string_view kText[] = {"61", "c2 80", "ef bb bf 61", "ed 9f bf", "ee 80 80", "ef bf bf", "f0 90 80 80", "f4 8f bf bf"};
// clang-format on

std::string with_text(const TextField& field, std::string_view hex) {
    const auto text = fmt::format("{:04x} {}", bytes_of(hex).size(), hex);
    const auto placed =
        field.in_property.empty()
            ? text
            : conformance::properties(fmt::format("{} {}", field.in_property, text));
    return packet(field.first, fmt::format("{} {} {}", field.before, placed, field.after));
}

TEST(
    ThreatT11,
    NoText_IsMalformedInEveryField_MQTT3_1_5_3_1_MQTT3_1_5_3_2_MQTT3_3_1_3_4_MQTT3_3_8_3_1_MQTT3_3_10_3_1_MQTT3_4_7_3_2_MQTT5_1_5_4_1_MQTT5_1_5_4_2_MQTT5_1_5_7_1_MQTT5_4_7_3_2
) {
    for (const TextField& field : kTextFields) {
        for (const std::string_view hex : kNoText) {
            EXPECT_EQ(
                refusal_of(with_text(field, hex), field.version, field.sender),
                errc::malformed_packet
            ) << field.name
              << ": " << hex;
        }
    }
}

TEST(ThreatT11, AnyText_IsTakenAsItIs_MQTT3_1_5_3_3_MQTT5_1_5_4_3) {
    for (const TextField& field : kTextFields) {
        for (const std::string_view hex : kText) {
            const Bytes bytes = bytes_of(with_text(field, hex));
            const DecodeOptions options{.version = field.version, .sender = field.sender};
            const auto decoded = decode(*read_frame(bytes, kNoLimit), options);
            ASSERT_TRUE(decoded) << field.name << ": " << hex << ": " << decoded.error().message();
            EXPECT_EQ(encode(*decoded, field.version), bytes) << field.name;
        }
    }
}

/// Table 2-4 of the specification. Letters: c CONNECT, w will, C CONNACK, p PUBLISH from a client, P from a server, a PUBACK,
/// r PUBREC, l PUBREL, m PUBCOMP, s SUBSCRIBE, S SUBACK, u UNSUBSCRIBE, U UNSUBACK, d DISCONNECT from a client, D from a
/// server, t AUTH.
struct PropertyRow {
    std::string_view hex;  ///< A good value with its identifier.
    std::string_view packets;
    std::string_view twice;  ///< Where it may stand more than once.
};
// clang-format off
constexpr std::array kProperties = {
    PropertyRow{"01 01", "wpP", ""},
    PropertyRow{"02 00000001", "wpP", ""},
    PropertyRow{"03 0001 'x'", "wpP", ""},
    PropertyRow{"08 0001 'x'", "wpP", ""},
    PropertyRow{"09 0001 'x'", "wpP", ""},
    PropertyRow{"0b 01", "Ps", "P"},
    PropertyRow{"11 00000001", "cCd", ""},
    PropertyRow{"12 0001 'x'", "C", ""},
    PropertyRow{"13 0001", "C", ""},
    PropertyRow{"15 0001 'x'", "cCt", ""},
    PropertyRow{"16 0001 'x'", "cCt", ""},
    PropertyRow{"17 01", "c", ""},
    PropertyRow{"18 00000001", "w", ""},
    PropertyRow{"19 01", "c", ""},
    PropertyRow{"1a 0001 'x'", "C", ""},
    PropertyRow{"1c 0001 'x'", "CD", ""},
    PropertyRow{"1f 0001 'x'", "CarlmSUdDt", ""},
    PropertyRow{"21 0001", "cC", ""},
    PropertyRow{"22 0001", "cC", ""},
    PropertyRow{"23 0001", "pP", ""},
    PropertyRow{"24 01", "C", ""},
    PropertyRow{"25 01", "C", ""},
    PropertyRow{"26 0001 'k' 0001 'v'", "cwCpParlmsSuUdDt", "cwCpParlmsSuUdDt"},
    PropertyRow{"27 00000100", "cC", ""},
    PropertyRow{"28 01", "C", ""},
    PropertyRow{"29 01", "C", ""},
    PropertyRow{"2a 01", "C", ""},
};
struct Place {
    char letter;
    Role sender;
    std::string_view first;
    std::string_view before;
    std::string_view after;
};
constexpr std::array kPlaces = {
    Place{'c', Role::client, "10", "0004 'MQTT' 05 02 003c", "0000"},
    Place{'w', Role::client, "10", "0004 'MQTT' 05 06 003c 00 0000", "0001 'w' 0000"},
    Place{'C', Role::server, "20", "00 00", ""},
    Place{'p', Role::client, "30", "0001 'a'", ""},
    Place{'P', Role::server, "30", "0001 'a'", ""},
    Place{'a', Role::client, "40", "0001 00", ""},
    Place{'r', Role::client, "50", "0001 00", ""},
    Place{'l', Role::client, "62", "0001 00", ""},
    Place{'m', Role::client, "70", "0001 00", ""},
    Place{'s', Role::client, "82", "0001", "0001 'a' 00"},
    Place{'S', Role::server, "90", "0001", "00"},
    Place{'u', Role::client, "a2", "0001", "0001 'a'"},
    Place{'U', Role::server, "b0", "0001", "00"},
    Place{'d', Role::client, "e0", "00", ""},
    Place{'D', Role::server, "e0", "80", ""},
    Place{'t', Role::client, "f0", "18", ""},
};
// clang-format on

std::string with_properties(const Place& place, std::string_view hex) {
    return packet(
        place.first,
        fmt::format("{} {} {}", place.before, conformance::properties(hex), place.after)
    );
}

/// What a packet with that property needs beside it.
std::string companion(const Place& place, std::string_view hex) {
    const bool is_method = hex.starts_with("15");
    const bool needs_method = !is_method && (place.letter == 't' || hex.starts_with("16"));
    return needs_method ? "15 0001 'm' " : "";
}

TEST(
    ThreatT12,
    EveryPropertyInEveryPacket_IsLegalWhereTheSpecificationSaysSo_MQTT5_3_3_4_6_MQTT5_3_14_2_2
) {
    for (const PropertyRow& row : kProperties) {
        for (const Place& place : kPlaces) {
            const auto beside = companion(place, row.hex);
            const auto once = refusal_of(
                with_properties(place, beside + std::string{row.hex}), Version::v5, place.sender
            );
            if (!row.packets.contains(place.letter)) {
                EXPECT_EQ(once, errc::malformed_packet) << row.hex << " in " << place.letter;
                continue;
            }
            EXPECT_EQ(once, error_code{}) << row.hex << " in " << place.letter;
            const auto twice = refusal_of(
                with_properties(place, fmt::format("{}{} {}", beside, row.hex, row.hex)),
                Version::v5,
                place.sender
            );
            EXPECT_EQ(
                twice,
                row.twice.contains(place.letter) ? error_code{}
                                                 : make_error_code(errc::protocol_error)
            ) << row.hex
              << " twice in " << place.letter;
        }
    }
}

TEST(ThreatT12, UndefinedProperties_AreMalformedEverywhere) {
    for (const Place& place : kPlaces) {
        for (unsigned id = 0; id < 256; ++id) {
            const auto hex = id < 128 ? fmt::format("{:02x}", id) : fmt::format("{:02x}01", id);
            const bool defined = std::ranges::any_of(kProperties, [&](const auto& row) {
                return row.hex.substr(0, 2) == hex;
            });
            if (!defined) {
                EXPECT_EQ(
                    refusal_of(
                        with_properties(place, hex + " 00000000"), Version::v5, place.sender
                    ),
                    errc::malformed_packet
                ) << hex;
            }
        }
    }
}

TEST(ThreatT12, ValuesOutOfRange_AreRefused) {
    const Place& connect = kPlaces[0];
    for (const std::string_view hex : {"21 0000", "27 00000000", "17 02", "19 02"}) {
        EXPECT_EQ(refusal_of(with_properties(connect, hex), Version::v5), errc::protocol_error)
            << hex;
    }
    EXPECT_EQ(refusal_of(with_properties(kPlaces[3], "01 02"), Version::v5), errc::protocol_error);
    EXPECT_EQ(
        refusal_of(with_properties(kPlaces[3], "23 0000"), Version::v5), errc::topic_alias_invalid
    );
    EXPECT_EQ(refusal_of(with_properties(kPlaces[9], "0b 00"), Version::v5), errc::protocol_error);
}

TEST(ThreatT12, UserProperties_AreBoundedInCountAndBytes) {
    const Place& publish = kPlaces[3];
    const auto many = [](std::size_t count) {
        std::string hex;
        for (std::size_t i = 0; i < count; ++i) {
            hex += "26 0000 0000 ";
        }
        return hex;
    };
    EXPECT_EQ(refusal_of(with_properties(publish, many(32)), Version::v5), error_code{});
    EXPECT_EQ(
        refusal_of(with_properties(publish, many(33)), Version::v5), errc::too_many_properties
    );
    EXPECT_EQ(
        refusal_of(with_properties(publish, many(5'000)), Version::v5), errc::too_many_properties
    );
    const auto large = [](std::size_t bytes) { return fmt::format("26 0000 {}", repeated(bytes)); };
    EXPECT_EQ(refusal_of(with_properties(publish, large(8 * 1024)), Version::v5), error_code{});
    EXPECT_EQ(
        refusal_of(with_properties(publish, large(8 * 1024 + 1)), Version::v5),
        errc::too_many_properties
    );
}

}  // namespace
}  // namespace weir::mqtt::test
