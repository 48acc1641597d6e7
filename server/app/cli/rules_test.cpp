// `weir rules test`: the tests beside the rules.
#include <fmt/format.h>

#include <boost/json.hpp>
#include <memory>
#include <string>
#include <vector>

#include "api_client.hpp"
#include "rule_commands.hpp"
#include "rule_tests.hpp"

namespace weir::cli {
namespace {

struct Options {
    std::vector<std::string> wanted;
    Format format = Format::table;
};

ExitCode run(const Options& options, const Globals& globals) {
    document::Diagnostics diagnostics;
    RuleTestSummary total;
    json::array rows;
    for (const auto& rule : load_rule_files(options.wanted, globals, diagnostics)) {
        const auto results = run_rule_tests(rule, diagnostics);
        if (options.format == Format::json) {
            for (const auto& result : results) {
                rows.push_back(rule_test_row(rule, result));
                ++(result.passed() ? total.passed : total.failed);
            }
            continue;
        }
        const auto summary = report_rule_tests(rule, results);
        total.passed += summary.passed;
        total.failed += summary.failed;
        total.untested += summary.untested;
    }
    if (options.format == Format::json) {
        print_json(rows);
    } else {
        print(fmt::format("{} passed, {} failed\n", total.passed, total.failed));
    }
    if (diagnostics.has_errors()) {
        print_error(diagnostics.render_text());
        return ExitCode::bad_config;
    }
    return total.failed == 0 ? ExitCode::ok : ExitCode::failed;
}

}  // namespace

void add_rules_test(CLI::App& rules, Chosen& chosen) {
    auto& command = *add_command(
        rules,
        "test",
        "Run the tests beside the rules (hot_test.yaml beside hot.sql); needs no gateway",
        "weir rules test\nweir rules test rules.d/hot.sql -o json"
    );
    const auto options = std::make_shared<Options>();
    command.add_option(
        "rules", options->wanted, "Files, folders or names of rules (default: all of --config)"
    );
    add_format_without_csv(command, options->format);
    choose(command, chosen, options, run);
}

}  // namespace weir::cli
