/// Why a durable operation did not happen.
#pragma once

#include <weir/base/error.hpp>

namespace weir::storage {

enum class errc {
    malformed_record = 1,  ///< The bytes are no record of this kind: damage, or a foreign writer.
    newer_version,         ///< Written by a newer release; this one must not guess.
    corrupt,               ///< A checksum failed or a file is missing.
    io_failed,             ///< A write or an fsync failed. The store is read-only from here on.
    disk_full,   ///< Free space is under the watermark; ends by itself when there is room.
    read_only,   ///< An earlier write failed; a restart and a look at the disk are needed.
    locked,      ///< Another process holds the data directory.
    overloaded,  ///< More bytes wait for the storage thread than `pending_bytes_max`.
    stopped,     ///< The store is closing.
    bad_name,    ///< A stream or sink name, or a key, is empty or too long.
    not_on_disk,  ///< The store is in memory only.
    busy,         ///< Another backup is under way.
};

[[nodiscard]] const boost::system::error_category& storage_category() noexcept;

[[nodiscard]] inline error_code make_error_code(errc code) noexcept {
    return {static_cast<int>(code), storage_category()};
}

}  // namespace weir::storage

template <>
struct boost::system::is_error_code_enum<weir::storage::errc> : std::true_type {};
