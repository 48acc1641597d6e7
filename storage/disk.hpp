/// What operators do with a data directory: back up, restore, verify, look inside, compact.
#pragma once

#include <algorithm>
#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include <weir/storage/options.hpp>

namespace weir::storage {

struct BackupOptions {
    std::string directory = {};     ///< Made if missing. Holds all backups; they share files.
    std::uint32_t keep = 0;         ///< Older backups are removed afterwards; 0: none.
    std::uint64_t bytes_per_s = 0;  ///< At most so fast, for the sake of others; 0: no limit.
    std::stop_token stop = {};      ///< Gives the backup up: it fails.
};

struct BackupInfo {
    std::uint32_t id = 0;  ///< 1, 2, ...
    std::int64_t time_ms = 0;
    std::uint64_t bytes = 0;  ///< Of all its files, the shared ones too.
    std::uint32_t files = 0;
};

/// Oldest first; unreadable ones are left out. @throws OpenError
[[nodiscard]] std::vector<BackupInfo> list_backups(const std::string& directory);
/// Checks the backup's checksums, then copies it into a data directory that has no database yet.
/// @param id  0: the newest. @throws OpenError
BackupInfo restore_backup(
    const std::string& directory, std::uint32_t id, const std::string& data_directory
);

/// What was looked at, and everything that is wrong.
struct VerifyReport {
    /// No more problems are listed than this.
    static constexpr std::size_t kProblemsMax = 100;

    std::uint64_t files = 0;
    std::uint64_t bytes = 0;    ///< Of the files.
    std::uint64_t records = 0;  ///< That were decoded.
    std::vector<std::string> problems;

    /// False once the list is full.
    bool add(std::string problem);
};

/// Verifies a data directory that no gateway uses; changes nothing in it. @throws OpenError if it
/// cannot even be read, which is a finding too.
[[nodiscard]] VerifyReport verify_data(const std::string& data_directory);

/// Records of one kind and one version, the first byte of each.
struct RecordVersion {
    std::string family;
    std::uint8_t version = 0;
    std::uint64_t records = 0;
    bool is_newer = false;  ///< This program does not read it.
};

/// In which formats a data directory is written.
struct Formats {
    std::uint32_t schema = 0;       ///< Of the directory; 0: it has no data yet.
    std::uint32_t schema_here = 0;  ///< What this program writes, and the newest that it reads.
    std::vector<RecordVersion> records;  ///< By family, then version.

    /// Of a newer release: this program refuses to open it.
    [[nodiscard]] bool is_newer() const noexcept {
        return schema > schema_here || std::ranges::any_of(records, &RecordVersion::is_newer);
    }
};

/// Reads a data directory that no gateway uses; changes nothing in it. @throws OpenError
[[nodiscard]] Formats formats_of(const std::string& data_directory);

struct FamilyUse {
    std::string name;
    std::uint64_t keys = 0;          ///< Estimated.
    std::uint64_t file_bytes = 0;    ///< In tables.
    std::uint64_t memory_bytes = 0;  ///< In memory, and in the log until they are tables.
};

struct DiskUse {
    std::vector<FamilyUse> families;
    std::uint64_t log_bytes = 0;
    std::uint64_t to_compact_bytes = 0;  ///< Estimated: what compaction still has to rewrite.
};

/// What only an engine on disk can do. Any control thread; traffic goes on meanwhile.
class Disk {
public:
    virtual ~Disk() = default;
    [[nodiscard]] virtual Result<BackupInfo> backup(const BackupOptions& options) = 0;
    /// Compares every table with the checksum that was taken when it was written.
    [[nodiscard]] virtual Result<void> verify_files(VerifyReport& report) = 0;
    [[nodiscard]] virtual DiskUse use() = 0;
    /// Writes memory to tables and merges them: returns the space of what was removed.
    [[nodiscard]] virtual Result<void> compact() = 0;
};

}  // namespace weir::storage
