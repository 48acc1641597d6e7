#include <weir/metering/statement.hpp>

#include <algorithm>
#include <map>

#include <weir/metering/meter.hpp>

namespace weir::metering {
namespace {

constexpr std::int64_t kHourMs = 3'600'000;

}  // namespace

Result<Statement> read_statement(
    const storage::Store& store,
    const StatementQuery& query,
    std::span<const storage::UsageEntry> unflushed
) {
    const std::uint32_t from_hour = hour_of(query.from);
    const std::uint32_t to_hour = hour_of(query.to + WallTime{kHourMs - 1});
    Statement out;
    out.from = WallTime{std::int64_t{from_hour} * kHourMs};
    out.to = WallTime{std::int64_t{to_hour} * kHourMs};
    out.schemes = query.schemes;
    if (out.schemes.empty()) {
        for (const SchemeInfo& row : all_schemes()) {
            out.schemes.push_back(row.scheme);
        }
    }
    std::map<std::pair<std::string, std::string>, storage::UsageDelta> sums;
    const auto add = [&](const storage::UsageEntry& entry) {
        sums[{entry.tenant, entry.device}] += entry.sums;
        out.total += entry.sums;
        return true;
    };
    WEIR_CHECK(store.read_usage(
        {.from_hour = from_hour, .to_hour = to_hour, .tenant = query.tenant, .device = query.device
        },
        add
    ));
    for (const storage::UsageEntry& entry : unflushed) {
        const bool in_time = entry.hour >= from_hour && entry.hour < to_hour;
        const bool wanted = (!query.tenant || entry.tenant == *query.tenant) &&
                            (!query.device || entry.device == *query.device);
        if (in_time && wanted) {
            add(entry);
        }
    }
    for (auto& [name, total] : sums) {
        out.lines.push_back({name.first, name.second, total});
    }
    WEIR_TRY(const auto gaps, Ledger::gaps(store));
    std::ranges::copy_if(gaps, std::back_inserter(out.gaps), [&](const Gap& gap) {
        return gap.to >= out.from && gap.from < out.to;
    });
    WEIR_TRY(const auto seals, Ledger::seals(store));
    out.sealed_until =
        seals.empty() ? WallTime{0} : WallTime{(std::int64_t{seals.back().hour} + 1) * kHourMs};
    return out;
}

}  // namespace weir::metering
