/// The recursive descent behind parse_statement.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <weir/rules/ast.hpp>
#include <weir/rules/lexer.hpp>
#include <weir/rules/profile.hpp>

namespace weir::rules::detail {

using ast::Expression;
using ast::ExpressionKind;
using ast::ExpressionPtr;
using ast::Extent;

/// Ends the parse of one statement at its first error. parse_statement catches it.
struct SyntaxError {
    std::string_view code;
    Extent extent;
    std::string message;
    std::string help;
};

[[nodiscard]] inline Extent extent_of(const Token& token) noexcept {
    return {token.offset, token.end()};
}

/// One statement; used once.
class Parser {
public:
    Parser(std::string_view text, Profile profile) : profile_{profile}, lexer_{text, profile == Profile::native} {
        current_ = lexer_.next();
        ahead_ = lexer_.next();
    }

    /// Throws SyntaxError.
    [[nodiscard]] ast::Statement statement();
    [[nodiscard]] ExpressionPtr whole_expression();

private:
    // Tokens.
    void advance();
    bool accept_symbol(std::string_view symbol);
    bool accept_keyword(std::string_view keyword);
    void expect_symbol(std::string_view symbol, std::string_view after);
    void expect_keyword(std::string_view keyword, std::string_view after);
    [[nodiscard]] bool at_reserved() const;
    [[noreturn]] void fail_expected(std::string_view what, std::string help = {}) const;
    [[noreturn]] void fail(
        std::string_view code, Extent extent, std::string message, std::string help = {}
    ) const {
        throw SyntaxError{code, extent, std::move(message), std::move(help)};
    }
    void require(bool has, Extent extent, std::string_view what, std::string help = {}) const;
    void expect_end(std::string_view after);

    // Statement.
    void set_clause(ast::Statement& statement);
    void foreach_clause(ast::Statement& statement);
    void from_clause(ast::Statement& statement);
    void select_list(ast::Query& query);
    ast::Item item();
    [[nodiscard]] bool at_value_keyword() const;
    [[nodiscard]] bool at_lone_item() const;
    [[nodiscard]] bool is_quote_missing() const;
    [[nodiscard]] bool at_from_clause() const;
    [[nodiscard]] Token name_after_as();
    std::vector<std::string> alias();
    std::unique_ptr<ast::Query> subquery();

    // Expressions, from the loosest binding to the tightest.
    ExpressionPtr expression();
    ExpressionPtr chain(std::string_view keyword, ast::Binary op, ExpressionPtr (Parser::*next)());
    ExpressionPtr disjunction() {
        return chain("or", ast::Binary::logical_or, &Parser::conjunction);
    }
    ExpressionPtr conjunction() {
        return chain("and", ast::Binary::logical_and, &Parser::negation);
    }
    ExpressionPtr negation();
    ExpressionPtr comparison();
    struct Operator {
        std::string_view symbol;
        ast::Binary op;
    };
    ExpressionPtr arithmetic(
        std::span<const Operator> operators, ExpressionPtr (Parser::*next)()
    );
    ExpressionPtr sum();
    ExpressionPtr product();
    ExpressionPtr unary();
    ExpressionPtr postfix();
    ExpressionPtr primary();
    ExpressionPtr name_or_call();
    ExpressionPtr call(Token name);
    ExpressionPtr cast(Token name);
    ExpressionPtr case_expression();
    ExpressionPtr object_literal();
    ExpressionPtr array_literal();
    ExpressionPtr number_literal();

    ExpressionPtr make(ExpressionKind kind, std::uint32_t begin) const;
    /// Sets extent and depth once the operands are there.
    ExpressionPtr finish(ExpressionPtr expression) const;
    ExpressionPtr binary(ast::Binary op, ExpressionPtr left, ExpressionPtr right) const;

    Profile profile_;
    Lexer lexer_;
    Token current_;
    Token ahead_;
    Token last_text_;  ///< The last string before the current token.
    std::uint32_t last_end_ = 0;
    std::size_t nesting_ = 0;
};

}  // namespace weir::rules::detail
