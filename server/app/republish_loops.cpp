#include <weir/app_config/republish_loops.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <weir/base/topic.hpp>
#include <weir/rules/codes.hpp>
#include <weir/rules/evaluator.hpp>

namespace weir::app {
namespace {

/// The filter of all topics that a template may become: an expression stands for the rest of its
/// level, and at the end for any number of levels.
std::string filter_of(const rules::Template& topic) {
    std::string filter;
    for (const auto& part : topic.parts()) {
        const bool same_level = !filter.empty() && filter.back() != '/';
        if (part.expression == nullptr) {
            // Text behind an expression belongs to the level that it began.
            const auto text = filter.ends_with('+') ? part.text.substr(std::min(
                                                          part.text.find('/'), part.text.size()
                                                      ))
                                                    : part.text;
            filter += text;
        } else if (same_level) {
            const auto slash = filter.rfind('/');
            filter.resize(slash == std::string::npos ? 0 : slash + 1);
            filter += '+';
        } else {
            filter += '+';
        }
    }
    const bool open_end = !topic.parts().empty() && topic.parts().back().expression != nullptr;
    return open_end ? filter + "/#" : filter;
}

/// Whether a topic can match both.
bool overlap(std::string_view a, std::string_view b) {
    const auto is_wild = [](std::string_view filter) {
        return filter.starts_with('+') || filter.starts_with('#');
    };
    if ((a.starts_with('$') && is_wild(b)) || (b.starts_with('$') && is_wild(a))) {
        return false;
    }
    TopicLevels left{a};
    TopicLevels right{b};
    while (!left.done() && !right.done()) {
        const auto x = left.next();
        const auto y = right.next();
        if (x == "#" || y == "#") {
            return true;
        }
        if (x != y && x != "+" && y != "+") {
            return false;
        }
    }
    const auto ends_open = [](TopicLevels rest) { return rest.done() || rest.next() == "#"; };
    return ends_open(left) && ends_open(right);
}

/// Which rules the outputs of a rule, and the reports of what failed of it, may reach.
std::vector<std::size_t> targets_of(
    const rules::RuleDefinition& rule, std::span<const rules::RuleDefinition* const> rules
) {
    std::vector<std::size_t> targets;
    auto actions = std::vector<const rules::Action*>{};
    std::ranges::transform(rule.actions, std::back_inserter(actions), [](const auto& action) {
        return &action;
    });
    if (rule.on_error) {
        actions.push_back(&*rule.on_error);
    }
    for (const auto* action : actions) {
        const auto* republish = std::get_if<rules::RepublishAction>(action);
        if (republish == nullptr) {
            continue;
        }
        const auto filter = filter_of(republish->topic);
        for (std::size_t i = 0; i < rules.size(); ++i) {
            const bool reached =
                filter.starts_with(rules::kBasicIngestPrefix)
                    ? overlap(filter, fmt::format("{}{}/#", rules::kBasicIngestPrefix, rules[i]->name))
                    : std::ranges::any_of(
                          rules[i]->program->filters,
                          [&](const std::string& other) { return overlap(filter, other); }
                      );
            if (reached && rules[i]->enabled) {
                targets.push_back(i);
            }
        }
    }
    return targets;
}

}  // namespace

void warn_of_loops(
    std::span<const rules::RuleDefinition* const> rules, document::Diagnostics& diagnostics
) {
    std::vector<std::vector<std::size_t>> targets;
    for (const auto* rule : rules) {
        targets.push_back(rule->enabled ? targets_of(*rule, rules) : std::vector<std::size_t>{});
    }
    for (std::size_t start = 0; start < rules.size(); ++start) {
        std::vector<bool> seen(rules.size());
        std::vector<std::size_t> open = targets[start];
        while (!open.empty() && !seen[start]) {
            const auto at = open.back();
            open.pop_back();
            if (!seen[at]) {
                seen[at] = true;
                open.insert(open.end(), targets[at].begin(), targets[at].end());
            }
        }
        if (!seen[start]) {
            continue;
        }
        const auto& source = rules[start]->source;
        diagnostics.add({
            .severity = document::Severity::warning,
            .code = std::string{rules::code::kLoop},
            .message = fmt::format("what rule '{}' publishes may come back to it", rules[start]->name),
            .file = source.file,
            .range = {{source.line, 1}, {source.line, 1}},
            .help = "publish to a topic that FROM does not match; limits.hops ends what goes round",
        });
    }
}

}  // namespace weir::app
