/// Backups by the clock.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include <weir/app_config/config.hpp>
#include <weir/base/clock.hpp>
#include <weir/storage/store.hpp>

namespace weir::app {

/// What `weir status` and the metrics tell.
struct BackupReport {
    std::string directory = {};
    std::optional<storage::BackupInfo> newest = {};  ///< Made by whomever, in that directory.
    std::string error = {};                          ///< Why the last attempt failed; empty: it did not.
    WallTime next{0};                                ///< When the next one is due.
};

/// Backs the store up on a thread of its own, so often after the newest backup of the directory: a restart neither
/// repeats a backup nor puts it off. While another backup is under way it waits. What failed is tried again after a tenth of the interval, at most an hour.
class BackupSchedule {
public:
    /// Both outlive it.
    BackupSchedule(storage::Store& store, const Clock& clock);
    ~BackupSchedule() = default;
    BackupSchedule(const BackupSchedule&) = delete;
    BackupSchedule& operator=(const BackupSchedule&) = delete;

    /// From now on. Nothing: no backups. Any thread.
    void configure(std::optional<BackupConfig> plan);
    /// Gives up a backup that is under way; no other begins.
    void stop() { thread_ = {}; }
    /// Nothing while there is no plan. Any thread.
    [[nodiscard]] std::optional<BackupReport> report() const;

private:
    void run(const std::stop_token& stop);
    /// Without the lock: it takes its time.
    void back_up(const BackupConfig& plan, const std::stop_token& stop);
    void look(const BackupConfig& plan);

    storage::Store& store_;
    const Clock& clock_;
    mutable std::mutex mutex_;
    std::condition_variable_any wake_;
    std::optional<BackupConfig> plan_;
    bool is_new_ = false;  ///< The plan changed since the thread looked.
    BackupReport report_;
    std::jthread thread_;  ///< Uses all of the above.
};

}  // namespace weir::app
