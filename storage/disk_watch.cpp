#include <weir/storage/detail/disk_watch.hpp>

namespace weir::storage::detail {
namespace {

constexpr std::chrono::minutes kSampleEvery{1};
/// What a start writes at once says nothing about the days to come.
constexpr std::chrono::minutes kHistoryMin{10};
constexpr std::size_t kSamplesMax = 61;  // An hour.
constexpr std::uint64_t kHysteresis = 8;
constexpr std::chrono::hours kForecastMax{24 * 365};

/// @param entered  The level holds already.
bool is_under(std::uint64_t free, std::uint64_t mark, bool entered) {
    return free < mark + (entered ? mark / kHysteresis : 0);
}

}  // namespace

DiskReport DiskWatch::observe(SteadyTime now, std::uint64_t free) {
    level_ = level_of(free);
    if (samples_.empty() || now - samples_.back().at >= kSampleEvery) {
        samples_.push_back({now, free});
        if (samples_.size() > kSamplesMax) {
            samples_.pop_front();
        }
    }
    return {.level = level_, .free = free, .full_in = full_in(now, free)};
}

DiskLevel DiskWatch::level_of(std::uint64_t free) const noexcept {
    if (is_under(free, marks_.full, level_ == DiskLevel::full)) {
        return DiskLevel::full;
    }
    return is_under(free, marks_.low, level_ != DiskLevel::enough) ? DiskLevel::low
                                                                   : DiskLevel::enough;
}

std::optional<std::chrono::seconds> DiskWatch::full_in(SteadyTime now, std::uint64_t free) const {
    const Sample& then = samples_.front();
    if (free <= marks_.full) {
        return std::chrono::seconds{0};
    }
    if (now - then.at < kHistoryMin || free >= then.free) {
        return std::nullopt;
    }
    const std::chrono::duration<double> span = now - then.at;
    const std::chrono::duration<double> left =
        span * (static_cast<double>(free - marks_.full) / static_cast<double>(then.free - free));
    if (left > kForecastMax) {
        return std::nullopt;
    }
    return std::chrono::duration_cast<std::chrono::seconds>(left);
}

}  // namespace weir::storage::detail
