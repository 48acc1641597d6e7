#include <weir/app/backup_schedule.hpp>

#include <algorithm>

#include <weir/base/log.hpp>

namespace weir::app {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kRetryMax = std::chrono::hours{1};
constexpr int kRetryShare = 10;
/// The wall clock may jump: it is looked at this often. So is a backup of somebody else's that is under way.
constexpr milliseconds kLookEvery = std::chrono::seconds{10};

}  // namespace

BackupSchedule::BackupSchedule(storage::Store& store, const Clock& clock)
    : store_{store}, clock_{clock}, thread_{[this](const std::stop_token& stop) { run(stop); }} {}

void BackupSchedule::configure(std::optional<BackupConfig> plan) {
    {
        const std::scoped_lock lock{mutex_};
        if (plan == plan_) {
            return;
        }
        plan_ = std::move(plan);
        is_new_ = true;
        report_ = {};
        if (plan_) {
            report_.directory = plan_->directory.string();
        }
    }
    wake_.notify_all();
}

std::optional<BackupReport> BackupSchedule::report() const {
    const std::scoped_lock lock{mutex_};
    return plan_ ? std::optional{report_} : std::nullopt;
}

void BackupSchedule::run(const std::stop_token& stop) {
    std::unique_lock lock{mutex_};
    while (!stop.stop_requested()) {
        if (plan_ && is_new_) {
            look(*plan_);
        }
        is_new_ = false;
        if (plan_ && clock_.wall() >= report_.next) {
            const BackupConfig plan = *plan_;
            lock.unlock();
            back_up(plan, stop);
            lock.lock();
            continue;
        }
        wake_.wait_for(lock, stop, plan_ ? std::min<milliseconds>(kLookEvery, report_.next - clock_.wall()) : kLookEvery, [this] {
            return is_new_;
        });
    }
}

void BackupSchedule::look(const BackupConfig& plan) {
    try {
        const auto there = storage::list_backups(plan.directory.string());
        if (!there.empty()) {
            report_.newest = there.back();
            report_.next = WallTime{there.back().time_ms} + plan.every;
        }
    } catch (const storage::OpenError&) {
        report_.next = clock_.wall();  // None yet, or it cannot be read: the attempt will tell.
    }
}

void BackupSchedule::back_up(const BackupConfig& plan, const std::stop_token& stop) {
    const auto began = clock_.steady();
    const auto made = store_.backup(
        {.directory = plan.directory.string(),
         .keep = plan.keep,
         .bytes_per_s = plan.rate,
         .stop = stop}
    );
    const std::scoped_lock lock{mutex_};
    if (stop.stop_requested() || is_new_) {
        return;
    }
    if (made) {
        log::info(
            "backup_made",
            {{"directory", plan.directory.string()},
             {"id", made->id},
             {"bytes", made->bytes},
             {"took_ms", (clock_.steady() - began).count()}}
        );
        report_.newest = *made;
        report_.error.clear();
        report_.next = clock_.wall() + plan.every;
        return;
    }
    if (made.error() == make_error_code(storage::errc::busy)) {
        report_.next = clock_.wall() + kLookEvery;
        return;
    }
    report_.error = store_.last_error();
    report_.next = clock_.wall() + std::min<milliseconds>(kRetryMax, plan.every / kRetryShare);
    log::error(
        "backup_failed", {{"directory", plan.directory.string()}, {"error", report_.error}}
    );
}

}  // namespace weir::app
