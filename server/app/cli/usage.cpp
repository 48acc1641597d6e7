#include <fmt/format.h>

#include <memory>
#include <weir/base/clock.hpp>
#include <weir/base/text.hpp>

#include "api_client.hpp"
#include "command.hpp"

namespace weir::cli {
namespace {

struct Options {
    std::string device;
    std::string scheme;
    std::string since;
    std::string by;
    Format format = Format::table;
};

std::vector<Table::Column> columns(const Options& options) {
    std::vector<Table::Column> out{{.name = "device"}};
    if (!options.by.empty()) {
        out.push_back({.name = "hour"});
    }
    out.push_back({.name = "scheme"});
    for (const auto* name :
         {"messages_in",
          "bytes_in",
          "messages_out",
          "bytes_out",
          "units_in",
          "units_out",
          "units_control",
          "units"}) {
        out.push_back({.name = name, .is_number = true});
    }
    return out;
}

ExitCode usage(const Options& options, const Globals& globals) {
    Target target{"/v1/usage"};
    for (const auto& [name, value] : {
             std::pair{"device", options.device},
             std::pair{"scheme", options.scheme},
             std::pair{"by", options.by},
         }) {
        if (!value.empty()) {
            target.query(name, value);
        }
    }
    if (!options.since.empty()) {
        const auto from = SystemClock{}.wall() - parse_duration(options.since).value();
        target.query("from", fmt::to_string(from.count()));
    }
    const auto answer = get(*gateway_api(globals), target);
    print_rows(answer.at("rows").as_array(), columns(options), options.format);
    for (const auto& gap : answer.at("gaps").as_array()) {
        print_error(fmt::format(
            "unclean end: up to 1 s of usage is missing somewhere between {} and {}\n",
            cell(gap.as_object(), "from"),
            cell(gap.as_object(), "to")
        ));
    }
    return ExitCode::ok;
}

struct CostOptions {
    std::string month;
    Format format = Format::table;
};

ExitCode cost(const CostOptions& options, const Globals& globals) {
    Target target{"/v1/usage/cost"};
    if (!options.month.empty()) {
        target.query("month", options.month);
    }
    const auto answer = get(*gateway_api(globals), target);
    const auto& rows = answer.at("rows").as_array();
    if (rows.empty()) {
        print_error("there are no price lists: write one, pricing.d/NAME.yaml, then weir reload\n");
    }
    print_rows(
        rows,
        {{.name = "plan"},
         {.name = "meter"},
         {.name = "units", .is_number = true},
         {.name = "cost", .is_number = true},
         {.name = "forecast", .is_number = true},
         {.name = "currency"}},
        options.format
    );
    return ExitCode::ok;
}

void add_cost(CLI::App& usage, Chosen& chosen) {
    auto* command = add_command(
        usage,
        "cost",
        "What a month costs by each price list: so far, and if it goes on like this",
        "weir usage cost\nweir usage cost --month 2026-10 -o csv"
    );
    const auto options = std::make_shared<CostOptions>();
    command->add_option("--month", options->month, "Such as 2026-10, in UTC (default: this one)");
    add_format(*command, options->format);
    choose(*command, chosen, options, cost);
}

}  // namespace

void add_usage(CLI::App& app, Chosen& chosen) {
    auto* command = add_command(
        app,
        "usage",
        "What devices used, in the units of each scheme of billing",
        "weir usage --since 24h\nweir usage --device probe-1 --scheme aws-5k --by hour -o csv"
    );
    const auto options = std::make_shared<Options>();
    command->add_option("--device", options->device, "Only this one");
    command->add_option("--scheme", options->scheme, "Only this one, such as aws-5k");
    command->add_option("--since", options->since, "How far back, in whole hours (default: 30d)")
        ->check([](const std::string& text) {
            return parse_duration(text) ? std::string{}
                                        : "'" + text + "' is not a duration such as 24h";
        });
    command->add_option("--by", options->by, "hour: a row for each hour")
        ->check(CLI::IsMember({"hour"}).description(""));
    add_format(*command, options->format);
    command->callback([&chosen, options, command] {
        if (command->get_subcommands().empty()) {
            chosen = [options](const Globals& globals) { return usage(*options, globals); };
        }
    });
    add_cost(*command, chosen);
}

}  // namespace weir::cli
