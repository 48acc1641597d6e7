/// How a backup writes its files.
#pragma once

#include <rocksdb/env.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>

namespace weir::storage::detail {

/// At most that much of a file is on its way to the disk. A sync of the log waits behind one or two of these.
inline constexpr std::size_t kEvenBytes = 64 * 1024;

/// As `env`, but files go to the disk while they are written, in pieces that are spread over time: if a whole table went there when it is
/// complete, or many pieces at once, each sync of the log would wait behind them. `env` must outlive it.
/// @param bytes_per_s  At most so fast, all files together; 0: no limit. @param stop  Writes fail from then on.
/// @param begins       Called before each file is made, on the thread that writes it.
[[nodiscard]] std::unique_ptr<rocksdb::Env> write_evenly(
    rocksdb::Env& env,
    std::uint64_t bytes_per_s = 0,
    std::stop_token stop = {},
    std::function<void()> begins = [] {}
);

}  // namespace weir::storage::detail
