/// `weir demo`: a gateway with everything around it, in one process.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace weir::demo {

struct Options {
    std::uint16_t port = 0;  ///< Of the listener on 127.0.0.1; 0: any free one.
    /// Run so long, then check that all books agree. None: until SIGINT or SIGTERM.
    std::optional<std::chrono::seconds> once = {};
};

/// A gateway in memory with a CA, a policy, a rule, a stream and a sink; three devices, of which
/// one misbehaves; the sink's receiver; a view on standard output. Call it from the main thread
/// before others are started: it takes SIGINT and SIGTERM for itself.
/// @return false: a check failed. @throws std::exception: it could not run.
[[nodiscard]] bool run(const Options& options);

}  // namespace weir::demo
