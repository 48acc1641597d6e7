/// The part of metering that must hold in front of a customer: what is closed stays as it was, what
/// is missing is said.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <weir/base/clock.hpp>
#include <weir/base/digest.hpp>
#include <weir/storage/store.hpp>

namespace weir::metering {

/// An hour that is over. Each names the one before it, so none can be changed or left out unseen.
struct Seal {
    std::uint32_t hour = 0;
    std::uint64_t entries = 0;  ///< Devices with usage in the hour.
    WallTime sealed{0};
    Sha256 previous{};  ///< Hash of the seal before; zero for the first.
    Sha256 hash{};      ///< Over `previous`, the hour, its gaps and all its usage.
};

/// The process did not end in order: some usage that was not written with a message is missing, at
/// most kDrainMax of it, somewhere between these times.
struct Gap {
    WallTime from{0};        ///< What was counted before is stored.
    WallTime to{0};          ///< When the next run began.
    std::uint32_t hour = 0;  ///< The hour whose seal vouches for this record.
};

struct Verification {
    std::uint64_t seals = 0;                     ///< Hours that were checked.
    std::optional<std::uint32_t> bad_hour = {};  ///< The first that does not hold.
    std::string problem = {};                    ///< What is wrong with it, for people.

    [[nodiscard]] bool holds() const noexcept { return !bad_hour.has_value(); }
};

/// Owned by the Gateway; used by one control thread. Blocking: it reads and commits.
class Ledger {
public:
    /// Every meter is drained at least this often, so no crash loses more.
    static constexpr std::chrono::milliseconds kDrainMax{1'000};
    /// An hour is closed this long after its end: batches that were on their way have arrived by
    /// then.
    static constexpr std::chrono::milliseconds kGrace{120'000};

    Ledger(storage::Store& store, const Clock& clock) noexcept : store_{store}, clock_{clock} {}

    /// At start, before anything is counted. Records a gap if the last run did not end with
    /// finish(). While the disk takes nothing it fails, and may be tried again later: until then the last run stays on
    /// disk as it is, and the gap reaches up to the time at which it succeeds.
    /// @return the gap it recorded.
    [[nodiscard]] Result<std::optional<Gap>> begin();
    /// Any thread.
    [[nodiscard]] bool has_begun() const noexcept { return begun_.load(std::memory_order_acquire); }
    /// After the last drain was committed. Nothing happens before begin() has succeeded.
    [[nodiscard]] Result<void> finish();

    /// Adds to a batch with drained usage: this shard's counts are stored up to now. Nothing before begin() has
    /// succeeded. Any thread.
    void stamp(storage::Batch& batch, WallTime now) const;

    /// Closes and seals the hours that are over. At most 1,000 per call; call it every few minutes.
    /// @return how many were sealed. @cost Of the hours that it seals, and of two days of seals.
    [[nodiscard]] Result<std::uint64_t> seal();

    /// Recomputes the chain from the stored usage. @cost Reads every sealed hour.
    [[nodiscard]] static Result<Verification> verify(const storage::Store& store);
    [[nodiscard]] static Result<std::vector<Gap>> gaps(const storage::Store& store);
    /// In the order of the hours.
    [[nodiscard]] static Result<std::vector<Seal>> seals(const storage::Store& store);

private:
    storage::Store& store_;
    const Clock& clock_;
    std::atomic<bool> begun_{false};
};

}  // namespace weir::metering
