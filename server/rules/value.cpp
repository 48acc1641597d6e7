#include <weir/rules/value.hpp>

#include <array>

#include <weir/rules/detail/json.hpp>
#include <weir/rules/detail/text.hpp>

namespace weir::rules {

namespace {

template <class T>
std::uint64_t address(const T* pointer) noexcept {
    return reinterpret_cast<std::uint64_t>(pointer);
}

template <class T>
const T* pointer(std::uint64_t address) noexcept {
    return reinterpret_cast<const T*>(address);
}

}  // namespace

std::string_view name(Type type) noexcept {
    constexpr std::array<std::string_view, 9> kNames = {
        "Undefined", "Null", "Boolean", "Int", "Decimal", "String", "Array", "Object", "Binary"
    };
    return kNames[static_cast<std::size_t>(type)];
}

Value Value::boolean(bool value) noexcept {
    Value result{Type::boolean};
    result.size_ = value ? 1 : 0;
    return result;
}

Value Value::integer(std::int64_t value) noexcept {
    return number({value, 0}, Type::integer);
}

Value Value::number(const Decimal& value, Type type) noexcept {
    Value result{type};
    result.low_ = static_cast<std::uint64_t>(value.coefficient);
    result.size_ = static_cast<std::uint64_t>(value.coefficient >> 64U);
    result.exponent_ = value.exponent;
    return result;
}

Value Value::string(std::string_view value) noexcept {
    Value result{Type::string};
    result.low_ = address(value.data());
    result.size_ = value.size();
    return result;
}

Value Value::array(std::span<const Value> elements) noexcept {
    Value result{Type::array};
    result.low_ = address(elements.data());
    result.size_ = elements.size();
    return result;
}

Value Value::object(std::span<const Member> members) noexcept {
    Value result{Type::object};
    result.low_ = address(members.data());
    result.size_ = members.size();
    return result;
}

Value Value::binary(ByteView bytes) noexcept {
    Value result{Type::binary};
    result.low_ = address(bytes.data());
    result.size_ = bytes.size();
    return result;
}

Value Value::in_document(const detail::Json& json, std::uint32_t node, Type type) noexcept {
    Value result{type};
    result.low_ = address(&json);
    result.node_ = node;
    result.in_document_ = true;
    return result;
}

std::string_view Value::text() const noexcept {
    return {pointer<char>(low_), size_};
}

ByteView Value::bytes() const noexcept {
    return {pointer<Byte>(low_), size_};
}

std::optional<Decimal> Value::number() const noexcept {
    if (in_document_) {
        return parse_decimal(document()->raw(node_), true);
    }
    return Decimal{
        static_cast<Int128>((static_cast<Int128>(static_cast<std::int64_t>(size_)) << 64U) | low_),
        exponent_
    };
}

const detail::Json* Value::document() const noexcept {
    return in_document_ ? pointer<detail::Json>(low_) : nullptr;
}

std::span<const Value> Value::elements() const noexcept {
    return {pointer<Value>(low_), size_};
}
std::span<const Member> Value::members() const noexcept {
    return {pointer<Member>(low_), size_};
}

std::size_t Value::size() const noexcept {
    if (type_ != Type::array && type_ != Type::object) {
        return 0;
    }
    if (!in_document_) {
        return size_;
    }
    std::size_t count = 0;
    document()->any_child(node_, [&](std::string_view, std::uint32_t) {
        ++count;
        return false;
    });
    return count;
}

Value Value::element(std::size_t index) const noexcept {
    if (type_ != Type::array) {
        return {};
    }
    if (!in_document_) {
        return index < size_ ? elements()[index] : Value{};
    }
    return document()->element(node_, index);
}

Value Value::member(std::string_view key) const noexcept {
    if (type_ != Type::object) {
        return {};
    }
    if (in_document_) {
        const auto found = document()->find(node_, key);
        return found ? document()->at(*found) : Value{};
    }
    for (std::size_t i = size_; i > 0; --i) {
        if (members()[i - 1].key == key) {
            return members()[i - 1].value;
        }
    }
    return {};
}

std::optional<Decimal> to_number(const Value& value) noexcept {
    if (value.is_number()) {
        return value.number();
    }
    return value.is(Type::string) ? parse_decimal(value.text(), false) : std::nullopt;
}

std::optional<bool> to_boolean(const Value& value) noexcept {
    if (value.is(Type::boolean)) {
        return value.as_boolean();
    }
    if (value.is(Type::string)) {
        if (detail::equal_ignoring_case(value.text(), "true")) {
            return true;
        }
        if (detail::equal_ignoring_case(value.text(), "false")) {
            return false;
        }
    }
    return std::nullopt;
}

}  // namespace weir::rules
