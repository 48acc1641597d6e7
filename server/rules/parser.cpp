#include <weir/rules/parser.hpp>

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <utility>

#include <weir/base/text.hpp>
#include <weir/rules/codes.hpp>
#include <weir/rules/detail/parser.hpp>
#include <weir/rules/detail/text.hpp>

namespace weir::rules {
namespace detail {
namespace {

std::string shown(const Token& token) {
    return token.kind == TokenKind::end ? "the end" : fmt::format("`{}`", token.text);
}

constexpr std::string_view kAfterList = "after the list of SELECT";

/// What other dialects of SQL have behind an expression or a topic filter.
struct ForeignWord {
    std::string_view word;
    std::string_view instead;
};

constexpr std::array<ForeignWord, 13> kForeignWords = {{
    {"between", "write x >= a AND x <= b"},
    {"div", "write floor(a / b)"},
    {"group", "a rule sees one message at a time; last(x) in profile native knows the one before"},
    {"having", "write WHERE"},
    {"is", "write isNull(x) or isUndefined(x)"},
    {"join", "a rule sees one message at a time; FROM takes a list of filters in profile native"},
    {"like", "write startswith(text, start), indexof(text, part) >= 0 or regexp_matches(text, pattern)"},
    {"limit", "a rule sees one message at a time; get(list, i) takes one element of a list"},
    {"mod", "write a % b"},
    {"offset", "a rule sees one message at a time; get(list, i) takes one element of a list"},
    {"order", "a rule sees one message at a time, and lists keep their order"},
    {"rlike", "write regexp_matches(text, pattern)"},
    {"union", "write a rule for each of the statements"},
}};

/// Empty: it is none of them.
std::string_view instead_of(const Token& token) {
    const auto* const found = std::ranges::find_if(kForeignWords, [&](const ForeignWord& each) {
        return token.is_keyword(each.word);
    });
    return found == kForeignWords.end() ? std::string_view{} : found->instead;
}

}  // namespace

// Tokens.

void Parser::advance() {
    last_end_ = current_.end();
    if (current_.kind == TokenKind::string) {
        last_text_ = current_;
    }
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

/// Whether a quote was left out before: the last text ends where another one was to begin, and one quote behind it
/// has no partner.
bool Parser::is_quote_missing() const {
    if (last_text_.kind != TokenKind::string) {
        return false;
    }
    Lexer peek = lexer_;
    Token token = ahead_;
    while (token.kind != TokenKind::end && token.problem != kTextWithoutEnd) {
        token = peek.next();
    }
    constexpr std::string_view kBehindTexts = " \t\r\n,)]}";
    return token.kind != TokenKind::end &&
           kBehindTexts.find(last_text_.text.data()[last_text_.text.size()]) == std::string_view::npos;
}

void Parser::fail_expected(std::string_view what, std::string help) const {
    if (is_quote_missing()) {
        fail(
            code::kSyntax,
            extent_of(last_text_),
            fmt::format("this is read as one text, and then `{}` makes no sense", current_.text),
            "a quote is missing; a quote within a text is written twice"
        );
    }
    if (current_.kind == TokenKind::invalid) {
        fail(code::kSyntax, extent_of(current_), std::string{current_.problem}, std::move(help));
    }
    // Of the end, what stands before it is shown.
    fail(
        code::kSyntax,
        current_.kind == TokenKind::end ? Extent{last_end_, last_end_} : extent_of(current_),
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
    std::string help{instead_of(current_)};
    if (help.empty() && current_.kind == TokenKind::name) {
        constexpr std::array<std::string_view, 7> kNext = {
            "from", "where", "as", "and", "or", "do", "incase"
        };
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
    if (help.empty() && current_.kind == TokenKind::name && after == kAfterList) {
        help = fmt::format("write AS {0}, or a comma in front of {0}", current_.text);
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
    std::string_view after = kAfterList;
    if (current_.is_keyword("foreach")) {
        foreach_clause(statement);
        after = "after FOREACH";
    } else {
        expect_keyword("select", statement.variables.empty() ? "at the beginning" : "after SET");
        select_list(query);
    }
    if (accept_keyword("from")) {
        from_clause(statement);
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

void Parser::foreach_clause(ast::Statement& statement) {
    require(profile_ == Profile::native, extent_of(current_), "FOREACH is", "use native");
    advance();
    ast::Foreach& foreach = statement.foreach.emplace();
    foreach.list = expression();
    if (accept_keyword("as")) {
        foreach.element = std::string{name_after_as().text};
    }
    if (accept_keyword("do")) {
        select_list(statement.query);
    }
    if (accept_keyword("incase")) {
        foreach.condition = expression();
    }
}

void Parser::from_clause(ast::Statement& statement) {
    do {
        if (current_.kind != TokenKind::string) {
            fail_expected(
                "a topic filter in quotes after FROM",
                current_.kind == TokenKind::name ? fmt::format("write FROM '{}...'", current_.text)
                                                 : ""
            );
        }
        if (statement.filters.size() == kFiltersMax) {
            fail(
                code::kLimit,
                extent_of(current_),
                fmt::format("FROM takes at most {} topic filters", kFiltersMax)
            );
        }
        statement.filters.push_back({unquoted(current_.text), extent_of(current_)});
        advance();
        if (current_.is_symbol(",")) {
            require(
                profile_ == Profile::native, extent_of(current_), "a list of topic filters is"
            );
        }
    } while (accept_symbol(","));
}

/// Whether what begins here is a list of one item without a name. An operator's result needs one: `value - a` is
/// then VALUE of -a.
bool Parser::at_lone_item() const {
    Lexer peek = lexer_;
    int depth = 0;
    for (Token token = ahead_; token.kind != TokenKind::end; token = peek.next()) {
        const bool opens = token.is_symbol("(") || token.is_symbol("[") || token.is_symbol("{");
        const bool closes = token.is_symbol(")") || token.is_symbol("]") || token.is_symbol("}");
        depth += opens ? 1 : (closes ? -1 : 0);
        if (depth < 0 || (depth == 0 && (token.is_keyword("from") || token.is_keyword("where") ||
                                         token.is_keyword("incase")))) {
            return true;
        }
        if (depth == 0 && (token.is_symbol(",") || token.is_keyword("as"))) {
            return false;
        }
    }
    return true;
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
            if (ahead_.text == "-" || ahead_.text == "[") {
                return at_lone_item();
            }
            if (ahead_.text == "*") {
                Lexer peek = lexer_;
                const Token behind = peek.next();
                return behind.kind == TokenKind::end || behind.is_keyword("from") ||
                       behind.is_keyword("where") || behind.is_symbol(")");
            }
            return ahead_.text == "(" || ahead_.text == "{";
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

/// FROM and a topic filter, or nothing: not a name.
bool Parser::at_from_clause() const {
    return current_.is_keyword("from") &&
           (ahead_.kind == TokenKind::string || ahead_.kind == TokenKind::end);
}

/// A keyword may be one.
Token Parser::name_after_as() {
    if (current_.kind != TokenKind::name || at_from_clause()) {
        fail_expected(
            "a name after AS", current_.kind == TokenKind::string ? "write the name without quotes" : ""
        );
    }
    const Token name = current_;
    advance();
    return name;
}

std::vector<std::string> Parser::alias() {
    if (current_.kind == TokenKind::string && profile_ == Profile::native) {
        std::vector<std::string> quoted{unquoted(current_.text)};
        advance();
        return quoted;
    }
    std::vector<std::string> names;
    do {
        if (names.size() == kExpressionDepthMax) {
            fail(code::kLimit, extent_of(current_), "the name is nested too deep");
        }
        names.emplace_back(name_after_as().text);
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
        query->from_alias = std::string{name_after_as().text};
    }
    if (accept_keyword("where")) {
        query->where = expression();
    }
    query->extent.end = last_end_;
    return query;
}

ExpressionPtr Parser::whole_expression() {
    auto result = expression();
    if (current_.kind != TokenKind::end) {
        fail_expected("the end of the expression");
    }
    return result;
}

}  // namespace detail

namespace {

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

std::optional<ast::Statement> parse_statement(
    std::string_view text, Profile profile, Reporter& reporter
) {
    if (!acceptable(text, reporter)) {
        return std::nullopt;
    }
    try {
        return detail::Parser{text, profile}.statement();
    } catch (detail::SyntaxError& error) {
        reporter.error(error.code, error.extent, std::move(error.message), std::move(error.help));
        return std::nullopt;
    }
}

ast::ExpressionPtr parse_expression(std::string_view text, Profile profile, Reporter& reporter) {
    if (!acceptable(text, reporter)) {
        return nullptr;
    }
    try {
        return detail::Parser{text, profile}.whole_expression();
    } catch (detail::SyntaxError& error) {
        reporter.error(error.code, error.extent, std::move(error.message), std::move(error.help));
        return nullptr;
    }
}

}  // namespace weir::rules
