/// Rules that feed each other.
#pragma once

#include <span>

#include <weir/document/diagnostic.hpp>
#include <weir/rules/document.hpp>

namespace weir::app {

/// Warns of each enabled rule whose republished messages may come back to it, at once or through
/// other rules. Expressions in topics may become anything; so this is a hint, and the limit of hops
/// is what ends a loop.
void warn_of_loops(
    std::span<const rules::RuleDefinition* const> rules, document::Diagnostics& diagnostics
);

}  // namespace weir::app
