#include <weir/rules/detail/state_key.hpp>

#include <algorithm>

#include <weir/rules/detail/containers.hpp>
#include <weir/rules/detail/json_writer.hpp>
#include <weir/rules/state.hpp>

namespace weir::rules::detail {
namespace {

constexpr char kNoText = '\xFF';  // Never in UTF-8.

/// The rest does not matter then.
bool is_long(const std::string& key) noexcept {
    return key.size() > kStateKeyBytesMax;
}

bool write_canonical(std::string& out, const Value& value, Context& context);

bool write_number(std::string& out, const Value& value) {
    const auto number = value.number();
    if (!number) {
        return false;
    }
    DecimalText buffer;
    out += to_text(strip(*number), buffer);
    return true;
}

bool write_elements(std::string& out, const Value& value, Context& context) {
    out += '[';
    bool first = true;
    bool written = true;
    any_of(value, [&](std::string_view, const Value& element) {
        out += first ? "" : ",";
        first = false;
        written = write_canonical(out, element, context);
        return !written || is_long(out);
    });
    out += ']';
    return written;
}

/// Of members of one name the last one counts, as everywhere.
bool write_members(std::string& out, const Value& value, Context& context) {
    const std::size_t size = value.size();
    if (!context.budget().spend(size)) {
        return false;
    }
    const auto members = context.members(size);
    auto next = members.begin();
    for_each(value, [&](std::string_view key, const Value& member) { *next++ = {key, member}; });
    std::ranges::stable_sort(members, {}, &Member::key);
    out += '{';
    bool first = true;
    for (std::size_t i = 0; i < size && !is_long(out); ++i) {
        const Member& member = members[i];
        if ((i + 1 < size && members[i + 1].key == member.key) || member.value.is_undefined()) {
            continue;
        }
        out += first ? "" : ",";
        first = false;
        write_json_string(out, member.key);
        out += ':';
        if (!write_canonical(out, member.value, context)) {
            return false;
        }
    }
    out += '}';
    return true;
}

bool write_canonical(std::string& out, const Value& value, Context& context) {
    if (!context.budget().spend(1)) {
        return false;
    }
    switch (value.type()) {
        case Type::undefined:
        case Type::null:
        case Type::binary:
            out += "null";
            return true;
        case Type::boolean:
            out += value.as_boolean() ? "true" : "false";
            return true;
        case Type::integer:
        case Type::decimal:
            return write_number(out, value);
        case Type::string:
            write_json_string(out, value.text().substr(0, kStateKeyBytesMax));
            return true;
        case Type::array:
            return write_elements(out, value, context);
        case Type::object:
            return write_members(out, value, context);
    }
    return false;
}

}  // namespace

bool write_key(std::string& out, const Value& value, Context& context) {
    if (value.is(Type::string)) {
        out += value.text();
        return !value.text().empty();
    }
    if (value.is_undefined() || value.is(Type::null) || value.is(Type::binary)) {
        return false;
    }
    out += kNoText;
    return write_canonical(out, value, context);
}

}  // namespace weir::rules::detail
