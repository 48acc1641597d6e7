#include <weir/storage/budgets.hpp>

#include <limits>

#include <weir/base/log.hpp>

namespace weir::storage {
namespace {

constexpr std::uint64_t kShare = 8;  // Of slack, and of hysteresis.

[[nodiscard]] std::uint64_t less_a_share(std::uint64_t mark) noexcept {
    return mark - mark / kShare;
}

[[nodiscard]] std::uint64_t limit_of(std::uint64_t budget, Budgets::Bound bound) noexcept {
    if (budget == 0) {
        return std::numeric_limits<std::uint64_t>::max();
    }
    return bound == Budgets::Bound::slack ? budget + budget / kShare : budget;
}

[[nodiscard]] bool fits(std::uint64_t taken, std::uint64_t bytes, std::uint64_t limit) noexcept {
    return bytes <= limit && taken <= limit - bytes;
}

/// @param was_short  Something did not fit. Where there is much room it was just large.
[[nodiscard]] AreaLevel level_of(
    std::uint64_t bytes, std::uint64_t budget, AreaLevel before, bool was_short
) noexcept {
    if (budget == 0) {
        return AreaLevel::enough;
    }
    const bool stays_full = was_short || before == AreaLevel::full;
    if (bytes >= budget || (stays_full && bytes >= less_a_share(budget))) {
        return AreaLevel::full;
    }
    const std::uint64_t high = budget / 5 * 4;
    const bool was_high = before != AreaLevel::enough;
    return bytes >= (was_high ? less_a_share(high) : high) ? AreaLevel::high : AreaLevel::enough;
}

void log_level(std::string_view area, AreaLevel before, const AreaUse& use) {
    if (use.level == AreaLevel::enough) {
        log::info(
            "storage_area_enough", {{"area", area}, {"bytes", use.bytes}, {"budget", use.budget}}
        );
    } else if (use.level > before) {
        log::warn(
            use.level == AreaLevel::full ? "storage_area_full" : "storage_area_high",
            {{"area", area}, {"bytes", use.bytes}, {"budget", use.budget}}
        );
    }
}

}  // namespace

void Budgets::set_budget(Area area, std::uint64_t budget) noexcept {
    of(area).budget.store(budget, std::memory_order_relaxed);
}

std::uint64_t Budgets::budget(Area area) const noexcept {
    return of(area).budget.load(std::memory_order_relaxed);
}

void Budgets::add(Area area, std::int64_t bytes) noexcept {
    of(area).bytes.fetch_add(static_cast<std::uint64_t>(bytes), std::memory_order_relaxed);
}

bool Budgets::reserve(Area area, std::uint64_t bytes, Bound bound) noexcept {
    Counters& counters = of(area);
    const std::uint64_t limit = limit_of(budget(area), bound);
    auto taken = counters.bytes.load(std::memory_order_relaxed);
    do {
        if (!fits(taken, bytes, limit)) {
            counters.was_short.store(true, std::memory_order_relaxed);
            return false;
        }
    } while (!counters.bytes.compare_exchange_weak(
        taken, taken + bytes, std::memory_order_relaxed
    ));
    return true;
}

bool Budgets::has_room(Area area, std::uint64_t bytes, Bound bound) noexcept {
    Counters& counters = of(area);
    if (fits(
            counters.bytes.load(std::memory_order_relaxed), bytes, limit_of(budget(area), bound)
        )) {
        return true;
    }
    counters.was_short.store(true, std::memory_order_relaxed);
    return false;
}

std::uint64_t Budgets::excess(Area area) const noexcept {
    const std::uint64_t bytes = of(area).bytes.load(std::memory_order_relaxed);
    const std::uint64_t most = budget(area);
    return most == 0 || bytes <= most ? 0 : bytes - most;
}

void Budgets::count_lost(Area area, std::uint64_t records) noexcept {
    of(area).lost.fetch_add(records, std::memory_order_relaxed);
}

AreaUse Budgets::use(Area area) const noexcept {
    const Counters& counters = of(area);
    return {
        .bytes = counters.bytes.load(std::memory_order_relaxed),
        .budget = budget(area),
        .lost = counters.lost.load(std::memory_order_relaxed),
        .level = counters.level.load(std::memory_order_relaxed),
    };
}

void Budgets::observe() {
    for (std::size_t i = 0; i < kAreas; ++i) {
        const auto area = static_cast<Area>(i);
        AreaUse now = use(area);
        const AreaLevel before = now.level;
        const bool was_short = of(area).was_short.exchange(false, std::memory_order_relaxed);
        now.level = level_of(now.bytes, now.budget, before, was_short);
        if (now.level != before) {
            of(area).level.store(now.level, std::memory_order_relaxed);
            log_level(kAreaNames[i], before, now);
        }
    }
}

}  // namespace weir::storage
