/// All policies at one moment.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include <weir/base/guarded.hpp>
#include <weir/policy/bundle.hpp>
#include <weir/policy/policy.hpp>

namespace weir::policy {

/// Immutable snapshot; a reload builds the next one and swaps the pointer, sessions then ask it for
/// their bundle again. Dies with its last Bundle.
class PolicySet : public std::enable_shared_from_this<PolicySet> {
    struct Private {
        explicit Private() = default;
    };

public:
    /// @param policies  With distinct names; load_policies() sees to it. None: everything is
    /// refused.
    [[nodiscard]] static std::shared_ptr<const PolicySet> make(std::vector<Policy> policies);

    /// The policies that are attached to the principal or match it. The same pointer for the same
    /// policies, as long as somebody holds it. An attached name without a policy grants nothing.
    /// @threads Any. @cost A look at every `match` and a short lock: for connects and reloads, not
    /// for messages.
    [[nodiscard]] BundlePtr bundle_for(const model::Principal& principal) const;

    [[nodiscard]] const Policy* find(std::string_view name) const noexcept;
    /// In the order of their names.
    [[nodiscard]] const std::vector<Policy>& policies() const noexcept { return policies_; }

    PolicySet(Private, std::vector<Policy> policies);

private:
    /// Positions in policies_, ascending.
    using Selection = std::vector<std::uint32_t>;

    [[nodiscard]] Selection select(const model::Principal& principal) const;
    [[nodiscard]] BundlePtr make_bundle(const Selection& selection) const;

    std::vector<Policy> policies_;
    Selection matching_;  ///< Those with a `match`.

    /// The bundles that somebody holds.
    struct Interned {
        boost::unordered_flat_map<Selection, std::weak_ptr<const Bundle>> bundles;
        std::size_t sweep_at = 64;  ///< Size at which dead entries are dropped.
    };
    mutable Guarded<Interned> interned_;
};

using PolicySetPtr = std::shared_ptr<const PolicySet>;

}  // namespace weir::policy
