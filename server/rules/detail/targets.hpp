/// Reads the actions of targets.hpp out of the head of a rule.
#pragma once

#include <optional>
#include <string_view>

#include <weir/document/yaml.hpp>
#include <weir/rules/targets.hpp>

namespace weir::rules::detail {

/// What all templates of a rule share.
struct TemplateContext {
    Profile profile = Profile::native;
    const ast::Statement* variables = nullptr;
    document::Diagnostics& diagnostics;

    /// Nothing after an error, which is reported.
    [[nodiscard]] std::optional<Template> compile(
        const document::Node& node, std::size_t bytes_max, bool dollar_escape = false
    ) const;
};

[[nodiscard]] std::optional<LogAction> read_log(
    const document::Node& node, const TemplateContext& context
);
[[nodiscard]] std::optional<AlertAction> read_alert(
    const document::Node& node, const TemplateContext& context
);

[[nodiscard]] MessageProperties read_properties(
    const document::Node& republish, const TemplateContext& context
);

}  // namespace weir::rules::detail
