#include <weir/mqtt/wire.hpp>

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "support/hex.hpp"

namespace weir::mqtt {
namespace {

using weir::test::bytes_of;

struct VarintCase {
    std::string_view name;
    std::string_view hex;
    std::optional<std::uint32_t> value;
    errc error = errc::need_more;
};

class ReadVarint : public testing::TestWithParam<VarintCase> {};

TEST_P(ReadVarint, FollowsTable_MQTT5_1_5_5_1) {
    const Bytes bytes = bytes_of(GetParam().hex);
    ByteView in{bytes};
    const auto got = read_varint(in);
    if (GetParam().value) {
        ASSERT_TRUE(got.has_value());
        EXPECT_EQ(*got, *GetParam().value);
        EXPECT_EQ(in.size(), bytes.size() - varint_size(*got));
        Bytes written(varint_size(*got));
        EXPECT_EQ(write_varint(written.data(), *got), written.data() + written.size());
        EXPECT_EQ(
            written,
            Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(written.size()))
        );
    } else {
        ASSERT_FALSE(got.has_value());
        EXPECT_EQ(got.error(), GetParam().error);
        EXPECT_EQ(in.size(), bytes.size()) << "untouched on error";
    }
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(Table, ReadVarint, testing::Values(
    VarintCase{"empty",           "",           {},          errc::need_more},
    VarintCase{"zero",            "00",         0},
    VarintCase{"one_byte_max",    "7f",         127},
    VarintCase{"two_bytes_min",   "8001",       128},
    VarintCase{"two_bytes_max",   "ff7f",       16'383},
    VarintCase{"three_bytes_min", "808001",     16'384},
    VarintCase{"three_bytes_max", "ffff7f",     2'097'151},
    VarintCase{"four_bytes_min",  "80808001",   2'097'152},
    VarintCase{"max",             "ffffff7f",   kVarintMax},
    VarintCase{"then_more",       "7f ff",      127},
    VarintCase{"cut_1",           "80",         {},          errc::need_more},
    VarintCase{"cut_3",           "ffffff",     {},          errc::need_more},
    VarintCase{"fifth_byte",      "ffffffff01", {},          errc::malformed_packet},
    VarintCase{"four_and_on",     "ffffffff",   {},          errc::malformed_packet},
    VarintCase{"not_minimal_2",   "8000",       {},          errc::malformed_packet},
    VarintCase{"not_minimal_4",   "ffffff00",   {},          errc::malformed_packet}),
    [](const auto& row) { return std::string{row.param.name}; });
// clang-format on

struct TextCase {
    std::string_view name;
    std::string_view hex;
    bool valid;
};

// clang-format off
constexpr std::array kTexts = {
    TextCase{"empty",              "",               true},
    TextCase{"ascii",              "'temperature'",  true},
    TextCase{"two_bytes",          "c3a9",           true},
    TextCase{"three_bytes",        "e282ac",         true},
    TextCase{"four_bytes",         "f09f9880",       true},
    TextCase{"last_code_point",    "f48fbfbf",       true},
    TextCase{"bom_is_text",        "efbbbf",         true},
    TextCase{"control_characters", "01 1f 7f",       true},
    TextCase{"before_surrogates",  "ed9fbf",         true},
    TextCase{"after_surrogates",   "ee8080",         true},
    TextCase{"nul",                "00",             false},
    TextCase{"nul_inside",         "'a' 00 'b'",     false},
    TextCase{"overlong_nul",       "c080",           false},
    TextCase{"surrogate_first",    "eda080",         false},
    TextCase{"surrogate_last",     "edbfbf",         false},
    TextCase{"overlong_slash",     "c0af",           false},
    TextCase{"overlong_three",     "e0809f",         false},
    TextCase{"over_the_last",      "f4908080",       false},
    TextCase{"five_byte_form",     "f888808080",     false},
    TextCase{"lone_continuation",  "80",             false},
    TextCase{"cut_two",            "c3",             false},
    TextCase{"cut_three",          "e282",           false},
    TextCase{"cut_four",           "f09f98",         false},
    TextCase{"bad_continuation",   "c341",           false},
    TextCase{"ff",                 "ff",             false},
};
// clang-format on

// Each case also behind prefixes that end at and around the eight-byte steps of the fast path.
TEST(IsValidText, FollowsTable_MQTT3_1_5_3_1_MQTT3_1_5_3_2_MQTT5_1_5_4_1_MQTT5_1_5_4_2) {
    for (const auto& row : kTexts) {
        const Bytes bytes = bytes_of(row.hex);
        for (const std::size_t before : {0U, 1U, 7U, 8U, 9U, 16U, 31U}) {
            for (const std::size_t after : {0U, 1U, 8U}) {
                const auto text = std::string(before, 'x') + std::string{as_text(bytes)} +
                                  std::string(after, 'y');
                EXPECT_EQ(is_valid_text(text), row.valid)
                    << row.name << ' ' << before << ' ' << after;
            }
        }
    }
}

TEST(ReadText, RefusesWhatIsCutOrNoText) {
    for (const auto* const hex :
         {"", "00", "0001", "0005 'four'", "ffff 'x'", "0001 00", "0002 c080"}) {
        const Bytes bytes = bytes_of(hex);
        ByteView in{bytes};
        const auto got = read_text(in);
        ASSERT_FALSE(got) << hex;
        EXPECT_EQ(got.error(), errc::malformed_packet);
        EXPECT_EQ(in.size(), bytes.size()) << "untouched on error";
    }
}

TEST(ReadText, TakesExactlyItsBytes) {
    const Bytes bytes = bytes_of("0003 'abc' 0000 ff");
    ByteView in{bytes};
    EXPECT_EQ(*read_text(in), "abc");
    EXPECT_EQ(*read_text(in), "");
    EXPECT_EQ(in.size(), 1U);
}

TEST(ReadIntegers, AreMalformed_WhenCut) {
    const Bytes bytes = bytes_of("010203");
    ByteView in{bytes};
    EXPECT_EQ(read_u32(in).error(), errc::malformed_packet);
    EXPECT_EQ(*read_u16(in), 0x0102);
    EXPECT_EQ(read_u16(in).error(), errc::malformed_packet);
    EXPECT_EQ(*read_u8(in), 3);
    EXPECT_EQ(read_u8(in).error(), errc::malformed_packet);
    EXPECT_EQ(read_whole_varint(in).error(), errc::malformed_packet);
}

}  // namespace
}  // namespace weir::mqtt
