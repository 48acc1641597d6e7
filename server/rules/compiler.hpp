/// Statements to programs.
#pragma once

#include <optional>
#include <string_view>

#include <weir/document/diagnostic.hpp>
#include <weir/rules/parser.hpp>
#include <weir/rules/program.hpp>

namespace weir::rules {

struct CompileOptions {
    Profile profile = Profile::native;
    SourcePlace place = {};
    /// A rule without FROM is only reached by its name (AWS: Basic Ingest).
    bool filter_required = true;
};

/// Checks and compiles a statement. Constant parts are computed here; what can never have a value
/// or be true is warned of.
/// @param parsed  Receives the syntax tree, for compile_expression; may be null.
/// @return Null after an error; all of it is in `diagnostics`.
[[nodiscard]] ProgramPtr compile_statement(
    std::string_view sql,
    const CompileOptions& options,
    document::Diagnostics& diagnostics,
    std::optional<ast::Statement>* parsed = nullptr
);

/// Compiles one expression, which becomes the program's `select`; the whole of it is `text`.
/// @param variables  A statement that was read, whatever else is wrong with it; the expression may use what it SETs. May
/// be null.
[[nodiscard]] ProgramPtr compile_expression(
    std::string_view text,
    const CompileOptions& options,
    const ast::Statement* variables,
    document::Diagnostics& diagnostics
);

}  // namespace weir::rules
