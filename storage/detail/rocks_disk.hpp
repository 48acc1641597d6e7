/// Backups, checks and sizes of an open RocksDB database.
#pragma once

#include <rocksdb/db.h>

#include <functional>

#include <weir/storage/detail/rocks_open.hpp>
#include <weir/storage/disk.hpp>

namespace weir::storage::detail {

/// @param listed  Called, more than once and on any thread, when RocksDB has synced its log and knows which files to copy.
[[nodiscard]] rocksdb::Status back_up(
    rocksdb::DB& db,
    const BackupOptions& options,
    bool flush,
    const std::function<void()>& listed,
    BackupInfo& made
);
[[nodiscard]] rocksdb::Status verify_tables(rocksdb::DB& db, VerifyReport& report);
[[nodiscard]] DiskUse use_of(const Database& database);
[[nodiscard]] rocksdb::Status compact_all(const Database& database);

}  // namespace weir::storage::detail
