#include <algorithm>
#include <optional>
#include <string>

#include <weir/rules/detail/containers.hpp>
#include <weir/rules/detail/context.hpp>
#include <weir/rules/detail/text.hpp>
#include <weir/rules/functions/groups.hpp>

namespace weir::rules {
namespace {

using enum Parameter;
using detail::Context;

Value coalesce(const Call& call) {
    const auto found = std::ranges::find_if(call.arguments, [](const Value& value) {
        return !value.is_undefined() && !value.is(Type::null);
    });
    return found == call.arguments.end() ? Value{} : *found;
}

/// Walking over a container is paid for before.
bool pay_for(Context& context, const Value& container) {
    return context.budget().spend(1 + container.size() / 8);
}

bool is_container(const Value& value) noexcept {
    return value.is(Type::array) || value.is(Type::object);
}

Value size(const Call& call) {
    return is_container(call[0]) && pay_for(call.context, call[0])
               ? Value::integer(static_cast<std::int64_t>(call[0].size()))
               : Value{};
}

/// An element, the name of a member, or a part of a text.
Value contains(const Call& call) {
    const Value& container = call[0];
    const Value& wanted = call[1];
    if (wanted.is_undefined()) {
        return {};
    }
    switch (container.type()) {
        case Type::array:
            return Value::boolean(detail::any_of(container, [&](std::string_view, const Value& each) {
                return call.context.budget().exceeded() || call.context.equal(each, wanted);
            }));
        case Type::object:
            return Value::boolean(
                wanted.is(Type::string) &&
                !call.context.member(container, wanted.text()).is_undefined()
            );
        case Type::string:
            return wanted.is(Type::string) &&
                           call.context.budget().spend_bytes(container.text().size())
                       ? Value::boolean(
                             detail::find_text(container.text(), wanted.text()) !=
                             std::string_view::npos
                         )
                       : Value{};
        default:
            return {};
    }
}

/// What `pick(key, value)` makes of each member or element.
template <class Pick>
Value mapped(const Call& call, Pick pick) {
    if (!pay_for(call.context, call[0])) {
        return {};
    }
    const auto result = call.context.values(call[0].size());
    auto out = result.begin();
    detail::for_each(call[0], [&](std::string_view key, const Value& value) {
        *out++ = pick(key, value);
    });
    return Value::array(result);
}

Value keys(const Call& call) {
    return call[0].is(Type::object)
               ? mapped(call, [](std::string_view key, const Value&) { return Value::string(key); })
               : Value{};
}

Value elements(const Call& call) {
    return is_container(call[0])
               ? mapped(call, [](std::string_view, const Value& value) { return value; })
               : Value{};
}

/// Of members of one name the last one stays, at the place of the first.
Value merge(const Call& call) {
    std::size_t count = 0;
    for (const Value& argument : call.arguments) {
        if (!argument.is(Type::object) || !pay_for(call.context, argument)) {
            return {};
        }
        count += argument.size();
    }
    const auto members = call.context.members(count);
    std::size_t used = 0;
    for (const Value& argument : call.arguments) {
        detail::for_each(argument, [&](std::string_view key, const Value& value) {
            const auto have = members.first(used);
            if (!call.context.budget().spend(used / 64)) {
                return;
            }
            const auto same = std::ranges::find(have, key, &Member::key);
            if (same != have.end()) {
                same->value = value;
            } else {
                members[used++] = {key, value};
            }
        });
    }
    return Value::object(members.first(used));
}

/// Elements from, from 0, up to, not including, to.
Value slice(const Call& call) {
    const Value& list = call[0];
    if (!list.is(Type::array) || !pay_for(call.context, list)) {
        return {};
    }
    const auto size = static_cast<std::int64_t>(list.size());
    const auto number_of = [&](std::size_t i, std::int64_t fallback) -> std::optional<std::int64_t> {
        if (i >= call.size()) {
            return fallback;
        }
        const auto number = call.context.to_number(call[i]);
        return number ? std::optional{std::clamp<std::int64_t>(floor_to_int64(*number), 0, size)}
                      : std::nullopt;
    };
    const auto from = number_of(1, 0);
    const auto to = number_of(2, size);
    if (!from || !to) {
        return {};
    }
    const auto result = call.context.values(static_cast<std::size_t>(std::max<std::int64_t>(*to - *from, 0)));
    std::int64_t index = 0;
    auto out = result.begin();
    detail::for_each(list, [&](std::string_view, const Value& value) {
        if (index >= *from && index < *to) {
            *out++ = value;
        }
        ++index;
    });
    return Value::array(result);
}

/// Folds the numbers of a list, or of the arguments. Undefined if one of them is no number, or
/// there is none.
template <class Combine>
std::optional<Decimal> folded(const Call& call, Combine combine) {
    std::optional<Decimal> result;
    const auto add = [&](const Value& value) {
        const auto number = call.context.to_number(value);
        result = number && call.context.budget().spend(1)
                     ? (result ? combine(*result, *number) : number)
                     : std::nullopt;
        return !result;
    };
    if (call.size() == 1 && call[0].is(Type::array)) {
        detail::any_of(call[0], [&](std::string_view, const Value& value) { return add(value); });
    } else {
        static_cast<void>(std::ranges::any_of(call.arguments, add));
    }
    return result;
}

Value sum(const Call& call) {
    return call.context.number(folded(call, add), Type::decimal);
}

Value avg(const Call& call) {
    const auto total = folded(call, add);
    const auto count = call.size() == 1 && call[0].is(Type::array) ? call[0].size() : call.size();
    return total ? call.context.number(
                       divide(*total, Decimal{static_cast<std::int64_t>(count), 0}), Type::decimal
                   )
                 : Value{};
}

template <bool largest>
Value extreme(const Call& call) {
    const auto better = [](const Decimal& a, const Decimal& b) {
        return std::optional{(compare(b, a) > 0) == largest ? b : a};
    };
    return call.context.number(folded(call, better), Type::decimal);
}

Value type_of(const Call& call) {
    return Value::string(name(call[0].type()));
}

Value split(const Call& call) {
    const auto text = call.text(0);
    const auto separator = call.text(1);
    if (separator.empty()) {
        return {};
    }
    std::size_t count = 1;
    for (auto at = detail::find_text(text, separator); at != std::string_view::npos;
         at = detail::find_text(text, separator, at + separator.size())) {
        ++count;
    }
    if (!call.context.budget().spend(count)) {
        return {};
    }
    const auto parts = call.context.values(count);
    std::size_t begin = 0;
    for (Value& part : parts) {
        const auto end = std::min(detail::find_text(text, separator, begin), text.size());
        part = Value::string(text.substr(begin, end - begin));
        begin = std::min(end + separator.size(), text.size());
    }
    return Value::array(parts);
}

Value join(const Call& call) {
    if (!call[0].is(Type::array) || !call[1].is(Type::string)) {
        return {};
    }
    std::string joined;
    bool first = true;
    const bool failed = detail::any_of(call[0], [&](std::string_view, const Value& value) {
        const auto text = call.context.to_text(value);
        if (!text || !call.context.budget().spend(1 + (text->size() + call.text(1).size()) / 256)) {
            return true;
        }
        joined += first ? "" : call.text(1);
        joined += *text;
        first = false;
        return false;
    });
    return failed ? Value{} : call.context.text(joined);
}

Value parse_json(const Call& call) {
    return call[0].is(Type::string) ? call.context.found(call.context.parse_json(call.text(0)))
                                    : Value{};
}

constexpr Function native(
    std::string_view name,
    std::string_view signature,
    std::string_view help,
    std::array<Parameter, 4> parameters,
    std::uint8_t arguments_min,
    std::uint8_t arguments_max,
    TypeSet result,
    Value (*call)(const Call&)
) {
    return {
        .name = name,
        .signature = signature,
        .help = help,
        .parameters = parameters,
        .result = result,
        .arguments_min = arguments_min,
        .arguments_max = arguments_max,
        .profiles = kNativeOnly,
        .call = call
    };
}

constexpr Function kFunctions[] = {
    native("avg", "avg(list)", "mean of the numbers of a list, or of the arguments", {any}, 1, kAnyNumber, kGivesNumber, avg),
    native(
        "coalesce",
        "coalesce(value, ...)",
        "the first argument that is neither Null nor Undefined",
        {any},
        1,
        kAnyNumber,
        kAnything,
        coalesce
    ),
    native(
        "contains",
        "contains(container, value)",
        "true for an element of a list, the name of a member, or a part of a text",
        {any, any},
        2,
        2,
        kGivesBoolean,
        contains
    ),
    native("elements", "elements(container)", "the elements, or the values of the members, as a list", {any}, 1, 1, kGivesArray, elements),
    native("join", "join(list, separator)", "the elements as one text", {any, any}, 2, 2, kGivesText, join),
    native("keys", "keys(object)", "the names of the members, in order", {any}, 1, 1, kGivesArray, keys),
    native("max", "max(list)", "the largest number of a list, or of the arguments", {any}, 1, kAnyNumber, kGivesNumber, extreme<true>),
    native("merge", "merge(object, ...)", "one object with the members of all; the last one of a name wins", {any}, 1, kAnyNumber, kGivesObject, merge),
    native("min", "min(list)", "the smallest number of a list, or of the arguments", {any}, 1, kAnyNumber, kGivesNumber, extreme<false>),
    native("parse_json", "parse_json(text)", "the value that a text spells; Undefined if it is not JSON", {any}, 1, 1, kAnything, parse_json),
    native("size", "size(container)", "number of elements or members", {any}, 1, 1, kGivesInteger, size),
    native("slice", "slice(list, from [, to])", "elements from, from 0, up to, not including, to", {any, any, any}, 2, 3, kGivesArray, slice),
    native("split", "split(text, separator)", "the parts of a text as a list", {text, text}, 2, 2, kGivesArray, split),
    native("sum", "sum(list)", "sum of the numbers of a list, or of the arguments", {any}, 1, kAnyNumber, kGivesNumber, sum),
    native("type_of", "type_of(value)", "Undefined, Null, Boolean, Int, Decimal, String, Array, Object or Binary", {any}, 1, 1, kGivesText, type_of),
};

}  // namespace

std::span<const Function> list_functions() noexcept {
    return kFunctions;
}

}  // namespace weir::rules
