/// What all threads of a run look at.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <weir/bench/detail/tls_contexts.hpp>
#include <weir/bench/device_folders.hpp>
#include <weir/bench/plan.hpp>
#include <weir/bench/route.hpp>

namespace weir::bench::detail {

enum class Phase : std::uint8_t { set_up, run, measure, drain, quit };

/// The options and what follows from them, immutable; and how far the run has come.
struct Board {
    Board(const Options& asked, const Address& broker, std::vector<DeviceFolder> folders)
        : options{asked},
          address{broker},
          devices{std::move(folders)},
          plan{asked},
          tls{asked, devices},
          delivered(plan.counts().publishers) {}

    /// Deliveries of one publisher's messages, to all subscribers together.
    struct alignas(64) Delivered {
        std::atomic<std::uint64_t> count{0};
    };

    const Options& options;
    const Address& address;
    std::vector<DeviceFolder> devices;  ///< One per client, or none.
    Plan plan;
    TlsContexts tls;
    std::atomic<Phase> phase{Phase::set_up};
    /// How often nothing came for a while: what is outstanding counts as lost, so that publishers go
    /// on.
    std::atomic<std::uint32_t> stalls{0};
    std::uint64_t rate_begin_ns = 0;  ///< Set before Phase::run.
    std::vector<Delivered> delivered;
};

}  // namespace weir::bench::detail
