/// What expressions of rule SQL are evaluated to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>

#include <weir/base/bytes.hpp>
#include <weir/rules/decimal.hpp>

namespace weir::rules {

namespace detail {
class Json;
}

enum class Type : std::uint8_t {
    undefined,  ///< No value: a missing field, a failed function. Never in the output.
    null,
    boolean,
    integer,  ///< A whole number.
    decimal,
    string,
    array,
    object,
    binary,  ///< `*` of a payload that is not JSON. Only encode() and SELECT * make something of
             ///< it.
};

[[nodiscard]] std::string_view name(Type type) noexcept;

/// Which types an expression may have, as bits by Type.
using TypeSet = std::uint16_t;

constexpr TypeSet set_of(std::initializer_list<Type> types) noexcept {
    TypeSet set = 0;
    for (const Type type : types) {
        set = static_cast<TypeSet>(set | 1U << static_cast<unsigned>(type));
    }
    return set;
}

inline constexpr TypeSet kAnything = 0x1FF;

struct Member;

/// A value by reference: texts and containers point into the payload, into the program, or into the
/// evaluator's scratch memory, and are valid for one evaluation. Cheap to copy, but for one that was just made: the copy
/// waits until its parts are in memory, longer than it takes to make one. Functions return what they make as it is made.
///
/// Numbers and containers of a parsed payload stay where they are (`in_document`): their digits are
/// read when somebody computes with them, and copied as they stand when nobody does.
class Value {
public:
    constexpr Value() noexcept = default;

    [[nodiscard]] static Value null() noexcept { return Value{Type::null}; }
    [[nodiscard]] static Value boolean(bool value) noexcept {
        return {Type::boolean, 0, value ? 1U : 0U};
    }
    [[nodiscard]] static Value integer(std::int64_t value) noexcept {
        return number({value, 0}, Type::integer);
    }
    /// @param type  integer (then the exponent is 0) or decimal.
    [[nodiscard]] static Value number(const Decimal& value, Type type) noexcept {
        Value result{
            type,
            static_cast<std::uint64_t>(value.coefficient),
            static_cast<std::uint64_t>(value.coefficient >> 64U)
        };
        result.exponent_ = value.exponent;
        return result;
    }
    [[nodiscard]] static Value string(std::string_view value) noexcept {
        return {Type::string, address(value.data()), value.size()};
    }
    [[nodiscard]] static Value array(std::span<const Value> elements) noexcept {
        return {Type::array, address(elements.data()), elements.size()};
    }
    [[nodiscard]] static Value object(std::span<const Member> members) noexcept {
        return {Type::object, address(members.data()), members.size()};
    }
    [[nodiscard]] static Value binary(ByteView bytes) noexcept {
        return {Type::binary, address(bytes.data()), bytes.size()};
    }
    /// @param type  integer, decimal, array or object.
    [[nodiscard]] static Value in_document(
        const detail::Json& json, std::uint32_t node, Type type
    ) noexcept {
        Value result{type, address(&json), node};
        result.in_document_ = true;
        return result;
    }

    [[nodiscard]] Type type() const noexcept { return type_; }
    [[nodiscard]] bool is(Type type) const noexcept { return type_ == type; }
    [[nodiscard]] bool is_undefined() const noexcept { return type_ == Type::undefined; }
    [[nodiscard]] bool is_number() const noexcept {
        return type_ == Type::integer || type_ == Type::decimal;
    }

    [[nodiscard]] bool as_boolean() const noexcept { return size_ != 0; }  ///< Only of a boolean.
    [[nodiscard]] std::string_view text() const noexcept {                 ///< Only of a string.
        return {pointer<char>(), size_};
    }
    [[nodiscard]] ByteView bytes() const noexcept {  ///< Only of a binary.
        return {pointer<Byte>(), size_};
    }
    /// Only of a number; undefined magnitudes (1E5000 in a payload) are nothing.
    [[nodiscard]] std::optional<Decimal> number() const noexcept {
        if (in_document_) {
            return number_in_document();
        }
        const auto high = static_cast<Int128>(static_cast<std::int64_t>(size_));
        return Decimal{high << 64U | low_, exponent_};
    }

    /// Elements or members; 0 for other types. @cost Linear in a document.
    [[nodiscard]] std::size_t size() const noexcept;
    /// Undefined beyond the end, or if this is not an array. @cost Linear in a document.
    [[nodiscard]] Value element(std::size_t index) const noexcept;
    /// Undefined if there is no such member, or if this is not an object. Of several members of one
    /// name, the last.
    [[nodiscard]] Value member(std::string_view key) const noexcept;

    /// Where the value stands in a parsed document; null for others.
    [[nodiscard]] const detail::Json* document() const noexcept {
        return in_document_ ? pointer<detail::Json>() : nullptr;
    }
    [[nodiscard]] std::uint32_t node() const noexcept {
        return static_cast<std::uint32_t>(size_);
    }

    /// Only of containers that are not in a document.
    [[nodiscard]] std::span<const Value> elements() const noexcept {
        return {pointer<Value>(), size_};
    }
    [[nodiscard]] std::span<const Member> members() const noexcept;

private:
    explicit constexpr Value(Type type) noexcept : type_{type} {}
    constexpr Value(Type type, std::uint64_t low, std::uint64_t size) noexcept
        : low_{low}, size_{size}, type_{type} {}

    template <class T>
    static std::uint64_t address(const T* pointer) noexcept {
        return reinterpret_cast<std::uint64_t>(pointer);
    }
    template <class T>
    [[nodiscard]] const T* pointer() const noexcept {
        return reinterpret_cast<const T*>(low_);
    }
    [[nodiscard]] std::optional<Decimal> number_in_document() const noexcept;

    // One of: the halves of a coefficient; a pointer and a size; a document and the place.
    std::uint64_t low_ = 0;
    std::uint64_t size_ = 0;
    std::int32_t exponent_ = 0;
    Type type_ = Type::undefined;
    bool in_document_ = false;
};

struct Member {
    std::string_view key;
    Value value;
};

inline std::span<const Member> Value::members() const noexcept {
    return {pointer<Member>(), size_};
}

/// The number itself, or the one that a whole string spells.
[[nodiscard]] inline std::optional<Decimal> to_number(const Value& value) noexcept {
    if (value.is_number()) {
        return value.number();
    }
    return value.is(Type::string) ? parse_decimal(value.text(), false) : std::nullopt;
}
/// A boolean, or a string `true` or `false` in any case.
[[nodiscard]] std::optional<bool> to_boolean(const Value& value) noexcept;

}  // namespace weir::rules
