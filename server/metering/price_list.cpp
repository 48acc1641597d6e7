#include <weir/metering/price_list.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include <weir/document/readers.hpp>
#include <weir/metering/detail/price_bounds.hpp>
#include <weir/metering/price_schema.hpp>

namespace weir::metering {
namespace {

using namespace detail;  // Bounds.
using document::Diagnostics;
using document::Node;

constexpr std::uint64_t kNoEnd = std::numeric_limits<std::uint64_t>::max();

constexpr std::array kBasisWords = {
    document::Word<PriceBasis>{"month", PriceBasis::month},
    document::Word<PriceBasis>{"busiest_day", PriceBasis::busiest_day},
};

template <Scheme scheme>
std::uint64_t units_of(const storage::UsageDelta& sums) noexcept {
    return total_units(sums, scheme);
}
template <Counter counter>
std::uint64_t counted(const storage::UsageDelta& sums) noexcept {
    return sums.counters[index(counter)];
}

/// @param schemes  0 to kSchemes - 1.
template <std::size_t... schemes>
auto make_meters(std::index_sequence<schemes...> /*all*/) {
    return std::array{
        PricedMeter{
            info(static_cast<Scheme>(schemes)).name, units_of<static_cast<Scheme>(schemes)>
        }...,
        PricedMeter{"connected_minutes", counted<Counter::connected_minutes>},
        PricedMeter{"rules_triggered", counted<Counter::rules_triggered>},
        PricedMeter{"rule_actions", counted<Counter::rule_actions>},
    };
}

/// "0.0045" in billionths. Below 10,000,000, with up to nine places.
[[nodiscard]] std::optional<std::uint64_t> billionths(std::string_view text) noexcept {
    constexpr std::size_t kPlaces = 9;
    constexpr std::size_t kWholeMax = 7;
    const auto point = text.find('.');
    const std::string_view whole = text.substr(0, point);
    const std::string_view places =
        point == std::string_view::npos ? std::string_view{} : text.substr(point + 1);
    if (whole.empty() || whole.size() > kWholeMax || places.size() > kPlaces ||
        (places.empty() && point != std::string_view::npos)) {
        return std::nullopt;
    }
    std::uint64_t value = 0;
    const auto push = [&](std::string_view digits) {
        for (const char digit : digits) {
            value = value * 10 + static_cast<std::uint64_t>(digit - '0');
        }
        return digits.find_first_not_of("0123456789") == std::string_view::npos;
    };
    const bool is_number = push(whole) && push(places);
    for (std::size_t i = places.size(); i < kPlaces; ++i) {
        value *= 10;
    }
    return is_number ? std::optional{value} : std::nullopt;
}

class Reader {
public:
    explicit Reader(Diagnostics& diagnostics) : diagnostics_{diagnostics} {}

    PriceList read(const Node& root) {
        if (!document::expect_mapping(root, diagnostics_, "a price list")) {
            return std::move(list_);
        }
        document::check_keys(
            root, diagnostics_, price_list_schema(), "", "a setting of a price list"
        );
        list_.plan = text(root, "plan", kPlanBytesMax);
        list_.currency = text(root, "currency", kCurrencyBytesMax);
        const auto prices = document::require_key(root, diagnostics_, "prices");
        if (prices && document::expect_sequence(*prices, diagnostics_, "prices") &&
            within(*prices, kPricesMax, "prices")) {
            for (const Node& price : prices->items()) {
                read_price(price);
            }
        }
        return std::move(list_);
    }

private:
    std::string text(const Node& mapping, std::string_view key, std::size_t max) {
        const auto node = document::require_key(mapping, diagnostics_, key);
        return node ? document::as_string(*node, diagnostics_, {.min = 1, .max = max}).value_or("")
                    : "";
    }

    bool within(const Node& sequence, std::size_t max, std::string_view what) {
        if (sequence.size() > max || sequence.size() == 0) {
            document::report(
                diagnostics_,
                sequence,
                document::code::kOutOfRange,
                fmt::format("expected 1 to {} {}, found {}", max, what, sequence.size())
            );
            return false;
        }
        return true;
    }

    void read_price(const Node& node) {
        if (!document::expect_mapping(node, diagnostics_, "a price")) {
            return;
        }
        document::check_keys(
            node, diagnostics_, price_list_schema(), "prices[]", "a setting of a price"
        );
        Price price{.meter = read_meter(node), .per = read_per(node)};
        if (const auto of = node.get("of")) {
            price.basis = document::as_enum<PriceBasis>(*of, diagnostics_, kBasisWords)
                              .value_or(PriceBasis::month);
        }
        const auto tiers = node.get("tiers");
        if (!tiers) {
            price.tiers.push_back({.up_to = kNoEnd, .price = read_amount(node)});
        } else if (node.get("price") || price.basis == PriceBasis::busiest_day) {
            document::report(
                diagnostics_,
                *tiers,
                document::code::kUnknownKey,
                node.get("price") ? "both 'price' and 'tiers'"
                                  : "the busiest day has one price, not tiers",
                "keep one of them"
            );
        } else if (document::expect_sequence(*tiers, diagnostics_, "tiers") &&
                   within(*tiers, kTiersMax, "tiers")) {
            read_tiers(*tiers, price);
        }
        list_.prices.push_back(std::move(price));
    }

    const PricedMeter* read_meter(const Node& node) {
        const auto meter = document::require_key(node, diagnostics_, "meter");
        std::vector<std::string_view> names;
        const auto meters = priced_meters();
        std::ranges::transform(meters, std::back_inserter(names), &PricedMeter::name);
        const auto found =
            meter ? document::as_choice(*meter, diagnostics_, names) : std::nullopt;
        return found ? &meters[*found] : nullptr;
    }

    std::uint64_t read_per(const Node& node) {
        const auto per = document::require_key(node, diagnostics_, "per");
        return per ? static_cast<std::uint64_t>(
                         document::as_int(*per, diagnostics_, {.min = 1, .max = kUnitsMax})
                             .value_or(1)
                     )
                   : 1;
    }

    std::uint64_t read_amount(const Node& node) {
        const auto price = document::require_key(node, diagnostics_, "price");
        if (!price) {
            return 0;
        }
        const auto amount =
            price->is_scalar() && !price->quoted() ? billionths(price->text()) : std::nullopt;
        if (!amount) {
            document::report(
                diagnostics_,
                *price,
                document::code::kWrongType,
                "expected an amount of money",
                "such as 5, 0.40 or 0.0045: below 10,000,000, with up to nine places"
            );
        }
        return amount.value_or(0);
    }

    void read_tiers(const Node& tiers, Price& price) {
        std::uint64_t before = 0;
        for (const Node& tier : tiers.items()) {
            if (!document::expect_mapping(tier, diagnostics_, "a tier")) {
                return;
            }
            document::check_keys(
                tier, diagnostics_, price_list_schema(), "prices[].tiers[]", "a setting of a tier"
            );
            PriceTier made{.up_to = kNoEnd, .price = read_amount(tier)};
            const bool is_last = price.tiers.size() + 1 == tiers.size();
            if (const auto up_to = tier.get("up_to"); up_to && is_last) {
                document::report(
                    diagnostics_,
                    *up_to,
                    document::code::kOutOfRange,
                    "the last tier has no end",
                    "leave 'up_to' out, or add a tier for what is above"
                );
            } else if (!is_last) {
                const auto end = document::require_key(tier, diagnostics_, "up_to");
                const auto units = end ? document::as_int(
                                             *end,
                                             diagnostics_,
                                             {.min = static_cast<std::int64_t>(before) + 1,
                                              .max = kUnitsMax}
                                         )
                                       : std::nullopt;
                made.up_to = static_cast<std::uint64_t>(units.value_or(kUnitsMax));
                before = units ? made.up_to : before;
            }
            price.tiers.push_back(made);
        }
    }

    Diagnostics& diagnostics_;
    PriceList list_;
};

}  // namespace

std::span<const PricedMeter> priced_meters() noexcept {
    static const auto meters = make_meters(std::make_index_sequence<kSchemes>{});
    return meters;
}

std::optional<PriceList> parse_price_list(
    std::string_view text, std::string_view file, Diagnostics& diagnostics
) {
    const auto errors_before = diagnostics.errors();
    const auto document = document::Document::parse(text, file, diagnostics);
    if (!document) {
        return std::nullopt;
    }
    PriceList list = Reader{diagnostics}.read(document->root());
    return diagnostics.errors() == errors_before ? std::optional{std::move(list)} : std::nullopt;
}

}  // namespace weir::metering
