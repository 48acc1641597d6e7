#include <weir/storage/detail/rocks_engine.hpp>

#include <rocksdb/env.h>
#include <rocksdb/listener.h>
#include <rocksdb/write_batch.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <semaphore>
#include <shared_mutex>
#include <stop_token>

#include <weir/storage/detail/data_dir.hpp>
#include <weir/storage/detail/rocks_disk.hpp>
#include <weir/storage/detail/rocks_open.hpp>
#include <weir/storage/store.hpp>

namespace weir::storage::detail {
namespace {

/// How long the storage thread waits for those who read the database, before it opens it again.
constexpr std::chrono::milliseconds kReopenWait{1'000};

/// Another thread than the one that took hold may let go.
class LogHold {
public:
    explicit LogHold(std::binary_semaphore& log) : log_{log} { log_.acquire(); }
    ~LogHold() { release(); }
    LogHold(const LogHold&) = delete;
    LogHold& operator=(const LogHold&) = delete;

    void release() noexcept {
        if (!is_released_.test_and_set()) {
            log_.release();
        }
    }

private:
    std::binary_semaphore& log_;
    std::atomic_flag is_released_;
};

/// Remembers why RocksDB stopped. It tells on threads of its own.
class BackgroundErrors final : public rocksdb::EventListener {
public:
    void OnBackgroundError(
        rocksdb::BackgroundErrorReason /*reason*/, rocksdb::Status* status
    ) override {
        (status->IsNoSpace() ? no_room : failed) = true;
    }

    std::atomic<bool> no_room{false};
    std::atomic<bool> failed{false};
};

class RocksEngine final : public Engine, private Disk {
public:
    RocksEngine(const StoreOptions& options, rocksdb::Env* env, bool read_only);
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
    [[nodiscard]] Result<void> resume() override;
    void abandon() override {
        pending_.Clear();
        collecting_ = rocksdb::Status::OK();
    }

    [[nodiscard]] Result<std::optional<std::string>> get(Family family, std::string_view key)
        const override;
    [[nodiscard]] Result<void> scan(
        Family family, std::string_view from, std::string_view to, const Visitor& visit
    ) const override;
    [[nodiscard]] Recovery recovery() const override { return recovery_; }
    [[nodiscard]] std::optional<std::uint64_t> free_bytes() const override;
    [[nodiscard]] Disk* disk() noexcept override { return this; }
    [[nodiscard]] std::string last_error() const override {
        const std::lock_guard lock{error_mutex_};
        return last_error_;
    }

private:
    [[nodiscard]] Result<BackupInfo> backup(const BackupOptions& options) override;
    [[nodiscard]] Result<void> verify_files(VerifyReport& report) override;
    [[nodiscard]] DiskUse use() override;
    [[nodiscard]] Result<void> compact() override;

    /// Calls `run` with the database open, and keeps it open meanwhile.
    template <class Run>
    [[nodiscard]] Result<void> with_database(Run&& run) {
        const std::shared_lock lock{database_mutex_};
        if (!database_.db) {
            return errc::disk_full;
        }
        const rocksdb::Status status = run();
        return status.ok() ? Result<void>{} : Result<void>{fail(status)};
    }
    [[nodiscard]] rocksdb::ColumnFamilyHandle* handle(Family family) const {
        return database_.families[static_cast<std::size_t>(family)];
    }
    /// Collecting fails only beyond RocksDB's own limits; commit() tells.
    void note(const rocksdb::Status& status) {
        if (!status.ok() && collecting_.ok()) {
            collecting_ = status;
        }
    }
    [[nodiscard]] errc fail(const rocksdb::Status& status) const {
        return fail(code_of(status), status.ToString());
    }
    [[nodiscard]] errc fail(errc code, std::string text) const {
        const std::lock_guard lock{error_mutex_};
        last_error_ = std::move(text);
        return code;
    }
    void close();
    [[nodiscard]] Result<void> reopen();

    DataDirLock lock_;  ///< First: held until the database is closed.
    StoreOptions options_;
    rocksdb::Env* env_;
    std::shared_ptr<BackgroundErrors> background_ = std::make_shared<BackgroundErrors>();
    mutable std::shared_timed_mutex database_mutex_;  ///< Exclusive while the database is opened again.
    /// Held while the log is written, and by a backup until it has synced the log: RocksDB aborts when a log is synced after a
    /// write to it has failed.
    std::binary_semaphore log_{1};
    bool is_log_usable_ = true;  ///< Guarded by log_.
    std::stop_source make_way_;  ///< Stops backups, which would hold it for long. Replaced under the exclusive lock.
    Database database_;                         ///< Empty if that failed.
    const Recovery recovery_;
    rocksdb::SequenceNumber committed_ = 0;  ///< Storage thread.
    rocksdb::WriteBatch pending_;
    rocksdb::Status collecting_;
    mutable std::mutex error_mutex_;
    mutable std::string last_error_;
};

RocksEngine::RocksEngine(const StoreOptions& options, rocksdb::Env* env, bool read_only)
    : lock_{options.path},
      options_{options},
      env_{env},
      database_{open_database(options, env, background_, read_only)},
      recovery_{database_.recovery},
      committed_{database_.db->GetLatestSequenceNumber()} {}

RocksEngine::~RocksEngine() {
    if (database_.db && options_.durability == Durability::none) {
        const rocksdb::FlushOptions wait;
        // What fails here was never promised.
        static_cast<void>(database_.db->Flush(wait, database_.families));
    }
    close();
}

void RocksEngine::close() {
    if (!database_.db) {
        return;
    }
    for (auto* const family : database_.families) {
        static_cast<void>(database_.db->DestroyColumnFamilyHandle(family));
    }
    static_cast<void>(database_.db->Close());
    database_ = {};
}

Result<void> RocksEngine::commit() {
    if (background_->no_room) {
        abandon();
        return errc::disk_full;
    }
    rocksdb::Status status = collecting_;
    if (status.ok()) {
        rocksdb::WriteOptions how;
        how.sync = options_.durability == Durability::fsync;
        how.disableWAL = options_.durability == Durability::none;
        const LogHold log{log_};
        status = database_.db->Write(how, &pending_);
        is_log_usable_ = status.ok();
    }
    abandon();
    if (!status.ok()) {
        return fail(status);
    }
    committed_ = database_.db->GetLatestSequenceNumber();
    return {};
}

Result<void> RocksEngine::resume() {
    if (background_->failed) {
        return fail(errc::io_failed, "RocksDB failed in the background");
    }
    if (!background_->no_room) {
        return {};
    }
    make_way_.request_stop();
    const std::unique_lock lock{database_mutex_, kReopenWait};
    if (!lock) {
        return fail(errc::disk_full, "the database is being read");  // Later, then.
    }
    make_way_ = std::stop_source{};
    return reopen();
}

/// DB::Resume() leaves the log that ran out of room in use, and unusable. Opening again drops the
/// torn group from it; reads wait meanwhile.
Result<void> RocksEngine::reopen() {
    close();
    try {
        database_ = open_database(options_, env_, background_, false);
    } catch (const OpenError& error) {
        const errc code = fail(error.code(), error.what());
        try {
            database_ = open_database(options_, env_, nullptr, true);
        } catch (const OpenError&) {  // Then reads fail too.
        }
        return code;
    }
    if (database_.recovery.kind == Recovery::Kind::damaged) {
        return fail(errc::corrupt, database_.recovery.file + " is damaged");
    }
    if (database_.db->GetLatestSequenceNumber() != committed_) {
        return fail(errc::io_failed, "a group that was refused had reached the disk");
    }
    background_->no_room = false;
    is_log_usable_ = true;  // No backup is under way.
    return {};
}

Result<std::optional<std::string>> RocksEngine::get(Family family, std::string_view key) const {
    const std::shared_lock lock{database_mutex_};
    if (!database_.db) {
        return errc::disk_full;
    }
    std::string value;
    const auto status = database_.db->Get(rocksdb::ReadOptions{}, handle(family), slice(key), &value);
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
    const std::shared_lock lock{database_mutex_};
    if (!database_.db) {
        return errc::disk_full;
    }
    const rocksdb::Slice bound = slice(to);
    rocksdb::ReadOptions how;
    if (!to.empty()) {
        how.iterate_upper_bound = &bound;
    }
    const std::unique_ptr<rocksdb::Iterator> it{database_.db->NewIterator(how, handle(family))};
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
    std::uint64_t free = 0;
    if (!env_->GetFreeSpace(options_.path, &free).ok()) {
        return std::nullopt;
    }
    return free;
}

Result<BackupInfo> RocksEngine::backup(const BackupOptions& options) {
    BackupInfo made;
    const bool flush = options_.durability == Durability::none;  // There is no log to copy.
    WEIR_CHECK(with_database([&] {
        std::stop_source stop;
        const auto give_up = [&stop] { stop.request_stop(); };
        const std::stop_callback asked{options.stop, give_up};
        const std::stop_callback in_the_way{make_way_.get_token(), give_up};
        BackupOptions how = options;
        how.stop = stop.get_token();
        LogHold log{log_};
        if (!is_log_usable_) {
            return background_->no_room ? rocksdb::Status::NoSpace("the log takes nothing")
                                        : rocksdb::Status::IOError("a write to the log failed");
        }
        return back_up(*database_.db, how, flush, [&log] { log.release(); }, made);
    }));
    return made;
}

Result<void> RocksEngine::verify_files(VerifyReport& report) {
    return with_database([&] { return verify_tables(*database_.db, report); });
}

DiskUse RocksEngine::use() {
    DiskUse out;
    ignore_error(
        with_database([&] {
            out = use_of(database_);
            return rocksdb::Status::OK();
        }),
        "a database that is not open uses nothing"
    );
    return out;
}

Result<void> RocksEngine::compact() {
    return with_database([&] { return compact_all(database_); });
}

rocksdb::Env* env_or_default(rocksdb::Env* env) {
    return env == nullptr ? rocksdb::Env::Default() : env;
}

}  // namespace

std::unique_ptr<Engine> open_rocks_engine(const StoreOptions& options, rocksdb::Env* env) {
    return std::make_unique<RocksEngine>(options, env_or_default(env), false);
}

std::unique_ptr<Engine> open_rocks_engine_read_only(
    const std::string& data_directory, rocksdb::Env* env
) {
    if (!env_or_default(env)->FileExists(database_path(data_directory)).ok()) {
        throw OpenError{errc::io_failed, "there is no database in " + data_directory};
    }
    const StoreOptions options{.path = data_directory};
    return std::make_unique<RocksEngine>(options, env_or_default(env), true);
}

}  // namespace weir::storage::detail
