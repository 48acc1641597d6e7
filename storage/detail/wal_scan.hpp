/// Reads RocksDB's write-ahead logs without RocksDB, to tell a torn tail from damage.
#pragma once

#include <string>

#include <weir/storage/options.hpp>

namespace rocksdb {
class FileSystem;
}

namespace weir::storage::detail {

/// Checks every record of every log in `directory`, oldest log first.
///
/// A power cut garbles what was not synced, and at most one group is not: so where a whole record
/// begins behind the first damage, that damage hit synced bytes. RocksDB alone cannot tell: a
/// flipped length near the end of a log looks to it like the end.
/// @errors io_failed: a log cannot be read.
[[nodiscard]] Result<Recovery> scan_logs(rocksdb::FileSystem& files, const std::string& directory);

/// The same for the MANIFEST in use, which has the format of a log.
[[nodiscard]] Result<Recovery> scan_manifest(
    rocksdb::FileSystem& files, const std::string& directory
);

}  // namespace weir::storage::detail
