/// One rule and one message, evaluated as a gateway does, without any effect.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <weir/rules/document.hpp>
#include <weir/rules/evaluator.hpp>
#include <weir/rules/state_memory.hpp>

#include "rule_files.hpp"
#include "rule_message.hpp"

namespace weir::cli {

/// The value of one expression. Views into the rule's program.
struct RuleStep {
    std::string_view clause;
    std::string_view expression;
    std::string value;  ///< As rules::shown().
    bool is_undefined = false;
};

/// What an action would send, and where.
struct Delivery {
    std::string to;       ///< stream/alarms, http/pager, republish/alarm/p7.
    std::string payload;  ///< JSON text, or bytes.
    bool is_json = true;
};

struct RuleRun {
    bool topic_matches = false;  ///< FROM. If it does not, nothing else was evaluated.
    bool matched = false;        ///< There is an output, or a failure.
    bool is_duplicate = false;   ///< There would be, but for `deduplicate`.
    std::vector<Delivery> deliveries;
    std::vector<std::string> failures;
    std::vector<RuleStep> steps;  ///< Innermost first.
};

/// What rules remember of one message, they know for the next.
class RuleRunner {
public:
    /// @param requests  As RuleFile has it.
    explicit RuleRunner(std::shared_ptr<const Requests> requests)
        : requests_{std::move(requests)} {}

    /// With the steps that it took.
    [[nodiscard]] RuleRun run(const rules::RuleDefinition& rule, const RuleMessage& message);
    /// For what it leaves the rule to remember.
    void run_before(const rules::RuleDefinition& rule, const RuleMessage& message);
    void forget() { state_.clear(); }

private:
    void deliver(RuleRun& run, const rules::RuleDefinition& rule, const rules::Output& output);
    /// Nothing: it is among the failures. @param part  Of the action.
    [[nodiscard]] std::optional<std::string> render(
        RuleRun& run, std::string_view part, const rules::Template& text
    );

    rules::Evaluator evaluator_;
    /// What the sink takes of the message. @return False: the failure is told.
    [[nodiscard]] bool request(RuleRun& run, const std::string& sink);

    const std::shared_ptr<const Requests> requests_;
    Bytes property_bytes_;
    rules::StateMemory state_;
};

}  // namespace weir::cli
