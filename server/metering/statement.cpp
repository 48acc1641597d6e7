#include <weir/metering/statement.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include <weir/base/log.hpp>
#include <weir/base/text.hpp>
#include <weir/metering/meter.hpp>

namespace weir::metering {
namespace {

constexpr std::int64_t kHourMs = 3'600'000;

struct Column {
    std::string_view name;
    Counter counter;
};

constexpr std::array kColumns = {
    Column{"messages_in", Counter::messages_in},
    Column{"bytes_in", Counter::bytes_in},
    Column{"messages_out", Counter::messages_out},
    Column{"bytes_out", Counter::bytes_out},
    Column{"messages_stored", Counter::messages_stored},
    Column{"messages_retained", Counter::messages_retained},
    Column{"connects", Counter::connects},
    Column{"subscribes", Counter::subscribes},
    Column{"pubacks_in", Counter::pubacks_in},
    Column{"connected_minutes", Counter::connected_minutes},
    Column{"rules_triggered", Counter::rules_triggered},
    Column{"rule_actions", Counter::rule_actions},
    Column{"throttled", Counter::throttled},
};

/// The columns that people look at first; the rest is in JSON and CSV.
constexpr std::size_t kTableColumns = 4;

std::string time_text(WallTime time) {
    return format_time(time.count());
}

std::string csv_cell(std::string_view text) {
    constexpr std::string_view kFormulaStarts = "=+-@\t\r";
    std::string cell;
    if (!text.empty() && kFormulaStarts.contains(text.front())) {
        cell += '\'';
    }
    cell += text;
    if (cell.find_first_of(",\"\r\n") == std::string::npos) {
        return cell;
    }
    std::string quoted = "\"";
    for (const char c : cell) {
        quoted += c;
        if (c == '"') {
            quoted += c;
        }
    }
    return quoted + '"';
}

std::string render_csv(const Statement& statement) {
    std::string out = "tenant,device,from,to";
    for (const Column& column : kColumns) {
        out += fmt::format(",{}", column.name);
    }
    for (const Scheme scheme : statement.schemes) {
        const auto name = info(scheme).name;
        out += fmt::format(",{0} units_in,{0} units_out,{0} units_control,{0} units", name);
    }
    out += '\n';
    for (const StatementLine& line : statement.lines) {
        out += fmt::format(
            "{},{},{},{}",
            csv_cell(line.tenant),
            csv_cell(line.device),
            time_text(statement.from),
            time_text(statement.to)
        );
        for (const Column& column : kColumns) {
            out += fmt::format(",{}", line.sums.counters[index(column.counter)]);
        }
        for (const Scheme scheme : statement.schemes) {
            for (const Counter base :
                 {Counter::units_in, Counter::units_out, Counter::units_control}) {
                out += fmt::format(",{}", line.sums.counters[index(base, scheme)]);
            }
            out += fmt::format(",{}", total_units(line.sums, scheme));
        }
        out += '\n';
    }
    return out;
}

std::string json_sums(const Statement& statement, const storage::UsageDelta& sums) {
    std::string out;
    for (const Column& column : kColumns) {
        out += fmt::format(R"("{}":{},)", column.name, sums.counters[index(column.counter)]);
    }
    out += R"("units":{)";
    for (const Scheme scheme : statement.schemes) {
        out += fmt::format(
            R"("{}":{{"in":{},"out":{},"control":{},"total":{}}},)",
            info(scheme).name,
            sums.counters[index(Counter::units_in, scheme)],
            sums.counters[index(Counter::units_out, scheme)],
            sums.counters[index(Counter::units_control, scheme)],
            total_units(sums, scheme)
        );
    }
    if (out.ends_with(',')) {
        out.pop_back();
    }
    return out + '}';
}

std::string render_json(const Statement& statement) {
    std::string out = fmt::format(
        R"({{"from":"{}","to":"{}","sealed_until":"{}","gaps":[)",
        time_text(statement.from),
        time_text(statement.to),
        time_text(statement.sealed_until)
    );
    for (std::size_t i = 0; i < statement.gaps.size(); ++i) {
        const Gap& gap = statement.gaps[i];
        out += fmt::format(
            R"({}{{"from":"{}","to":"{}"}})",
            i == 0 ? "" : ",",
            time_text(gap.from),
            time_text(gap.to)
        );
    }
    out += R"(],"devices":[)";
    for (std::size_t i = 0; i < statement.lines.size(); ++i) {
        const StatementLine& line = statement.lines[i];
        out += fmt::format(
            R"({}{{"tenant":"{}","device":"{}",{}}})",
            i == 0 ? "" : ",",
            log::json_escape(line.tenant),
            log::json_escape(line.device),
            json_sums(statement, line.sums)
        );
    }
    return out + fmt::format(R"(],"total":{{{}}}}})", json_sums(statement, statement.total)) + '\n';
}

std::vector<std::string> table_row(
    const Statement& statement, std::string first, const storage::UsageDelta& sums
) {
    std::vector<std::string> row{std::move(first)};
    for (std::size_t i = 0; i < kTableColumns; ++i) {
        row.push_back(fmt::to_string(sums.counters[index(kColumns[i].counter)]));
    }
    for (const Scheme scheme : statement.schemes) {
        row.push_back(fmt::to_string(total_units(sums, scheme)));
    }
    return row;
}

/// A name as a terminal may show it: a device chose it.
std::string printable(std::string_view name) {
    return log::json_escape(name);
}

std::string render_table(const Statement& statement) {
    std::vector<std::string> head{"device"};
    for (std::size_t i = 0; i < kTableColumns; ++i) {
        head.emplace_back(kColumns[i].name);
    }
    for (const Scheme scheme : statement.schemes) {
        head.emplace_back(info(scheme).name);
    }
    std::vector<std::vector<std::string>> rows{head};
    for (const StatementLine& line : statement.lines) {
        const bool is_default = line.tenant == storage::UsageKey{}.tenant;
        rows.push_back(table_row(
            statement,
            printable(is_default ? line.device : line.tenant + '/' + line.device),
            line.sums
        ));
    }
    rows.push_back(table_row(statement, "total", statement.total));
    std::vector<std::size_t> widths(head.size());
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            widths[i] = std::max(widths[i], row[i].size());
        }
    }
    std::string out = fmt::format("{} to {}\n", time_text(statement.from), time_text(statement.to));
    for (const auto& row : rows) {
        out += fmt::format("{:<{}}", row[0], widths[0]);
        for (std::size_t i = 1; i < row.size(); ++i) {
            out += fmt::format("  {:>{}}", row[i], widths[i]);
        }
        out += '\n';
    }
    for (const Gap& gap : statement.gaps) {
        out += fmt::format(
            "unclean end: up to 1 s of usage is missing somewhere between {} and {}\n",
            time_text(gap.from),
            time_text(gap.to)
        );
    }
    return out;
}

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

std::string render(const Statement& statement, StatementFormat format) {
    switch (format) {
        case StatementFormat::table:
            return render_table(statement);
        case StatementFormat::json:
            return render_json(statement);
        case StatementFormat::csv:
            break;
    }
    return render_csv(statement);
}

}  // namespace weir::metering
