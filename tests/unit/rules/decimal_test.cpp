#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include <weir/rules/decimal.hpp>

namespace weir::rules {
namespace {

Decimal decimal(std::string_view text) {
    return parse_decimal(text, true).value();
}

std::string text(const std::optional<Decimal>& value) {
    DecimalText buffer;
    return value ? std::string{to_text(*value, buffer)} : "none";
}

struct ParseCase {
    std::string_view name;
    std::string_view input;
    std::string_view expected;
};

class ParseDecimal : public testing::TestWithParam<ParseCase> {};

TEST_P(ParseDecimal, FollowsTable) {
    EXPECT_EQ(text(parse_decimal(GetParam().input, true)), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    ParseDecimal,
    testing::Values(
        ParseCase{"zero", "0", "0"},
        ParseCase{"minus_zero", "-0", "0"},
        ParseCase{"keeps_its_places", "10.0", "10.0"},
        ParseCase{"small", "0.000001", "0.000001"},
        ParseCase{"smaller", "0.0000001", "1E-7"},
        ParseCase{"exponent", "1.5e3", "1.5E3"},
        ParseCase{"plus", "1E+2", "1E2"},
        ParseCase{"int64_max", "9223372036854775807", "9223372036854775807"},
        ParseCase{
            "34_digits", "1234567890123456789012345678901234", "1234567890123456789012345678901234"
        },
        ParseCase{
            "35_digits_round_down",
            "12345678901234567890123456789012344",
            "1.234567890123456789012345678901234E34"
        },
        ParseCase{
            "35_digits_round_up",
            "12345678901234567890123456789012346",
            "1.234567890123456789012345678901235E34"
        },
        ParseCase{
            "half_to_even_down",
            "12345678901234567890123456789012345",
            "1.234567890123456789012345678901234E34"
        },
        ParseCase{
            "half_and_more_up",
            "12345678901234567890123456789012345.1",
            "1.234567890123456789012345678901235E34"
        },
        ParseCase{
            "nines_carry",
            "99999999999999999999999999999999999",
            "1.000000000000000000000000000000000E35"
        },
        ParseCase{
            "leading_zeros_do_not_count", "0.00000000000000000000000000000000000000001", "1E-41"
        },
        ParseCase{"largest", "9.99E999", "9.99E999"},
        ParseCase{"too_large", "1E1000", "none"},
        ParseCase{"too_small", "1E-1000", "none"},
        ParseCase{"zero_of_any_size", "0E999999999999", "0"},
        ParseCase{"huge_exponent", "1E99999999999999999999", "none"},
        ParseCase{"empty", "", "none"},
        ParseCase{"sign_alone", "-", "none"},
        ParseCase{"point_alone", "1.", "none"},
        ParseCase{"space", " 1", "none"},
        ParseCase{"trailing", "1x", "none"},
        ParseCase{"exponent_alone", "1E", "none"}
    ),
    [](const auto& row) { return std::string{row.param.name}; }
);

TEST(ParseDecimal, RefusesPlus_WhenNotAllowed) {
    EXPECT_FALSE(parse_decimal("1E+2", false).has_value());
    EXPECT_FALSE(parse_decimal("+1", true).has_value());
}

struct OperatorCase {
    std::string_view name;
    std::optional<Decimal> (*operation)(const Decimal&, const Decimal&) noexcept;
    std::string_view a;
    std::string_view b;
    std::string_view expected;
};

class DecimalOperator : public testing::TestWithParam<OperatorCase> {};

TEST_P(DecimalOperator, FollowsTable) {
    EXPECT_EQ(
        text(GetParam().operation(decimal(GetParam().a), decimal(GetParam().b))),
        GetParam().expected
    );
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    DecimalOperator,
    testing::Values(
        OperatorCase{"tenths", add, "0.1", "0.2", "0.3"},
        OperatorCase{"beyond_int64", add, "9223372036854775807", "1", "9223372036854775808"},
        OperatorCase{
            "carry_over_34",
            add,
            "9999999999999999999999999999999999",
            "1",
            "1.000000000000000000000000000000000E34"
        },
        OperatorCase{"far_apart", add, "1E100", "1", "1E100"},
        OperatorCase{"far_apart_from_zero", add, "0", "1E100", "1E100"},
        OperatorCase{"wide", add, "1E30", "1E-4", "1000000000000000000000000000000.000"},
        OperatorCase{"to_zero", subtract, "1.10", "1.10", "0.00"},
        OperatorCase{
            "wide_difference", subtract, "1E33", "0.1", "999999999999999999999999999999999.9"
        },
        OperatorCase{"exact_product", multiply, "1.1", "1.1", "1.21"},
        OperatorCase{"signs", multiply, "-3", "4", "-12"},
        OperatorCase{
            "wide_product",
            multiply,
            "12345678901234567890",
            "12345678901234567890",
            "1.524157875323883675019051998750191E38"
        },
        OperatorCase{"overflow", multiply, "9E999", "10", "none"},
        OperatorCase{"exact_quotient", divide, "7.5", "2", "3.75"},
        OperatorCase{"third", divide, "1", "3", "0.3333333333333333333333333333333333"},
        OperatorCase{"two_thirds", divide, "2", "3", "0.6666666666666666666666666666666667"},
        OperatorCase{"whole_quotient", divide, "1000", "10", "100"},
        OperatorCase{"by_zero", divide, "1", "0", "none"},
        OperatorCase{"zero_by", divide, "0", "7", "0"},
        OperatorCase{"remainder_sign_of_dividend", remainder, "-8", "3", "-2"},
        OperatorCase{"remainder_of_fractions", remainder, "7.5", "2", "1.5"},
        OperatorCase{"remainder_of_huge", remainder, "1E300", "7", "1"},
        OperatorCase{"remainder_by_huge", remainder, "7", "1E300", "7"},
        OperatorCase{"remainder_by_zero", remainder, "7", "0.0", "none"}
    ),
    [](const auto& row) { return std::string{row.param.name}; }
);

TEST(Decimal, ComparesByValue) {
    EXPECT_EQ(compare(decimal("10"), decimal("10.000")), 0);
    EXPECT_LT(compare(decimal("-1"), decimal("1E-999")), 0);
    EXPECT_GT(compare(decimal("1E400"), decimal("9E399")), 0);
    EXPECT_LT(compare(decimal("-1E400"), decimal("-9E399")), 0);
    EXPECT_GT(compare(decimal("1E33"), decimal("999999999999999999999999999999999.9")), 0);
    EXPECT_EQ(compare(decimal("0"), decimal("0E5")), 0);
}

TEST(Decimal, RoundsEachWay) {
    const auto rounded = [](std::string_view value, Rounding rounding, int places = 0) {
        return text(round(decimal(value), rounding, places));
    };
    EXPECT_EQ(rounded("2.5", Rounding::half_away), "3");
    EXPECT_EQ(rounded("-2.5", Rounding::half_away), "-3");
    EXPECT_EQ(rounded("-2.1", Rounding::down), "-3");
    EXPECT_EQ(rounded("-2.9", Rounding::up), "-2");
    EXPECT_EQ(rounded("2.1", Rounding::up), "3");
    EXPECT_EQ(rounded("-2.9", Rounding::toward_zero), "-2");
    EXPECT_EQ(rounded("2.888", Rounding::toward_zero, 2), "2.88");
    EXPECT_EQ(rounded("1E-900", Rounding::up), "1");
    EXPECT_EQ(rounded("1E-900", Rounding::half_away), "0");
    EXPECT_EQ(rounded("1E20", Rounding::down), "100000000000000000000");
}

TEST(Decimal, FloorsIntoInt64AndClamps) {
    EXPECT_EQ(floor_to_int64(decimal("-2.1")), -3);
    EXPECT_EQ(floor_to_int64(decimal("1E300")), std::numeric_limits<std::int64_t>::max());
    EXPECT_EQ(floor_to_int64(decimal("-1E20")), std::numeric_limits<std::int64_t>::min());
}

TEST(Decimal, TakesTheShortestTextOfADouble) {
    EXPECT_EQ(text(from_double(0.1)), "0.1");
    EXPECT_EQ(text(from_double(32.0)), "32");
    EXPECT_EQ(text(from_double(-0.1425465430742778)), "-0.1425465430742778");
    EXPECT_FALSE(from_double(std::numeric_limits<double>::quiet_NaN()).has_value());
    EXPECT_FALSE(from_double(std::numeric_limits<double>::infinity()).has_value());
    EXPECT_EQ(to_double(decimal("1E-400")), 0.0);
    EXPECT_TRUE(std::isinf(to_double(decimal("1E400"))));
}

}  // namespace
}  // namespace weir::rules
