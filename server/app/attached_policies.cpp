#include "attached_policies.hpp"

#include <utility>
#include <vector>

namespace weir::app {
namespace {

constexpr std::size_t kPage = 1'000;

/// What is attached to a device, and to what: "" to itself, else to that group.
using Attached = std::map<std::string, std::string>;

/// Calls `visit(thing, attached)` for each device, by name.
template <class Visit>
void for_each_device(const identity::Registry& registry, Visit visit) {
    std::map<std::string, std::vector<std::string>> groups;
    identity::ThingQuery query{.limit = kPage};
    for (;;) {
        const auto things = registry.list_things(query);
        for (const auto& thing : things) {
            Attached attached;
            for (const auto& name : thing.policies) {
                attached.emplace(name, "");
            }
            for (const auto& group : thing.groups) {
                auto known = groups.find(group);
                if (known == groups.end()) {
                    known = groups.emplace(group, registry.group_policies(query.tenant, group)).first;
                }
                for (const auto& name : known->second) {
                    attached.emplace(name, group);
                }
            }
            visit(thing, attached);
        }
        if (things.size() < kPage) {
            return;
        }
        query.after = things.back().id.name;
    }
}

/// Judged as a device that proved who it is.
[[nodiscard]] bool matches(const policy::Policy& policy, const identity::Thing& thing) {
    if (!policy.match) {
        return false;
    }
    model::Principal principal;
    principal.tenant = thing.id.tenant;
    principal.thing = thing.id.name;
    principal.thing_type = thing.type;
    principal.groups = thing.groups;
    principal.method = model::AuthMethod::x509;
    return policy.match->applies_to(principal);
}

}  // namespace

PolicyUse attached_policies(const identity::Registry& registry) {
    PolicyUse use;
    for_each_device(registry, [&use](const auto& /*thing*/, const Attached& attached) {
        for (const auto& [name, group] : attached) {
            ++use[name];
        }
    });
    return use;
}

PolicyUse effective_policies(
    const identity::Registry& registry, const policy::PolicySet& defined
) {
    PolicyUse use;
    for_each_device(registry, [&](const identity::Thing& thing, const Attached& attached) {
        for (const auto& [name, group] : attached) {
            ++use[name];
        }
        for (const auto& policy : defined.policies()) {
            if (!attached.contains(policy.name) && matches(policy, thing)) {
                ++use[policy.name];
            }
        }
    });
    return use;
}

PolicyHolders holders_of(
    const identity::Registry& registry,
    const std::string& policy,
    const policy::Policy* defined,
    const std::string& after,
    std::size_t limit
) {
    PolicyHolders holders;
    for_each_device(registry, [&](const identity::Thing& thing, const Attached& attached) {
        const auto found = attached.find(policy);
        if (found == attached.end() && (defined == nullptr || !matches(*defined, thing))) {
            return;
        }
        ++holders.all;
        if (thing.id.name <= after) {
            return;
        }
        if (holders.page.size() == limit) {
            holders.goes_on = true;
            return;
        }
        std::string by = "match";
        if (found != attached.end()) {
            by = found->second.empty() ? "attachment" : "group " + found->second;
        }
        holders.page.push_back({thing.id.name, std::move(by)});
    });
    return holders;
}

PolicyUse missing_policies(
    const identity::Registry& registry, const policy::PolicySet& defined
) {
    auto use = attached_policies(registry);
    std::erase_if(use, [&](const auto& each) { return defined.find(each.first) != nullptr; });
    return use;
}

}  // namespace weir::app
