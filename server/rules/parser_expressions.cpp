#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <utility>

#include <weir/rules/codes.hpp>
#include <weir/rules/detail/parser.hpp>
#include <weir/rules/parser.hpp>

namespace weir::rules::detail {
namespace {

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

}  // namespace

bool Parser::at_reserved() const {
    return std::ranges::any_of(kReserved, [&](auto word) { return current_.is_keyword(word); });
}

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
        if (token.is_keyword("not") && ahead_.is_keyword("in")) {
            require(
                profile_ == Profile::native, extent_of(token), "NOT IN is", "write NOT (x IN list)"
            );
            advance();
            advance();
            auto result = make(ExpressionKind::unary, left->extent.begin);
            result->unary = ast::Unary::logical_not;
            result->operands.push_back(binary(ast::Binary::in, std::move(left), sum()));
            left = finish(std::move(result));
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
        const bool is_doubled = current_.is_symbol("=");
        if (token.text == "=" && (is_doubled || current_.is_symbol("<") || current_.is_symbol(">"))) {
            fail(
                code::kSyntax,
                {token.offset, current_.end()},
                fmt::format("there is no operator `={}`", current_.text),
                is_doubled ? "write = instead" : fmt::format("write {}= instead", current_.text)
            );
        }
        left = binary(found->op, std::move(left), sum());
    }
}

/// However many operands there are, they are of one depth.
ExpressionPtr Parser::arithmetic(
    std::span<const Operator> operators, ExpressionPtr (Parser::*next)()
) {
    auto first = (this->*next)();
    ExpressionPtr result;
    for (;;) {
        const auto found = std::ranges::find_if(operators, [&](const Operator& each) {
            return current_.is_symbol(each.symbol);
        });
        if (found == operators.end()) {
            return result ? finish(std::move(result)) : std::move(first);
        }
        if (!result) {
            result = make(ExpressionKind::arithmetic, first->extent.begin);
            result->operands.push_back(std::move(first));
        }
        advance();
        result->operators.push_back(found->op);
        result->operands.push_back((this->*next)());
    }
}

ExpressionPtr Parser::sum() {
    static constexpr std::array<Operator, 2> kOperators = {
        {{"+", ast::Binary::add}, {"-", ast::Binary::subtract}}
    };
    return arithmetic(kOperators, &Parser::product);
}

ExpressionPtr Parser::product() {
    static constexpr std::array<Operator, 3> kOperators = {
        {{"*", ast::Binary::multiply}, {"/", ast::Binary::divide}, {"%", ast::Binary::modulo}}
    };
    return arithmetic(kOperators, &Parser::unary);
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
        if (current_.is_symbol(",")) {
            fail_expected("`)` to close the parenthesis", "a list stands in brackets: [a, b]");
        }
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
            at_from_clause() ? "" : fmt::format("a field of this name is read with get(*, '{}')", token.text)
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

}  // namespace weir::rules::detail
