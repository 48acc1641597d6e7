#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "api_client.hpp"
#include "command.hpp"
#include "records.hpp"

namespace weir::cli {
namespace {

struct Options {
    std::string name;
    std::optional<std::uint64_t> from;
    std::optional<std::uint64_t> to;
    Format format = Format::table;
};

constexpr auto* kSinks = "/v1/sinks";
constexpr auto* kPageMax = "1000";

ExitCode list(const Options& options, const Globals& globals) {
    const auto answer = get(*gateway_api(globals), Target{kSinks});
    print_rows(
        answer.at("sinks").as_array(),
        {{.name = "name"},
         {.name = "activity"},
         {.name = "delivered", .is_number = true},
         {.name = "pending", .is_number = true},
         {.name = "dead_letters", .is_number = true},
         {.name = "lost", .is_number = true},
         {.name = "last_error"}},
        options.format
    );
    return ExitCode::ok;
}

/// All of them, oldest first.
ExitCode dead(const Options& options, const Globals& globals) {
    const auto api = gateway_api(globals);
    RecordPrinter printer{
        {{.name = "offset", .is_number = true},
         {.name = "given_up"},
         {.name = "attempts", .is_number = true},
         {.name = "reason"},
         {.name = "rule"},
         {.name = "topic"},
         {.name = "payload"}},
        options.format
    };
    for (auto from = options.from.value_or(1);;) {
        auto target = Target{kSinks}.segment(options.name).segment("dead");
        target.query("from", fmt::to_string(from)).query("limit", kPageMax);
        const auto answer = get_text(*api, target);
        const auto records = parse_records(answer);
        if (records.empty()) {
            break;
        }
        std::ranges::for_each(records, [&](const Record& record) { printer.add(record); });
        from = records.back().offset() + 1;
    }
    printer.finish();
    return ExitCode::ok;
}

ExitCode retry(const Options& options, const Globals& globals) {
    json::object range;
    if (options.from) {
        range["from"] = *options.from;
    }
    if (options.to) {
        range["to"] = *options.to;
    }
    const auto answer =
        post(*gateway_api(globals), Target{kSinks}.segment(options.name).segment("retry"), range);
    if (options.format == Format::json) {
        print_json(answer);
    } else {
        print(fmt::format("{} put back into the outbox\n", cell(answer, "requeued")));
    }
    return ExitCode::ok;
}

}  // namespace

void add_sinks(CLI::App& app, Chosen& chosen) {
    const auto options = std::make_shared<Options>();
    auto& sinks = *add_command(app, "sinks", "Where rules send messages, and what got stuck", "");
    sinks.require_subcommand(1);
    const auto choose = [&chosen, options](CLI::App& command, auto run) {
        command.callback([&chosen, options, run] {
            chosen = [options, run](const Globals& globals) { return run(*options, globals); };
        });
    };
    auto& list_command =
        *add_command(sinks, "list", "All sinks", "weir sinks list\nweir sinks list -o json");
    add_format(list_command, options->format);
    choose(list_command, list);

    auto& dead_command = *add_command(
        sinks,
        "dead",
        "Messages that a sink gave up",
        "weir sinks dead pager\nweir sinks dead pager -o json"
    );
    dead_command.add_option("name", options->name, "Name of the sink")->required();
    dead_command.add_option("--from", options->from, "First offset");
    add_format(dead_command, options->format);
    choose(dead_command, dead);

    auto& retry_command = *add_command(
        sinks,
        "retry",
        "Put dead letters back into the outbox",
        "weir sinks retry pager\nweir sinks retry pager --from 10 --to 20"
    );
    retry_command.add_option("name", options->name, "Name of the sink")->required();
    retry_command.add_option("--from", options->from, "First offset (default: the oldest)");
    retry_command.add_option("--to", options->to, "Last offset (default: the newest)");
    add_format(retry_command, options->format, false);
    choose(retry_command, retry);
}

}  // namespace weir::cli
