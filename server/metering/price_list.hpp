/// What a cloud, or anybody, asks for usage: a list of prices, and what a month costs by it.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <weir/base/clock.hpp>
#include <weir/base/error.hpp>
#include <weir/document/diagnostic.hpp>
#include <weir/metering/formula.hpp>
#include <weir/storage/store.hpp>

namespace weir::metering {

/// What can have a price: the units of a scheme, or one of the counters beside them.
struct PricedMeter {
    std::string_view name;  ///< As in price lists: "aws-5k", "connected_minutes".
    std::uint64_t (*amount)(const storage::UsageDelta& sums) noexcept;
};
[[nodiscard]] std::span<const PricedMeter> priced_meters() noexcept;

/// From the tier before up to `up_to` of a month. Prices are in billionths of the currency.
struct PriceTier {
    std::uint64_t up_to;
    std::uint64_t price;
};

/// What the price is for.
enum class PriceBasis : std::uint8_t {
    month,        ///< All of a month, by fractions of `per`.
    busiest_day,  ///< Every started `per` of the day (UTC) with the most: capacity that is bought by the month.
};

struct Price {
    const PricedMeter* meter;
    std::uint64_t per;  ///< So many units cost the price of their tier.
    PriceBasis basis = PriceBasis::month;
    std::vector<PriceTier> tiers = {};  ///< Rising; the last has no end. One for busiest_day.
};

struct PriceList {
    std::string plan;
    std::string currency;
    std::vector<Price> prices;
};

/// Of all devices, by day (UTC).
struct MonthUsage {
    std::chrono::year_month month;
    std::array<storage::UsageDelta, 31> days = {};
};

struct Charge {
    std::string_view meter;
    std::uint64_t units;  ///< Of the month, or of its busiest day.
    std::uint64_t cost;   ///< In millionths of the currency, rounded once, half up; at most 2^64 - 1.
};

/// Reads one price list. All errors of the file go to `diagnostics`. @return Nothing if there was one.
[[nodiscard]] std::optional<PriceList> parse_price_list(
    std::string_view text, std::string_view file, document::Diagnostics& diagnostics
);

/// @cost Reads every stored hour of every device in the month.
[[nodiscard]] Result<MonthUsage> read_month(
    const storage::Store& store, std::chrono::year_month month
);

/// In the order of the list.
[[nodiscard]] std::vector<Charge> charges(const PriceList& list, const MonthUsage& usage);

/// The same for the whole month, if it goes on as it did before `now`; days are not expected to become busier than they were.
/// Empty: less than an hour of the month is over, or all.
[[nodiscard]] std::vector<Charge> forecast(
    const PriceList& list, const MonthUsage& usage, WallTime now
);

/// As the cost of a charge: at most 2^64 - 1.
[[nodiscard]] std::uint64_t total_cost(std::span<const Charge> charges) noexcept;

}  // namespace weir::metering
