/// The RocksDB database below a store: its options, its families, and how it recovers.
#pragma once

#include <rocksdb/db.h>

#include <memory>
#include <string>
#include <vector>

#include <weir/storage/batch.hpp>
#include <weir/storage/options.hpp>

namespace weir::storage::detail {

/// Where the database is in a data directory.
[[nodiscard]] inline std::string database_path(const std::string& data_directory) {
    return data_directory + "/db";
}

[[nodiscard]] inline errc code_of(const rocksdb::Status& status) {
    if (status.IsNoSpace()) {
        return errc::disk_full;
    }
    return status.IsCorruption() ? errc::corrupt : errc::io_failed;
}

[[nodiscard]] inline rocksdb::Slice slice(std::string_view text) {
    return {text.data(), text.size()};
}
[[nodiscard]] inline std::string_view view(const rocksdb::Slice& text) {
    return {text.data(), text.size()};
}

/// Owned by the engine, which closes it.
struct Database {
    std::unique_ptr<rocksdb::DB> db;
    std::vector<rocksdb::ColumnFamilyHandle*> families;  ///< By Family.
    Recovery recovery;
};

/// Scans the log, then opens: normally if it is whole; without the tail if that was torn; for
/// reading only, and changing nothing, if synced bytes are damaged.
/// @throws OpenError
[[nodiscard]] Database open_database(
    const StoreOptions& options,
    rocksdb::Env* env,
    std::shared_ptr<rocksdb::EventListener> listener,
    bool read_only
);

}  // namespace weir::storage::detail
