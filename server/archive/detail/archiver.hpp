/// One archive: its stream, in order, to objects.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string>

#include <weir/archive/config.hpp>
#include <weir/archive/detail/progress.hpp>
#include <weir/archive/status.hpp>
#include <weir/base/clock.hpp>
#include <weir/base/guarded.hpp>
#include <weir/storage/store.hpp>

namespace weir::archive::detail {

/// survey -> claim -> write -> settle -> survey ...
///
/// A batch is surveyed without keeping its records. When it is full or old enough, its borders, the
/// object's name and its form are stored (the claim); then the object is written, for as many
/// attempts as that takes; then claim and progress are settled in one storage batch. So a crash at
/// any moment leads to the same object again, but for records that compaction removes meanwhile:
/// an object has what is left when it is built.
///
/// turn() blocks for the store, the disk and the server; all turns come from one thread.
class Archiver {
public:
    /// Store and clock outlive it.
    Archiver(ArchiveConfig config, storage::Store& store, const Clock& clock);

    /// Any thread. A claimed batch keeps its form, and goes to the new target.
    void reconfigure(ArchiveConfig config);

    /// Does the next thing that is due.
    /// @return How long nothing will be due unless the stream gets records; 0: there is more to do.
    std::chrono::milliseconds turn();

    /// Writes an object beside those of batches, under the name of one that never comes, and takes it away again. On the
    /// thread of turns.
    [[nodiscard]] Probe probe();

    /// Any thread.
    [[nodiscard]] ArchiveStatus status() const;

private:
    using Wait = std::chrono::milliseconds;
    enum class Fill : std::uint8_t { open, full };
    enum class Built : std::uint8_t { whole, trimmed, nothing_left };

    /// The open batch, and how far the stream was looked at.
    struct Survey {
        std::uint64_t first = 0;
        std::uint64_t next = 0;
        std::uint64_t records = 0;
        std::uint64_t bytes = 0;
        std::int64_t oldest_ms = 0;
    };

    void adopt_config();
    [[nodiscard]] bool load();
    [[nodiscard]] Wait gather();
    void skip_trimmed();
    [[nodiscard]] bool is_gap_trimmed(std::uint64_t next) const;
    [[nodiscard]] Result<Fill> survey_more();
    [[nodiscard]] bool takes(const storage::StreamEntry& entry) const noexcept;
    [[nodiscard]] Wait claim();
    [[nodiscard]] Wait write();
    [[nodiscard]] Result<Built> build();
    [[nodiscard]] Wait settle();
    [[nodiscard]] Wait void_claim(Built why);
    [[nodiscard]] Result<void> store_progress(const Progress& next);
    [[nodiscard]] Wait storage_failed(error_code error);
    [[nodiscard]] Wait failed(std::string why);
    void note(std::string_view event, const std::string& why);
    void publish(Activity activity);

    storage::Store& store_;
    const Clock& clock_;
    ArchiveConfig config_;
    Guarded<std::optional<ArchiveConfig>> next_config_;

    bool loaded_ = false;
    Progress progress_;
    Survey survey_;
    std::optional<Object> object_;  ///< Of the claim, from the first attempt on.
    std::uint64_t object_records_ = 0;
    std::uint32_t attempt_ = 0;     ///< Of the claim.
    std::optional<SteadyTime> retry_at_;
    SteadyTime log_again_{0};
    std::minstd_rand random_;

    struct Shown {
        ArchiveStatus status;
        bool is_loaded = false;
        std::uint64_t held = 0;     ///< Records in the object that is being written ...
        std::uint64_t held_to = 1;  ///< ... and the first offset behind them: those need the stream no longer.
        SteadyTime retry_at{0};
        std::int64_t oldest_ms = 0;
    };
    Guarded<Shown> shown_;
};

}  // namespace weir::archive::detail
