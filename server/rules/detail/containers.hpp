/// Walking over arrays and objects, wherever they stand.
#pragma once

#include <string_view>

#include <weir/rules/detail/json.hpp>
#include <weir/rules/value.hpp>

namespace weir::rules::detail {

/// Elements of an array or members of an object.
/// @param visit  void(std::string_view key, const Value&); the key is empty for elements.
template <class Visitor>
void for_each(const Value& container, Visitor&& visit) {
    if (const auto* json = container.document()) {
        json->for_each_child(container.node(), [&](std::string_view key, std::uint32_t child) {
            visit(key, json->at(child));
        });
    } else if (container.is(Type::array)) {
        for (const Value& element : container.elements()) {
            visit(std::string_view{}, element);
        }
    } else if (container.is(Type::object)) {
        for (const Member& member : container.members()) {
            visit(member.key, member.value);
        }
    }
}

}  // namespace weir::rules::detail
