/// Numbers of rule SQL: exact to 34 decimal digits, as IEEE 754 decimal128.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace weir::rules {

__extension__ using Int128 = __int128;

/// coefficient * 10^exponent, |coefficient| < 10^34.
///
/// Values of up to 18 digits with near exponents never leave machine integers; wider intermediate
/// results go through a 256 bit integer. Results beyond 34 digits are rounded half to even; beyond
/// the magnitudes 1E-999 .. 9.99E999 there is no result.
struct Decimal {
    Int128 coefficient = 0;
    std::int32_t exponent = 0;

    static constexpr int kDigitsMax = 34;
    /// 10^34: what no coefficient reaches.
    static constexpr Int128 kCoefficientEnd = Int128{10'000'000'000'000'000} * 1'000'000'000'000'000'000;
    static constexpr std::int32_t kExponentMax = 999;
};

/// Room for every Decimal as text.
using DecimalText = std::array<char, 56>;

/// Parses `-?digits[.digits][(e|E)[+-]digits]`, the whole of `text`; a `+` only if `plus_allowed`
/// (JSON has it behind the E, conversion from String does not). Digits beyond 34 are rounded.
[[nodiscard]] std::optional<Decimal> parse_decimal(
    std::string_view text, bool plus_allowed
) noexcept;
/// The nearest decimal of the shortest text that reads back as `value`; nothing for infinities and
/// NaN.
[[nodiscard]] std::optional<Decimal> from_double(double value) noexcept;
[[nodiscard]] std::optional<Decimal> from_float(float value) noexcept;
[[nodiscard]] double to_double(const Decimal& value) noexcept;
/// Digits with a point, or with an exponent (1E-7, 2.5E40) for what would have many zeros. Valid
/// JSON.
[[nodiscard]] std::string_view to_text(const Decimal& value, DecimalText& buffer) noexcept;

[[nodiscard]] std::optional<Decimal> add(const Decimal& a, const Decimal& b) noexcept;
[[nodiscard]] std::optional<Decimal> subtract(const Decimal& a, const Decimal& b) noexcept;
[[nodiscard]] std::optional<Decimal> multiply(const Decimal& a, const Decimal& b) noexcept;
/// Nothing for a zero divisor.
[[nodiscard]] std::optional<Decimal> divide(const Decimal& a, const Decimal& b) noexcept;
/// a - b * truncate(a / b): the sign of the dividend. Nothing for a zero divisor.
[[nodiscard]] std::optional<Decimal> remainder(const Decimal& a, const Decimal& b) noexcept;
/// Negative, 0, positive.
[[nodiscard]] int compare(const Decimal& a, const Decimal& b) noexcept;

enum class Rounding : std::uint8_t { down, up, toward_zero, half_away };
/// Rounds to `places` digits behind the point (0: whole numbers).
[[nodiscard]] Decimal round(const Decimal& value, Rounding rounding, int places = 0) noexcept;

/// Without trailing zeros behind the point: 2.50 is 2.5, 10.0 is 10; a whole number that fits into
/// 34 digits gets exponent 0.
[[nodiscard]] Decimal strip(const Decimal& value) noexcept;
/// True if there is nothing behind the point and all digits are known: `strip` gives exponent 0.
[[nodiscard]] bool is_whole(const Decimal& value) noexcept;
/// The value, clamped to the range of int64, fractions cut toward minus infinity.
[[nodiscard]] std::int64_t floor_to_int64(const Decimal& value) noexcept;

}  // namespace weir::rules
