#include <weir/policy/policy.hpp>

#include <algorithm>
#include <array>

namespace weir::policy {

std::string_view name(Effect effect) noexcept {
    return effect == Effect::allow ? "allow" : "deny";
}

std::string_view name(Right right) noexcept {
    constexpr std::array<std::string_view, kRights> kNames = {
        "connect", "publish", "subscribe", "receive"
    };
    return kNames[static_cast<std::size_t>(right)];
}

bool Match::applies_to(const model::Principal& principal) const noexcept {
    if (principal.method == model::AuthMethod::anonymous || principal.thing.empty()) {
        return anonymous && principal.method == model::AuthMethod::anonymous;
    }
    const auto allows = [](const std::vector<std::string>& list, const std::string& value) {
        return list.empty() || std::ranges::find(list, value) != list.end();
    };
    const auto is_member = [&](const std::string& group) {
        return std::ranges::find(groups, group) != groups.end();
    };
    return !anonymous && allows(things, principal.thing) &&
           allows(thing_types, principal.thing_type) &&
           (groups.empty() || std::ranges::any_of(principal.groups, is_member));
}

}  // namespace weir::policy
