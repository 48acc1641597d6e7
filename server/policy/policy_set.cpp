#include <weir/policy/policy_set.hpp>

#include <algorithm>
#include <utility>

#include <boost/container_hash/hash.hpp>

#include <weir/base/assert.hpp>

namespace weir::policy {

PolicySetPtr PolicySet::make(std::vector<Policy> policies) {
    return std::make_shared<const PolicySet>(Private{}, std::move(policies));
}

PolicySet::PolicySet(Private, std::vector<Policy> policies) : policies_{std::move(policies)} {
    std::ranges::sort(policies_, {}, &Policy::name);
    WEIR_ASSERT(std::ranges::adjacent_find(policies_, {}, &Policy::name) == policies_.end());
    for (std::size_t i = 0; i < policies_.size(); ++i) {
        if (policies_[i].match) {
            matching_.push_back(static_cast<std::uint32_t>(i));
        }
    }
}

const Policy* PolicySet::find(std::string_view name) const noexcept {
    const auto found = std::ranges::lower_bound(policies_, name, {}, &Policy::name);
    return found != policies_.end() && found->name == name ? &*found : nullptr;
}

PolicySet::Selection PolicySet::select(const model::Principal& principal) const {
    Selection selection;
    for (const auto& name : principal.policies) {
        if (const Policy* policy = find(name)) {
            selection.push_back(static_cast<std::uint32_t>(policy - policies_.data()));
        }
    }
    for (const std::uint32_t i : matching_) {
        if (policies_[i].match->applies_to(principal)) {
            selection.push_back(i);
        }
    }
    std::ranges::sort(selection);
    const auto repeated = std::ranges::unique(selection);
    selection.erase(repeated.begin(), repeated.end());
    return selection;
}

BundlePtr PolicySet::make_bundle(const Selection& selection) const {
    std::vector<const Policy*> chosen;
    chosen.reserve(selection.size());
    for (const std::uint32_t i : selection) {
        chosen.push_back(&policies_[i]);
    }
    return std::make_shared<const Bundle>(shared_from_this(), std::move(chosen));
}

BundlePtr PolicySet::bundle_for(const model::Principal& principal) const {
    const auto selection = select(principal);
    return interned_.with([&](Interned& interned) {
        auto& [bundles, sweep_at] = interned;
        if (const auto known = bundles.find(selection); known != bundles.end()) {
            if (auto bundle = known->second.lock()) {
                return bundle;
            }
        }
        if (bundles.size() >= sweep_at) {
            boost::unordered::erase_if(bundles, [](const auto& entry) {
                return entry.second.expired();
            });
            sweep_at = std::max<std::size_t>(64, bundles.size() * 2);
        }
        auto bundle = make_bundle(selection);
        bundles.insert_or_assign(selection, bundle);
        return bundle;
    });
}

}  // namespace weir::policy
