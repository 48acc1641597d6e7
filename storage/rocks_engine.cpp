#include <weir/storage/detail/rocks_engine.hpp>

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/merge_operator.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>
#include <sys/statvfs.h>

#include <array>
#include <mutex>
#include <vector>

#include <weir/storage/detail/data_dir.hpp>
#include <weir/storage/detail/usage_merge.hpp>
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

rocksdb::Slice slice(std::string_view text) {
    return {text.data(), text.size()};
}
std::string_view view(const rocksdb::Slice& text) {
    return {text.data(), text.size()};
}

errc code_of(const rocksdb::Status& status) {
    if (status.IsNoSpace()) {
        return errc::disk_full;
    }
    return status.IsCorruption() ? errc::corrupt : errc::io_failed;
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

rocksdb::Options database_options(const StoreOptions& options) {
    rocksdb::Options out;
    out.create_if_missing = true;
    out.create_missing_column_families = true;
    out.paranoid_checks = true;
    out.track_and_verify_wals_in_manifest = true;
    out.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
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
    table.cache_index_and_filter_blocks = true;
    rocksdb::ColumnFamilyOptions out;
    out.write_buffer_size = kWriteBufferBytes;
    out.compression = rocksdb::kLZ4Compression;
    out.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    if (family == Family::usage) {
        out.merge_operator = std::make_shared<UsageMerge>();
    }
    return out;
}

class RocksEngine final : public Engine {
public:
    explicit RocksEngine(const StoreOptions& options);
    ~RocksEngine() override;
    RocksEngine(const RocksEngine&) = delete;
    RocksEngine& operator=(const RocksEngine&) = delete;

    void put(Family family, std::string_view key, std::string_view value) override {
        note(pending_.Put(handle(family), slice(key), slice(value)));
    }
    void erase(Family family, std::string_view key) override {
        note(pending_.Delete(handle(family), slice(key)));
    }
    void erase_range(Family family, std::string_view from, std::string_view to) override {
        note(pending_.DeleteRange(handle(family), slice(from), slice(to)));
    }
    void add_usage(std::string_view key, std::string_view delta) override {
        note(pending_.Merge(handle(Family::usage), slice(key), slice(delta)));
    }
    [[nodiscard]] Result<void> commit() override;
    void abandon() override {
        pending_.Clear();
        collecting_ = rocksdb::Status::OK();
    }

    [[nodiscard]] Result<std::optional<std::string>> get(Family family, std::string_view key)
        const override;
    [[nodiscard]] Result<void> scan(
        Family family, std::string_view from, std::string_view to, const Visitor& visit
    ) const override;
    [[nodiscard]] std::optional<std::uint64_t> free_bytes() const override;
    [[nodiscard]] std::string last_error() const override {
        const std::lock_guard lock{error_mutex_};
        return last_error_;
    }

private:
    [[nodiscard]] rocksdb::ColumnFamilyHandle* handle(Family family) const {
        return handles_[static_cast<std::size_t>(family)];
    }
    /// Collecting fails only beyond RocksDB's own limits; commit() tells.
    void note(const rocksdb::Status& status) {
        if (!status.ok() && collecting_.ok()) {
            collecting_ = status;
        }
    }
    [[nodiscard]] errc fail(const rocksdb::Status& status) const {
        const std::lock_guard lock{error_mutex_};
        last_error_ = status.ToString();
        return code_of(status);
    }

    DataDirLock lock_;  ///< First: held until the database is closed.
    std::string path_;
    Durability durability_;
    std::unique_ptr<rocksdb::DB> db_;
    std::vector<rocksdb::ColumnFamilyHandle*> handles_;
    rocksdb::WriteBatch pending_;
    rocksdb::Status collecting_;
    mutable std::mutex error_mutex_;
    mutable std::string last_error_;
};

RocksEngine::RocksEngine(const StoreOptions& options)
    : lock_{options.path}, path_{options.path}, durability_{options.durability} {
    const auto cache = rocksdb::NewLRUCache(kBlockCacheBytes);
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    for (std::size_t i = 0; i < kFamilies; ++i) {
        families.emplace_back(family_names()[i], family_options(static_cast<Family>(i), cache));
    }
    rocksdb::DB* db = nullptr;
    const auto status =
        rocksdb::DB::Open(database_options(options), path_ + "/db", families, &handles_, &db);
    if (!status.ok()) {
        const errc code = code_of(status);
        throw OpenError{
            code,
            "cannot open the database in " + path_ + ": " + status.ToString() +
                (code == errc::corrupt
                     ? "; nothing was changed: check the disk, then restore a backup"
                     : "")
        };
    }
    db_.reset(db);
}

RocksEngine::~RocksEngine() {
    if (durability_ == Durability::none) {
        rocksdb::FlushOptions wait;
        static_cast<void>(db_->Flush(wait, handles_));  // What fails here was never promised.
    }
    for (auto* const family : handles_) {
        static_cast<void>(db_->DestroyColumnFamilyHandle(family));
    }
    static_cast<void>(db_->Close());
}

Result<void> RocksEngine::commit() {
    rocksdb::Status status = collecting_;
    if (status.ok()) {
        rocksdb::WriteOptions how;
        how.sync = durability_ == Durability::fsync;
        how.disableWAL = durability_ == Durability::none;
        status = db_->Write(how, &pending_);
    }
    abandon();
    if (!status.ok()) {
        return fail(status);
    }
    return {};
}

Result<std::optional<std::string>> RocksEngine::get(Family family, std::string_view key) const {
    std::string value;
    const auto status = db_->Get(rocksdb::ReadOptions{}, handle(family), slice(key), &value);
    if (status.IsNotFound()) {
        return std::nullopt;
    }
    if (!status.ok()) {
        return fail(status);
    }
    return std::optional{std::move(value)};
}

Result<void> RocksEngine::scan(
    Family family, std::string_view from, std::string_view to, const Visitor& visit
) const {
    const rocksdb::Slice bound = slice(to);
    rocksdb::ReadOptions how;
    if (!to.empty()) {
        how.iterate_upper_bound = &bound;
    }
    const std::unique_ptr<rocksdb::Iterator> it{db_->NewIterator(how, handle(family))};
    for (it->Seek(slice(from)); it->Valid(); it->Next()) {
        if (!visit(view(it->key()), view(it->value()))) {
            break;
        }
    }
    if (!it->status().ok()) {
        return fail(it->status());
    }
    return {};
}

std::optional<std::uint64_t> RocksEngine::free_bytes() const {
    struct statvfs info{};
    if (statvfs(path_.c_str(), &info) != 0) {
        return std::nullopt;
    }
    return std::uint64_t{info.f_bavail} * info.f_frsize;
}

}  // namespace

std::unique_ptr<Engine> open_rocks_engine(const StoreOptions& options) {
    return std::make_unique<RocksEngine>(options);
}

}  // namespace weir::storage::detail
