#include <weir/endpoints/amqp_messages.hpp>

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <map>
#include <string>

#include <weir/amqp/conditions.hpp>
#include <weir/endpoints/amqp_sessions.hpp>

namespace weir::endpoints {
namespace {

using amqp::BodyKind;
using amqp::Value;
using mqtt::Properties;
using mqtt::Property;
using mqtt::PropertyId;
using Pair = std::pair<std::string_view, std::string_view>;

constexpr WallTime kNow{1'700'000'000'000};

Bytes encode(const amqp::MessageHead& head, std::string_view payload = "21.5") {
    Bytes out;
    amqp::append_message_head(out, head, payload.size());
    append(out, payload);
    return out;
}

/// "name=value" of each property, in order.
std::string list(ByteView raw) {
    std::string out;
    for (const Property property : Properties{raw}) {
        const std::string id =
            property.id == PropertyId::user_property
                ? std::string{property.name}
                : std::string{mqtt::find_property(static_cast<unsigned>(property.id))->name};
        const std::string value = property.id == PropertyId::payload_format_indicator
                                      ? std::to_string(property.number)
                                      : std::string{property.value};
        out += (out.empty() ? "" : ", ") + id + "=" + value;
    }
    return out;
}

std::string name_of(PropertyId id) {
    return std::string{mqtt::find_property(static_cast<unsigned>(id))->name};
}

// --- From AMQP -----------------------------------------------------------------------------------------------------

struct InboundCase {
    std::string_view name;
    amqp::MessageHead head;
    std::string properties;
};

class Inbound : public testing::TestWithParam<InboundCase> {};

TEST_P(Inbound, MapsFieldsToProperties) {
    const Bytes bytes = encode(GetParam().head);
    const auto sections = amqp::scan_sections(bytes);
    ASSERT_TRUE(sections.has_value());
    AmqpInbound inbound;
    ASSERT_FALSE(inbound.read(*sections, "lamp", {}, kNow).has_value());
    EXPECT_EQ(list(inbound.properties()), GetParam().properties);
    EXPECT_EQ(as_text(inbound.payload()), "21.5");
}

constexpr std::array<Pair, 2> kTwo = {Pair{"unit", "C"}, Pair{"site", "roof"}};
constexpr std::array<Pair, 2> kNulInside = {Pair{"bad", {"a\0b", 3}}, Pair{"unit", "C"}};
constexpr std::array<Byte, 2> kRaw = {0xFF, 0x00};

INSTANTIATE_TEST_SUITE_P(
    Table,
    Inbound,
    testing::Values(
        InboundCase{"bare", {}, ""},
        InboundCase{
            "content_type",
            {.content_type = "text/csv"},
            name_of(PropertyId::content_type) + "=text/csv"
        },
        InboundCase{
            "string_value_is_utf8",
            {.body_kind = BodyKind::text},
            name_of(PropertyId::payload_format_indicator) + "=1"
        },
        InboundCase{"binary_value", {.body_kind = BodyKind::binary}, ""},
        InboundCase{
            "reply_to_topic",
            {.reply_to = "topic/answers/lamp"},
            name_of(PropertyId::response_topic) + "=answers/lamp"
        },
        InboundCase{"reply_to_queue", {.reply_to = "queue/answers"}, "x-reply-to=queue/answers"},
        InboundCase{"reply_to_wildcard", {.reply_to = "answers/#"}, "x-reply-to=answers/#"},
        InboundCase{
            "correlation_text",
            {.correlation_id = Value::string("q-1")},
            name_of(PropertyId::correlation_data) + "=q-1"
        },
        InboundCase{
            "correlation_binary",
            {.correlation_id = Value::binary(kRaw)},
            name_of(PropertyId::correlation_data) + "=" + std::string("\xFF\0", 2)
        },
        InboundCase{
            "correlation_number",
            {.correlation_id = {.type = amqp::Type::ulong, .number = 42}},
            name_of(PropertyId::correlation_data) + "=42"
        },
        InboundCase{
            "names_without_a_place",
            {.message_id = Value::string("m-7"), .subject = "reading", .content_encoding = "gzip"},
            "x-message-id=m-7, x-subject=reading, content-encoding=gzip"
        },
        InboundCase{
            "application_properties", {.application_properties = kTwo}, "unit=C, site=roof"
        },
        InboundCase{"nul_is_left_out", {.application_properties = kNulInside}, "unit=C"}
    ),
    [](const auto& row) { return std::string{row.param.name}; }
);

TEST(AmqpInbound, JoinsDataSections) {
    const Bytes bytes = {0x00, 0x53, 0x75, 0xA0, 0x02, 'a', 'b', 0x00, 0x53, 0x75, 0xA0, 0x01, 'c'};
    const auto sections = amqp::scan_sections(bytes);
    ASSERT_TRUE(sections.has_value());
    AmqpInbound inbound;
    ASSERT_FALSE(inbound.read(*sections, {}, {}, kNow).has_value());
    EXPECT_EQ(as_text(inbound.payload()), "abc");
}

TEST(AmqpInbound, HandsOnEncodedBodies_WhenTheyHaveNoOtherForm) {
    const Bytes bytes = {0x00, 0x53, 0x77, 0x54, 0x2A};  // amqp-value of the int 42
    const auto sections = amqp::scan_sections(bytes);
    ASSERT_TRUE(sections.has_value());
    AmqpInbound inbound;
    ASSERT_FALSE(inbound.read(*sections, {}, {}, kNow).has_value());
    EXPECT_EQ(Bytes(inbound.payload().begin(), inbound.payload().end()), bytes);
    EXPECT_EQ(
        list(inbound.properties()),
        name_of(PropertyId::content_type) + "=application/vnd.oasis.amqp1"
    );
}

struct ExpiryCase {
    std::string_view name;
    std::optional<std::uint32_t> ttl_ms;
    std::optional<WallTime> absolute;
    WallTime expires;
};

class InboundExpiry : public testing::TestWithParam<ExpiryCase> {};

TEST_P(InboundExpiry, IsTheEarlierOne) {
    amqp::Sections sections;
    sections.ttl_ms = GetParam().ttl_ms;
    sections.absolute_expiry = GetParam().absolute;
    AmqpInbound inbound;
    ASSERT_FALSE(inbound.read(sections, {}, {}, kNow).has_value());
    EXPECT_EQ(inbound.expires(), GetParam().expires);
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    InboundExpiry,
    testing::Values(
        ExpiryCase{"never", {}, {}, WallTime{0}},
        ExpiryCase{"ttl", 1'500, {}, kNow + WallTime{1'500}},
        ExpiryCase{"absolute", {}, kNow + WallTime{10}, kNow + WallTime{10}},
        ExpiryCase{"absolute_first", 1'500, kNow + WallTime{10}, kNow + WallTime{10}},
        ExpiryCase{"ttl_first", 5, kNow + WallTime{10}, kNow + WallTime{5}},
        ExpiryCase{"epoch_is_not_never", {}, WallTime{0}, WallTime{1}},
        ExpiryCase{"before_the_epoch", {}, WallTime{-5}, WallTime{1}}
    ),
    [](const auto& row) { return std::string{row.param.name}; }
);

struct RefusalCase {
    std::string_view name;
    std::function<void(amqp::Sections&)> spoil;
    std::string_view condition;  ///< Empty: taken.
};

class InboundRefusal : public testing::TestWithParam<RefusalCase> {};

TEST_P(InboundRefusal, NamesTheCondition) {
    amqp::Sections sections;
    GetParam().spoil(sections);
    AmqpInbound inbound;
    const auto refusal = inbound.read(sections, "lamp", {}, kNow);
    EXPECT_EQ(refusal ? refusal->condition : "", GetParam().condition);
}

const std::string kLong(40'000, 'x');

INSTANTIATE_TEST_SUITE_P(
    Table,
    InboundRefusal,
    testing::Values(
        RefusalCase{"own_user_id", [](auto& sections) { sections.user_id = as_bytes("lamp"); }, ""},
        RefusalCase{
            "another_user_id",
            [](auto& sections) { sections.user_id = as_bytes("door"); },
            amqp::condition::kUnauthorizedAccess
        },
        RefusalCase{
            "delayed",
            [](auto& sections) { sections.delayed = true; },
            amqp::condition::kNotImplemented
        },
        RefusalCase{
            "too_many_properties",
            [](auto& sections) {
                sections.application_properties = {.type = amqp::Type::map, .count = 66};
            },
            amqp::condition::kResourceLimitExceeded
        },
        RefusalCase{
            "too_long_property",
            [](auto& sections) { sections.subject = kLong; },
            amqp::condition::kResourceLimitExceeded
        }
    ),
    [](const auto& row) { return std::string{row.param.name}; }
);

// --- To AMQP -------------------------------------------------------------------------------------------------------

/// What a peer reads from a message with these properties.
class Outbound : public testing::Test {
protected:
    const amqp::Sections& send(
        ByteView properties, model::Qos qos = model::Qos::at_least_once, WallTime expires = {}
    ) {
        const auto message = model::Message::make({
            .topic = "plant/1/temp",
            .payload = as_bytes("21.5"),
            .properties = properties,
            .created = kNow,
            .expires = expires,
        });
        const AmqpOutbound outbound{*message, qos, true, kNow};
        wire_ = encode(outbound.head(), as_text(message->payload()));
        sections_ = amqp::scan_sections(wire_).value();
        return sections_;
    }

    [[nodiscard]] std::map<std::string, std::string> application_properties() const {
        std::map<std::string, std::string> out;
        if (sections_.application_properties.type == amqp::Type::map) {
            amqp::MapReader pairs{sections_.application_properties};
            while (const auto pair = pairs.next()) {
                out.emplace(pair->key.text(), pair->value.text());
            }
        }
        return out;
    }

    Bytes wire_;
    amqp::Sections sections_;
    std::array<Byte, 1024> memory_;
    mqtt::PropertyWriter properties_{memory_};
};

TEST_F(Outbound, TellsHowOftenItFailed_AMQP_3_2_1) {
    const auto message = model::Message::make({.topic = "t", .payload = as_bytes("x")});
    const AmqpOutbound first{*message, model::Qos::at_least_once, false, kNow};
    EXPECT_TRUE(first.head().first_acquirer);
    EXPECT_EQ(first.head().delivery_count, 0U);
    const AmqpOutbound again{*message, model::Qos::at_least_once, false, kNow, 3};
    EXPECT_FALSE(again.head().first_acquirer);
    EXPECT_EQ(again.head().delivery_count, 3U);
}

TEST_F(Outbound, TellsTopicAndPayload) {
    const auto& got = send({});
    EXPECT_EQ(got.to, "plant/1/temp");
    EXPECT_EQ(got.body_kind, BodyKind::data);
    EXPECT_EQ(as_text(got.body), "21.5");
    EXPECT_TRUE(got.retain);
    EXPECT_EQ(got.creation_time, kNow);
    EXPECT_FALSE(got.ttl_ms.has_value());
}

TEST_F(Outbound, IsDurable_WhenQosIsAboveZero) {
    EXPECT_TRUE(send({}, model::Qos::at_least_once).durable);
    EXPECT_FALSE(send({}, model::Qos::at_most_once).durable);
}

TEST_F(Outbound, TellsWhatIsLeftOfItsLife) {
    EXPECT_EQ(send({}, model::Qos::at_least_once, kNow + WallTime{2'500}).ttl_ms, 2'500U);
    EXPECT_EQ(send({}, model::Qos::at_least_once, kNow - WallTime{1}).ttl_ms, 0U);
}

TEST_F(Outbound, MapsPropertiesToFields) {
    properties_.text(PropertyId::content_type, "text/csv")
        .text(PropertyId::response_topic, "answers/50%")
        .binary(PropertyId::correlation_data, as_bytes("q-1"))
        .user("x-subject", "reading")
        .user("x-message-id", "m-7")
        .user("content-encoding", "gzip");
    const auto& got = send(properties_.properties().raw());
    EXPECT_EQ(got.content_type, "text/csv");
    EXPECT_EQ(got.reply_to, "topic/answers/50%25");
    EXPECT_EQ(got.correlation_id.type, amqp::Type::string);
    EXPECT_EQ(got.correlation_id.text(), "q-1");
    EXPECT_EQ(got.subject, "reading");
    EXPECT_EQ(got.message_id.text(), "m-7");
    EXPECT_EQ(got.content_encoding, "gzip");
    EXPECT_TRUE(application_properties().empty());
}

TEST_F(Outbound, KeepsCorrelationDataBinary_WhenItIsNoText) {
    properties_.binary(PropertyId::correlation_data, kRaw);
    EXPECT_EQ(send(properties_.properties().raw()).correlation_id.type, amqp::Type::binary);
}

TEST_F(Outbound, SendsContentTypeAsText_WhenItIsNoSymbol) {
    properties_.text(PropertyId::content_type, "\xC3\xA4");
    EXPECT_EQ(send(properties_.properties().raw()).content_type, "");
    const std::map<std::string, std::string> expected = {{"content-type", "\xC3\xA4"}};
    EXPECT_EQ(application_properties(), expected);
}

TEST_F(Outbound, NumbersRepeatedNames) {
    properties_.user("k", "1").user("k#2", "taken").user("k", "2").user("k", "3");
    send(properties_.properties().raw());
    const std::map<std::string, std::string> expected = {
        {"k", "1"}, {"k#2", "taken"}, {"k#3", "2"}, {"k#4", "3"}
    };
    EXPECT_EQ(application_properties(), expected);
}

TEST_F(Outbound, DoesNotLetAPublisherFakeAnnotations) {
    properties_.user("x-opt-retain", "no").user("x-opt-topic", "other").user("x-opt-zone", "b");
    const auto& got = send(properties_.properties().raw());
    EXPECT_TRUE(got.retain);
    EXPECT_TRUE(application_properties().empty());
    EXPECT_EQ(as_text(wire_).find("other"), std::string_view::npos);
    EXPECT_NE(as_text(wire_).find("x-opt-zone"), std::string_view::npos);
}

TEST_F(Outbound, ComesBackUnchanged) {
    properties_.text(PropertyId::content_type, "text/csv")
        .text(PropertyId::response_topic, "answers/lamp")
        .binary(PropertyId::correlation_data, as_bytes("q-1"))
        .user("x-subject", "reading")
        .user("unit", "C");
    const Bytes before{
        properties_.properties().raw().begin(), properties_.properties().raw().end()
    };
    AmqpInbound inbound;
    ASSERT_FALSE(inbound.read(send(before), {}, {}, kNow).has_value());
    EXPECT_EQ(list(inbound.properties()), list(before));
    EXPECT_EQ(as_text(inbound.payload()), "21.5");
}

// --- Names of sessions ---------------------------------------------------------------------------------------------

TEST(AmqpSessions, DoNotClash) {
    EXPECT_TRUE(is_amqp_session(amqp_session("lamp")));
    EXPECT_TRUE(is_amqp_session(amqp_link_session("lamp", 1)));
    EXPECT_FALSE(is_amqp_session("lamp"));
    EXPECT_NE(amqp_link_session("lamp", 1), amqp_session("lamp/1"));
    EXPECT_NE(amqp_link_session("lamp", 11), amqp_link_session("lamp", 1));
}

}  // namespace
}  // namespace weir::endpoints
