/// The commands below `weir rules`, a file each.
#pragma once

#include "command.hpp"

namespace weir::cli {

void add_rules_eval(CLI::App& rules, Chosen& chosen);
void add_rules_explain(CLI::App& rules, Chosen& chosen);
void add_rules_functions(CLI::App& rules, Chosen& chosen);
void add_rules_lint(CLI::App& rules, Chosen& chosen);
/// `stats`, `enable` and `disable`.
void add_rules_switch(CLI::App& rules, Chosen& chosen);
void add_rules_test(CLI::App& rules, Chosen& chosen);
void add_rules_try(CLI::App& rules, Chosen& chosen);

}  // namespace weir::cli
