#include <weir/policy/bundle.hpp>

#include <algorithm>
#include <utility>

#include <weir/base/topic.hpp>

namespace weir::policy {
Bundle::Bundle(std::shared_ptr<const PolicySet> set, std::vector<const Policy*> policies)
    : set_{std::move(set)}, policies_{std::move(policies)} {
    std::optional<OnViolation> strictest;
    for (const Policy* policy : policies_) {
        for (const Rule& rule : policy->rules) {
            rules_[static_cast<std::size_t>(rule.right)].push_back(&rule);
        }
        if (policy->on_violation) {
            strictest = std::max(strictest.value_or(OnViolation::drop), *policy->on_violation);
        }
        standing_ = std::max(standing_, policy->standing);
        rates_.publish_rate = document::slower(rates_.publish_rate, policy->rates.publish_rate);
        rates_.byte_rate = document::slower(rates_.byte_rate, policy->rates.byte_rate);
    }
    on_violation_ = strictest.value_or(OnViolation::nack);
    for (auto& rules : rules_) {
        std::ranges::stable_partition(rules, [](const Rule* rule) {
            return rule->effect == Effect::deny;
        });
        rules.shrink_to_fit();
    }
}

RuleList Bundle::rules(Right right) const noexcept {
    return {
        .rules = rules_[static_cast<std::size_t>(right)],
        .fallback = policies_.empty() ? nullptr : &policies_.front()->source
    };
}

model::Verdict Bundle::connect(const Subject& subject) const noexcept {
    if (!is_plain_client_id(subject.client_id)) {
        return {model::Reason::client_id_invalid, nullptr};
    }
    return evaluate(
        rules(Right::connect), subject, {.right = Right::connect, .object = subject.client_id}
    );
}

model::Verdict Bundle::publish(const Subject& subject, std::string_view topic, bool retain)
    const noexcept {
    return evaluate(
        rules(Right::publish), subject, {.right = Right::publish, .object = topic, .retain = retain}
    );
}

model::Verdict Bundle::subscribe(const Subject& subject, std::string_view filter) const noexcept {
    return evaluate(
        rules(Right::subscribe), subject, {.right = Right::subscribe, .object = filter}
    );
}

model::Verdict Bundle::receive(const Subject& subject, std::string_view topic) const noexcept {
    return evaluate(rules(Right::receive), subject, {.right = Right::receive, .object = topic});
}

model::Verdict Bundle::will(const Subject& subject, std::string_view topic, bool retain)
    const noexcept {
    if (starts_reserved(topic)) {
        return {model::Reason::will_denied, nullptr};
    }
    auto verdict = publish(subject, topic, retain);
    if (!verdict.accepted()) {
        verdict.reason = model::Reason::will_denied;
    }
    return verdict;
}

bool is_plain_client_id(std::string_view client_id) noexcept {
    return std::ranges::all_of(client_id, [](char c) {
        const auto code = static_cast<unsigned char>(c);
        return code >= 0x20 && code != 0x7F && c != '+' && c != '#' && c != '*';
    });
}

}  // namespace weir::policy
