/// What processes of this machine use: the broker's, and this one.
#pragma once

#include <cstdint>
#include <span>

namespace weir::bench {

/// Processor time that the processes have used since they began, all threads together.
/// @throws std::runtime_error: one of them is gone.
[[nodiscard]] double cpu_seconds(std::span<const int> pids);
/// Of this process.
[[nodiscard]] double own_cpu_seconds();

/// Memory of processes, and what the kernel holds for all TCP sockets of the machine.
struct Memory {
    std::int64_t pss_bytes = 0;  ///< Shared pages are divided among those who share them.
    std::int64_t kernel_tcp_bytes = 0;
};
/// @throws std::runtime_error: one of them is gone, or another user's.
[[nodiscard]] Memory memory_of(std::span<const int> pids);

/// Nanoseconds on the monotonic clock.
[[nodiscard]] std::uint64_t steady_ns() noexcept;

}  // namespace weir::bench
