#pragma once

#include <deque>

#include <weir/storage/options.hpp>

namespace weir::storage::detail {

/// Judges free space as it is measured now and then: too little, little, or enough, and when it
/// will be too little at the rate of the last hour. Not thread-safe.
class DiskWatch {
public:
    struct Marks {
        std::uint64_t full = 0;  ///< Under it nothing is written. 0: never.
        std::uint64_t low = 0;   ///< Under it somebody should look. 0: never.
    };

    explicit DiskWatch(Marks marks) : marks_{marks} {}

    /// A level ends only when there is an eighth of its mark more than it, so that it does not
    /// come and go with every file that is written and removed.
    DiskReport observe(SteadyTime now, std::uint64_t free);

private:
    struct Sample {
        SteadyTime at;
        std::uint64_t free;
    };

    [[nodiscard]] DiskLevel level_of(std::uint64_t free) const noexcept;
    [[nodiscard]] std::optional<std::chrono::seconds> full_in(SteadyTime now, std::uint64_t free)
        const;

    const Marks marks_;
    DiskLevel level_ = DiskLevel::enough;
    std::deque<Sample> samples_;  ///< One a minute, of the last hour; oldest first.
};

}  // namespace weir::storage::detail
