// The messages that topics keep for whoever subscribes next.
#include <iterator>
#include <memory>

#include "api_client.hpp"
#include "command.hpp"

namespace weir::cli {
namespace {

struct Options {
    std::string filter = "#";
    Format format = Format::table;
};

constexpr auto* kRetained = "/v1/retained";

ExitCode list(const Options& options, const Globals& globals) {
    const auto api = gateway_api(globals);
    json::array rows;
    for (std::string after;;) {
        Target target{kRetained};
        target.query("filter", options.filter).query("limit", "1000");
        if (!after.empty()) {
            target.query("after", after);
        }
        auto page = get(*api, target);
        auto& messages = page.at("retained").as_array();
        std::move(messages.begin(), messages.end(), std::back_inserter(rows));
        after = cell(page, "next");
        if (after.empty()) {
            break;
        }
    }
    print_rows(
        rows,
        {{.name = "topic"},
         {.name = "bytes", .is_number = true},
         {.name = "qos", .is_number = true},
         {.name = "publisher"},
         {.name = "client_id"},
         {.name = "time"},
         {.name = "age_ms", .is_number = true},
         {.name = "expires"}},
        options.format
    );
    return ExitCode::ok;
}

ExitCode clear(const Options& options, const Globals& globals) {
    const auto api = gateway_api(globals);
    std::uint64_t cleared = 0;
    for (std::string after;;) {
        const auto answer = post(
            *api,
            Target{kRetained}.segment("clear"),
            {{"filter", options.filter}, {"after", after}, {"limit", 1'000}}
        );
        cleared += answer.at("cleared").to_number<std::uint64_t>();
        after = cell(answer, "next");
        if (after.empty()) {
            break;
        }
    }
    if (options.format == Format::json) {
        print_json(json::object{{"cleared", cleared}});
    } else {
        print(counted(cleared, "retained message") + " cleared\n");
    }
    return ExitCode::ok;
}

}  // namespace

void add_retained(CLI::App& app, Chosen& chosen) {
    const auto options = std::make_shared<Options>();
    auto& retained = *add_command(
        app, "retained", "The messages that topics keep for whoever subscribes next", ""
    );
    retained.require_subcommand(1);

    auto& all = *add_command(
        retained,
        "list",
        "Retained messages: how big, who published them, how old, until when",
        "weir retained list\nweir retained list 'data/probe-1/#' -o json"
    );
    all.add_option(
        "filter", options->filter, "Topics that it matches (default: #, which leaves out those with $)"
    );
    add_format(all, options->format);
    choose(all, chosen, options, list);

    auto& some = *add_command(
        retained,
        "clear",
        "Remove retained messages, for good. Subscribers are not told",
        "weir retained clear data/probe-1/temp\nweir retained clear 'data/probe-1/#'"
    );
    some.add_option("filter", options->filter, "A topic, or a filter: all topics that it matches")
        ->required();
    add_format_without_csv(some, options->format);
    choose(some, chosen, options, clear);
}

}  // namespace weir::cli
