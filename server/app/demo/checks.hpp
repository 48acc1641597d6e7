/// What `weir demo --once` demands: the gateway's books and those of everyone around it agree.
#pragma once

#include <string>
#include <vector>

#include <weir/demo/observation.hpp>

namespace weir::demo {

struct Check {
    std::string name;
    bool holds = false;
    std::string detail;  ///< The figures, for people.
};

/// @param seen  After the devices have stopped and the sink has delivered.
[[nodiscard]] std::vector<Check> check(const Observation& seen);

/// A line per check.
[[nodiscard]] std::string render(const std::vector<Check>& checks);
/// "demo: all checks passed", or "demo: FAILED: ..." with the names of those that failed.
[[nodiscard]] std::string verdict(const std::vector<Check>& checks);

}  // namespace weir::demo
