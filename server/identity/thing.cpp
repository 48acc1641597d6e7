#include <weir/identity/thing.hpp>

#include <algorithm>

#include <weir/base/text.hpp>
#include <weir/identity/error.hpp>

namespace weir::identity {
namespace {

bool is_plain_text(std::string_view text) noexcept {
    const auto is_control = [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
    };
    return is_utf8(text) && std::ranges::none_of(text, is_control);
}

void sort_unique(std::vector<std::string>& names) {
    std::ranges::sort(names);
    const auto repeated = std::ranges::unique(names);
    names.erase(repeated.begin(), repeated.end());
}

}  // namespace

bool is_valid_name(std::string_view name) noexcept {
    const auto is_allowed = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               std::string_view{"-_.:@"}.find(c) != std::string_view::npos;
    };
    return !name.empty() && name.size() <= kNameBytesMax && std::ranges::all_of(name, is_allowed);
}

bool is_valid_user(std::string_view user) noexcept {
    return !user.empty() && user.size() <= kUserBytesMax && is_plain_text(user);
}

void normalize(Thing& thing) {
    std::ranges::sort(thing.attributes);
    sort_unique(thing.groups);
    sort_unique(thing.policies);
}

Result<void> check(const Thing& thing) {
    if (thing.attributes.size() > kAttributesMax || thing.groups.size() > kGroupsMax ||
        thing.policies.size() > kPoliciesMax) {
        return errc::too_many;
    }
    const bool names_valid = is_valid_name(thing.id.tenant) && is_valid_name(thing.id.name) &&
                             (thing.type.empty() || is_valid_name(thing.type)) &&
                             std::ranges::all_of(thing.groups, is_valid_name) &&
                             std::ranges::all_of(thing.policies, is_valid_name);
    if (!names_valid) {
        return errc::invalid_name;
    }
    for (std::size_t i = 0; i < thing.attributes.size(); ++i) {
        const auto& [name, value] = thing.attributes[i];
        if (!is_valid_name(name)) {
            return errc::invalid_name;
        }
        if (i > 0 && thing.attributes[i - 1].first == name) {
            return errc::already_exists;
        }
        if (value.size() > kAttributeBytesMax || !is_plain_text(value)) {
            return errc::invalid_value;
        }
    }
    return {};
}

}  // namespace weir::identity
