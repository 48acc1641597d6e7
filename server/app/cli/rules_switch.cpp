// What rules did, and switching them off and on.
#include <fmt/format.h>

#include <memory>
#include <string>

#include "api_client.hpp"
#include "rule_commands.hpp"

namespace weir::cli {
namespace {

struct Options {
    std::string rule;
    Format format = Format::table;
};

ExitCode stats(const Options& options, const Globals& globals) {
    const auto answer = get(*gateway_api(globals), Target{"/v1/rules"});
    json::array rows;
    for (const auto& row : answer.at("rules").as_array()) {
        if (options.rule.empty() || cell(row.as_object(), "name") == options.rule) {
            rows.push_back(row);
        }
    }
    if (rows.empty() && !options.rule.empty()) {
        throw Failure{fmt::format("there is no rule '{}'", options.rule), "weir rules list"};
    }
    print_rows(
        rows,
        {{.name = "name"},
         {.name = "state"},
         {.name = "matched", .is_number = true},
         {.name = "passed", .is_number = true},
         {.name = "turned_down", .is_number = true},
         {.name = "undefined", .is_number = true},
         {.name = "duplicates", .is_number = true},
         {.name = "broken", .is_number = true},
         {.name = "failed", .is_number = true},
         {.name = "evaluation_ns", .is_number = true},
         {.name = "last_error"},
         {.name = "last_error_time"}},
        options.format
    );
    return ExitCode::ok;
}

/// @param verb  enable or disable.
ExitCode change(const Options& options, const Globals& globals, std::string_view verb) {
    const auto answer =
        post(*registry_api(globals), Target{"/v1/rules"}.segment(options.rule).segment(verb));
    if (options.format == Format::json) {
        print_json(answer);
    } else {
        print(fmt::format("rule {} is {}\n", options.rule, cell(answer, "state")));
    }
    return ExitCode::ok;
}

}  // namespace

void add_rules_switch(CLI::App& rules, Chosen& chosen) {
    const auto options = std::make_shared<Options>();
    auto& stats_command = *add_command(
        rules,
        "stats",
        "What rules did since the start: messages, failures, time of one evaluation",
        "weir rules stats\nweir rules stats hot -o json"
    );
    stats_command.add_option("rule", options->rule, "Name of a rule (default: all)");
    add_format(stats_command, options->format);
    choose(stats_command, chosen, options, stats);
    const auto add_change = [&](const char* verb, const char* help, const char* examples) {
        auto& command = *add_command(rules, verb, help, examples);
        command.add_option("rule", options->rule, "Name of the rule")->required();
        add_format_without_csv(command, options->format);
        choose(command, chosen, options, [verb](const Options& given, const Globals& globals) {
            return change(given, globals, verb);
        });
    };
    add_change(
        "disable",
        "Take a rule out of force, at once and until it is enabled again; its file stays as it is",
        "weir rules disable hot"
    );
    add_change("enable", "Put a rule back into force that was disabled", "weir rules enable hot");
}

}  // namespace weir::cli
