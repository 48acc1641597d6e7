/// Reads an Observation from those who take part.
#pragma once

#include <vector>
#include <weir/base/clock.hpp>
#include <weir/demo/observation.hpp>

namespace weir::app {
class Gateway;
}

namespace weir::demo {

/// @param since  Start of the demonstration; usage of its whole hour is read.
/// @throws std::runtime_error: the usage cannot be read.
/// @cost  Writes pending usage and reads it back: once a second at most.
[[nodiscard]] Observation observe(
    app::Gateway& gateway, std::vector<Tally> devices, const Receiver& receiver, WallTime since
);

}  // namespace weir::demo
