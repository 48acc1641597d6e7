#include <algorithm>
#include <array>
#include <string_view>

#include <weir/rules/detail/containers.hpp>
#include <weir/rules/detail/context.hpp>
#include <weir/rules/detail/json_writer.hpp>
#include <weir/rules/detail/text.hpp>
#include <weir/rules/functions/groups.hpp>
#include <weir/rules/functions/words.hpp>

namespace weir::rules {
namespace {

using enum Parameter;

bool is_absent(const Value& value) noexcept {
    return value.is_undefined() || value.is(Type::null);
}

Value nanvl(const Call& call) {
    return is_absent(call[0]) ? call[1] : call[0];
}

Value get_or_default(const Call& call) {
    if (!is_absent(call[0])) {
        return call[0];
    }
    return call.size() > 1 ? call[1] : Value{};
}

Value is_null(const Call& call) {
    return Value::boolean(call[0].is(Type::null));
}
Value is_undefined(const Call& call) {
    return Value::boolean(call[0].is_undefined());
}

/// Arrays and strings by position from 0, objects by key.
Value get(const Call& call) {
    const Value& container = call[0];
    const Value& key = call[1];
    if (container.is(Type::object)) {
        return key.is(Type::string) ? call.context.member(container, key.text()) : Value{};
    }
    const auto number = call.context.to_number(key);
    if (container.is(Type::array)) {
        return call.context.element(container, number);
    }
    if (!container.is(Type::string)) {
        return {};
    }
    const auto text = container.text();
    const std::int64_t index = number ? floor_to_int64(*number) : -1;
    if (index < 0 || static_cast<std::size_t>(index) >= text.size() ||
        !call.context.budget().spend_bytes(static_cast<std::size_t>(index))) {
        return {};
    }
    const auto position = static_cast<std::size_t>(index);
    std::size_t character = 0;
    for (std::size_t at = 0; at < text.size(); ++character) {
        const auto end = detail::next_character(text, at);
        if (character == position) {
            return Value::string(text.substr(at, end - at));
        }
        at = end;
    }
    return {};
}

/// Arguments without a value are left out.
Value concat_arrays(const Call& call) {
    std::size_t count = 0;
    for (const Value& argument : call.arguments) {
        count += argument.is(Type::array) ? argument.size() : 1;
    }
    if (!call.context.budget().spend(count)) {
        return {};
    }
    const auto joined = call.context.values(count);
    auto out = joined.begin();
    for (const Value& argument : call.arguments) {
        if (argument.is(Type::array)) {
            detail::for_each(argument, [&](std::string_view, const Value& element) {
                *out++ = element;
            });
        } else if (!argument.is_undefined()) {
            *out++ = argument;
        }
    }
    return Value::array(std::span<const Value>{joined.begin(), out});
}

/// With any array: one array. With any string: one text. One argument: itself.
Value concat(const Call& call) {
    if (call.size() == 1) {
        return call[0];
    }
    const auto any_is = [&](Type type) {
        return std::ranges::any_of(call.arguments, [&](const Value& value) {
            return value.is(type);
        });
    };
    if (any_is(Type::array)) {
        return concat_arrays(call);
    }
    if (!any_is(Type::string)) {
        return {};
    }
    std::string joined;
    for (const Value& argument : call.arguments) {
        const auto text = call.context.to_text(argument);
        if (!text || !call.context.budget().spend_bytes(text->size())) {
            return {};
        }
        joined += *text;
    }
    return call.context.text(joined);
}

/// Each object of the array, with the members of the other object behind its own.
Value enrich_array(const Call& call) {
    const Value& common = call[1];
    const Value& rows = call[2];
    if (!common.is(Type::object) || !rows.is(Type::array)) {
        return {};
    }
    constexpr std::size_t kMembersPerStep = 64;
    const std::size_t common_size = common.size();
    const std::size_t row_count = rows.size();
    if (!call.context.budget().spend(row_count)) {
        return {};
    }
    const auto result = call.context.values(row_count);
    auto out = result.begin();
    const bool refused = detail::any_of(rows, [&](std::string_view, const Value& row) {
        const std::size_t own = row.size();
        const std::size_t steps = 1 + own + common_size + own * common_size / kMembersPerStep;
        if (!row.is(Type::object) || !call.context.budget().spend(steps)) {
            return true;
        }
        const auto members = call.context.members(own + common_size);
        auto member = members.begin();
        detail::for_each(row, [&](std::string_view key, const Value& value) {
            if (common.member(key).is_undefined()) {
                *member++ = {key, value};
            }
        });
        detail::for_each(common, [&](std::string_view key, const Value& value) {
            *member++ = {key, value};
        });
        *out++ = Value::object(std::span<const Member>{members.begin(), member});
        return false;
    });
    return refused ? Value{} : Value::array(result);
}

/// AWS has a limit for what transform() gives.
bool is_too_long(const Call& call, const Value& result) {
    constexpr std::size_t kBytesMax = 128 * 1024;
    if (call.context.profile() == Profile::native) {
        return false;
    }
    std::string& text = call.context.buffer();
    return !detail::write_json(text, result, call.context.budget()) || text.size() > kBytesMax;
}

constexpr std::array<std::string_view, 1> kModes = {"enrichArray"};

Value transform(const Call& call) {
    const bool known = call[0].is(Type::string) && call.text(0) == "enrichArray";
    const Value result = known ? enrich_array(call) : Value{};
    return is_too_long(call, result) ? Value{} : result;
}

constexpr Function kFunctions[] = {
    {.name = "concat",
     .signature = "concat(value, ...)",
     .help = "one array if any argument is an array, one text if any is a text",
     .parameters = {any},
     .arguments_max = kAnyNumber,
     .call = [](const Call& call) { return call.size() == 0 ? Value{} : concat(call); }},
    {.name = "get",
     .signature = "get(container, key)",
     .help = "a member of an object by name, or an element or character by position from 0",
     .parameters = {any, any},
     .arguments_min = 2,
     .arguments_max = 2,
     .call = get},
    {.name = "get_or_default",
     .signature = "get_or_default(value [, default])",
     .help = "the default if the value is Null or Undefined",
     .parameters = {any, any},
     .arguments_min = 1,
     .arguments_max = 2,
     .profiles = kSince2016,
     .call = get_or_default},
    {.name = "isnull",
     .signature = "isNull(value)",
     .help = "true for Null alone",
     .parameters = {any},
     .result = kGivesBoolean,
     .arguments_min = 1,
     .arguments_max = 1,
     .profiles = kSince2016,
     .call = is_null},
    {.name = "isundefined",
     .signature = "isUndefined(value)",
     .help = "true for Undefined alone",
     .parameters = {any},
     .result = kGivesBoolean,
     .arguments_min = 1,
     .arguments_max = 1,
     .profiles = kSince2016,
     .call = is_undefined},
    {.name = "nanvl",
     .signature = "nanvl(value, default)",
     .help = "the default if the value is Null or Undefined",
     .parameters = {any, any},
     .arguments_min = 2,
     .arguments_max = 2,
     .call = nanvl},
    {.name = "transform",
     .signature = "transform('enrichArray', object, array)",
     .help = "the array's objects, each with the members of the object added",
     .parameters = {any, any, any},
     .result = kGivesArray,
     .arguments_min = 3,
     .arguments_max = 3,
     .profiles = kSince2016,
     .call = transform,
     .prepare = check_word<kModes, 0>},
};

}  // namespace

std::span<const Function> value_functions() noexcept {
    return kFunctions;
}

}  // namespace weir::rules
