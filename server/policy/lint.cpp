#include <fmt/format.h>

#include <utility>

#include <weir/document/readers.hpp>
#include <weir/policy/codes.hpp>
#include <weir/policy/detail/lint.hpp>

namespace weir::policy::detail {

void Lint::check(const document::Node& node, const Rule& rule, bool shared) {
    if (const auto* text = std::get_if<TextPattern>(&rule.pattern)) {
        check_connect(node, rule, *text, shared);
    } else {
        check_topic(node, rule, std::get<TopicPattern>(rule.pattern), shared);
    }
}

void Lint::check_connect(
    const document::Node& node, const Rule& rule, const TextPattern& pattern, bool shared
) {
    if (pattern.uses(Variable::client_id)) {
        document::report(
            diagnostics_,
            node,
            code::kEveryClientId,
            fmt::format("'{{client_id}}' here would {} every client id", name(rule.effect)),
            "write connect: \"{thing}\" to tie the client id to the device"
        );
        return;
    }
    if (rule.effect != Effect::allow) {
        return;
    }
    client_id_bound_ = client_id_bound_ && pattern.uses(Variable::thing);
    if (pattern.has_wildcard() && !pattern.uses(Variable::thing) && !shared) {
        warn(
            node,
            code::kWide,
            fmt::format(
                "'{}' is not tied to the device: devices could connect under each other's client "
                "id",
                rule.text
            ),
            "use {thing}, or add 'shared: true' if this is intended"
        );
    }
}

void Lint::check_topic(
    const document::Node& node, const Rule& rule, const TopicPattern& pattern, bool shared
) {
    if (rule.text.find('*') != std::string::npos) {
        warn(
            node,
            code::kStar,
            "'*' is an ordinary character in a topic filter",
            "use '+' for one level, '#' for all that follow"
        );
    }
    if (rule.effect != Effect::allow) {
        return;
    }
    if (pattern.uses(Variable::client_id)) {
        client_id_users_.push_back(node);
    }
    const bool tied = pattern.uses(Variable::thing) || pattern.uses(Variable::client_id);
    if (rule.right == Right::publish && pattern.has_wildcard() && !tied && !shared) {
        warn(
            node,
            code::kWide,
            fmt::format(
                "'{}' is not tied to the device: each device could publish as any other", rule.text
            ),
            "put {thing} into the filter, or add 'shared: true' if this is intended"
        );
    }
}

void Lint::finish() {
    if (client_id_bound_) {
        return;
    }
    for (const auto& node : client_id_users_) {
        warn(
            node,
            code::kUnboundClientId,
            "'{client_id}' is what the peer says, and 'connect' does not tie it to the device",
            "use {thing} here, or in the pattern of 'connect'"
        );
    }
}

void Lint::warn(
    const document::Node& node, std::string_view code, std::string message, std::string help
) {
    diagnostics_.add({
        .severity = document::Severity::warning,
        .code = std::string{code},
        .message = std::move(message),
        .file = std::string{node.file()},
        .range = node.range(),
        .label = {},
        .help = std::move(help),
    });
}

}  // namespace weir::policy::detail
