#include <weir/rules/functions/groups.hpp>

#include <algorithm>
#include <cmath>
#include <random>

#include <weir/rules/detail/context.hpp>

namespace weir::rules {
namespace {

using enum Parameter;

Value abs(const Call& call) {
    const Decimal value = call.number(0);
    return call.context.number(
        Decimal{value.coefficient < 0 ? -value.coefficient : value.coefficient, value.exponent},
        call[0].type()
    );
}

template <Rounding rounding>
Value rounded(const Call& call) {
    return call.context.number(round(call.number(0), rounding), Type::integer);
}

Value trunc(const Call& call) {
    const auto places =
        std::clamp<std::int64_t>(floor_to_int64(call.number(1)), 0, Decimal::kDigitsMax);
    return call.context.number(
        round(call.number(0), Rounding::toward_zero, static_cast<int>(places)), call[0].type()
    );
}

Value sign(const Call& call) {
    const Int128 value = call.number(0).coefficient;
    return Value::integer(value < 0 ? -1 : (value > 0 ? 1 : 0));
}

Value remainder_of(const Call& call) {
    const bool whole = call[0].is(Type::integer) && call[1].is(Type::integer);
    return call.context.number(
        call.context.remainder(call.number(0), call.number(1)), whole ? Type::integer : Type::decimal
    );
}

/// To a double and back takes longer than other operations.
constexpr std::size_t kStepsOfReal = 4;

/// Of double precision; results that are no real numbers are Undefined.
template <double (*function)(double)>
Value real(const Call& call) {
    if (!call.context.budget().spend(kStepsOfReal)) {
        return {};
    }
    return call.context.number(from_double(function(to_double(call.number(0)))), Type::decimal);
}

template <double (*function)(double, double)>
Value real2(const Call& call) {
    if (!call.context.budget().spend(kStepsOfReal)) {
        return {};
    }
    const double result = function(to_double(call.number(0)), to_double(call.number(1)));
    return call.context.number(from_double(result), Type::decimal);
}

enum class Bits : std::uint8_t { conjunction, disjunction, exclusive };

/// Undefined beyond 34 digits.
Value whole(Int128 value) {
    const bool fits = value < Decimal::kCoefficientEnd && value > -Decimal::kCoefficientEnd;
    return fits ? Value::number({value, 0}, Type::integer) : Value{};
}

/// As in two's complement of any width.
template <Bits operation>
Value bits(const Call& call) {
    const Int128 a = call.number(0).coefficient;
    const Int128 b = call.number(1).coefficient;
    switch (operation) {
        case Bits::conjunction:
            return whole(a & b);
        case Bits::disjunction:
            return whole(a | b);
        case Bits::exclusive:
            return whole(a ^ b);
    }
    return {};
}

/// AWS complements within the bits that the operand has: 13 (1101) becomes 2 (0010).
Value bitnot(const Call& call) {
    const Int128 value = call.number(0).coefficient;
    if (call.context.profile() == Profile::native || value < 0) {
        return whole(~value);
    }
    Int128 mask = 1;
    while (mask < value) {
        mask = mask << 1U | 1;
    }
    return whole(~value & mask);
}

Value random(const Call& call) {
    thread_local std::mt19937_64 generator{std::random_device{}()};
    return call.context.number(
        from_double(std::uniform_real_distribution<double>{0.0, 1.0}(generator)), Type::decimal
    );
}

constexpr Function one_number(
    std::string_view name,
    std::string_view signature,
    std::string_view help,
    Value (*call)(const Call&)
) {
    return {
        .name = name,
        .signature = signature,
        .help = help,
        .parameters = {number},
        .result = kGivesNumber,
        .arguments_min = 1,
        .arguments_max = 1,
        .call = call
    };
}

constexpr Function two_numbers(
    std::string_view name,
    std::string_view signature,
    std::string_view help,
    Value (*call)(const Call&),
    Parameter parameter = number
) {
    return {
        .name = name,
        .signature = signature,
        .help = help,
        .parameters = {parameter, parameter},
        .result = kGivesNumber,
        .arguments_min = 2,
        .arguments_max = 2,
        .call = call
    };
}

constexpr Function kFunctions[] = {
    one_number("abs", "abs(x)", "x without its sign", abs),
    one_number("acos", "acos(x)", "inverse cosine, in radians", real<std::acos>),
    one_number("asin", "asin(x)", "inverse sine, in radians", real<std::asin>),
    one_number("atan", "atan(x)", "inverse tangent, in radians", real<std::atan>),
    two_numbers("atan2", "atan2(y, x)", "angle of the point (x, y), in radians", real2<std::atan2>),
    two_numbers(
        "bitand", "bitand(a, b)", "bitwise AND of whole numbers", bits<Bits::conjunction>, integer
    ),
    two_numbers(
        "bitor", "bitor(a, b)", "bitwise OR of whole numbers", bits<Bits::disjunction>, integer
    ),
    two_numbers(
        "bitxor", "bitxor(a, b)", "bitwise XOR of whole numbers", bits<Bits::exclusive>, integer
    ),
    {.name = "bitnot",
     .signature = "bitnot(a)",
     .help = "bitwise complement of a whole number; in AWS profiles within the bits that it has",
     .parameters = {integer},
     .result = kGivesInteger,
     .arguments_min = 1,
     .arguments_max = 1,
     .call = bitnot},
    one_number("ceil", "ceil(x)", "the next whole number that is not less", rounded<Rounding::up>),
    one_number("cos", "cos(x)", "cosine of radians", real<std::cos>),
    one_number("cosh", "cosh(x)", "hyperbolic cosine", real<std::cosh>),
    one_number("exp", "exp(x)", "e to the power of x", real<std::exp>),
    one_number("floor", "floor(x)", "the next whole number that is not greater", rounded<Rounding::down>),
    one_number("ln", "ln(x)", "natural logarithm", real<std::log>),
    one_number("log", "log(x)", "logarithm to base 10", real<std::log10>),
    two_numbers("mod", "mod(a, b)", "remainder of a / b, with the sign of a", remainder_of),
    two_numbers("power", "power(a, b)", "a to the power of b", real2<std::pow>),
    {.name = "rand",
     .signature = "rand()",
     .help = "a random number, 0.0 <= r < 1.0",
     .parameters = {},
     .result = kGivesNumber,
     .pure = false,
     .call = random},
    two_numbers(
        "remainder", "remainder(a, b)", "remainder of a / b, with the sign of a", remainder_of
    ),
    one_number("round", "round(x)", "the nearest whole number, halves away from zero", rounded<Rounding::half_away>),
    one_number("sign", "sign(x)", "-1, 0 or 1", sign),
    one_number("sin", "sin(x)", "sine of radians", real<std::sin>),
    one_number("sinh", "sinh(x)", "hyperbolic sine", real<std::sinh>),
    one_number("sqrt", "sqrt(x)", "square root", real<std::sqrt>),
    one_number("tan", "tan(x)", "tangent of radians", real<std::tan>),
    one_number("tanh", "tanh(x)", "hyperbolic tangent", real<std::tanh>),
    two_numbers("trunc", "trunc(x, places)", "x cut to 0..34 places behind the point", trunc),
};

}  // namespace

std::span<const Function> math_functions() noexcept {
    return kFunctions;
}

}  // namespace weir::rules
