#include <fmt/format.h>

#include <memory>
#include <weir/app_config/configuration.hpp>

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

std::string counted(std::size_t count, std::string_view noun) {
    return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

/// Runs the tests beside the rules. @return false: one failed, or cannot be read.
bool run_tests(const app::Config& config, document::Diagnostics& diagnostics) {
    std::size_t failed = 0;
    for (const auto& rule : rule_files_of(config, diagnostics)) {
        failed += report_rule_tests(rule, run_rule_tests(rule, diagnostics)).failed;
    }
    return failed == 0 && !diagnostics.has_errors();
}

ExitCode check(const Options& options, const Globals& globals) {
    document::Diagnostics diagnostics;
    const app::SystemFiles files;
    const auto path = options.path.empty() ? globals.config : std::filesystem::path{options.path};
    const auto configuration = app::load_configuration(path, files, diagnostics);
    const bool bad = diagnostics.has_errors() || (options.strict && diagnostics.warnings() > 0);
    if (options.format == Format::json) {
        print(diagnostics.render_json() + '\n');
    } else {
        print_error(diagnostics.render_text());
        const auto& config = configuration.config;
        print(fmt::format(
            "checked {}, {}, {}, {}, {}: {}, {}\n",
            counted(config.listeners.size(), "listener"),
            config.policies.size() == 1 ? "1 policy"
                                        : fmt::format("{} policies", config.policies.size()),
            counted(config.rules.size(), "rule"),
            counted(config.sinks.size(), "sink"),
            counted(config.streams.size(), "stream"),
            counted(diagnostics.errors(), "error"),
            counted(diagnostics.warnings(), "warning")
        ));
    }
    if (!bad && options.test && options.format != Format::json) {
        document::Diagnostics of_tests;
        const bool passed = run_tests(configuration.config, of_tests);
        print_error(of_tests.render_text());
        return passed ? ExitCode::ok : ExitCode::failed;
    }
    return bad ? ExitCode::bad_config : ExitCode::ok;
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
    add_format(*command, options->format, false);
    command->callback([&chosen, options] {
        chosen = [options](const Globals& globals) { return check(*options, globals); };
    });
}

}  // namespace weir::cli
