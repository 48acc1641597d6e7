#include <weir/rules/value.hpp>

#include <array>

#include <weir/rules/detail/json.hpp>
#include <weir/rules/detail/text.hpp>

namespace weir::rules {

std::string_view name(Type type) noexcept {
    constexpr std::array<std::string_view, 9> kNames = {
        "Undefined", "Null", "Boolean", "Int", "Decimal", "String", "Array", "Object", "Binary"
    };
    return kNames[static_cast<std::size_t>(type)];
}

std::optional<Decimal> Value::number_in_document() const noexcept {
    return parse_decimal(document()->raw(node()), true);
}

std::size_t Value::size() const noexcept {
    if (type_ != Type::array && type_ != Type::object) {
        return 0;
    }
    if (!in_document_) {
        return size_;
    }
    std::size_t count = 0;
    document()->any_child(node(), [&](std::string_view, std::uint32_t) {
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
    return document()->element(node(), index);
}

Value Value::member(std::string_view key) const noexcept {
    if (type_ != Type::object) {
        return {};
    }
    if (in_document_) {
        return document()->member(node(), key);
    }
    for (std::size_t i = size_; i > 0; --i) {
        if (members()[i - 1].key == key) {
            return members()[i - 1].value;
        }
    }
    return {};
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
