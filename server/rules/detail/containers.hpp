/// Walking over arrays and objects, wherever they stand.
#pragma once

#include <algorithm>
#include <string_view>

#include <weir/rules/detail/json.hpp>
#include <weir/rules/value.hpp>

namespace weir::rules::detail {

/// Elements of an array or members of an object, until one is found; the key is empty for elements.
/// @param found  bool(std::string_view key, const Value&).
template <class Predicate>
bool any_of(const Value& container, Predicate&& found) {
    if (const auto* json = container.document()) {
        return json->any_child(container.node(), [&](std::string_view key, std::uint32_t child) {
            return found(key, json->at(child));
        });
    }
    if (container.is(Type::array)) {
        return std::ranges::any_of(container.elements(), [&](const Value& element) {
            return found(std::string_view{}, element);
        });
    }
    return container.is(Type::object) &&
           std::ranges::any_of(container.members(), [&](const Member& member) {
               return found(member.key, member.value);
           });
}

/// All of them.
/// @param visit  void(std::string_view key, const Value&).
template <class Visitor>
void for_each(const Value& container, Visitor&& visit) {
    any_of(container, [&](std::string_view key, const Value& value) {
        visit(key, value);
        return false;
    });
}

}  // namespace weir::rules::detail
