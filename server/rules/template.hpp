/// Text with ${expression} in it: the topic of a republish, the URL of a sink, the value of a
/// header.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <weir/rules/compiler.hpp>

namespace weir::rules {

/// Expressions see the message and what the rule SETs, not the output of its SELECT. Immutable;
/// shared by every shard. Rendered by Evaluator::render.
class Template {
public:
    struct Part {
        std::string text;       ///< As it stands, or
        ProgramPtr expression;  ///< if not null: what this gives, as text.
    };

    struct Options {
        CompileOptions compile = {};
        /// In the topic of a republish, `$$` in front means one `$`.
        bool dollar_escape = false;
        /// A statement that compiled; expressions may use what it SETs.
        const ast::Statement* variables = nullptr;
    };

    /// @return Nothing after an error; all of them are in `diagnostics`.
    [[nodiscard]] static std::optional<Template> compile(
        std::string_view text, const Options& options, document::Diagnostics& diagnostics
    );

    [[nodiscard]] const std::vector<Part>& parts() const noexcept { return parts_; }
    /// As it was written.
    [[nodiscard]] const std::string& source() const noexcept { return source_; }
    /// True if it holds no expression, so that it is the same for every message.
    [[nodiscard]] bool constant() const noexcept;
    /// Whether an expression without value fails the whole; in AWS profiles it leaves nothing.
    [[nodiscard]] bool strict() const noexcept { return strict_; }

private:
    std::string source_;
    std::vector<Part> parts_;
    bool strict_ = true;
};

}  // namespace weir::rules
