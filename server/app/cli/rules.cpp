#include <memory>

#include "api_client.hpp"
#include "rule_commands.hpp"

namespace weir::cli {
namespace {

ExitCode list(Format format, const Globals& globals) {
    const auto answer = get(*registry_api(globals), Target{"/v1/rules"});
    print_rows(
        answer.at("rules").as_array(),
        {{.name = "name"},
         {.name = "state"},
         {.name = "passed", .is_number = true},
         {.name = "failed", .is_number = true},
         {.name = "source"},
         {.name = "description"}},
        format
    );
    return ExitCode::ok;
}

}  // namespace

void add_rules(CLI::App& app, Chosen& chosen) {
    auto& rules = *add_command(app, "rules", "The rules: what is in force, and how to try and test them", "");
    rules.require_subcommand(1);
    auto& list_command = *add_command(
        rules,
        "list",
        "All rules, and whether they are on",
        "weir rules list\nweir rules list -o json"
    );
    const auto format = std::make_shared<Format>(Format::table);
    add_format(list_command, *format);
    choose(list_command, chosen, format, list);
    add_rules_switch(rules, chosen);
    add_rules_test(rules, chosen);
    add_rules_lint(rules, chosen);
    add_rules_try(rules, chosen);
    add_rules_explain(rules, chosen);
    add_rules_eval(rules, chosen);
    add_rules_functions(rules, chosen);
}

}  // namespace weir::cli
