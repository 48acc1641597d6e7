#include <weir/storage/store.hpp>

#include <chrono>
#include <future>
#include <latch>

#include <weir/storage/detail/keys.hpp>
#include <weir/storage/detail/memory_engine.hpp>
#include <weir/storage/detail/rocks_engine.hpp>
#include <weir/storage/detail/store_impl.hpp>
#include <weir/storage/detail/verify.hpp>

namespace weir::storage {
namespace {

const Clock& clock_of(const StoreOptions& options) {
    static const SystemClock system;
    return options.clock == nullptr ? system : *options.clock;
}

std::int64_t steady_ms() {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

}  // namespace

Store::Impl::Impl(std::unique_ptr<Engine> store_engine, const StoreOptions& options)
    : engine{std::move(store_engine)}, writer{*engine, catalog} {
    if (const auto loaded = writer.load(); !loaded) {
        const bool newer = loaded.error() == make_error_code(errc::newer_version);
        throw OpenError{
            newer ? errc::newer_version : errc::corrupt,
            newer ? options.path +
                        " was written by a newer release of weir: run that release, or restore a "
                        "backup made by this one"
                  : options.path + " cannot be read (" + loaded.error().message() + "; " +
                        engine->last_error() + "): restore a backup"
        };
    }
    commits = std::make_unique<detail::GroupCommit>(*engine, writer, options, clock_of(options));
}

std::unique_ptr<Store> Store::open(const StoreOptions& options) {
    return std::make_unique<Store>(detail::open_rocks_engine(options), options);
}

std::unique_ptr<Store> Store::in_memory(const StoreOptions& options) {
    return std::make_unique<Store>(std::make_unique<detail::MemoryEngine>(), options);
}

Store::Store(std::unique_ptr<Engine> engine, const StoreOptions& options)
    : impl_{std::make_unique<Impl>(std::move(engine), options)} {}

Store::~Store() = default;

void Store::submit(Batch&& batch, Completion done) noexcept {
    impl_->commits->submit(std::move(batch), std::move(done));
}

Result<void> Store::commit(Batch&& batch) {
    std::promise<Result<void>> promise;
    auto outcome = promise.get_future();
    submit(std::move(batch), [&promise](const Result<CommitInfo>& committed) {
        promise.set_value(committed ? Result<void>{} : Result<void>{committed.error()});
    });
    return outcome.get();
}

void Store::drain() {
    ignore_error(commit({}), "an empty batch cannot fail");
    std::latch read{1};
    impl_->reads.submit([&read](bool) { read.count_down(); });
    read.wait();
}

void Store::trim() {
    impl_->commits->request_trim();
    drain();
}

void Store::compact_streams() {
    impl_->commits->request_compaction();
    do {
        drain();
    } while (impl_->writer.compaction().busy() && health().state == Health::ok);
}

void Store::set_retention(std::string_view stream, Retention retention) {
    impl_->catalog.stream(stream).set_retention(retention);
}

WatchId Store::watch_stream(std::string_view stream, Watcher watcher) {
    const WatchId id = impl_->catalog.next_watch_id();
    impl_->catalog.stream(stream).watchers.add(id, std::move(watcher));
    return id;
}

WatchId Store::watch_outbox(std::string_view sink, Watcher watcher) {
    const WatchId id = impl_->catalog.next_watch_id();
    impl_->catalog.outbox(sink).watchers.add(id, std::move(watcher));
    return id;
}

void Store::unwatch(WatchId id) {
    for (auto* const log : impl_->catalog.streams()) {
        log->watchers.remove(id);
    }
    for (auto* const log : impl_->catalog.outboxes()) {
        log->watchers.remove(id);
    }
}

OutboxRoom& Store::outbox_room(std::string_view sink) {
    return impl_->catalog.outbox(sink).room;
}

Budgets& Store::budgets() noexcept {
    return impl_->catalog.budgets();
}

std::uint32_t Store::usage_open_hour() const {
    return impl_->writer.usage_open_hour();
}
Result<BackupInfo> Store::backup(const BackupOptions& options) {
    Disk* const disk = impl_->engine->disk();
    if (disk == nullptr) {
        return errc::not_on_disk;
    }
    std::int64_t none = 0;
    if (!impl_->backup_began.compare_exchange_strong(none, steady_ms())) {
        return errc::busy;
    }
    auto made = disk->backup(options);
    impl_->backup_began = 0;
    return made;
}

std::optional<std::chrono::milliseconds> Store::backup_under_way() const {
    const std::int64_t began = impl_->backup_began;
    return began == 0 ? std::nullopt : std::optional{std::chrono::milliseconds{steady_ms() - began}};
}

Result<VerifyReport> Store::verify() {
    Disk* const disk = impl_->engine->disk();
    if (disk == nullptr) {
        return errc::not_on_disk;
    }
    VerifyReport report;
    if (!disk->verify_files(report)) {
        report.add(impl_->engine->last_error());
    }
    detail::verify_records(*impl_->engine, report);
    return report;
}

Result<DiskUse> Store::disk_use() {
    Disk* const disk = impl_->engine->disk();
    if (disk == nullptr) {
        return errc::not_on_disk;
    }
    return disk->use();
}

Result<void> Store::compact() {
    Disk* const disk = impl_->engine->disk();
    return disk == nullptr ? Result<void>{errc::not_on_disk} : disk->compact();
}

std::string Store::last_error() const {
    return impl_->engine->last_error();
}

Recovery Store::recovery() const {
    return impl_->engine->recovery();
}

DiskReport Store::disk() const {
    return impl_->commits->disk();
}

HealthReport Store::health() const {
    return impl_->commits->health();
}
StoreStats Store::stats() const {
    return impl_->commits->stats();
}
std::uint64_t Store::progress() const noexcept {
    return impl_->commits->progress() * 2 + (impl_->commits->busy() ? 1 : 0);
}

}  // namespace weir::storage
