#include <gtest/gtest.h>

#include <boost/multiprecision/cpp_int.hpp>

#include <cmath>
#include <limits>
#include <optional>
#include <random>
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
        OperatorCase{
            "near_with_far_exponents",
            add,
            "552E24",
            "940008963.161059943229563654831482",
            "552000000000000000940008963.1610599"
        },
        OperatorCase{
            "near_with_far_exponents_of_the_smaller",
            add,
            "-980410815860.60099",
            "21E39",
            "2.099999999999999999999999999901959E40"
        },
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

using Exact = boost::multiprecision::cpp_int;

/// The value as digits and exponent, rounded half to even to 34 digits, without zeros at the end.
std::string rounded_text(const Exact& value, int exponent) {
    std::string digits = Exact{abs(value)}.str();
    if (digits.size() > Decimal::kDigitsMax) {
        const std::string rest = digits.substr(Decimal::kDigitsMax);
        digits.resize(Decimal::kDigitsMax);
        exponent += static_cast<int>(rest.size());
        const bool is_odd = (digits.back() - '0') % 2 == 1;
        const std::string half = '5' + std::string(rest.size() - 1, '0');
        if (rest > half || (rest == half && is_odd)) {
            digits = Exact{Exact{digits} + 1}.str();
        }
    }
    while (digits.size() > 1 && digits.back() == '0') {
        digits.pop_back();
        ++exponent;
    }
    return digits == "0" ? "0" : (value < 0 ? "-" : "") + digits + 'E' + std::to_string(exponent);
}

Exact coefficient_of(const Decimal& value) {
    return Exact{value.coefficient};
}

/// Of 1 to 34 digits, many of them 0 or 9, with an exponent that makes sums meet in all ways.
Decimal any_decimal(std::mt19937& random) {
    const auto up_to = [&](unsigned max) { return static_cast<unsigned>(random() % (max + 1)); };
    std::string digits;
    const unsigned kind = up_to(2);
    for (unsigned size = 1 + up_to(Decimal::kDigitsMax - 1); size > 0; --size) {
        digits += kind == 0 ? '9' : (kind == 1 && up_to(3) > 0 ? '0' : static_cast<char>('0' + up_to(9)));
    }
    return decimal(
        (up_to(1) == 0 ? "-" : "") + digits + 'E' + std::to_string(static_cast<int>(up_to(120)) - 60)
    );
}

TEST(Decimal, AddsAndComparesLikeWholeNumbersOfAnySize) {
    constexpr int kLowest = -100;
    std::mt19937 random{34};  // NOLINT: the same numbers every time.
    const auto scaled = [](const Decimal& value) {
        return Exact{
            coefficient_of(value) *
            boost::multiprecision::pow(Exact{10}, static_cast<unsigned>(value.exponent - kLowest))
        };
    };
    const auto normal = [](const std::optional<Decimal>& value) {
        return value ? rounded_text(coefficient_of(*value), value->exponent) : "none";
    };
    for (int i = 0; i < 20'000; ++i) {
        const Decimal a = any_decimal(random);
        const Decimal b = any_decimal(random);
        const Exact x = scaled(a);
        const Exact y = scaled(b);
        const auto shown = text(a) + " and " + text(b);
        ASSERT_EQ(normal(add(a, b)), rounded_text(x + y, kLowest)) << shown;
        ASSERT_EQ(normal(subtract(a, b)), rounded_text(x - y, kLowest)) << shown;
        ASSERT_EQ(compare(a, b) < 0, x < y) << shown;
        ASSERT_EQ(compare(a, b) > 0, x > y) << shown;
        if (y != 0) {
            ASSERT_EQ(normal(remainder(a, b)), rounded_text(x % y, kLowest)) << shown;
        }
    }
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
