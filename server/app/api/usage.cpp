// What devices used, in the units of each scheme.
#include <fmt/format.h>

#include <utility>
#include <vector>

#include <weir/app/gateway.hpp>
#include <weir/base/text.hpp>
#include <weir/metering/meter.hpp>
#include <weir/metering/price_list.hpp>
#include <weir/metering/statement.hpp>

#include "json.hpp"
#include "parts.hpp"

namespace weir::app::api {
namespace {

using admin::ApiError;
using admin::Call;
using metering::Counter;

constexpr std::int64_t kHourMs = 3'600'000;
constexpr WallTime kPeriodDefault{30 * 24 * kHourMs};
constexpr std::size_t kRowsMax = 100'000;

/// @param shown  Schemes, if the call names none.
metering::StatementQuery query_of(
    const Call& call, WallTime now, const std::vector<metering::Scheme>& shown
) {
    const auto to = query_time(call, "to", now);
    metering::StatementQuery query{
        .from = query_time(call, "from", std::max(to - kPeriodDefault, WallTime{0})), .to = to
    };
    if (auto device = call.query("device")) {
        query.tenant = storage::UsageKey{}.tenant;
        query.device = std::move(*device);
    }
    if (const auto name = call.query("scheme")) {
        const auto scheme = metering::find_scheme(*name);
        if (!scheme) {
            throw ApiError{400, "bad_request", fmt::format("there is no scheme '{}'", *name)};
        }
        query.schemes.push_back(*scheme);
    } else {
        query.schemes = shown;
    }
    return query;
}

/// One row per device and scheme.
class Rows {
public:
    explicit Rows(std::span<const metering::Scheme> schemes) : schemes_{schemes} {}

    /// @param hour  Null: the sum of all.
    void add(std::string_view device, const json::value& hour, const storage::UsageDelta& sums) {
        const auto at = [&](std::size_t index) { return sums.counters.at(index); };
        for (const auto scheme : schemes_) {
            rows_.push_back(
                {{"device", device},
                 {"hour", hour},
                 {"scheme", metering::info(scheme).name},
                 {"messages_in", at(index(Counter::messages_in))},
                 {"bytes_in", at(index(Counter::bytes_in))},
                 {"messages_out", at(index(Counter::messages_out))},
                 {"bytes_out", at(index(Counter::bytes_out))},
                 {"units_in", at(metering::index(Counter::units_in, scheme))},
                 {"units_out", at(metering::index(Counter::units_out, scheme))},
                 {"units_control", at(metering::index(Counter::units_control, scheme))},
                 {"units", metering::total_units(sums, scheme)}}
            );
        }
        if (rows_.size() > kRowsMax) {
            throw ApiError{422, "too_many", "too many rows: ask for less time or one device"};
        }
    }
    [[nodiscard]] bool empty() const noexcept { return rows_.empty(); }
    [[nodiscard]] json::array take() { return std::move(rows_); }

private:
    std::span<const metering::Scheme> schemes_;
    json::array rows_;
};

void expect(const Result<void>& result) {
    if (!result) {
        throw ApiError{503, "storage_failed", result.error().message()};
    }
}

void add_hours(Rows& rows, const storage::Store& store, const metering::StatementQuery& query) {
    expect(store.read_usage(
        {.from_hour = metering::hour_of(query.from),
         .to_hour = metering::hour_of(query.to + WallTime{kHourMs - 1}),
         .tenant = query.tenant,
         .device = query.device},
        [&](const storage::UsageEntry& entry) {
            rows.add(entry.device, time_value(WallTime{entry.hour * kHourMs}), entry.sums);
            return true;
        }
    ));
}

http::Response usage(Gateway& gateway, const Call& call) {
    const auto query = query_of(
        call, gateway.clock().wall(), gateway.configuration()->config.metering.schemes
    );
    gateway.flush_usage();
    const auto statement = metering::read_statement(gateway.store(), query);
    if (!statement) {
        throw ApiError{503, "storage_failed", statement.error().message()};
    }
    Rows rows{statement->schemes};
    if (call.query("by").value_or("") == "hour") {
        add_hours(rows, gateway.store(), query);
    } else {
        for (const auto& line : statement->lines) {
            rows.add(line.device, nullptr, line.sums);
        }
    }
    if (rows.empty() && query.device) {
        expect_known(gateway, *query.device);
    }
    json::array gaps;
    for (const auto& gap : statement->gaps) {
        gaps.push_back({{"from", time_value(gap.from)}, {"to", time_value(gap.to)}});
    }
    return reply(
        {{"from", time_value(statement->from)},
         {"to", time_value(statement->to)},
         {"sealed_until", time_value(statement->sealed_until)},
         {"gaps", std::move(gaps)},
         {"rows", rows.take()}}
    );
}

/// "2026-11"; without one the running month.
std::chrono::year_month month_of(const Call& call, WallTime now) {
    WallTime time = now;
    if (const auto text = call.query("month")) {
        const auto first = parse_time(*text + "-01T00:00:00Z");
        if (!first) {
            throw ApiError{
                400, "bad_request", fmt::format("'{}' is not a month, as in 2026-11", *text)
            };
        }
        time = WallTime{*first};
    }
    using namespace std::chrono;
    const year_month_day day{floor<days>(sys_time<WallTime>{time})};
    return day.year() / day.month();
}

/// Of millionths: at least two places.
std::string money(std::uint64_t millionths) {
    constexpr std::uint64_t kOne = 1'000'000;
    auto text = fmt::format("{}.{:06}", millionths / kOne, millionths % kOne);
    const auto cents = text.size() - 4;
    text.erase(std::max(text.find_last_not_of('0') + 1, cents));
    return text;
}

/// What the month costs by each price list.
http::Response costs(Gateway& gateway, const Call& call) {
    const auto now = gateway.clock().wall();
    const auto month = month_of(call, now);
    gateway.flush_usage();
    const auto usage = metering::read_month(gateway.store(), month);
    if (!usage) {
        throw ApiError{503, "storage_failed", usage.error().message()};
    }
    json::array rows;
    const auto configuration = gateway.configuration();
    for (const auto& list : configuration->prices) {
        const auto so_far = metering::charges(list, *usage);
        const auto whole = metering::forecast(list, *usage, now);
        const auto add = [&](std::string_view meter, const json::value& units, auto cost_of) {
            rows.push_back(
                {{"plan", list.plan},
                 {"meter", meter},
                 {"units", units},
                 {"cost", money(cost_of(so_far))},
                 {"forecast", whole.empty() ? json::value{} : json::value(money(cost_of(whole)))},
                 {"currency", list.currency}}
            );
        };
        for (std::size_t i = 0; i < so_far.size(); ++i) {
            add(so_far[i].meter, so_far[i].units, [i](const auto& charges) {
                return charges[i].cost;
            });
        }
        add("total", nullptr, metering::total_cost);
    }
    return reply(
        {{"month", fmt::format("{}-{:02}", static_cast<int>(month.year()), static_cast<unsigned>(month.month()))},
         {"rows", std::move(rows)}}
    );
}

}  // namespace

void add_usage(admin::Routes& routes, Gateway& gateway) {
    routes.add("GET", "/v1/usage", [&gateway](const Call& call) { return usage(gateway, call); });
    routes.add("GET", "/v1/usage/cost", [&gateway](const Call& call) {
        return costs(gateway, call);
    });
}

}  // namespace weir::app::api
