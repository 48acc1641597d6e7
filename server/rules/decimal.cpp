#include <weir/rules/decimal.hpp>

#include <algorithm>
#include <boost/multiprecision/cpp_int.hpp>
#include <charconv>
#include <cmath>
#include <limits>

namespace weir::rules {
namespace {

using Wide = boost::multiprecision::uint256_t;
__extension__ using Uint128 = unsigned __int128;

constexpr std::size_t kPowers = 39;  // 10^38 is the last that fits into 127 bits.

constexpr std::array<Uint128, kPowers> kPowersOfTen = [] {
    std::array<Uint128, kPowers> powers{};
    powers[0] = 1;
    for (std::size_t i = 1; i < kPowers; ++i) {
        powers[i] = powers[i - 1] * 10;
    }
    return powers;
}();

constexpr Uint128 kLimit = kPowersOfTen[Decimal::kDigitsMax];
static_assert(kLimit == static_cast<Uint128>(Decimal::kCoefficientEnd));

/// A magnitude below this can be multiplied by 10^18 without leaving 127 bits.
constexpr Uint128 kSmall = Uint128{1} << 63U;
constexpr int kSmallShift = 18;

constexpr Uint128 magnitude(Int128 value) noexcept {
    return value < 0 ? Uint128{0} - static_cast<Uint128>(value) : static_cast<Uint128>(value);
}

constexpr Int128 with_sign(Uint128 value, bool negative) noexcept {
    return negative ? -static_cast<Int128>(value) : static_cast<Int128>(value);
}

/// Decimal digits of `value`; 0 has one.
int digits(Uint128 value) noexcept {
    const auto* end = std::upper_bound(kPowersOfTen.begin(), kPowersOfTen.end(), value);
    return std::max(1, static_cast<int>(end - kPowersOfTen.begin()));
}

Wide wide_power(int exponent) noexcept {
    Wide power = kPowersOfTen[static_cast<std::size_t>(std::min(exponent, 38))];
    for (int left = exponent - 38; left > 0; left -= 38) {
        power *= Wide{kPowersOfTen[static_cast<std::size_t>(std::min(left, 38))]};
    }
    return power;
}

int digits(const Wide& value) noexcept {
    if (value <= Wide{std::numeric_limits<Uint128>::max()}) {
        return digits(static_cast<Uint128>(value));
    }
    int count = 38;
    for (Wide limit = wide_power(38); value >= limit && count < 77; ++count) {
        limit *= 10U;
    }
    return count;
}

/// Refuses magnitudes out of range.
std::optional<Decimal> checked(Decimal value) noexcept {
    if (value.coefficient == 0) {
        value.exponent = std::clamp(value.exponent, -Decimal::kExponentMax, 0);
        return value;
    }
    constexpr std::int32_t kNear = Decimal::kExponentMax - static_cast<std::int32_t>(kPowers);
    if (value.exponent <= kNear && value.exponent >= -kNear) {
        return value;  // However many digits there are.
    }
    const int adjusted = value.exponent + digits(magnitude(value.coefficient)) - 1;
    if (adjusted > Decimal::kExponentMax || adjusted < -Decimal::kExponentMax) {
        return std::nullopt;
    }
    return value;
}

/// Rounds half to even to 34 digits. `sticky`: something non-zero follows the digits of `value`.
std::optional<Decimal> rounded(
    Wide value, int exponent, bool negative, bool sticky = false
) noexcept {
    const int excess = digits(value) - Decimal::kDigitsMax;
    if (excess > 0) {
        const Wide unit = wide_power(excess);
        const Wide rest = value % unit;
        value /= unit;
        exponent += excess;
        const Wide twice = rest * 2U;
        if (twice > unit || (twice == unit && (sticky || (value & 1U) != 0))) {
            ++value;
        }
        if (value == Wide{kLimit}) {
            value /= 10U;
            ++exponent;
        }
    }
    return checked({with_sign(static_cast<Uint128>(value), negative), exponent});
}

struct Aligned {
    Wide a;
    Wide b;
    int exponent;
};

constexpr int kDigitsOfWide = 77;  // Whatever they are, they fit into 256 bits.
constexpr int kAlignMax = 40;
static_assert(Decimal::kDigitsMax + kAlignMax <= kDigitsOfWide);

/// Brings both to one exponent. The result must fit into 256 bits.
Aligned align(const Decimal& a, const Decimal& b) noexcept {
    const int exponent = std::min(a.exponent, b.exponent);
    return {
        Wide{magnitude(a.coefficient)} * wide_power(a.exponent - exponent),
        Wide{magnitude(b.coefficient)} * wide_power(b.exponent - exponent),
        exponent
    };
}

struct SmallAligned {
    Int128 a;
    Int128 b;
    std::int32_t exponent;
};

/// Brings both to one exponent. Nothing: one of them does not fit into a machine integer there.
std::optional<SmallAligned> align_small(const Decimal& a, const Decimal& b) noexcept {
    const std::int32_t exponent = std::min(a.exponent, b.exponent);
    const auto at_exponent = [exponent](const Decimal& value, Int128& coefficient) {
        const int shift = value.exponent - exponent;
        if (shift == 0) {
            coefficient = value.coefficient;
            return true;
        }
        if (shift > kSmallShift || magnitude(value.coefficient) >= kSmall) {
            return false;
        }
        coefficient =
            value.coefficient * static_cast<Int128>(kPowersOfTen[static_cast<std::size_t>(shift)]);
        return true;
    };
    SmallAligned result{0, 0, exponent};
    return at_exponent(a, result.a) && at_exponent(b, result.b) ? std::optional{result} : std::nullopt;
}

/// A magnitude other than 0 is less than 10^adjusted, and not less than a tenth of that.
int adjusted(const Decimal& value) noexcept {
    return value.exponent + digits(magnitude(value.coefficient));
}

/// What most numbers are: digits and perhaps a point, few enough for a machine integer. Nothing: something else.
std::optional<Decimal> parse_short(std::string_view text) noexcept {
    const bool negative = text.starts_with('-');
    const std::string_view digits = text.substr(negative ? 1 : 0);
    if (digits.empty() || digits.size() > kSmallShift) {
        return std::nullopt;
    }
    std::int64_t coefficient = 0;
    std::size_t point = digits.size() - 1;  // None.
    for (std::size_t i = 0; i < digits.size(); ++i) {
        const char c = digits[i];
        if (c >= '0' && c <= '9') {
            coefficient = coefficient * 10 + (c - '0');
        } else if (c == '.' && i > 0 && i < point) {
            point = i;
            break;
        } else {
            return std::nullopt;
        }
    }
    for (std::size_t i = point + 1; i < digits.size(); ++i) {
        const char c = digits[i];
        if (c < '0' || c > '9') {
            return std::nullopt;
        }
        coefficient = coefficient * 10 + (c - '0');
    }
    return Decimal{
        negative ? -coefficient : coefficient,
        static_cast<std::int32_t>(point + 1) - static_cast<std::int32_t>(digits.size())
    };
}

std::optional<Decimal> parse_any(std::string_view text, bool plus_allowed) noexcept {
    const char* at = text.data();
    const char* const end = at + text.size();
    const bool negative = at != end && *at == '-';
    at += negative ? 1 : 0;
    Uint128 coefficient = 0;
    std::int64_t exponent = 0;
    int significant = 0;
    bool dropped = false;
    bool dropped_more = false;
    char first_dropped = '0';
    const auto take_digits = [&](bool fraction) noexcept {
        const char* const first = at;
        for (; at != end && *at >= '0' && *at <= '9'; ++at) {
            if (significant < Decimal::kDigitsMax) {
                coefficient = coefficient * 10 + static_cast<Uint128>(*at - '0');
                significant += significant > 0 || *at != '0' ? 1 : 0;
                exponent -= fraction ? 1 : 0;
                continue;
            }
            if (!dropped) {
                dropped = true;
                first_dropped = *at;
            } else {
                dropped_more = dropped_more || *at != '0';
            }
            exponent += fraction ? 0 : 1;
        }
        return at != first;
    };
    if (!take_digits(false)) {
        return std::nullopt;
    }
    if (at != end && *at == '.') {
        ++at;
        if (!take_digits(true)) {
            return std::nullopt;
        }
    }
    if (at != end && (*at == 'e' || *at == 'E')) {
        ++at;
        const bool minus = at != end && *at == '-';
        if (minus || (plus_allowed && at != end && *at == '+')) {
            ++at;
        }
        std::int64_t written = 0;
        const char* const first = at;
        for (; at != end && *at >= '0' && *at <= '9'; ++at) {
            written = std::min<std::int64_t>(written * 10 + (*at - '0'), 1'000'000'000);
        }
        if (at == first) {
            return std::nullopt;
        }
        exponent += minus ? -written : written;
    }
    if (at != end) {
        return std::nullopt;
    }
    if (first_dropped > '5' ||
        (first_dropped == '5' && (dropped_more || (coefficient & 1U) != 0))) {
        ++coefficient;
        if (coefficient == kLimit) {
            coefficient /= 10;
            ++exponent;
        }
    }
    constexpr std::int64_t kFar = 10'000;
    return checked(
        {with_sign(coefficient, negative),
         static_cast<std::int32_t>(std::clamp(exponent, -kFar, kFar))}
    );
}

}  // namespace

std::optional<Decimal> parse_decimal(std::string_view text, bool plus_allowed) noexcept {
    auto number = parse_short(text);
    if (!number) {
        number = parse_any(text, plus_allowed);
    }
    return number;
}

namespace {

template <class Float>
std::optional<Decimal> from_floating(Float value) noexcept {
    if (!std::isfinite(value)) {
        return std::nullopt;
    }
    std::array<char, 32> buffer;
    const auto written = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
    const auto parsed =
        parse_decimal({buffer.data(), static_cast<std::size_t>(written.ptr - buffer.data())}, true);
    return parsed ? std::optional{strip(*parsed)} : std::nullopt;
}

}  // namespace

std::optional<Decimal> from_double(double value) noexcept {
    return from_floating(value);
}

std::optional<Decimal> from_float(float value) noexcept {
    return from_floating(value);
}

double to_double(const Decimal& value) noexcept {
    DecimalText buffer;
    const auto text = to_text(value, buffer);
    double result = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), result);
    if (parsed.ec == std::errc::result_out_of_range) {
        const bool huge = value.exponent > 0;
        result = huge ? std::numeric_limits<double>::infinity() : 0.0;
        result = value.coefficient < 0 ? -result : result;
    }
    return result;
}

std::string_view to_text(const Decimal& value, DecimalText& buffer) noexcept {
    std::array<char, 40> reversed;
    std::size_t count = 0;
    Uint128 rest = magnitude(value.coefficient);
    while (rest > std::numeric_limits<std::uint64_t>::max()) {
        reversed[count++] = static_cast<char>('0' + static_cast<int>(rest % 10));
        rest /= 10;
    }
    auto low = static_cast<std::uint64_t>(rest);
    do {
        reversed[count++] = static_cast<char>('0' + low % 10);
        low /= 10;
    } while (low != 0);

    char* out = buffer.data();
    if (value.coefficient < 0) {
        *out++ = '-';
    }
    const auto size = static_cast<int>(count);
    const int point = size + value.exponent;  // Digits in front of the point.
    const auto digit = [&](int i) { return reversed[static_cast<std::size_t>(size - 1 - i)]; };
    if (value.exponent <= 0 && point > -6) {
        if (point <= 0) {
            *out++ = '0';
            *out++ = '.';
            out = std::fill_n(out, -point, '0');
        }
        for (int i = 0; i < size; ++i) {
            if (i == point && point > 0) {
                *out++ = '.';
            }
            *out++ = digit(i);
        }
        return {buffer.data(), static_cast<std::size_t>(out - buffer.data())};
    }
    *out++ = digit(0);
    if (size > 1) {
        *out++ = '.';
        for (int i = 1; i < size; ++i) {
            *out++ = digit(i);
        }
    }
    *out++ = 'E';
    out = std::to_chars(out, buffer.data() + buffer.size(), point - 1).ptr;
    return {buffer.data(), static_cast<std::size_t>(out - buffer.data())};
}

std::optional<Decimal> add(const Decimal& a, const Decimal& b) noexcept {
    if (const auto small = align_small(a, b)) {
        const Int128 sum = small->a + small->b;
        if (magnitude(sum) < kLimit) {
            return checked({sum, small->exponent});
        }
        return rounded(Wide{magnitude(sum)}, small->exponent, sum < 0);
    }
    if (a.coefficient == 0 || b.coefficient == 0) {
        return a.coefficient == 0 ? b : a;
    }
    // Below half of the 34th digit of the larger one, and of what a borrow leaves of it.
    constexpr int kApartMax = Decimal::kDigitsMax + 2;
    static_assert(Decimal::kDigitsMax + kApartMax < kDigitsOfWide);
    const int apart = adjusted(a) - adjusted(b);
    if (std::abs(apart) > kApartMax) {
        return apart > 0 ? a : b;
    }
    const bool a_negative = a.coefficient < 0;
    const bool b_negative = b.coefficient < 0;
    const auto [wide_a, wide_b, exponent] = align(a, b);
    if (a_negative == b_negative) {
        return rounded(wide_a + wide_b, exponent, a_negative);
    }
    if (wide_a >= wide_b) {
        return rounded(wide_a - wide_b, exponent, a_negative);
    }
    return rounded(wide_b - wide_a, exponent, b_negative);
}

std::optional<Decimal> subtract(const Decimal& a, const Decimal& b) noexcept {
    return add(a, {-b.coefficient, b.exponent});
}

std::optional<Decimal> multiply(const Decimal& a, const Decimal& b) noexcept {
    const Uint128 x = magnitude(a.coefficient);
    const Uint128 y = magnitude(b.coefficient);
    const int exponent = a.exponent + b.exponent;
    const bool negative = (a.coefficient < 0) != (b.coefficient < 0);
    if (x < kSmall && y < kSmall && x * y < kLimit) {
        return checked({with_sign(x * y, negative), exponent});
    }
    return rounded(Wide{x} * Wide{y}, exponent, negative);
}

std::optional<Decimal> divide(const Decimal& a, const Decimal& b) noexcept {
    if (b.coefficient == 0) {
        return std::nullopt;
    }
    if (a.coefficient == 0) {
        return Decimal{};
    }
    const Uint128 x = magnitude(a.coefficient);
    const Uint128 y = magnitude(b.coefficient);
    const int shift = std::max(0, Decimal::kDigitsMax + 1 + digits(y) - digits(x));
    const Wide dividend = Wide{x} * wide_power(shift);
    const Wide quotient = dividend / Wide{y};
    const bool sticky = quotient * Wide{y} != dividend;
    const auto result = rounded(
        quotient,
        a.exponent - b.exponent - shift,
        (a.coefficient < 0) != (b.coefficient < 0),
        sticky
    );
    return result ? std::optional{strip(*result)} : std::nullopt;
}

std::optional<Decimal> remainder(const Decimal& a, const Decimal& b) noexcept {
    if (b.coefficient == 0) {
        return std::nullopt;
    }
    if (const auto small = align_small(a, b)) {
        return checked({small->a % small->b, small->exponent});
    }
    if (std::abs(a.exponent - b.exponent) > kAlignMax) {
        if (a.exponent < b.exponent) {
            return a;
        }
        // a = c * 10^n with a large n: reduce it by steps that fit into 256 bits.
        Wide rest = Wide{magnitude(a.coefficient)};
        const Wide modulus{magnitude(b.coefficient)};
        for (int left = a.exponent - b.exponent; left > 0; left -= kAlignMax) {
            rest = (rest % modulus) * wide_power(std::min(left, kAlignMax));
        }
        return rounded(rest % modulus, b.exponent, a.coefficient < 0);
    }
    const auto [wide_a, wide_b, exponent] = align(a, b);
    return rounded(wide_a % wide_b, exponent, a.coefficient < 0);
}

int compare(const Decimal& a, const Decimal& b) noexcept {
    const auto sign = [](Int128 value) { return value < 0 ? -1 : (value > 0 ? 1 : 0); };
    const int sign_a = sign(a.coefficient);
    const int sign_b = sign(b.coefficient);
    if (sign_a != sign_b || sign_a == 0) {
        return sign_a - sign_b;
    }
    if (const auto small = align_small(a, b)) {
        return sign(small->a - small->b);
    }
    if (const int difference = adjusted(a) - adjusted(b); difference != 0) {
        return difference > 0 ? sign_a : -sign_a;
    }
    const auto [wide_a, wide_b, exponent] = align(a, b);
    return wide_a == wide_b ? 0 : (wide_a > wide_b ? sign_a : -sign_a);
}

Decimal round(const Decimal& value, Rounding rounding, int places) noexcept {
    const int drop = -places - value.exponent;  // Digits to cut off.
    if (drop <= 0 || value.coefficient == 0) {
        return strip(value);
    }
    const bool negative = value.coefficient < 0;
    const Uint128 whole = magnitude(value.coefficient);
    Uint128 quotient = 0;
    Uint128 rest = whole;
    bool half = false;
    if (drop < static_cast<int>(kPowers)) {
        const Uint128 unit = kPowersOfTen[static_cast<std::size_t>(drop)];
        quotient = whole / unit;
        rest = whole % unit;
        half = rest >= unit / 2;
    }
    const bool away = (rounding == Rounding::down && negative && rest != 0) ||
                      (rounding == Rounding::up && !negative && rest != 0) ||
                      (rounding == Rounding::half_away && half);
    return strip({with_sign(quotient + (away ? 1U : 0U), negative), -places});
}

Decimal strip(const Decimal& value) noexcept {
    Decimal result = value;
    if (result.coefficient == 0) {
        return {};
    }
    const int size = digits(magnitude(result.coefficient));
    if (result.exponent > 0 && size + result.exponent <= Decimal::kDigitsMax) {
        result.coefficient *=
            static_cast<Int128>(kPowersOfTen[static_cast<std::size_t>(result.exponent)]);
        result.exponent = 0;
    }
    while (result.exponent != 0 && result.coefficient % 10 == 0) {
        result.coefficient /= 10;
        ++result.exponent;
    }
    return result;
}

bool is_whole(const Decimal& value) noexcept {
    return value.exponent == 0 || strip(value).exponent == 0;
}

std::int64_t floor_to_int64(const Decimal& value) noexcept {
    constexpr Int128 kMin = std::numeric_limits<std::int64_t>::min();
    constexpr Int128 kMax = std::numeric_limits<std::int64_t>::max();
    const Decimal whole = round(value, Rounding::down);
    if (whole.exponent > 0) {
        return static_cast<std::int64_t>(whole.coefficient < 0 ? kMin : kMax);
    }
    return static_cast<std::int64_t>(std::clamp(whole.coefficient, kMin, kMax));
}

}  // namespace weir::rules
