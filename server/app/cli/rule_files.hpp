/// Finding the rules that a command is about.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <weir/app_config/config.hpp>
#include <weir/rules/document.hpp>
#include <weir/rules/request_template.hpp>

#include "command.hpp"

namespace weir::cli {

/// What the sinks of a configuration take of a message, by their names.
using Requests = std::map<std::string, rules::RequestTemplate, std::less<>>;

struct RuleFile {
    app::TextFile file;
    rules::RuleDefinition rule;
    app::TextFile tests;  ///< `hot_test.yaml` beside `hot.sql`; no text: there are none.
    std::shared_ptr<const Requests> requests = {};  ///< Null: the rule was named by its file, without a configuration.
};

/// Files and folders as they are named, or names of rules of the configuration; without any, all of
/// its rules. Throws Failure: bad_config with all errors if a rule has one.
[[nodiscard]] std::vector<RuleFile> load_rule_files(
    const std::vector<std::string>& wanted,
    const Globals& globals,
    document::Diagnostics& diagnostics
);
/// All rules of a configuration that was read.
[[nodiscard]] std::vector<RuleFile> rule_files_of(
    const app::Config& config, document::Diagnostics& diagnostics
);
/// One rule, by its file or its name. Throws Failure.
[[nodiscard]] RuleFile load_rule_file(const std::string& wanted, const Globals& globals);

}  // namespace weir::cli
