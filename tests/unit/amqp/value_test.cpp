#include <gtest/gtest.h>

#include <weir/amqp/value.hpp>
#include <weir/amqp/value_writer.hpp>

namespace weir::amqp::test {
namespace {

struct TextCase {
    std::string_view name;
    Bytes bytes;
    Type type;
    std::optional<std::string> text;
};
class ReadValue : public testing::TestWithParam<TextCase> {};

TEST_P(ReadValue, FollowsTable) {
    ValueReader reader{GetParam().bytes};
    const auto value = reader.read();
    ASSERT_TRUE(value.has_value()) << value.error().message();
    EXPECT_TRUE(reader.empty());
    EXPECT_EQ(value->type, GetParam().type);
    EXPECT_EQ(to_text(*value), GetParam().text);
    for (std::size_t cut = 0; cut < GetParam().bytes.size(); ++cut) {
        ValueReader shorter{ByteView{GetParam().bytes}.first(cut)};
        EXPECT_EQ(shorter.read().error(), errc::truncated) << cut;
    }
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(Table, ReadValue, testing::Values(
    TextCase{"null",         {0x40},                                  Type::null,      std::nullopt},
    TextCase{"true1",        {0x41},                                  Type::boolean,   "true"},
    TextCase{"false1",       {0x42},                                  Type::boolean,   "false"},
    TextCase{"true2",        {0x56, 1},                               Type::boolean,   "true"},
    TextCase{"uint0",        {0x43},                                  Type::uint,      "0"},
    TextCase{"smalluint",    {0x52, 200},                             Type::uint,      "200"},
    TextCase{"uint",         {0x70, 0xFF, 0xFF, 0xFF, 0xFF},          Type::uint,      "4294967295"},
    TextCase{"ulong0",       {0x44},                                  Type::ulong,     "0"},
    TextCase{"smallulong",   {0x53, 9},                               Type::ulong,     "9"},
    TextCase{"ulong",        {0x80, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, Type::ulong, "18446744073709551615"},
    TextCase{"ubyte",        {0x50, 255},                             Type::ubyte,     "255"},
    TextCase{"byte",         {0x51, 0x80},                            Type::byte,      "-128"},
    TextCase{"ushort",       {0x60, 1, 0},                            Type::ushort,    "256"},
    TextCase{"short",        {0x61, 0xFF, 0xFE},                      Type::short_,    "-2"},
    TextCase{"smallint",     {0x54, 0xFF},                            Type::int_,      "-1"},
    TextCase{"int",          {0x71, 0x80, 0, 0, 0},                   Type::int_,      "-2147483648"},
    TextCase{"smalllong",    {0x55, 0x80},                            Type::long_,     "-128"},
    TextCase{"long",         {0x81, 0x80, 0, 0, 0, 0, 0, 0, 0},       Type::long_,     "-9223372036854775808"},
    TextCase{"float",        {0x72, 0x3F, 0x80, 0, 0},                Type::float_,    "1"},
    TextCase{"double",       {0x82, 0x40, 0x35, 0x80, 0, 0, 0, 0, 0}, Type::double_,   "21.5"},
    TextCase{"decimal32",    {0x74, 0, 0, 0, 0},                      Type::decimal32, std::nullopt},
    TextCase{"char_ascii",   {0x73, 0, 0, 0, 'A'},                    Type::character, "A"},
    TextCase{"char_euro",    {0x73, 0, 0, 0x20, 0xAC},                Type::character, "\u20AC"},
    TextCase{"char_emoji",   {0x73, 0, 1, 0xF6, 0},                   Type::character, "\U0001F600"},
    TextCase{"timestamp",    {0x83, 0, 0, 0, 0, 0, 0, 0, 0},          Type::timestamp, "1970-01-01T00:00:00.000Z"},
    TextCase{"uuid",         {0x98, 0x55, 0x0e, 0x84, 0, 0xe2, 0x9b, 0x41, 0xd4, 0xa7, 0x16, 0x44, 0x66, 0x55, 0x44, 0, 0},
                             Type::uuid, "urn:uuid:550e8400-e29b-41d4-a716-446655440000"},
    TextCase{"binary",       {0xA0, 2, 0, 0xFF},                      Type::binary,    "AP8="},
    TextCase{"binary32",     {0xB0, 0, 0, 0, 1, 'x'},                 Type::binary,    "eA=="},
    TextCase{"string",       {0xA1, 2, 'h', 'i'},                     Type::string,    "hi"},
    TextCase{"string32",     {0xB1, 0, 0, 0, 0},                      Type::string,    ""},
    TextCase{"symbol",       {0xA3, 2, 'h', 'i'},                     Type::symbol,    "hi"},
    TextCase{"list0",        {0x45},                                  Type::list,      std::nullopt},
    TextCase{"list8",        {0xC0, 3, 2, 0x40, 0x41},                Type::list,      std::nullopt},
    TextCase{"list32",       {0xD0, 0, 0, 0, 5, 0, 0, 0, 1, 0x40},    Type::list,      std::nullopt},
    TextCase{"map8",         {0xC1, 6, 2, 0xA3, 1, 'k', 0x52, 1},     Type::map,       std::nullopt},
    TextCase{"array8",       {0xE0, 5, 3, 0x50, 1, 2, 3},             Type::array,     std::nullopt},
    TextCase{"array_empty",  {0xE0, 2, 0, 0x50},                      Type::array,     std::nullopt},
    TextCase{"array_strings",{0xE0, 6, 2, 0xA1, 1, 'a', 1, 'b'},      Type::array,     std::nullopt}),
    [](const auto& row) { return std::string{row.param.name}; });
// clang-format on

struct BadCase {
    std::string_view name;
    Bytes bytes;
    errc error;
};
class BadValue : public testing::TestWithParam<BadCase> {};

TEST_P(BadValue, IsRefused) {
    ValueReader reader{GetParam().bytes};
    const auto value = reader.read();
    ASSERT_FALSE(value.has_value());
    EXPECT_EQ(value.error(), GetParam().error);
    EXPECT_EQ(reader.rest().size(), GetParam().bytes.size()) << "untouched on error";
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(Table, BadValue, testing::Values(
    BadCase{"unknown_code",        {0xFF},                                      errc::malformed_value},
    BadCase{"unknown_fixed",       {0x57, 0},                                   errc::malformed_value},
    BadCase{"low_code",            {0x10},                                      errc::malformed_value},
    BadCase{"described",           {0x00, 0x53, 1, 0x40},                       errc::malformed_value},
    BadCase{"boolean_two",         {0x56, 2},                                   errc::malformed_value},
    BadCase{"bad_utf8",            {0xA1, 1, 0xFF},                             errc::malformed_value},
    BadCase{"symbol_not_ascii",    {0xA3, 2, 0xC3, 0xA4},                       errc::malformed_value},
    BadCase{"char_surrogate",      {0x73, 0, 0, 0xD8, 0},                       errc::malformed_value},
    BadCase{"char_too_large",      {0x73, 0, 0x11, 0, 0},                       errc::malformed_value},
    BadCase{"list_count_above_bytes", {0xC0, 2, 5, 0x40},                       errc::malformed_value},
    BadCase{"list_trailing",       {0xC0, 3, 1, 0x40, 0x40},                    errc::malformed_value},
    BadCase{"list_element_cut",    {0xC0, 2, 1, 0x70},                          errc::truncated},
    BadCase{"list_no_count",       {0xC0, 0},                                   errc::truncated},
    BadCase{"map_odd",             {0xC1, 2, 1, 0x40},                          errc::malformed_value},
    BadCase{"array_nulls_bomb",    {0xF0, 0, 0, 0, 5, 0xFF, 0xFF, 0xFF, 0xFF, 0x40}, errc::malformed_value},
    BadCase{"array_no_constructor",{0xE0, 1, 0},                                errc::truncated},
    BadCase{"array_bad_constructor",{0xE0, 2, 0, 0xFF},                         errc::malformed_value},
    BadCase{"array_cut",           {0xE0, 4, 3, 0x50, 1, 2},                    errc::truncated},
    BadCase{"array_trailing",      {0xE0, 4, 1, 0x50, 1, 2},                    errc::malformed_value},
    BadCase{"compound_descriptor", {0xC0, 4, 1, 0x00, 0x45, 0x40},              errc::malformed_value}),
    [](const auto& row) { return std::string{row.param.name}; });
// clang-format on

/// A list in a list in a list...
Bytes nested(std::size_t depth) {
    Bytes value = {0x40};
    for (std::size_t i = 1; i < depth; ++i) {
        Bytes outer;
        auto list = CompoundWriter::list(outer);
        append(list.element(), value);
        list.finish();
        value = std::move(outer);
    }
    return value;
}

TEST(Depth, IsBounded) {
    EXPECT_TRUE(ValueReader{nested(kDepthMax)}.read());
    EXPECT_EQ(ValueReader{nested(kDepthMax + 1)}.read().error(), errc::too_deep);
    EXPECT_EQ(ValueReader{nested(2'000)}.read().error(), errc::too_deep);
}

TEST(Depth, CountsDescriptors) {
    Bytes inner;
    for (std::uint32_t i = 0; i < kDepthMax; ++i) {
        append_descriptor(inner, 1);
    }
    append_null(inner);
    EXPECT_EQ(ValueReader{inner}.read_any().error(), errc::too_deep);
}

TEST(Elements, AreBounded) {
    const auto list_of_nulls = [](std::uint32_t count) {
        Bytes out;
        auto list = CompoundWriter::list(out);
        for (std::uint32_t i = 0; i < count; ++i) {
            append_null(list.element());
        }
        list.finish();
        return out;
    };
    EXPECT_TRUE(ValueReader{list_of_nulls(kElementsMax - 1)}.read());
    EXPECT_EQ(ValueReader{list_of_nulls(kElementsMax)}.read().error(), errc::too_many_elements);
}

TEST(ReadAny, SkipsDescriptors) {
    const Bytes bytes = {0x00, 0xA3, 1, 'd', 0xA1, 1, 'v', 0x43};
    ValueReader reader{bytes};
    const auto described = reader.read_any();
    ASSERT_TRUE(described);
    EXPECT_TRUE(described->described);
    EXPECT_EQ(described->text(), "v");
    const auto plain = reader.read_any();
    ASSERT_TRUE(plain);
    EXPECT_FALSE(plain->described);
    EXPECT_TRUE(reader.empty());
}

TEST(Writer, RoundTrips) {
    const Bytes uuid(16, 7);
    const std::string long_text(300, 't');
    const Value values[] = {
        {},
        Value::boolean(true),
        Value::boolean(false),
        Value::string("short"),
        Value::string(long_text),
        Value::symbol(long_text),
        Value::binary(uuid),
        {.type = Type::ubyte, .number = 200},
        {.type = Type::ushort, .number = 60'000},
        {.type = Type::uint, .number = 0},
        {.type = Type::uint, .number = 255},
        {.type = Type::uint, .number = 256},
        {.type = Type::ulong, .number = 0},
        {.type = Type::ulong, .number = 255},
        {.type = Type::ulong, .number = ~std::uint64_t{0}},
        {.type = Type::byte, .number = static_cast<std::uint64_t>(-5)},
        {.type = Type::short_, .number = static_cast<std::uint64_t>(-500)},
        {.type = Type::int_, .number = static_cast<std::uint64_t>(-70'000)},
        {.type = Type::long_, .number = static_cast<std::uint64_t>(-1)},
        {.type = Type::float_, .number = 0x3F800000},
        {.type = Type::double_, .number = 0x4035800000000000},
        {.type = Type::character, .number = 0x20AC},
        {.type = Type::timestamp, .number = 1'700'000'000'000},
        {.type = Type::uuid, .bytes = uuid},
    };
    for (const auto& value : values) {
        Bytes out;
        append_value(out, value);
        ValueReader reader{out};
        const auto back = reader.read();
        ASSERT_TRUE(back) << static_cast<int>(value.type);
        EXPECT_TRUE(reader.empty());
        EXPECT_EQ(back->type, value.type);
        EXPECT_EQ(back->number, value.number);
        EXPECT_EQ(as_text(back->bytes), as_text(value.bytes));
    }
}

TEST(Writer, LeavesOutTrailingNulls) {
    Bytes out;
    auto list = CompoundWriter::list(out);
    list.absent();
    append_boolean(list.element(), true);
    list.absent();
    list.absent();
    list.finish();
    EXPECT_EQ(out, (Bytes{0xD0, 0, 0, 0, 6, 0, 0, 0, 2, 0x40, 0x41}));
}

}  // namespace
}  // namespace weir::amqp::test
