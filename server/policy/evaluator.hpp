/// The one judge of requests: rules in, verdict out. Bundle asks it, explain() watches it.
#pragma once

#include <span>
#include <string_view>

#include <weir/policy/policy.hpp>

namespace weir::policy {

/// What somebody wants to do.
struct Request {
    Right right = Right::publish;
    std::string_view object;  ///< Client id, topic name or filter, by the right; valid as the
                              ///< protocol defines it.
    bool retain = false;      ///< For publish.
};

/// What the patterns are compared with: the object, but of a filter "$share/group/filter" the part
/// behind the group, which is empty if there is none. An empty object is always refused.
[[nodiscard]] std::string_view judged_object(const Request& request) noexcept;

/// How a rule stands to a request, RETAIN aside.
[[nodiscard]] Fit fit(const Rule& rule, const Subject& subject, const Request& request) noexcept;

/// Does the rule take effect?
/// An allow of subscribe must cover the filter, a deny must only overlap it.
[[nodiscard]] bool decides(const Rule& rule, Fit fit, bool retain) noexcept;

/// The rules of one right, denies first: default deny, and one deny is enough.
struct RuleList {
    std::span<const Rule* const> rules;
    const model::Source* fallback = nullptr;  ///< Named as the source when no rule comes near.
};

struct NoRecorder {
    void considered(const Rule& /*rule*/, Fit /*fit*/, bool /*decided*/) const noexcept {}
};

/// The allow that came nearest to a refused request: the most leading levels in common, the first
/// of equals.
[[nodiscard]] const Rule* closest_allow(
    std::span<const Rule* const> rules, const Subject& subject, const Request& request
) noexcept;

[[nodiscard]] model::Reason refusal(const Request& request) noexcept;

/// @tparam Recorder  is told of every rule that was looked at: considered(rule, fit, decided).
/// @cost  No allocation of its own; stops at the first rule that decides.
template <class Recorder = NoRecorder>
[[nodiscard]] model::Verdict evaluate(
    const RuleList& list, const Subject& subject, const Request& request, Recorder&& recorder = {}
) noexcept {
    const Rule* only_without_retain = nullptr;
    if (judged_object(request).empty()) {
        return {refusal(request), list.fallback};
    }
    for (const Rule* rule : list.rules) {
        const Fit how = fit(*rule, subject, request);
        const bool decided = decides(*rule, how, request.retain);
        recorder.considered(*rule, how, decided);
        if (decided) {
            return {
                rule->effect == Effect::deny ? refusal(request) : model::Reason::none, &rule->source
            };
        }
        if (rule->effect == Effect::allow && how == Fit::yes) {
            only_without_retain = rule;
        }
    }
    if (only_without_retain != nullptr) {
        return {model::Reason::retain_denied, &only_without_retain->source};
    }
    const Rule* const nearest = closest_allow(list.rules, subject, request);
    return {refusal(request), nearest != nullptr ? &nearest->source : list.fallback};
}

}  // namespace weir::policy
