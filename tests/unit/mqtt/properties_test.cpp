#include <weir/mqtt/properties.hpp>

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include <weir/mqtt/wire.hpp>

#include "support/hex.hpp"

namespace weir::mqtt {
namespace {

using weir::test::bytes_of;

constexpr auto kContexts = static_cast<unsigned>(PacketContext::auth_from_server) + 1;

Bytes with_length(ByteView list) {
    Bytes out(varint_size(static_cast<std::uint32_t>(list.size())) + list.size());
    static_cast<void>(
        write_raw(write_varint(out.data(), static_cast<std::uint32_t>(list.size())), list)
    );
    return out;
}

Result<Properties> parse(ByteView list, PacketContext context, const PropertyLimits& limits = {}) {
    static Bytes kept;  // What comes back is a view.
    kept = with_length(list);
    ByteView in{kept};
    return parse_properties(in, context, limits);
}

/// A valid value of the property, with its identifier.
Bytes sample(const PropertyInfo& info) {
    Bytes memory(16);
    PropertyWriter writer{memory};
    switch (info.type) {
        case PropertyType::text:
        case PropertyType::topic:
            writer.text(info.id, "t");
            break;
        case PropertyType::binary:
            writer.binary(info.id, bytes_of("00"));
            break;
        case PropertyType::text_pair:
            writer.user("k", "v");
            break;
        default:
            writer.number(info.id, 1);
    }
    EXPECT_TRUE(writer.ok());
    const auto raw = writer.properties().raw();
    return {raw.begin(), raw.end()};
}

std::vector<const PropertyInfo*> all_properties() {
    std::vector<const PropertyInfo*> all;
    for (std::uint32_t id = 0; id < 300; ++id) {
        if (const auto* const info = find_property(id)) {
            all.push_back(info);
        }
    }
    return all;
}

TEST(Properties, TableHasEveryIdentifier) {
    EXPECT_EQ(all_properties().size(), 27U);
}

TEST(Properties, AreMalformed_WhereThePacketMayNotHaveThem) {
    for (const auto* const info : all_properties()) {
        for (unsigned i = 0; i < kContexts; ++i) {
            const auto context = static_cast<PacketContext>(i);
            const auto got = parse(sample(*info), context);
            const bool allowed = (info->packets & mask_of(context)) != 0;
            ASSERT_EQ(got.has_value(), allowed) << info->name << ' ' << i;
            if (!allowed) {
                EXPECT_EQ(got.error(), errc::malformed_packet);
            }
        }
    }
}

TEST(Properties, AreAProtocolError_WhenTwice) {
    for (const auto* const info : all_properties()) {
        for (unsigned i = 0; i < kContexts; ++i) {
            const auto context = static_cast<PacketContext>(i);
            if ((info->packets & mask_of(context)) == 0) {
                continue;
            }
            Bytes twice = sample(*info);
            append(twice, ByteView{sample(*info)});
            const auto got = parse(twice, context);
            const bool repeatable = info->id == PropertyId::user_property ||
                                    (info->id == PropertyId::subscription_identifier &&
                                     context == PacketContext::publish_from_server);
            ASSERT_EQ(got.has_value(), repeatable) << info->name << ' ' << i;
            if (!repeatable) {
                EXPECT_EQ(got.error(), errc::protocol_error);
            }
        }
    }
}

TEST(Properties, AreMalformed_WhenCutAnywhere) {
    for (const auto* const info : all_properties()) {
        const Bytes whole = sample(*info);
        for (unsigned i = 0; i < kContexts; ++i) {
            const auto context = static_cast<PacketContext>(i);
            for (std::size_t size = 1; size < whole.size(); ++size) {
                EXPECT_FALSE(parse(ByteView{whole}.first(size), context))
                    << info->name << ' ' << size;
            }
        }
    }
}

struct ValueCase {
    std::string_view name;
    PacketContext context;
    std::string_view hex;
    errc error;
};

TEST(Properties, RefuseValuesOutOfRange) {
    using enum PacketContext;
    for (const auto& row : {
             ValueCase{"payload_format_2", publish_from_client, "01 02", errc::protocol_error},
             ValueCase{"receive_maximum_0", connect, "21 0000", errc::protocol_error},
             ValueCase{"maximum_packet_size_0", connect, "27 00000000", errc::protocol_error},
             ValueCase{"topic_alias_0", publish_from_client, "23 0000", errc::topic_alias_invalid},
             ValueCase{"request_problem_2", connect, "17 02", errc::protocol_error},
             ValueCase{"maximum_qos_2", connack, "24 02", errc::protocol_error},
             ValueCase{"subscription_id_0", subscribe, "0b 00", errc::protocol_error},
             ValueCase{"subscription_id_long_form", subscribe, "0b 8000", errc::malformed_packet},
             ValueCase{
                 "subscription_id_in_clients_publish",
                 publish_from_client,
                 "0b 01",
                 errc::malformed_packet
             },
             ValueCase{
                 "response_topic_wildcard",
                 publish_from_client,
                 "08 0003 'a/#'",
                 errc::topic_name_invalid
             },
             ValueCase{
                 "response_topic_empty", publish_from_client, "08 0000", errc::topic_name_invalid
             },
             ValueCase{
                 "content_type_nul", publish_from_client, "03 0001 00", errc::malformed_packet
             },
             ValueCase{
                 "user_property_bad_name",
                 publish_from_client,
                 "26 0001 ff 0000",
                 errc::malformed_packet
             },
             ValueCase{
                 "user_property_no_value",
                 publish_from_client,
                 "26 0001 'k'",
                 errc::malformed_packet
             },
             ValueCase{"identifier_0", publish_from_client, "00 00", errc::malformed_packet},
             ValueCase{"identifier_unknown", publish_from_client, "2b 00", errc::malformed_packet},
             ValueCase{
                 "identifier_two_bytes", publish_from_client, "8101 00", errc::malformed_packet
             },
         }) {
        const auto got = parse(bytes_of(row.hex), row.context);
        ASSERT_FALSE(got) << row.name;
        EXPECT_EQ(got.error(), row.error) << row.name << ": " << got.error().message();
    }
}

TEST(Properties, RefuseALengthBeyondThePacket) {
    for (const auto* const hex : {"", "01", "80", "05 26 0000 00", "ffffff7f", "ffffffff7f"}) {
        const Bytes bytes = bytes_of(hex);
        ByteView in{bytes};
        EXPECT_EQ(parse_properties(in, PacketContext::connect, {}).error(), errc::malformed_packet)
            << hex;
        EXPECT_EQ(in.size(), bytes.size());
    }
}

TEST(Properties, HoldTheUserPropertyLimits_AtAndBeyond) {
    const PropertyLimits limits{.user_properties = 3, .user_property_bytes = 8};
    Bytes memory(256);
    const auto list = [&](int count, std::string_view value) {
        PropertyWriter writer{memory};
        for (int i = 0; i < count; ++i) {
            writer.user("k", value);
        }
        return parse(writer.properties().raw(), PacketContext::puback, limits);
    };
    EXPECT_TRUE(list(3, ""));
    EXPECT_EQ(list(4, "").error(), errc::too_many_properties);
    EXPECT_TRUE(list(2, "123"));
    EXPECT_EQ(list(2, "1234").error(), errc::too_many_properties);
}

TEST(Properties, GiveBackWhatTheWriterPut) {
    std::array<Byte, 128> memory{};
    PropertyWriter writer{memory};
    writer.number(PropertyId::session_expiry_interval, 0x01020304)
        .number(PropertyId::receive_maximum, 7)
        .number(PropertyId::request_problem_information, 0)
        .text(PropertyId::authentication_method, "m")
        .binary(PropertyId::authentication_data, bytes_of("0001"))
        .user("k", "v");
    ASSERT_TRUE(writer.ok());
    const auto got = parse(writer.properties().raw(), PacketContext::connect);
    ASSERT_TRUE(got);
    EXPECT_EQ(got->number(PropertyId::session_expiry_interval), 0x01020304U);
    EXPECT_EQ(got->number(PropertyId::receive_maximum), 7U);
    EXPECT_EQ(got->number(PropertyId::request_problem_information), 0U);
    EXPECT_EQ(got->text(PropertyId::authentication_method), "m");
    EXPECT_EQ(got->binary(PropertyId::authentication_data)->size(), 2U);
    EXPECT_EQ(got->number(PropertyId::maximum_packet_size), std::nullopt);
    std::size_t count = 0;
    for (const Property property : *got) {
        ++count;
        if (property.id == PropertyId::user_property) {
            EXPECT_EQ(property.name, "k");
            EXPECT_EQ(property.value, "v");
        }
    }
    EXPECT_EQ(count, 6U);
}

TEST(Properties, IterationEnds_WhenBytesAreNotValid) {
    const Bytes garbage = bytes_of("ff ff ff");
    std::size_t count = 0;
    for ([[maybe_unused]] const Property property : Properties{garbage}) {
        ++count;
    }
    EXPECT_LE(count, 1U);
}

TEST(PropertyWriter, SaysSo_WhenSomethingDoesNotFitOrIsOfTheWrongType) {
    std::array<Byte, 4> memory{};
    EXPECT_FALSE(PropertyWriter{memory}.text(PropertyId::reason_string, "xx").ok());
    EXPECT_TRUE(PropertyWriter{memory}.text(PropertyId::reason_string, "x").ok());
    EXPECT_FALSE(PropertyWriter{memory}.number(PropertyId::reason_string, 1).ok());
    EXPECT_FALSE(PropertyWriter{memory}.text(PropertyId::receive_maximum, "").ok());
    EXPECT_FALSE(PropertyWriter{memory}.number(PropertyId::receive_maximum, 0).ok());
    EXPECT_FALSE(PropertyWriter{memory}.number(PropertyId::server_keep_alive, 65'536).ok());
    std::vector<Byte> large(70'000);
    EXPECT_FALSE(
        PropertyWriter{large}.text(PropertyId::reason_string, std::string(65'536, 'a')).ok()
    );
}

struct ForwardCase {
    std::string_view name;
    std::string_view in;
    std::string_view out;
    bool copied;
};

TEST(ForwardableProperties, AreTheEndToEndOnesInOrder) {
    for (const auto& row : {
             ForwardCase{"none", "", "", false},
             ForwardCase{"all_hop_by_hop", "23 0001 02 00000005", "", false},
             ForwardCase{
                 "all_end_to_end", "01 01 26 0001 'k' 0001 'v'", "01 01 26 0001 'k' 0001 'v'", false
             },
             ForwardCase{"hop_first", "23 0001 01 01 03 0001 't'", "01 01 03 0001 't'", false},
             ForwardCase{"hop_last", "01 01 03 0001 't' 02 00000005", "01 01 03 0001 't'", false},
             ForwardCase{"hop_between", "01 01 23 0001 09 0001 00", "01 01 09 0001 00", true},
             ForwardCase{
                 "hops_everywhere",
                 "02 00000005 01 01 23 0001 08 0001 'r' 0b 01 26 0000 0000",
                 "01 01 08 0001 'r' 26 0000 0000",
                 true
             },
         }) {
        const Bytes raw = bytes_of(row.in);
        ASSERT_TRUE(parse(raw, PacketContext::publish_from_server)) << row.name;
        Bytes buffer(raw.size());
        const auto got = forwardable_properties(Properties{raw}, buffer);
        EXPECT_EQ(Bytes(got.begin(), got.end()), bytes_of(row.out)) << row.name;
        EXPECT_EQ(!got.empty() && got.data() == buffer.data(), row.copied) << row.name;
    }
}

}  // namespace
}  // namespace weir::mqtt
