/// Which policies devices have.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <weir/identity/registry.hpp>
#include <weir/policy/policy_set.hpp>

namespace weir::app {

/// Name of a policy -> devices that have it, by themselves or by a group.
using PolicyUse = std::map<std::string, std::uint64_t>;

/// @cost Goes through all devices.
[[nodiscard]] PolicyUse attached_policies(const identity::Registry& registry);
/// As above, and those of `defined` whose `match` it fits.
[[nodiscard]] PolicyUse effective_policies(
    const identity::Registry& registry, const policy::PolicySet& defined
);

struct PolicyHolder {
    std::string device;
    std::string by;  ///< "attachment", "group pumps", "match".
};

struct PolicyHolders {
    std::vector<PolicyHolder> page = {};  ///< By name, ascending.
    bool goes_on = false;                 ///< There are more behind the last one.
    std::uint64_t all = 0;                ///< Of all pages.
};

/// Who has a policy. @param defined  Null: no file defines it. @param after  Names greater than this one.
/// @cost Goes through all devices.
[[nodiscard]] PolicyHolders holders_of(
    const identity::Registry& registry,
    const std::string& policy,
    const policy::Policy* defined,
    const std::string& after,
    std::size_t limit
);

/// Those that no file defines.
[[nodiscard]] PolicyUse missing_policies(
    const identity::Registry& registry, const policy::PolicySet& defined
);

}  // namespace weir::app
