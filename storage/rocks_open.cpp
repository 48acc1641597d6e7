#include <weir/storage/detail/rocks_open.hpp>

#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/file_checksum.h>
#include <rocksdb/file_system.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/merge_operator.h>
#include <rocksdb/table.h>

#include <array>
#include <filesystem>

#include <weir/base/log.hpp>
#include <weir/storage/detail/usage_merge.hpp>
#include <weir/storage/detail/wal_scan.hpp>
#include <weir/storage/store.hpp>

namespace weir::storage::detail {
namespace {

constexpr std::size_t kWriteBufferBytes = 16 * 1024 * 1024;      // Per column family ...
constexpr std::size_t kWriteBuffersBytesMax = 64 * 1024 * 1024;  // ... and for all together.
constexpr std::size_t kBlockCacheBytes = 64 * 1024 * 1024;
constexpr std::uint64_t kWalBytesMax = 128 * 1024 * 1024;
constexpr int kOpenFilesMax = 512;

/// By Family. `meta` is RocksDB's own family, which every database has.
const std::array<std::string, kFamilies>& family_names() {
    static const std::array<std::string, kFamilies> names = {
        rocksdb::kDefaultColumnFamilyName,
        "registry",
        "sessions",
        "queues",
        "retained",
        "streams",
        "outbox",
        "usage",
        "audit"
    };
    return names;
}

/// Adds UsageDeltas, so that counting needs no read.
class UsageMerge final : public rocksdb::AssociativeMergeOperator {
public:
    bool Merge(
        const rocksdb::Slice& /*key*/,
        const rocksdb::Slice* existing,
        const rocksdb::Slice& value,
        std::string* merged,
        rocksdb::Logger* /*logger*/
    ) const override {
        auto sums =
            merge_usage(existing == nullptr ? std::string_view{} : view(*existing), view(value));
        if (!sums) {
            return false;
        }
        *merged = std::move(*sums);
        return true;
    }
    [[nodiscard]] const char* Name() const override { return "weir.usage.v1"; }
};

/// RocksDB's info log would grow without anybody reading it; what matters comes back as a Status.
class NoLog final : public rocksdb::Logger {
public:
    using rocksdb::Logger::Logv;
    void Logv(const char* /*format*/, va_list /*arguments*/) override {}
};

rocksdb::DBOptions database_options(const StoreOptions& options, rocksdb::Env* env) {
    rocksdb::DBOptions out;
    out.create_if_missing = true;
    out.create_missing_column_families = true;
    out.paranoid_checks = true;
    out.track_and_verify_wals_in_manifest = true;
    out.file_checksum_gen_factory = rocksdb::GetFileChecksumGenCrc32cFactory();
    out.env = env;
    out.max_open_files = kOpenFilesMax;
    out.db_write_buffer_size = kWriteBuffersBytesMax;
    out.max_total_wal_size = kWalBytesMax;
    out.max_background_jobs = 2;
    out.info_log = std::make_shared<NoLog>();
    out.stats_dump_period_sec = 0;
    out.stats_persist_period_sec = 0;
    // Without a log, families must reach the disk together or a batch would come back in parts.
    out.atomic_flush = options.durability == Durability::none;
    return out;
}

rocksdb::ColumnFamilyOptions family_options(
    Family family, const std::shared_ptr<rocksdb::Cache>& cache
) {
    rocksdb::BlockBasedTableOptions table;
    table.block_cache = cache;
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
    // Indexes and filters in pieces: one of a full table would not fit into the cache, and each look-up would read all of it.
    table.cache_index_and_filter_blocks = true;
    table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
    table.partition_filters = true;
    rocksdb::ColumnFamilyOptions out;
    out.write_buffer_size = kWriteBufferBytes;
    out.compression = rocksdb::kLZ4Compression;
    out.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    if (family == Family::usage) {
        out.merge_operator = std::make_shared<UsageMerge>();
    }
    return out;
}

std::vector<rocksdb::ColumnFamilyDescriptor> all_families() {
    const auto cache = rocksdb::NewLRUCache(kBlockCacheBytes);
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    for (std::size_t i = 0; i < kFamilies; ++i) {
        families.emplace_back(family_names()[i], family_options(static_cast<Family>(i), cache));
    }
    return families;
}

rocksdb::WALRecoveryMode recovery_mode(Recovery::Kind kind) {
    switch (kind) {
        case Recovery::Kind::tail_dropped:
            return rocksdb::WALRecoveryMode::kPointInTimeRecovery;
        case Recovery::Kind::damaged:
            return rocksdb::WALRecoveryMode::kSkipAnyCorruptedRecords;
        case Recovery::Kind::whole:
            break;
    }
    return rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
}

Recovery examine_logs(rocksdb::Env& env, const std::string& path) {
    const auto scanned = scan_logs(*env.GetFileSystem(), path);
    if (!scanned) {
        throw OpenError{errc::io_failed, "cannot read the write-ahead log in " + path};
    }
    return *scanned;
}

/// RocksDB takes an unsynced change of the MANIFEST that a power cut garbled for corruption. What
/// such a change says was not relied on yet, so it goes.
void drop_torn_manifest_tail(rocksdb::Env& env, const std::string& path) {
    const auto found = scan_manifest(*env.GetFileSystem(), path);
    if (!found || found->kind != Recovery::Kind::tail_dropped) {
        return;  // The rest RocksDB reports.
    }
    log::warn(
        "storage_tail_dropped",
        {{"file", found->file}, {"from", found->from}, {"bytes", found->to - found->from}}
    );
    std::error_code ec;
    std::filesystem::resize_file(path + '/' + found->file, found->from, ec);
    if (ec) {
        throw OpenError{errc::io_failed, "cannot repair " + found->file + ": " + ec.message()};
    }
}

}  // namespace

Database open_database(
    const StoreOptions& options,
    rocksdb::Env* env,
    std::shared_ptr<rocksdb::EventListener> listener,
    bool read_only
) {
    const std::string path = database_path(options.path);
    Database out;
    out.recovery = examine_logs(*env, path);
    if (!read_only && out.recovery.kind != Recovery::Kind::damaged) {
        drop_torn_manifest_tail(*env, path);
    }
    const bool damaged = out.recovery.kind == Recovery::Kind::damaged;
    auto how = database_options(options, env);
    how.wal_recovery_mode = recovery_mode(out.recovery.kind);
    if (listener) {
        how.listeners.push_back(std::move(listener));
    }
    const auto families = all_families();
    rocksdb::DB* db = nullptr;
    const auto status =
        damaged || read_only
            ? rocksdb::DB::OpenForReadOnly(how, path, families, &out.families, &db)
            : rocksdb::DB::Open(how, path, families, &out.families, &db);
    if (!status.ok()) {
        const errc code = code_of(status);
        throw OpenError{
            code,
            "cannot open the database in " + options.path + ": " + status.ToString() +
                (code == errc::corrupt
                     ? "; nothing was changed: check the disk, then restore a backup"
                     : "")
        };
    }
    out.db.reset(db);
    return out;
}

}  // namespace weir::storage::detail
