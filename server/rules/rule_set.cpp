#include <weir/rules/rule_set.hpp>

#include <algorithm>

#include <weir/base/assert.hpp>

namespace weir::rules {

std::shared_ptr<const RuleSet> RuleSet::build(std::vector<RuleDefinition> definitions) {
    auto set = std::make_shared<RuleSet>();
    std::ranges::sort(definitions, {}, &RuleDefinition::name);
    set->rules_.reserve(definitions.size());
    for (RuleDefinition& definition : definitions) {
        WEIR_ASSERT(definition.program != nullptr);
        WEIR_ASSERT(set->rules_.empty() || set->rules_.back().name() != definition.name);
        const auto index = static_cast<std::uint32_t>(set->rules_.size());
        const Program& program = *definition.program;
        const auto profile =
            program.profile == Profile::native ? TopicProfile::mqtt : TopicProfile::aws;
        if (definition.enabled) {
            for (const std::string& filter : program.filters) {
                set->filters_.insert(filter, index, profile);
            }
        }
        set->rules_.emplace_back(std::move(definition), index);
    }
    return set;
}

const Rule* RuleSet::find(std::string_view name) const noexcept {
    const auto found = std::ranges::lower_bound(rules_, name, {}, &Rule::name);
    return found != rules_.end() && found->name() == name ? &*found : nullptr;
}

void RuleSet::match(std::string_view topic, std::vector<std::uint32_t>& indexes) const {
    const auto before = static_cast<std::ptrdiff_t>(indexes.size());
    filters_.match(topic, [&](std::uint32_t index) { indexes.push_back(index); });
    const auto first = indexes.begin() + before;
    if (indexes.end() - first < 2) {
        return;
    }
    std::sort(first, indexes.end());
    indexes.erase(std::unique(first, indexes.end()), indexes.end());
}

}  // namespace weir::rules
