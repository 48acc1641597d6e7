#include <weir/metering/price_schema.hpp>

#include <string_view>
#include <vector>

#include <weir/metering/detail/price_bounds.hpp>
#include <weir/metering/price_list.hpp>

namespace weir::metering {
namespace {

using namespace detail;  // Bounds.

std::vector<std::string_view> meter_names() {
    std::vector<std::string_view> names;
    for (const auto& meter : priced_meters()) {
        names.push_back(meter.name);
    }
    return names;
}

}  // namespace

// clang-format off
const document::Schema& price_list_schema() {
    using enum document::Type;
    static const document::Schema keys = {
        {.path = "plan", .type = text, .min = 1, .max = kPlanBytesMax, .required = true, .help = "Name of the price list."},
        {.path = "currency", .type = text, .min = 1, .max = kCurrencyBytesMax, .required = true, .help = "Written behind amounts: USD."},
        {.path = "prices", .type = list, .min = 1, .max = kPricesMax, .required = true, .help = "What has a price."},
        {.path = "prices[].meter", .type = word, .words = meter_names(), .required = true, .help = "What is counted: the units of a scheme, or one of the counters beside them."},
        {.path = "prices[].per", .type = integer, .min = 1, .max = kUnitsMax, .required = true, .help = "So many units cost the price."},
        {.path = "prices[].of", .type = word, .fallback = "month", .words = {"month", "busiest_day"}, .help = "month: all of it, by fractions of `per`; busiest_day: each started `per` of the day (UTC) with the most."},
        {.path = "prices[].price", .type = text, .help = "Money below 10,000,000, with up to nine places: 0.0045. Either this or tiers."},
        {.path = "prices[].tiers", .type = list, .min = 1, .max = kTiersMax, .help = "Prices that change with the amount of a month, in rising order."},
        {.path = "prices[].tiers[].up_to", .type = integer, .min = 1, .max = kUnitsMax, .help = "Units of the month at which the tier ends; the last tier has none."},
        {.path = "prices[].tiers[].price", .type = text, .required = true, .help = "Money, as above."},
    };
    return keys;
}
// clang-format on

}  // namespace weir::metering
