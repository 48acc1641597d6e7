#include <weir/policy/explain.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace weir::policy {
namespace {

struct Recorder {
    const Subject& subject;
    std::vector<Considered>& considered_lines;

    void considered(const Rule& rule, Fit fit, bool decided) {
        considered_lines.push_back({
            .rule = &rule,
            .fit = fit,
            .decided = decided,
            .expanded = std::visit(
                [&](const auto& pattern) { return pattern.expand(subject); }, rule.pattern
            ),
        });
    }
};

std::string_view outcome(const Considered& line, bool retain) {
    if (line.decided) {
        return line.fit == Fit::yes ? "matches" : "matches: a variable has no usable value";
    }
    switch (line.fit) {
        case Fit::no:
            return "does not match";
        case Fit::unresolved:
            return "does not match: a variable has no usable value";
        case Fit::yes:
            return retain ? "matches, but not with retain" : "matches only with retain";
    }
    return {};
}

std::string place(const model::Source& source) {
    return fmt::format("{}:{}", source.file, source.line);
}

std::string pattern_text(const Considered& line) {
    const auto written = fmt::format(
        "{} {} \"{}\"", name(line.rule->effect), name(line.rule->right), line.rule->text
    );
    return line.expanded == line.rule->text ? written
                                            : fmt::format("{} (= {})", written, line.expanded);
}

std::string headline(const Explanation& explanation) {
    const auto& verdict = explanation.verdict;
    const auto* const source = verdict.source;
    if (verdict.accepted()) {
        return place(*source);
    }
    const bool by_deny = !explanation.considered.empty() && explanation.considered.back().decided;
    if (by_deny) {
        return fmt::format("denied by {}", place(*source));
    }
    if (verdict.reason == model::Reason::client_id_invalid) {
        return std::string{model::info(verdict.reason).text};
    }
    if (source == nullptr) {
        return "no policy applies";
    }
    const auto nearest = std::ranges::find_if(explanation.considered, [&](const Considered& line) {
        return &line.rule->source == source;
    });
    return nearest == explanation.considered.end()
               ? fmt::format("no line is about {}", name(explanation.request.right))
               : fmt::format(
                     "no allow matches; closest: {} {}", place(*source), pattern_text(*nearest)
                 );
}

}  // namespace

Explanation explain(const Bundle& bundle, const Subject& subject, const Request& request) {
    Explanation out{.request = request};
    for (const auto& attached : subject.principal.policies) {
        const auto has_name = [&](const Policy* policy) { return policy->name == attached; };
        if (std::ranges::none_of(bundle.policies(), has_name)) {
            out.missing_policies.push_back(attached);
        }
    }
    if (request.right == Right::connect && !is_plain_client_id(request.object)) {
        out.verdict = {model::Reason::client_id_invalid, nullptr};
        return out;
    }
    out.verdict =
        evaluate(bundle.rules(request.right), subject, request, Recorder{subject, out.considered});
    return out;
}

std::string to_text(const Explanation& explanation) {
    const auto& request = explanation.request;
    std::string out = fmt::format(
        "{} {} {}{}: {}\n",
        explanation.verdict.accepted() ? "ALLOW" : "DENY",
        name(request.right),
        request.object,
        request.retain ? " (retained)" : "",
        headline(explanation)
    );
    for (const Considered& line : explanation.considered) {
        out += fmt::format(
            "  {} {}: {}\n",
            place(line.rule->source),
            pattern_text(line),
            outcome(line, request.retain)
        );
    }
    for (const auto& name : explanation.missing_policies) {
        out += fmt::format("  policy '{}' is attached but in no file\n", name);
    }
    return out;
}

}  // namespace weir::policy
