// What a month costs. All sums are whole numbers; each charge is rounded once.
#include <algorithm>
#include <limits>

#include <weir/metering/meter.hpp>
#include <weir/metering/price_list.hpp>

namespace weir::metering {
namespace {

using std::chrono::sys_days;

__extension__ using Wide = unsigned __int128;

constexpr std::int64_t kHourMs = 3'600'000;
constexpr std::int64_t kDayMs = 24 * kHourMs;

[[nodiscard]] WallTime begin_of(std::chrono::year_month month) noexcept {
    return WallTime{sys_days{month / 1}.time_since_epoch()};
}
[[nodiscard]] WallTime end_of(std::chrono::year_month month) noexcept {
    return begin_of(month + std::chrono::months{1});
}

/// The largest number instead of one that is too large.
[[nodiscard]] std::uint64_t at_most(Wide number) noexcept {
    constexpr auto kMost = std::numeric_limits<std::uint64_t>::max();
    return number > kMost ? kMost : static_cast<std::uint64_t>(number);
}

/// @param billionths  Times `per`.
[[nodiscard]] std::uint64_t millionths(Wide billionths, std::uint64_t per) noexcept {
    const Wide divisor = Wide{per} * 1'000;
    return at_most((billionths + divisor / 2) / divisor);
}

[[nodiscard]] Charge of_month(const Price& price, std::uint64_t units) noexcept {
    Wide cost = 0;
    std::uint64_t before = 0;
    for (const PriceTier& tier : price.tiers) {
        const std::uint64_t end = std::min(units, tier.up_to);
        cost += Wide{end - before} * tier.price;
        before = end;
    }
    return {price.meter->name, units, millionths(cost, price.per)};
}

[[nodiscard]] Charge of_day(const Price& price, std::uint64_t units) noexcept {
    const std::uint64_t started = units / price.per + (units % price.per == 0 ? 0 : 1);
    return {price.meter->name, units, millionths(Wide{started} * price.tiers.front().price, 1)};
}

/// @param scale  From units of the month so far to those of the month.
template <class Scale>
[[nodiscard]] std::vector<Charge> all(const PriceList& list, const MonthUsage& usage, Scale scale) {
    std::vector<Charge> out;
    for (const Price& price : list.prices) {
        Wide sum = 0;
        std::uint64_t most = 0;
        for (const auto& day : usage.days) {
            const std::uint64_t units = price.meter->amount(day);
            sum += units;
            most = std::max(most, units);
        }
        out.push_back(
            price.basis == PriceBasis::month ? of_month(price, at_most(scale(sum))) : of_day(price, most)
        );
    }
    return out;
}

}  // namespace

Result<MonthUsage> read_month(const storage::Store& store, std::chrono::year_month month) {
    MonthUsage usage{month};
    const WallTime begin = begin_of(month);
    WEIR_CHECK(store.read_usage(
        {.from_hour = hour_of(begin), .to_hour = hour_of(end_of(month))},
        [&](const storage::UsageEntry& entry) {
            const std::int64_t day = (std::int64_t{entry.hour} * kHourMs - begin.count()) / kDayMs;
            usage.days.at(static_cast<std::size_t>(day)) += entry.sums;
            return true;
        }
    ));
    return usage;
}

std::vector<Charge> charges(const PriceList& list, const MonthUsage& usage) {
    return all(list, usage, [](Wide units) { return units; });
}

std::vector<Charge> forecast(const PriceList& list, const MonthUsage& usage, WallTime now) {
    const WallTime begin = begin_of(usage.month);
    const WallTime end = end_of(usage.month);
    if (now < begin + WallTime{kHourMs} || now >= end) {
        return {};
    }
    const auto passed = static_cast<std::uint64_t>((now - begin).count());
    const auto whole = static_cast<std::uint64_t>((end - begin).count());
    return all(list, usage, [&](Wide units) { return units * whole / passed; });
}

std::uint64_t total_cost(std::span<const Charge> charges) noexcept {
    Wide sum = 0;
    for (const Charge& charge : charges) {
        sum += charge.cost;
    }
    return at_most(sum);
}

}  // namespace weir::metering
