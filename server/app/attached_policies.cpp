#include "attached_policies.hpp"

#include <set>
#include <vector>

namespace weir::app {
namespace {

constexpr std::size_t kPage = 1'000;

}  // namespace

PolicyUse attached_policies(const identity::Registry& registry) {
    PolicyUse use;
    std::map<std::string, std::vector<std::string>> groups;
    identity::ThingQuery query{.limit = kPage};
    for (;;) {
        const auto things = registry.list_things(query);
        for (const auto& thing : things) {
            std::set<std::string> names{thing.policies.begin(), thing.policies.end()};
            for (const auto& group : thing.groups) {
                auto known = groups.find(group);
                if (known == groups.end()) {
                    known = groups.emplace(group, registry.group_policies(query.tenant, group)).first;
                }
                names.insert(known->second.begin(), known->second.end());
            }
            for (const auto& name : names) {
                ++use[name];
            }
        }
        if (things.size() < kPage) {
            return use;
        }
        query.after = things.back().id.name;
    }
}

PolicyUse missing_policies(
    const identity::Registry& registry, const policy::PolicySet& defined
) {
    auto use = attached_policies(registry);
    std::erase_if(use, [&](const auto& each) { return defined.find(each.first) != nullptr; });
    return use;
}

}  // namespace weir::app
