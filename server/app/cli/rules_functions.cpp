// `weir rules functions`: what the language can call.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <string>
#include <vector>

#include <weir/base/text.hpp>
#include <weir/rules/functions/foreign.hpp>
#include <weir/rules/reference.hpp>

#include "rule_commands.hpp"

namespace weir::cli {
namespace {

struct Options {
    std::string name;
    bool markdown = false;
};

ExitCode show(const std::string& name) {
    if (const auto* function = rules::find_function(name)) {
        print(rules::describe(*function));
        return ExitCode::ok;
    }
    const auto missing = fmt::format("there is no function {}()", name);
    if (const auto* foreign = rules::find_foreign_function(name)) {
        throw Failure{missing, fmt::format("write {}", foreign->instead)};
    }
    std::vector<std::string_view> names;
    std::vector<std::string> alike;
    for (const auto& function : rules::functions()) {
        names.push_back(function.name);
        if (function.name.contains(name)) {
            alike.push_back(fmt::format("weir rules functions {}", function.name));
        }
    }
    if (const auto near = nearest(name, names); near && alike.empty()) {
        alike.push_back(fmt::format("weir rules functions {}", *near));
    }
    throw Failure{
        missing, alike.empty() ? "weir rules functions" : fmt::format("{}", fmt::join(alike, ", "))
    };
}

ExitCode run(const Options& options) {
    if (options.markdown) {
        print(rules::reference_markdown());
        return ExitCode::ok;
    }
    if (!options.name.empty()) {
        return show(options.name);
    }
    for (const auto& function : rules::functions()) {
        print(fmt::format("{:<48} {}\n", function.signature, function.help));
    }
    return ExitCode::ok;
}

}  // namespace

void add_rules_functions(CLI::App& rules, Chosen& chosen) {
    auto& command = *add_command(
        rules,
        "functions",
        "The functions that rules can call, with examples",
        "weir rules functions\nweir rules functions parse_time"
    );
    const auto options = std::make_shared<Options>();
    auto* name = command.add_option("name", options->name, "One of them");
    command.add_flag("--markdown", options->markdown, "The tables of docs/rules.md")->excludes(name);
    choose(command, chosen, options, run);
}

}  // namespace weir::cli
