#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <weir/amqp/conditions.hpp>
#include <weir/amqp/message_head.hpp>
#include <weir/amqp/sections.hpp>
#include <weir/amqp/value_writer.hpp>

namespace weir::amqp::test {
namespace {

using TextPair = std::pair<std::string_view, std::string_view>;

Bytes section(std::uint8_t code, ByteView value) {
    Bytes out;
    append_descriptor(out, code);
    append(out, value);
    return out;
}

const Bytes kHeader = section(0x70, Bytes{0x45});
const Bytes kDeliveryAnnotations = section(0x71, Bytes{0xC1, 1, 0});
const Bytes kAnnotations = section(0x72, Bytes{0xC1, 1, 0});
const Bytes kProperties = section(0x73, Bytes{0x45});
const Bytes kApplicationProperties = section(0x74, Bytes{0xC1, 1, 0});
const Bytes kData = section(0x75, Bytes{0xA0, 2, 'h', 'i'});
const Bytes kSequence = section(0x76, Bytes{0x45});
const Bytes kValue = section(0x77, Bytes{0xA1, 2, 'h', 'i'});
const Bytes kFooter = section(0x78, Bytes{0xC1, 1, 0});

Bytes operator+(const Bytes& left, const Bytes& right) {
    Bytes out = left;
    append(out, right);
    return out;
}

TEST(Sections, RoundTripThroughTheHead) {
    const std::array<TextPair, 2> properties = {{{"site", "north"}, {"site", "south"}}};
    const std::array<TextPair, 1> annotations = {{{"x-opt-origin", "mqtt"}}};
    const MessageHead head{
        .durable = true,
        .ttl_ms = 5'000,
        .first_acquirer = false,
        .delivery_count = 3,
        .topic = "data/probe",
        .retain = true,
        .annotations = annotations,
        .message_id = Value::string("m1"),
        .to = "topic/data",
        .subject = "reading",
        .reply_to = "topic/replies",
        .correlation_id = Value::binary(as_bytes("c1")),
        .content_type = "application/json",
        .content_encoding = "gzip",
        .absolute_expiry = WallTime{2'000},
        .creation_time = WallTime{1'000},
        .application_properties = properties,
    };
    const std::string payload(300, 'p');
    Bytes message;
    append_message_head(message, head, payload.size());
    append(message, payload);

    const auto sections = scan_sections(message);
    ASSERT_TRUE(sections) << sections.error().message();
    EXPECT_TRUE(sections->durable);
    EXPECT_EQ(sections->ttl_ms, 5'000U);
    EXPECT_EQ(sections->delivery_count, 3U);
    EXPECT_TRUE(sections->retain);
    EXPECT_FALSE(sections->delayed);
    EXPECT_EQ(sections->message_id.text(), "m1");
    EXPECT_FALSE(sections->user_id);
    EXPECT_EQ(sections->to, "topic/data");
    EXPECT_EQ(sections->subject, "reading");
    EXPECT_EQ(sections->reply_to, "topic/replies");
    EXPECT_EQ(sections->correlation_id.type, Type::binary);
    EXPECT_EQ(sections->correlation_id.text(), "c1");
    EXPECT_EQ(sections->content_type, "application/json");
    EXPECT_EQ(sections->content_encoding, "gzip");
    EXPECT_EQ(sections->absolute_expiry, WallTime{2'000});
    EXPECT_EQ(sections->creation_time, WallTime{1'000});
    EXPECT_EQ(sections->body_kind, BodyKind::data);
    EXPECT_EQ(as_text(sections->body), payload);

    std::vector<std::string> seen;
    MapReader pairs{sections->application_properties};
    while (const auto pair = pairs.next()) {
        seen.push_back(std::string{pair->key.text()} + "=" + std::string{pair->value.text()});
    }
    EXPECT_EQ(seen, (std::vector<std::string>{"site=north", "site=south"}));
}

TEST(Sections, TakeAMessageWithoutAny) {
    const auto sections = scan_sections({});
    ASSERT_TRUE(sections);
    EXPECT_EQ(sections->body_kind, BodyKind::none);
    EXPECT_EQ(sections->priority, 4);
}

TEST(Sections, TakeSymbolicDescriptors) {
    Bytes message = {0x00};
    append_symbol(message, "amqp:data:binary");
    append_binary(message, as_bytes("hi"));
    const auto sections = scan_sections(message);
    ASSERT_TRUE(sections);
    EXPECT_EQ(as_text(sections->body), "hi");
}

struct OrderCase {
    std::string_view name;
    Bytes message;
    std::optional<errc> error;
};
class SectionOrder : public testing::TestWithParam<OrderCase> {};

TEST_P(SectionOrder, IsEnforced) {
    const auto sections = scan_sections(GetParam().message);
    if (GetParam().error) {
        ASSERT_FALSE(sections);
        EXPECT_EQ(sections.error(), *GetParam().error);
        EXPECT_EQ(condition_of(sections.error()), condition::kDecodeError);
    } else {
        EXPECT_TRUE(sections) << sections.error().message();
    }
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(Table, SectionOrder, testing::Values(
    OrderCase{"all", kHeader + kDeliveryAnnotations + kAnnotations + kProperties + kApplicationProperties + kData + kFooter, {}},
    OrderCase{"several_data",       kData + kData + kData,               {}},
    OrderCase{"several_sequences",  kSequence + kSequence,               {}},
    OrderCase{"footer_alone",       kFooter,                             {}},
    OrderCase{"header_twice",       kHeader + kHeader,                   errc::section_order},
    OrderCase{"properties_twice",   kProperties + kProperties,           errc::section_order},
    OrderCase{"header_late",        kProperties + kHeader,               errc::section_order},
    OrderCase{"properties_after_body", kData + kProperties,              errc::section_order},
    OrderCase{"two_values",         kValue + kValue,                     errc::section_order},
    OrderCase{"data_then_value",    kData + kValue,                      errc::section_order},
    OrderCase{"value_then_data",    kValue + kData,                      errc::section_order},
    OrderCase{"sequence_then_data", kSequence + kData,                   errc::section_order},
    OrderCase{"footer_twice",       kFooter + kFooter,                   errc::section_order},
    OrderCase{"body_after_footer",  kFooter + kData,                     errc::section_order},
    OrderCase{"unknown",            section(0x79, Bytes{0x45}),          errc::unknown_section},
    OrderCase{"performative",       section(0x10, Bytes{0x45}),          errc::unknown_section},
    OrderCase{"not_described",      Bytes{0xA0, 1, 'x'},                 errc::malformed_value},
    OrderCase{"cut",                Bytes{0x00, 0x53, 0x75, 0xA0, 5, 1}, errc::truncated}),
    [](const auto& row) { return std::string{row.param.name}; });

struct FieldCase {
    std::string_view name;
    Bytes message;
};
class FieldType : public testing::TestWithParam<FieldCase> {};

TEST_P(FieldType, IsEnforced) {
    const auto sections = scan_sections(GetParam().message);
    ASSERT_FALSE(sections);
    EXPECT_EQ(sections.error(), errc::wrong_field_type);
}

INSTANTIATE_TEST_SUITE_P(Table, FieldType, testing::Values(
    FieldCase{"header_no_list",      section(0x70, Bytes{0xC1, 1, 0})},
    FieldCase{"durable_uint",        section(0x70, Bytes{0xC0, 2, 1, 0x43})},
    FieldCase{"ttl_string",          section(0x70, Bytes{0xC0, 5, 3, 0x40, 0x40, 0xA1, 0})},
    FieldCase{"properties_map",      section(0x73, Bytes{0xC1, 1, 0})},
    FieldCase{"message_id_boolean",  section(0x73, Bytes{0xC0, 2, 1, 0x41})},
    FieldCase{"user_id_string",      section(0x73, Bytes{0xC0, 4, 2, 0x40, 0xA1, 0})},
    FieldCase{"to_symbol",           section(0x73, Bytes{0xC0, 5, 3, 0x40, 0x40, 0xA3, 0})},
    FieldCase{"data_string",         section(0x75, Bytes{0xA1, 0})},
    FieldCase{"sequence_map",        section(0x76, Bytes{0xC1, 1, 0})},
    FieldCase{"annotations_list",    section(0x72, Bytes{0x45})},
    FieldCase{"retain_string",       section(0x72, Bytes{0xC1, 17, 2, 0xA3, 12, 'x', '-', 'o', 'p', 't', '-', 'r', 'e', 't', 'a', 'i', 'n', 0xA1, 0})},
    FieldCase{"application_key_symbol",      section(0x74, Bytes{0xC1, 5, 2, 0xA3, 1, 'k', 0x41})},
    FieldCase{"application_value_described", section(0x74, Bytes{0xC1, 8, 2, 0xA1, 1, 'k', 0x00, 0x53, 1, 0x41})},
    FieldCase{"footer_list",         section(0x78, Bytes{0x45})}),
    [](const auto& row) { return std::string{row.param.name}; });

struct BodyCase {
    std::string_view name;
    Bytes message;
    BodyKind kind;
    std::string payload;
};
class Body : public testing::TestWithParam<BodyCase> {};

TEST_P(Body, IsTold) {
    const auto sections = scan_sections(GetParam().message);
    ASSERT_TRUE(sections) << sections.error().message();
    EXPECT_EQ(sections->body_kind, GetParam().kind);
    Bytes scratch;
    EXPECT_EQ(as_text(body_payload(*sections, scratch)), GetParam().payload);
}

INSTANTIATE_TEST_SUITE_P(Table, Body, testing::Values(
    BodyCase{"data",       kProperties + kData,                               BodyKind::data,    "hi"},
    BodyCase{"joined",     kHeader + kData + kData + kData + kFooter,         BodyKind::data,    "hihihi"},
    BodyCase{"string",     kHeader + kValue,                                  BodyKind::text,    "hi"},
    BodyCase{"binary",     section(0x77, Bytes{0xA0, 1, 0xFF}),               BodyKind::binary,  "\xFF"},
    BodyCase{"null",       section(0x77, Bytes{0x40}),                        BodyKind::none,    ""},
    BodyCase{"number",     kHeader + section(0x77, Bytes{0x43}),              BodyKind::encoded, std::string{"\0\x53\x77\x43", 4}},
    BodyCase{"described",  section(0x77, Bytes{0, 0x53, 1, 0xA1, 1, 'x'}),    BodyKind::encoded, std::string{"\0\x53\x77\0\x53\x01\xA1\x01x", 9}},
    BodyCase{"sequences",  kHeader + kSequence + kSequence + kFooter,         BodyKind::encoded, std::string{"\0\x53\x76\x45\0\x53\x76\x45", 8}}),
    [](const auto& row) { return std::string{row.param.name}; });
// clang-format on

TEST(Sections, NoticeDelayedDelivery) {
    Bytes map;
    auto pairs = CompoundWriter::map(map);
    append_symbol(pairs.element(), "x-opt-delivery-delay");
    append_uint(pairs.element(), 1'000);
    pairs.finish();
    const auto sections = scan_sections(section(0x72, map));
    ASSERT_TRUE(sections);
    EXPECT_TRUE(sections->delayed);
}

TEST(Sections, AreRefused_WhenCutAtAnyByteInsideASection) {
    Bytes message;
    append_message_head(
        message, {.ttl_ms = 70'000, .to = "data/probe", .content_type = "text/plain"}, 2
    );
    append(message, "hi");
    int whole = 0;
    for (std::size_t cut = 0; cut < message.size(); ++cut) {
        whole += scan_sections(ByteView{message}.first(cut)).has_value() ? 1 : 0;
    }
    EXPECT_EQ(whole, 3) << "only the borders of the sections";
}

struct HeadCase {
    std::string_view name;
    BodyKind kind;
    std::string payload;
};
class HeadBody : public testing::TestWithParam<HeadCase> {};

TEST_P(HeadBody, RoundTrips) {
    Bytes message;
    append_message_head(message, {.body_kind = GetParam().kind}, GetParam().payload.size());
    append(message, GetParam().payload);
    const auto sections = scan_sections(message);
    ASSERT_TRUE(sections) << sections.error().message();
    EXPECT_EQ(sections->body_kind, GetParam().kind);
    EXPECT_EQ(as_text(sections->body), GetParam().payload);
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    HeadBody,
    testing::Values(
        HeadCase{"data", BodyKind::data, std::string(256, 'x')},
        HeadCase{"empty_data", BodyKind::data, ""},
        HeadCase{"text", BodyKind::text, "text"},
        HeadCase{"binary", BodyKind::binary, "\xFF"},
        HeadCase{"none", BodyKind::none, ""},
        HeadCase{"encoded", BodyKind::encoded, std::string{"\0\x53\x77\x43", 4}}
    ),
    [](const auto& row) { return std::string{row.param.name}; }
);

}  // namespace
}  // namespace weir::amqp::test
