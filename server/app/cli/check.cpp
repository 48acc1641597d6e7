#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <weir/app/check.hpp>
#include <weir/app_config/config_codes.hpp>
#include <weir/base/clock.hpp>

#include "api_client.hpp"
#include "command.hpp"
#include "rule_tests.hpp"

namespace weir::cli {
namespace {

struct Options {
    std::string path;  ///< Empty: the --config of the line.
    Format format = Format::table;
    bool strict = false;
    bool test = false;
};

/// Rules that a running gateway of this configuration does not run; none if none runs.
std::vector<std::string> paused_rules(const std::filesystem::path& path) {
    std::vector<std::string> names;
    try {
        const auto status = get(*gateway_api({.config = path}), Target{"/v1/status"});
        for (const auto& name : status.at("paused_rules").as_array()) {
            names.emplace_back(name.as_string());
        }
    } catch (const std::exception&) {
        return {};  // It is the files that are checked.
    }
    return names;
}

/// Warns of policies that devices have and these files would not: the registry is that of a gateway
/// that runs with them; none runs, none is told.
void warn_of_missing_policies(
    const std::filesystem::path& path,
    const policy::PolicySet& policies,
    document::Diagnostics& diagnostics
) {
    json::array attached;
    try {
        attached = get(*gateway_api({.config = path}), Target{"/v1/policies"}).at("attached").as_array();
    } catch (const std::exception&) {
        return;
    }
    for (const auto& row : attached) {
        const std::string name{row.at("name").as_string()};
        if (policies.find(name) == nullptr) {
            diagnostics.add({
                .severity = document::Severity::warning,
                .code = std::string{app::code::kNoPolicy},
                .message = fmt::format(
                    "the policy '{}' is attached to {} and defined in no file",
                    name,
                    counted(row.at("devices").to_number<std::uint64_t>(), "device")
                ),
                .help = fmt::format(
                    "describe it in policies.d/{0}.yaml, or weir devices detach NAME --policy {0}", name
                ),
            });
        }
    }
}

struct TestRun {
    RuleTestSummary summary;
    json::array rows;
    document::Diagnostics diagnostics;

    [[nodiscard]] bool passed() const { return summary.failed == 0 && !diagnostics.has_errors(); }
};

/// Runs the tests beside the rules, and prints them as a table if that is the format.
TestRun run_tests(const app::Config& config, Format format) {
    TestRun run;
    for (const auto& rule : rule_files_of(config, run.diagnostics)) {
        const auto results = run_rule_tests(rule, run.diagnostics);
        if (format == Format::table) {
            run.summary.failed += report_rule_tests(rule, results).failed;
            continue;
        }
        for (const auto& result : results) {
            run.rows.push_back(rule_test_row(rule, result));
            ++(result.passed() ? run.summary.passed : run.summary.failed);
        }
    }
    return run;
}

void print_result(const document::Diagnostics& diagnostics, const app::Config& config) {
    print_error(diagnostics.render_text());
    print(fmt::format(
        "checked {}, {}, {}, {}, {}: {}, {}\n",
        counted(config.listeners.size(), "listener"),
        config.policies.size() == 1 ? "1 policy"
                                    : fmt::format("{} policies", config.policies.size()),
        counted(config.rules.size(), "rule"),
        counted(config.sinks.size() + config.archives.size(), "sink"),
        counted(config.streams.size(), "stream"),
        counted(diagnostics.errors(), "error"),
        counted(diagnostics.warnings(), "warning")
    ));
}

ExitCode check(const Options& options, const Globals& globals) {
    document::Diagnostics diagnostics;
    const app::SystemFiles files;
    const auto path = options.path.empty() ? globals.config : std::filesystem::path{options.path};
    const auto configuration =
        app::check_configuration(path, files, SystemClock{}.wall(), diagnostics);
    if (!diagnostics.has_errors()) {
        warn_of_missing_policies(path, *configuration.policies, diagnostics);
    }
    const bool bad = diagnostics.has_errors() || (options.strict && diagnostics.warnings() > 0);
    const auto paused = bad ? std::vector<std::string>{} : paused_rules(path);
    std::optional<TestRun> tests;
    if (options.format == Format::table) {
        print_result(diagnostics, configuration.config);
        for (const auto& name : paused) {
            print(fmt::format("rule {} is paused: weir rules enable {}\n", name, name));
        }
    }
    if (!bad && options.test) {
        tests = run_tests(configuration.config, options.format);
        if (options.format == Format::table) {
            print_error(tests->diagnostics.render_text());
        }
    }
    if (options.format == Format::json) {
        auto out = json::parse(diagnostics.render_json()).as_object();
        out["paused_rules"] = json::array(paused.begin(), paused.end());
        if (tests) {
            out["tests"] = tests->rows;
            out["tests_passed"] = tests->summary.passed;
            out["tests_failed"] = tests->summary.failed;
            out["tests_diagnostics"] =
                json::parse(tests->diagnostics.render_json()).as_object()["diagnostics"];
        }
        print_json(out);
    }
    if (bad) {
        return ExitCode::bad_config;
    }
    return !tests || tests->passed() ? ExitCode::ok : ExitCode::failed;
}

}  // namespace

void add_check(CLI::App& app, Chosen& chosen) {
    auto* command = add_command(
        app,
        "check",
        "Validate a configuration: all errors of all files, with file:line:column",
        "weir check --test\nweir check my-gw -o json"
    );
    const auto options = std::make_shared<Options>();
    command->add_option(
        "path", options->path, "weir.yaml or its folder (default: that of --config)"
    );
    command->add_flag("--strict", options->strict, "Warnings count as errors");
    command->add_flag(
        "--test", options->test, "Run the tests beside the rules as well; exit code 1: one failed"
    );
    add_format_without_csv(*command, options->format);
    choose(*command, chosen, options, check);
}

}  // namespace weir::cli
