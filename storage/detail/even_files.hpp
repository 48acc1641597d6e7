/// How a backup writes its files.
#pragma once

#include <rocksdb/env.h>

#include <cstddef>
#include <memory>

namespace weir::storage::detail {

/// At most that much of a file is on its way to the disk.
inline constexpr std::size_t kEvenBytes = 256 * 1024;

/// As `env`, but files go to the disk while they are written, in pieces. If a whole table went there when it is complete, each sync of the
/// log would wait behind it. `env` must outlive it.
[[nodiscard]] std::unique_ptr<rocksdb::Env> write_evenly(rocksdb::Env& env);

}  // namespace weir::storage::detail
