// `weir rules lint`: what is allowed, and yet hardly meant.
#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include <weir/app_config/republish_loops.hpp>
#include <weir/rules/codes.hpp>
#include <weir/rules/reporter.hpp>

#include "rule_commands.hpp"
#include "rule_fields.hpp"
#include "rule_files.hpp"
#include "rule_tests.hpp"

namespace weir::cli {
namespace {

struct Options {
    std::vector<std::string> wanted;
    Format format = Format::table;
};

/// The fields that a rule reads, held against the messages of its tests.
void check_fields(const RuleFile& file, document::Diagnostics& diagnostics) {
    RuleFields fields{*file.rule.program};
    for (const auto& payload : sample_payloads(file)) {
        fields.see(payload);
    }
    const auto& source = file.rule.source;
    rules::Reporter reporter{
        file.rule.program->source, {source.file, {source.line, 1}}, diagnostics
    };
    for (const auto& unknown : fields.unknown()) {
        reporter.warning(
            rules::code::kUnknownField,
            {unknown.begin, unknown.end},
            fmt::format("no message in {} has a field `{}`", file.tests.path, unknown.path),
            unknown.suggestion.empty() ? "" : fmt::format("did you mean {}?", unknown.suggestion)
        );
    }
}

ExitCode run(const Options& options, const Globals& globals) {
    document::Diagnostics diagnostics;
    const auto files = load_rule_files(options.wanted, globals, diagnostics);
    std::vector<const rules::RuleDefinition*> definitions;
    for (const auto& file : files) {
        definitions.push_back(&file.rule);
        if (file.tests.text.empty()) {
            diagnostics.add({
                .severity = document::Severity::warning,
                .code = std::string{rules::code::kUntested},
                .message = fmt::format("rule '{}' has no tests", file.rule.name),
                .file = file.file.path,
                .help = fmt::format("write {}", file.tests.path),
            });
        }
        check_fields(file, diagnostics);
    }
    app::warn_of_loops(definitions, diagnostics);
    print(
        options.format == Format::json
            ? diagnostics.render_json() + '\n'
            : diagnostics.render_text() + fmt::format(
                                              "{}, {}\n",
                                              counted(files.size(), "rule"),
                                              counted(diagnostics.warnings(), "warning")
                                          )
    );
    return diagnostics.warnings() == 0 ? ExitCode::ok : ExitCode::failed;
}

}  // namespace

void add_rules_lint(CLI::App& rules, Chosen& chosen) {
    auto& command = *add_command(
        rules,
        "lint",
        "Conditions that are never true, expressions without value, fields that no test has, loops, rules "
        "without tests. Exit "
        "code 1: something was found",
        "weir rules lint\nweir rules lint rules.d/hot.sql -o json"
    );
    const auto options = std::make_shared<Options>();
    command.add_option(
        "rules", options->wanted, "Files, folders or names of rules (default: all of --config)"
    );
    add_format_without_csv(command, options->format);
    choose(command, chosen, options, run);
}

}  // namespace weir::cli
