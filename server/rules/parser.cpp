#include <weir/rules/parser.hpp>

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <utility>

#include <weir/base/text.hpp>
#include <weir/rules/codes.hpp>
#include <weir/rules/detail/text.hpp>
#include <weir/rules/lexer.hpp>

namespace weir::rules {
namespace {

using ast::Expression;
using ast::ExpressionKind;
using ast::ExpressionPtr;
using ast::Extent;

/// Ends the parse of one statement at its first error. Never leaves this file.
struct SyntaxError {
    std::string_view code;
    Extent extent;
    std::string message;
    std::string help;
};

/// Words that cannot be the first name of a path.
constexpr std::array<std::string_view, 16> kReserved = {
    "select",
    "from",
    "where",
    "as",
    "and",
    "or",
    "not",
    "in",
    "case",
    "when",
    "then",
    "else",
    "end",
    "true",
    "false",
    "null",
};

Extent extent_of(const Token& token) noexcept {
    return {token.offset, token.end()};
}

std::string shown(const Token& token) {
    return token.kind == TokenKind::end ? "the end" : fmt::format("`{}`", token.text);
}

class Parser {
public:
    Parser(std::string_view text, Profile profile) : profile_{profile}, lexer_{text} {
        current_ = lexer_.next();
        ahead_ = lexer_.next();
    }

    ast::Statement statement();
    ExpressionPtr whole_expression();

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
    void select_list(ast::Query& query);
    ast::Item item();
    [[nodiscard]] bool at_value_keyword() const;
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
    std::uint32_t last_end_ = 0;
    std::size_t nesting_ = 0;
};

// Tokens.

void Parser::advance() {
    last_end_ = current_.end();
    current_ = ahead_;
    ahead_ = lexer_.next();
}

bool Parser::accept_symbol(std::string_view symbol) {
    const bool is = current_.is_symbol(symbol);
    if (is) {
        advance();
    }
    return is;
}

bool Parser::accept_keyword(std::string_view keyword) {
    const bool is = current_.is_keyword(keyword);
    if (is) {
        advance();
    }
    return is;
}

bool Parser::at_reserved() const {
    return std::ranges::any_of(kReserved, [&](auto word) { return current_.is_keyword(word); });
}

void Parser::fail_expected(std::string_view what, std::string help) const {
    if (current_.kind == TokenKind::invalid) {
        fail(code::kSyntax, extent_of(current_), std::string{current_.problem}, std::move(help));
    }
    fail(
        code::kSyntax,
        extent_of(current_),
        fmt::format("expected {}, found {}", what, shown(current_)),
        std::move(help)
    );
}

void Parser::expect_symbol(std::string_view symbol, std::string_view after) {
    if (!accept_symbol(symbol)) {
        fail_expected(fmt::format("`{}` {}", symbol, after));
    }
}

void Parser::expect_keyword(std::string_view keyword, std::string_view after) {
    if (accept_keyword(keyword)) {
        return;
    }
    std::string upper{keyword};
    std::ranges::transform(upper, upper.begin(), [](char c) {
        return static_cast<char>(c - 'a' + 'A');
    });
    std::string help;
    const std::array candidates{keyword};
    if (current_.kind == TokenKind::name && nearest(detail::lowered(current_.text), candidates)) {
        help = fmt::format("did you mean {}?", upper);
    }
    fail_expected(fmt::format("{} {}", upper, after), std::move(help));
}

void Parser::require(bool has, Extent extent, std::string_view what, std::string help) const {
    if (!has) {
        fail(
            code::kProfile,
            extent,
            fmt::format("{} not in profile {}", what, name(profile_)),
            std::move(help)
        );
    }
}

void Parser::expect_end(std::string_view after) {
    if (current_.kind == TokenKind::end) {
        return;
    }
    std::string help;
    if (current_.kind == TokenKind::name) {
        constexpr std::array<std::string_view, 5> kNext = {"from", "where", "as", "and", "or"};
        if (const auto near = nearest(detail::lowered(current_.text), kNext)) {
            help = fmt::format("did you mean {}?", *near);
            std::ranges::transform(
                help.begin() + 13,
                help.end() - 1,
                help.begin() + 13,
                [](char c) { return static_cast<char>(c - 'a' + 'A'); }
            );
        }
    }
    fail_expected(fmt::format("the end of the statement {}", after), std::move(help));
}

// Statement.

ast::Statement Parser::statement() {
    ast::Statement statement;
    if (current_.is_keyword("set")) {
        require(
            profile_ != Profile::aws_2015,
            extent_of(current_),
            "SET is",
            "use aws-2016-03-23 or native"
        );
        set_clause(statement);
    }
    ast::Query& query = statement.query;
    query.extent.begin = current_.offset;
    expect_keyword("select", statement.variables.empty() ? "at the beginning" : "after SET");
    select_list(query);
    std::string_view after = "after the list of SELECT";
    if (accept_keyword("from")) {
        if (current_.kind != TokenKind::string) {
            fail_expected(
                "a topic filter in quotes after FROM",
                current_.kind == TokenKind::name ? fmt::format("write FROM '{}...'", current_.text)
                                                 : ""
            );
        }
        statement.filter = unquoted(current_.text);
        statement.filter_extent = extent_of(current_);
        advance();
        after = "or WHERE after the topic filter";
    }
    if (accept_keyword("where")) {
        query.where = expression();
        after = "after WHERE";
    }
    query.extent.end = last_end_;
    expect_end(after);
    return statement;
}

void Parser::set_clause(ast::Statement& statement) {
    advance();
    do {
        const Token name = current_;
        if (name.kind != TokenKind::variable) {
            fail_expected("a variable like @name");
        }
        if (name.text.size() > kVariableNameMax) {
            fail(
                code::kLimit,
                extent_of(name),
                fmt::format("the name of a variable has at most {} characters", kVariableNameMax)
            );
        }
        if (statement.variables.size() == kVariablesMax) {
            fail(
                code::kLimit,
                extent_of(name),
                fmt::format("SET takes at most {} variables", kVariablesMax)
            );
        }
        if (std::ranges::find(statement.variables, name.text, &ast::Variable::name) !=
            statement.variables.end()) {
            fail(code::kVariable, extent_of(name), fmt::format("@{} is set twice", name.text));
        }
        advance();
        expect_symbol("=", "after the variable");
        ast::Variable variable{std::string{name.text}, extent_of(name), expression()};
        statement.variables.push_back(std::move(variable));
    } while (accept_symbol(","));
}

/// VALUE is a keyword only where an expression follows: `value` is a common name of fields.
bool Parser::at_value_keyword() const {
    if (!current_.is_keyword("value")) {
        return false;
    }
    switch (ahead_.kind) {
        case TokenKind::number:
        case TokenKind::string:
        case TokenKind::variable:
            return true;
        case TokenKind::name:
            return !ahead_.is_keyword("from") && !ahead_.is_keyword("as") &&
                   !ahead_.is_keyword("where") && !ahead_.is_keyword("and") &&
                   !ahead_.is_keyword("or") && !ahead_.is_keyword("in");
        case TokenKind::symbol:
            if (ahead_.text == "*") {
                Lexer peek = lexer_;
                const Token behind = peek.next();
                return behind.kind == TokenKind::end || behind.is_keyword("from") ||
                       behind.is_keyword("where") || behind.is_symbol(")");
            }
            return ahead_.text == "(" || ahead_.text == "{" ||
                   (ahead_.text == "[" && profile_ != Profile::aws_2015);
        default:
            return false;
    }
}

void Parser::select_list(ast::Query& query) {
    if (at_value_keyword()) {
        advance();
        query.value = true;
        query.items.push_back({.expression = expression(), .alias = {}, .alias_extent = {}});
        if (current_.is_symbol(",")) {
            fail(code::kSyntax, extent_of(current_), "SELECT VALUE takes one expression");
        }
        return;
    }
    do {
        query.items.push_back(item());
    } while (accept_symbol(","));
}

ast::Item Parser::item() {
    ast::Item result;
    // `SELECT *` and `SELECT *, x`: the star is the whole item.
    result.expression = expression();
    if (accept_keyword("as")) {
        const auto begin = current_.offset;
        result.alias = alias();
        result.alias_extent = {begin, last_end_};
    }
    return result;
}

std::vector<std::string> Parser::alias() {
    if (current_.kind == TokenKind::string && profile_ == Profile::native) {
        std::vector<std::string> quoted{unquoted(current_.text)};
        advance();
        return quoted;
    }
    std::vector<std::string> names;
    do {
        if (current_.kind != TokenKind::name) {
            fail_expected("a name after AS");
        }
        if (names.size() == kExpressionDepthMax) {
            fail(code::kLimit, extent_of(current_), "the name is nested too deep");
        }
        names.emplace_back(current_.text);
        advance();
    } while (accept_symbol("."));
    return names;
}

std::unique_ptr<ast::Query> Parser::subquery() {
    auto query = std::make_unique<ast::Query>();
    query->extent.begin = current_.offset;
    require(
        profile_ != Profile::aws_2015,
        extent_of(current_),
        "a nested SELECT is",
        "use aws-2016-03-23 or native"
    );
    expect_keyword("select", "in the sub-query");
    select_list(*query);
    expect_keyword("from", "in the sub-query");
    query->from = expression();
    if (accept_keyword("as")) {
        if (current_.kind != TokenKind::name) {
            fail_expected("a name after AS");
        }
        query->from_alias = std::string{current_.text};
        advance();
    }
    if (accept_keyword("where")) {
        query->where = expression();
    }
    query->extent.end = last_end_;
    return query;
}

// Expressions.

ExpressionPtr Parser::make(ExpressionKind kind, std::uint32_t begin) const {
    auto result = std::make_unique<Expression>();
    result->kind = kind;
    result->extent.begin = begin;
    return result;
}

ExpressionPtr Parser::finish(ExpressionPtr expression) const {
    expression->extent.end = last_end_;
    std::uint16_t depth = 0;
    const auto count = [&](const ExpressionPtr& part) {
        depth = std::max(depth, part ? part->depth : std::uint16_t{0});
    };
    std::ranges::for_each(expression->operands, count);
    if (expression->query) {
        count(expression->query->from);
        count(expression->query->where);
        for (const auto& item : expression->query->items) {
            count(item.expression);
        }
    }
    expression->depth = static_cast<std::uint16_t>(depth + 1);
    if (expression->depth > kExpressionDepthMax) {
        fail(
            code::kLimit,
            expression->extent,
            fmt::format("the expression is nested deeper than {}", kExpressionDepthMax)
        );
    }
    return expression;
}

ExpressionPtr Parser::binary(ast::Binary op, ExpressionPtr left, ExpressionPtr right) const {
    auto result = make(ExpressionKind::binary, left->extent.begin);
    result->binary = op;
    result->operands.push_back(std::move(left));
    result->operands.push_back(std::move(right));
    return finish(std::move(result));
}

/// Bounds the recursion of the parser itself, for text like ((((((.
ExpressionPtr Parser::expression() {
    if (nesting_ == kExpressionDepthMax) {
        fail(
            code::kLimit,
            extent_of(current_),
            fmt::format("the expression is nested deeper than {}", kExpressionDepthMax)
        );
    }
    ++nesting_;
    auto result = disjunction();
    --nesting_;
    return result;
}

ExpressionPtr Parser::chain(
    std::string_view keyword, ast::Binary op, ExpressionPtr (Parser::*next)()
) {
    auto first = (this->*next)();
    if (!current_.is_keyword(keyword)) {
        return first;
    }
    auto result = make(ExpressionKind::binary, first->extent.begin);
    result->binary = op;
    result->operands.push_back(std::move(first));
    while (accept_keyword(keyword)) {
        result->operands.push_back((this->*next)());
    }
    return finish(std::move(result));
}

ExpressionPtr Parser::negation() {
    if (!current_.is_keyword("not")) {
        return comparison();
    }
    auto result = make(ExpressionKind::unary, current_.offset);
    result->unary = ast::Unary::logical_not;
    advance();
    if (++nesting_ > kExpressionDepthMax) {
        fail(code::kLimit, extent_of(current_), "too many NOT in a row");
    }
    result->operands.push_back(negation());
    --nesting_;
    return finish(std::move(result));
}

ExpressionPtr Parser::comparison() {
    struct Operator {
        std::string_view symbol;
        ast::Binary op;
    };
    static constexpr std::array<Operator, 7> kOperators = {{
        {"=", ast::Binary::equal},
        {"<>", ast::Binary::not_equal},
        {"!=", ast::Binary::not_equal},
        {"<", ast::Binary::less},
        {"<=", ast::Binary::less_equal},
        {">", ast::Binary::greater},
        {">=", ast::Binary::greater_equal},
    }};
    auto left = sum();
    for (;;) {
        const Token token = current_;
        if (token.is_keyword("in")) {
            advance();
            left = binary(ast::Binary::in, std::move(left), sum());
            continue;
        }
        const auto* found = std::ranges::find_if(kOperators, [&](const auto& it) {
            return token.is_symbol(it.symbol);
        });
        if (found == kOperators.end()) {
            return left;
        }
        if (found->symbol == "!=") {
            require(profile_ == Profile::native, extent_of(token), "`!=` is", "write <> instead");
        }
        advance();
        if (token.text == "=" && current_.is_symbol("=")) {
            fail(
                code::kSyntax,
                {token.offset, current_.end()},
                "there is no operator `==`",
                "write = instead"
            );
        }
        left = binary(found->op, std::move(left), sum());
    }
}

ExpressionPtr Parser::sum() {
    auto left = product();
    for (;;) {
        if (accept_symbol("+")) {
            left = binary(ast::Binary::add, std::move(left), product());
        } else if (accept_symbol("-")) {
            left = binary(ast::Binary::subtract, std::move(left), product());
        } else {
            return left;
        }
    }
}

ExpressionPtr Parser::product() {
    auto left = unary();
    for (;;) {
        if (accept_symbol("*")) {
            left = binary(ast::Binary::multiply, std::move(left), unary());
        } else if (accept_symbol("/")) {
            left = binary(ast::Binary::divide, std::move(left), unary());
        } else if (accept_symbol("%")) {
            left = binary(ast::Binary::modulo, std::move(left), unary());
        } else {
            return left;
        }
    }
}

ExpressionPtr Parser::unary() {
    if (!current_.is_symbol("-")) {
        return postfix();
    }
    auto result = make(ExpressionKind::unary, current_.offset);
    result->unary = ast::Unary::negate;
    advance();
    if (++nesting_ > kExpressionDepthMax) {
        fail(code::kLimit, extent_of(current_), "too many signs in a row");
    }
    result->operands.push_back(unary());
    --nesting_;
    return finish(std::move(result));
}

ExpressionPtr Parser::postfix() {
    auto base = primary();
    for (;;) {
        if (current_.is_symbol(".")) {
            advance();
            if (current_.kind != TokenKind::name) {
                fail_expected(
                    "a name after the point",
                    "names with other characters are read with get(object, 'the-name')"
                );
            }
            if (base->kind == ExpressionKind::path) {
                base->names.emplace_back(current_.text);
                advance();
                base->extent.end = last_end_;
                if (base->names.size() > kExpressionDepthMax) {
                    fail(code::kLimit, base->extent, "the path has too many names");
                }
                continue;
            }
            auto member = make(ExpressionKind::member, base->extent.begin);
            member->text = std::string{current_.text};
            member->name_extent = extent_of(current_);
            advance();
            member->operands.push_back(std::move(base));
            base = finish(std::move(member));
        } else if (current_.is_symbol("[")) {
            require(
                profile_ == Profile::native,
                extent_of(current_),
                "an index in brackets is",
                "use get(array, index)"
            );
            advance();
            auto index = make(ExpressionKind::index, base->extent.begin);
            index->operands.push_back(std::move(base));
            index->operands.push_back(expression());
            expect_symbol("]", "after the index");
            base = finish(std::move(index));
        } else {
            return base;
        }
    }
}

ExpressionPtr Parser::number_literal() {
    auto result = make(ExpressionKind::number, current_.offset);
    const auto parsed = current_.text.front() == '.'
                            ? parse_decimal("0" + std::string{current_.text}, true)
                            : parse_decimal(current_.text, true);
    if (!parsed) {
        fail(code::kLimit, extent_of(current_), "the number is out of range (1E-999 to 9.99E999)");
    }
    result->number = *parsed;
    result->whole =
        current_.text.find_first_of(".eE") == std::string_view::npos && parsed->exponent == 0;
    advance();
    return finish(std::move(result));
}

ExpressionPtr Parser::primary() {
    const Token token = current_;
    if (token.kind == TokenKind::number) {
        return number_literal();
    }
    if (token.kind == TokenKind::string) {
        auto result = make(ExpressionKind::string, token.offset);
        result->text = unquoted(token.text);
        advance();
        return finish(std::move(result));
    }
    if (token.kind == TokenKind::variable) {
        auto result = make(ExpressionKind::variable, token.offset);
        result->text = std::string{token.text};
        advance();
        return finish(std::move(result));
    }
    if (token.kind == TokenKind::name) {
        return name_or_call();
    }
    if (token.is_symbol("*")) {
        advance();
        return finish(make(ExpressionKind::star, token.offset));
    }
    if (token.is_symbol("{")) {
        return object_literal();
    }
    if (token.is_symbol("[")) {
        return array_literal();
    }
    if (token.is_symbol("(")) {
        advance();
        if (current_.is_keyword("select")) {
            auto result = make(ExpressionKind::subquery, token.offset);
            if (++nesting_ > kExpressionDepthMax) {
                fail(code::kLimit, extent_of(current_), "sub-queries are nested too deep");
            }
            result->query = subquery();
            --nesting_;
            expect_symbol(")", "after the sub-query");
            return finish(std::move(result));
        }
        auto inner = expression();
        expect_symbol(")", "to close the parenthesis");
        inner->extent = {token.offset, last_end_};
        return inner;
    }
    fail_expected("an expression");
}

ExpressionPtr Parser::name_or_call() {
    const Token token = current_;
    if (token.is_keyword("case")) {
        return case_expression();
    }
    if (token.is_keyword("null") || token.is_keyword("true") || token.is_keyword("false")) {
        auto result = make(
            token.is_keyword("null") ? ExpressionKind::null : ExpressionKind::boolean, token.offset
        );
        result->boolean = token.is_keyword("true");
        advance();
        return finish(std::move(result));
    }
    if (at_reserved()) {
        fail_expected(
            "an expression",
            fmt::format("a field of this name is read with get(*, '{}')", token.text)
        );
    }
    if (ahead_.is_symbol("(")) {
        advance();
        return call(token);
    }
    auto result = make(ExpressionKind::path, token.offset);
    result->names.emplace_back(token.text);
    advance();
    return finish(std::move(result));
}

/// The current token is the parenthesis that opens.
ExpressionPtr Parser::call(Token name) {
    advance();
    if (name.is_keyword("cast")) {
        return cast(name);
    }
    if (name.is_keyword("exists")) {
        auto result = make(ExpressionKind::exists, name.offset);
        if (++nesting_ > kExpressionDepthMax) {
            fail(code::kLimit, extent_of(current_), "sub-queries are nested too deep");
        }
        result->query = subquery();
        --nesting_;
        expect_symbol(")", "after the sub-query");
        return finish(std::move(result));
    }
    auto result = make(ExpressionKind::call, name.offset);
    result->text = std::string{name.text};
    result->name_extent = extent_of(name);
    if (!current_.is_symbol(")")) {
        do {
            result->operands.push_back(expression());
        } while (accept_symbol(","));
    }
    if (!accept_symbol(")")) {
        fail_expected(fmt::format("`,` or `)` in the arguments of {}()", name.text));
    }
    return finish(std::move(result));
}

ExpressionPtr Parser::cast(Token name) {
    auto result = make(ExpressionKind::cast, name.offset);
    result->operands.push_back(expression());
    expect_keyword("as", "in cast(value AS type)");
    if (current_.kind != TokenKind::name) {
        fail_expected("a type after AS");
    }
    result->text = std::string{current_.text};
    result->name_extent = extent_of(current_);
    advance();
    expect_symbol(")", "after the type");
    return finish(std::move(result));
}

ExpressionPtr Parser::case_expression() {
    const Token token = current_;
    advance();
    auto result = make(ExpressionKind::case_of, token.offset);
    if (current_.is_keyword("when")) {
        require(
            profile_ == Profile::native,
            {token.offset, current_.end()},
            "CASE without a subject is",
            "write CASE value WHEN ..., or use the profile native"
        );
        result->kind = ExpressionKind::case_when;
    } else {
        result->operands.push_back(expression());
    }
    if (!current_.is_keyword("when")) {
        fail_expected("WHEN after CASE");
    }
    while (accept_keyword("when")) {
        result->operands.push_back(expression());
        expect_keyword("then", "after WHEN");
        result->operands.push_back(expression());
    }
    if (accept_keyword("else")) {
        result->has_else = true;
        result->operands.push_back(expression());
    }
    expect_keyword("end", "to close CASE");
    return finish(std::move(result));
}

ExpressionPtr Parser::object_literal() {
    auto result = make(ExpressionKind::object, current_.offset);
    require(
        profile_ != Profile::aws_2015,
        extent_of(current_),
        "an object literal is",
        "use aws-2016-03-23 or native"
    );
    advance();
    if (!current_.is_symbol("}")) {
        do {
            if (current_.kind != TokenKind::string) {
                fail_expected("a key in quotes");
            }
            result->names.push_back(unquoted(current_.text));
            advance();
            expect_symbol(":", "after the key");
            result->operands.push_back(expression());
        } while (accept_symbol(","));
    }
    expect_symbol("}", "to close the object");
    return finish(std::move(result));
}

ExpressionPtr Parser::array_literal() {
    auto result = make(ExpressionKind::array, current_.offset);
    require(
        profile_ != Profile::aws_2015,
        extent_of(current_),
        "an array literal is",
        "use aws-2016-03-23 or native"
    );
    advance();
    if (!current_.is_symbol("]")) {
        do {
            result->operands.push_back(expression());
        } while (accept_symbol(","));
    }
    expect_symbol("]", "to close the array");
    return finish(std::move(result));
}

ExpressionPtr Parser::whole_expression() {
    auto result = expression();
    if (current_.kind != TokenKind::end) {
        fail_expected("the end of the expression");
    }
    return result;
}

/// Limits that hold before anything is read.
bool acceptable(std::string_view text, Reporter& reporter) {
    if (text.size() > kStatementBytesMax) {
        reporter.error(
            code::kLimit,
            {},
            fmt::format("the statement has more than {} bytes", kStatementBytesMax)
        );
        return false;
    }
    if (!is_utf8(text)) {
        reporter.error(code::kSyntax, {}, "the statement is not UTF-8");
        return false;
    }
    return true;
}

}  // namespace

document::Position Reporter::position(std::uint32_t offset) const noexcept {
    document::Position position = place_.start;
    for (const char c : text_.substr(0, offset)) {
        if (c == '\n') {
            ++position.line;
            position.column = 1;
        } else {
            const bool continuation = (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
            position.column += continuation ? 0 : 1;
        }
    }
    return position;
}

void Reporter::add(
    document::Severity severity,
    std::string_view code,
    ast::Extent extent,
    std::string message,
    std::string help
) {
    errors_ += severity == document::Severity::error ? 1 : 0;
    if (muted_) {
        return;
    }
    diagnostics_->add({
        .severity = severity,
        .code = std::string{code},
        .message = std::move(message),
        .file = std::string{place_.file},
        .range = {position(extent.begin), position(std::max(extent.begin, extent.end))},
        .help = std::move(help),
    });
}

std::optional<ast::Statement> parse_statement(
    std::string_view text, Profile profile, Reporter& reporter
) {
    if (!acceptable(text, reporter)) {
        return std::nullopt;
    }
    try {
        return Parser{text, profile}.statement();
    } catch (SyntaxError& error) {
        reporter.error(error.code, error.extent, std::move(error.message), std::move(error.help));
        return std::nullopt;
    }
}

ast::ExpressionPtr parse_expression(std::string_view text, Profile profile, Reporter& reporter) {
    if (!acceptable(text, reporter)) {
        return nullptr;
    }
    try {
        return Parser{text, profile}.whole_expression();
    } catch (SyntaxError& error) {
        reporter.error(error.code, error.extent, std::move(error.message), std::move(error.help));
        return nullptr;
    }
}

}  // namespace weir::rules
