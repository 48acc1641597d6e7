#include <weir/storage/detail/group_commit.hpp>

#include <pthread.h>

#include <algorithm>
#include <bit>
#include <utility>

#include <weir/base/log.hpp>
#include <weir/base/text.hpp>

namespace weir::storage::detail {
namespace {

/// Free space is looked at again after this share of the watermark has been written.
constexpr std::uint64_t kCheckShare = 4;
/// From one step of compaction to the next: at most 50,000 records or 12.5 MiB are read a second.
constexpr std::chrono::milliseconds kCompactionPause{20};
/// Somebody should know that the disk will be full so soon.
constexpr std::chrono::hours kFillsSoon{24};

}  // namespace

void GroupCommit::Queue::push(Submission* submission) noexcept {
    submission->next = nullptr;
    (last == nullptr ? first : last->next) = submission;
    last = submission;
    ++size;
}

std::unique_ptr<Submission> GroupCommit::Queue::pop() noexcept {
    std::unique_ptr<Submission> taken{first};
    first = first->next;
    --size;
    if (first == nullptr) {
        last = nullptr;
    }
    return taken;
}

GroupCommit::GroupCommit(
    Engine& engine, Writer& writer, const StoreOptions& options, const Clock& clock
)
    : engine_{engine},
      writer_{writer},
      options_{options},
      clock_{clock},
      disk_watch_{{.full = options.disk_free_min, .low = options.disk_free_low}} {
    if (const auto found = engine_.recovery(); found.kind == Recovery::Kind::damaged) {
        set_health(
            Health::read_only,
            found.file + " is damaged from byte " + std::to_string(found.from) + " to " +
                std::to_string(found.to) + ": its records there are lost, later ones can be read"
        );
    } else if (found.kind == Recovery::Kind::tail_dropped) {
        log::warn(
            "storage_tail_dropped",
            {{"file", found.file}, {"from", found.from}, {"bytes", found.to - found.from}}
        );
    }
    thread_ = std::thread{[this] { run(); }};
    pthread_setname_np(thread_.native_handle(), "weir-storage");
}

GroupCommit::~GroupCommit() {
    {
        const std::lock_guard lock{wake_mutex_};
        stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
}

void GroupCommit::submit(Batch&& batch, Completion done) noexcept {
    auto submission =
        std::make_unique<Submission>(Submission{std::move(batch), std::move(done), {}, nullptr});
    const std::uint64_t bytes = submission->batch.bytes();
    if (!submission->batch.valid()) {
        submission->refused = errc::bad_name;
    } else if (bytes > 0 && pending_bytes_.load(std::memory_order_relaxed) + bytes >
                                options_.pending_bytes_max) {
        submission->refused = errc::overloaded;
    }
    if (submission->refused) {
        writer_.release(submission->batch);
        submission->batch = {};
    } else {
        pending_bytes_.fetch_add(bytes, std::memory_order_relaxed);
    }
    Submission* const raw = submission.release();
    Submission* newest = head_.load(std::memory_order_relaxed);
    do {
        raw->next = newest;
    } while (!head_.compare_exchange_weak(newest, raw));
    if (newest == nullptr) {  // `raw` may be gone by now.
        // The first one wakes the thread. Passing through the mutex closes the gap between its last
        // look and its sleep.
        {
            const std::lock_guard lock{wake_mutex_};
        }
        wake_.notify_one();
    }
}

void GroupCommit::run() {
    for (;;) {
        collect();
        if (queue_.empty() && stopping_ && head_.load() == nullptr) {
            return;
        }
        write_group();
        progress_.fetch_add(1, std::memory_order_relaxed);
    }
}

void GroupCommit::take_submitted() {
    Submission* newest = head_.exchange(nullptr);
    Submission* oldest = nullptr;
    while (newest != nullptr) {
        Submission* const older = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = older;
    }
    while (oldest != nullptr) {
        Submission* const following = oldest->next;
        queue_.push(oldest);
        oldest = following;
    }
}

void GroupCommit::collect() {
    busy_ = true;
    take_submitted();
    if (!queue_.empty()) {
        wait_for_company();
        return;
    }
    busy_ = false;
    const auto pause = writer_.compaction().busy() && state_.load() == Health::ok
                           ? std::min(kCompactionPause, options_.idle_interval)
                           : options_.idle_interval;
    {
        std::unique_lock lock{wake_mutex_};
        wake_.wait_for(lock, pause, [this] {
            return stopping_.load() || head_.load() != nullptr;
        });
    }
    busy_ = true;
    take_submitted();
    if (!queue_.empty()) {
        wait_for_company();
    }
}

void GroupCommit::wait_for_company() {
    if (options_.group_wait.count() == 0 || pending_bytes_.load(std::memory_order_relaxed) == 0) {
        return;
    }
    const auto ends = std::chrono::steady_clock::now() + options_.group_wait;
    std::unique_lock lock{wake_mutex_};
    while (!stopping_ && queue_.size < options_.group_batches_max &&
           pending_bytes_.load(std::memory_order_relaxed) < options_.group_bytes_max &&
           wake_.wait_until(lock, ends, [this] {
               return stopping_.load() || head_.load() != nullptr;
           })) {
        take_submitted();
    }
}

void GroupCommit::maintain() {
    const auto now = clock_.steady();
    const bool due = now >= next_maintenance_;
    const bool wrote_much =
        options_.disk_free_min > 0 && bytes_since_check_ > options_.disk_free_min / kCheckShare;
    if (due || wrote_much || state_.load() == Health::disk_full) {
        look_at_disk();
    }
    if (state_.load() == Health::read_only) {
        return;
    }
    if (trim_requested_.exchange(false) || due) {
        next_maintenance_ = now + options_.idle_interval;
        writer_.budgets().observe();
        if (const auto trimmed = writer_.trim(clock_.wall()); !trimmed) {
            fail(trimmed.error(), "trimming a stream failed");
        }
    }
    if (state_.load() == Health::ok) {
        compact(now);
    }
}

void GroupCommit::compact(SteadyTime now) {
    Compaction& compaction = writer_.compaction();
    if (compaction_requested_.exchange(false)) {
        compaction.hurry();
    }
    if (now >= next_compaction_ || compaction.hurried()) {
        writer_.compact(clock_.wall());
        next_compaction_ = now + (compaction.busy() ? kCompactionPause : options_.idle_interval);
    }
}

void GroupCommit::look_at_disk() {
    if (state_.load() == Health::read_only) {
        return;
    }
    bytes_since_check_ = 0;
    const auto free = engine_.free_bytes();
    if (free && observe_disk(*free) == DiskLevel::full) {
        set_health(
            Health::disk_full,
            format_size(*free) + " free, " + format_size(options_.disk_free_min) +
                " needed: make room in the data directory"
        );
        return;
    }
    if (const auto resumed = engine_.resume(); resumed) {
        set_health(Health::ok, {});
    } else {
        fail(resumed.error(), "the disk failed");
    }
}

DiskLevel GroupCommit::observe_disk(std::uint64_t free) {
    const DiskReport report = disk_watch_.observe(clock_.steady(), free);
    const std::lock_guard lock{reason_mutex_};
    if (report.level == DiskLevel::low && disk_.level != DiskLevel::low) {
        log::warn(
            "storage_disk_low",
            {{"free", free}, {"full_in_s", report.full_in ? report.full_in->count() : -1}}
        );
    } else if (report.level == DiskLevel::enough && disk_.level != DiskLevel::enough) {
        log::info("storage_disk_enough", {{"free", free}});
    }
    if (!report.full_in || *report.full_in > 2 * kFillsSoon) {
        fills_ = false;
    } else if (*report.full_in < kFillsSoon && !std::exchange(fills_, true)) {
        log::warn("storage_disk_fills", {{"free", free}, {"full_in_s", report.full_in->count()}});
    }
    disk_ = report;
    return report.level;
}

DiskReport GroupCommit::disk() const {
    const std::lock_guard lock{reason_mutex_};
    return disk_;
}

void GroupCommit::fail(error_code error, std::string_view what) {
    const bool full = error == make_error_code(errc::disk_full);
    set_health(
        full ? Health::disk_full : Health::read_only,
        std::string{what} + ": " + engine_.last_error() +
            (full ? "; make room in the data directory" : "")
    );
}

void GroupCommit::write_group() {
    maintain();
    fill_group();
    Result<void> outcome;
    if (state_.load() == Health::read_only) {
        writer_.abandon();
        outcome = errc::read_only;
    } else if (!writer_.idle()) {
        const auto start = std::chrono::steady_clock::now();
        outcome = writer_.commit();
        if (outcome) {
            const auto took = std::chrono::steady_clock::now() - start;
            count_write(
                std::chrono::duration_cast<std::chrono::microseconds>(took),
                group_.size(),
                group_bytes_
            );
        } else {
            fail(outcome.error(), "a write failed");
        }
    }
    complete_group(outcome);
}

void GroupCommit::fill_group() {
    group_.clear();
    offsets_.clear();
    group_bytes_ = 0;
    writer_.begin_group(clock_.wall());
    while (!queue_.empty() && group_.size() < options_.group_batches_max &&
           group_bytes_ < options_.group_bytes_max) {
        Member member{queue_.pop(), offsets_.size(), 0};
        Submission& submission = *member.submission;
        const Health state = state_.load();
        if (!submission.refused && state != Health::ok && !submission.batch.empty()) {
            submission.refused = state == Health::disk_full ? errc::disk_full : errc::read_only;
            pending_bytes_.fetch_sub(submission.batch.bytes(), std::memory_order_relaxed);
            writer_.release(submission.batch);
            submission.batch = {};
        }
        if (!submission.refused) {
            if (const auto applied = writer_.apply(submission.batch, offsets_); !applied) {
                const bool is_told = applied.error() == make_error_code(errc::corrupt) ||
                                     applied.error() == make_error_code(errc::io_failed);
                set_health(
                    Health::read_only,
                    "reading before a write failed: " +
                        (is_told ? engine_.last_error() : applied.error().message())
                );
            }
            member.offsets_count = offsets_.size() - member.offsets_at;
            group_bytes_ += submission.batch.bytes();
        }
        group_.push_back(std::move(member));
    }
    bytes_since_check_ += group_bytes_;
}

void GroupCommit::complete_group(const Result<void>& outcome) {
    const std::uint64_t number = ++group_number_;
    for (Member& member : group_) {
        Submission& submission = *member.submission;
        pending_bytes_.fetch_sub(submission.batch.bytes(), std::memory_order_relaxed);
        const error_code failed = submission.refused ? submission.refused
                                  : outcome          ? error_code{}
                                                     : outcome.error();
        (failed ? counters_.failed : counters_.commits).fetch_add(1, std::memory_order_relaxed);
        progress_.fetch_add(1, std::memory_order_relaxed);
        if (submission.done) {
            if (failed) {
                submission.done(failed);
            } else {
                const std::span<const std::uint64_t> offsets{offsets_};
                submission.done(
                    CommitInfo{number, offsets.subspan(member.offsets_at, member.offsets_count)}
                );
            }
        }
        member.submission.reset();
    }
    group_.clear();
}

void GroupCommit::count_write(
    std::chrono::microseconds took, std::uint64_t batches, std::uint64_t bytes
) {
    constexpr auto kRelaxed = std::memory_order_relaxed;
    const auto us = static_cast<std::uint64_t>(took.count());
    const auto bucket = std::min<std::size_t>(std::bit_width(us / 128), StoreStats::kBuckets - 1);
    counters_.groups.fetch_add(1, kRelaxed);
    counters_.bytes.fetch_add(bytes, kRelaxed);
    counters_.last_group.store(batches, kRelaxed);
    counters_.write_us_last.store(us, kRelaxed);
    counters_.write_us_total.fetch_add(us, kRelaxed);
    counters_.write_us_buckets[bucket].fetch_add(1, kRelaxed);
}

void GroupCommit::set_health(Health state, std::string reason) {
    const std::lock_guard lock{reason_mutex_};
    if (state_.load() == state || state_.load() == Health::read_only) {
        return;
    }
    switch (state) {
        case Health::ok:
            log::info("storage_recovered");
            break;
        case Health::disk_full:
            log::error("storage_disk_full", {{"reason", reason}});
            break;
        case Health::read_only:
            log::error(
                "storage_read_only", {{"reason", reason}, {"next", "check the disk, then restart"}}
            );
            break;
    }
    reason_ = std::move(reason);
    state_ = state;
}

HealthReport GroupCommit::health() const {
    const std::lock_guard lock{reason_mutex_};
    return {state_.load(), reason_};
}

StoreStats GroupCommit::stats() const {
    StoreStats out;
    out.groups = counters_.groups.load();
    out.commits = counters_.commits.load();
    out.failed = counters_.failed.load();
    out.bytes = counters_.bytes.load();
    out.pending_bytes = pending_bytes_.load();
    out.last_group = counters_.last_group.load();
    out.compacted = writer_.compaction().removed();
    out.write_us_last = counters_.write_us_last.load();
    out.write_us_total = counters_.write_us_total.load();
    for (std::size_t i = 0; i < StoreStats::kBuckets; ++i) {
        out.write_us_buckets[i] = counters_.write_us_buckets[i].load();
    }
    return out;
}

}  // namespace weir::storage::detail
