/// The rules of a configuration, indexed by topic.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include <weir/base/topic_index.hpp>
#include <weir/rules/document.hpp>

namespace weir::rules {

class Rule {
public:
    Rule(RuleDefinition definition, std::uint32_t index) noexcept
        : definition_{std::move(definition)}, index_{index} {}

    [[nodiscard]] std::string_view name() const noexcept { return definition_.name; }
    /// 0..RuleSet::size()-1, for tables of counters beside the set.
    [[nodiscard]] std::uint32_t index() const noexcept { return index_; }
    [[nodiscard]] const RuleDefinition& definition() const noexcept { return definition_; }
    [[nodiscard]] std::span<const Action> actions() const noexcept { return definition_.actions; }
    [[nodiscard]] const Action* on_error() const noexcept {
        return definition_.on_error ? &*definition_.on_error : nullptr;
    }
    [[nodiscard]] const Program& program() const noexcept { return *definition_.program; }

private:
    RuleDefinition definition_;
    std::uint32_t index_;
};

/// Immutable; shared by every shard and replaced as a whole when the configuration is reloaded.
class RuleSet {
public:
    /// The definitions' names differ, and each has a program. Disabled rules are there, but never
    /// match.
    [[nodiscard]] static std::shared_ptr<const RuleSet> build(
        std::vector<RuleDefinition> definitions
    );

    [[nodiscard]] std::span<const Rule> rules() const noexcept { return rules_; }
    [[nodiscard]] std::size_t size() const noexcept { return rules_.size(); }
    /// @cost Logarithmic.
    [[nodiscard]] const Rule* find(std::string_view name) const noexcept;

    /// Appends the indexes of the enabled rules whose FROM matches, in ascending order.
    void match(std::string_view topic, std::vector<std::uint32_t>& indexes) const;

private:
    std::vector<Rule> rules_;  ///< Sorted by name.
    TopicIndex<std::uint32_t> filters_;
};

}  // namespace weir::rules
