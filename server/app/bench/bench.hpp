/// `weir bench`: load for a broker.
#pragma once

#include <weir/bench/options.hpp>
#include <weir/bench/report.hpp>

namespace weir::bench {

/// Runs one scenario against the broker; returns when it is over. Bounded by the options in clients
/// and time. Raises the process' limit of open files as far as it goes.
/// @throws std::runtime_error: it cannot even begin.
[[nodiscard]] Report run(const Options& options);

}  // namespace weir::bench
