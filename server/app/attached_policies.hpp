/// Which policies devices have.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include <weir/identity/registry.hpp>
#include <weir/policy/policy_set.hpp>

namespace weir::app {

/// Name of a policy -> devices that have it, by themselves or by a group.
using PolicyUse = std::map<std::string, std::uint64_t>;

/// @cost Goes through all devices.
[[nodiscard]] PolicyUse attached_policies(const identity::Registry& registry);
/// Those that no file defines.
[[nodiscard]] PolicyUse missing_policies(
    const identity::Registry& registry, const policy::PolicySet& defined
);

}  // namespace weir::app
