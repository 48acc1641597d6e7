/// What the functions of rule SQL are made of: one table row each.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <weir/rules/profile.hpp>
#include <weir/rules/value.hpp>

namespace weir::rules {

namespace detail {
class Context;
}

/// What a parameter accepts. An argument that cannot be converted makes the result Undefined,
/// without a call.
enum class Parameter : std::uint8_t {
    any,      ///< As it is, Null and Undefined too.
    number,   ///< Int, Decimal, or a String that spells one; arrives as a number.
    integer,  ///< As number, cut toward minus infinity; arrives as an Int. One beyond 34 digits cannot be converted.
    text,     ///< Anything but Null and Undefined; arrives as a String.
};

/// Derived once, when a rule is compiled, from arguments that are constant: a compiled regular
/// expression, say.
struct Prepared {
    Prepared() = default;
    Prepared(const Prepared&) = delete;
    Prepared& operator=(const Prepared&) = delete;
    virtual ~Prepared() = default;
};

struct Call {
    detail::Context& context;
    std::span<const Value> arguments;
    const Prepared* prepared = nullptr;  ///< What `prepare` made, or null.

    [[nodiscard]] std::size_t size() const noexcept { return arguments.size(); }
    [[nodiscard]] const Value& operator[](std::size_t i) const noexcept { return arguments[i]; }
    [[nodiscard]] std::string_view text(std::size_t i) const noexcept {
        return arguments[i].text();
    }
    /// Only of a number.
    [[nodiscard]] Decimal number(std::size_t i) const noexcept {
        return arguments[i].number().value_or(Decimal{});
    }
};

/// Arguments of a call as far as they are constant; nothing for others.
using ConstantArguments = std::span<const std::optional<Value>>;

inline constexpr std::uint8_t kAnyNumber = 255;

/// Bits of Function::profiles.
inline constexpr std::uint8_t kNativeOnly = 1U << 0U;
inline constexpr std::uint8_t kSince2016 = kNativeOnly | 1U << 1U;
inline constexpr std::uint8_t kEveryProfile = kSince2016 | 1U << 2U;

/// What functions give, besides Undefined.
inline constexpr TypeSet kGivesBoolean = set_of({Type::boolean});
inline constexpr TypeSet kGivesInteger = set_of({Type::integer});
inline constexpr TypeSet kGivesNumber = set_of({Type::integer, Type::decimal});
inline constexpr TypeSet kGivesText = set_of({Type::string});
inline constexpr TypeSet kGivesArray = set_of({Type::array});
inline constexpr TypeSet kGivesObject = set_of({Type::object});

struct Function {
    std::string_view name;                ///< In lower case; matched in any case.
    std::string_view signature;           ///< "lpad(text, count)".
    std::string_view help;                ///< One line for the reference and for `weir explain`.
    std::array<Parameter, 4> parameters;  ///< The last one stands for all that follow.
    TypeSet result = kAnything;  ///< Every result is one of these, or Undefined.
    std::uint8_t arguments_min = 0;
    std::uint8_t arguments_max = 0;  ///< kAnyNumber: no bound.
    std::uint8_t profiles = kEveryProfile;
    bool takes_bytes = false;  ///< `*` as argument is the bytes that came, not the value that they spell.
    bool pure = true;  ///< Depends on its arguments alone: calls with constants are computed once.
    /// Compares with earlier messages: the compiler makes an operation of its own of it.
    bool remembers = false;
    /// Null: needs an outside service, compiling a call is an error; or it remembers.
    Value (*call)(const Call&) = nullptr;
    /// May be null. @param problem  Set if the constants are wrong for sure: becomes a warning, the
    /// result is Undefined.
    std::unique_ptr<Prepared> (*prepare)(ConstantArguments, std::string& problem) = nullptr;

    [[nodiscard]] bool in(Profile profile) const noexcept {
        return (profiles >> static_cast<unsigned>(profile) & 1U) != 0;
    }
};

/// Every function, sorted by name.
[[nodiscard]] std::span<const Function> functions() noexcept;
/// @param name  In any case.
[[nodiscard]] const Function* find_function(std::string_view name) noexcept;

}  // namespace weir::rules
