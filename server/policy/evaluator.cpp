#include <weir/policy/evaluator.hpp>

#include <weir/base/assert.hpp>

namespace weir::policy {
namespace {

constexpr std::string_view kSharePrefix = "$share/";

Fit fit_topic(
    const Rule& rule, const TopicPattern& pattern, const Subject& subject, const Request& request
) noexcept {
    const auto object = judged_object(request);
    if (request.right != Right::subscribe) {
        return pattern.matches(object, subject);
    }
    return rule.effect == Effect::allow ? pattern.covers(object, subject)
                                        : pattern.overlaps(object, subject);
}

}  // namespace

std::string_view judged_object(const Request& request) noexcept {
    std::string_view object = request.object;
    if (request.right != Right::subscribe || !object.starts_with(kSharePrefix)) {
        return object;
    }
    object.remove_prefix(kSharePrefix.size());
    const auto slash = object.find('/');
    return slash == std::string_view::npos ? std::string_view{} : object.substr(slash + 1);
}

Fit fit(const Rule& rule, const Subject& subject, const Request& request) noexcept {
    if (const auto* text = std::get_if<TextPattern>(&rule.pattern)) {
        return text->matches(request.object, subject);
    }
    return fit_topic(rule, *std::get_if<TopicPattern>(&rule.pattern), subject, request);
}

bool decides(const Rule& rule, Fit fit, bool retain) noexcept {
    if ((rule.retained == Retained::never && retain) ||
        (rule.retained == Retained::only && !retain)) {
        return false;
    }
    return fit == Fit::yes || (fit == Fit::unresolved && rule.effect == Effect::deny);
}

const Rule* closest_allow(
    std::span<const Rule* const> rules, const Subject& subject, const Request& request
) noexcept {
    const auto object = judged_object(request);
    const Rule* best = nullptr;
    std::size_t best_levels = 0;
    for (const Rule* rule : rules) {
        if (rule->effect != Effect::allow) {
            continue;
        }
        const auto* pattern = std::get_if<TopicPattern>(&rule->pattern);
        const std::size_t levels = pattern != nullptr ? pattern->common_levels(object, subject) : 0;
        if (best == nullptr || levels > best_levels) {
            best = rule;
            best_levels = levels;
        }
    }
    return best;
}

model::Reason refusal(const Request& request) noexcept {
    switch (request.right) {
        case Right::connect:
            return model::Reason::connect_denied;
        case Right::publish:
            return model::Reason::publish_denied;
        case Right::subscribe:
            return model::Reason::subscribe_denied;
        case Right::receive:
            return model::Reason::receive_denied;
    }
    return model::Reason::publish_denied;
}

}  // namespace weir::policy
