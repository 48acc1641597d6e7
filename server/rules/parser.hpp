/// Rule SQL to syntax tree.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <weir/rules/ast.hpp>
#include <weir/rules/profile.hpp>
#include <weir/rules/reporter.hpp>

namespace weir::rules {

inline constexpr std::size_t kStatementBytesMax = 256 * 1024;
inline constexpr std::uint16_t kExpressionDepthMax = 100;
inline constexpr std::size_t kVariablesMax = 10;
inline constexpr std::size_t kVariableNameMax = 64;
inline constexpr std::size_t kFiltersMax = 64;

/// @return Nothing if there was an error; it is reported. Only the first one of a statement: what
/// follows would be noise.
[[nodiscard]] std::optional<ast::Statement> parse_statement(
    std::string_view text, Profile profile, Reporter& reporter
);
/// One expression, as in a template; all of `text`.
[[nodiscard]] ast::ExpressionPtr parse_expression(
    std::string_view text, Profile profile, Reporter& reporter
);

}  // namespace weir::rules
