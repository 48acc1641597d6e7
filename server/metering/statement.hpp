/// What was used in a time, by device.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include <weir/base/clock.hpp>
#include <weir/metering/formula.hpp>
#include <weir/metering/ledger.hpp>
#include <weir/storage/store.hpp>

namespace weir::metering {

struct StatementQuery {
    WallTime from{0};  ///< Rounded down to the hour.
    WallTime to{0};    ///< Rounded up to the hour; not included.
    std::optional<std::string> tenant = {};
    std::optional<std::string> device = {};  ///< Needs a tenant.
    std::vector<Scheme> schemes = {};        ///< Empty: all.
};

struct StatementLine {
    std::string tenant = {};
    std::string device = {};
    storage::UsageDelta sums = {};
};

struct Statement {
    WallTime from{0};
    WallTime to{0};
    std::vector<Scheme> schemes = {};
    std::vector<StatementLine> lines = {};  ///< By tenant, then device.
    storage::UsageDelta total = {};
    std::vector<Gap> gaps = {};  ///< That touch the time asked for.
    WallTime sealed_until{0};    ///< What is before can no longer change.
};

/// Sums the stored usage. `unflushed` is added to it: what meters have counted and not yet drained.
[[nodiscard]] Result<Statement> read_statement(
    const storage::Store& store,
    const StatementQuery& query,
    std::span<const storage::UsageEntry> unflushed = {}
);

}  // namespace weir::metering
