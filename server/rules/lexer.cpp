#include <weir/rules/lexer.hpp>

#include <weir/rules/detail/text.hpp>

namespace weir::rules {
namespace {

constexpr bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

constexpr bool starts_name(char c) noexcept {
    const char small = detail::lower(c);
    return (small >= 'a' && small <= 'z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}

constexpr bool continues_name(char c) noexcept {
    return starts_name(c) || is_digit(c);
}

/// Bytes of the character that begins with `first`.
constexpr std::size_t character_size(char first) noexcept {
    const auto byte = static_cast<unsigned char>(first);
    return byte < 0x80 ? 1 : (byte < 0xE0 ? 2 : (byte < 0xF0 ? 3 : 4));
}

/// Why the character that the text begins with is none of the language, and what those who come from others want.
std::string_view problem_of(std::string_view text) noexcept {
    switch (text.front()) {
        case ';':
            return "a statement ends where the text ends";
        case '|':
            return text.starts_with("||") ? "there is no operator `||`: write OR, or + to join texts"
                                          : "there is no operator `|`: write bitor(a, b)";
        case '&':
            return text.starts_with("&&") ? "there is no operator `&&`: write AND"
                                          : "there is no operator `&`: write bitand(a, b)";
        case '!':
            return "there is no operator `!`: write NOT";
        case '^':
            return "there is no operator `^`: write power(a, b) or bitxor(a, b)";
        case '~':
            return "there is no operator `~`: FROM has topic filters, topic(n) is a level";
        case '`':
            return "names stand without quotes; others are read with get(*, 'the-name')";
        case '$':
            return "a path begins with a name, as in a.b; `*` is the whole payload";
        default:
            return "not a character of the language";
    }
}

}  // namespace

bool Token::is_keyword(std::string_view keyword) const noexcept {
    return kind == TokenKind::name && detail::equal_ignoring_case(text, keyword);
}

Token Lexer::take(TokenKind kind, std::size_t size) noexcept {
    const Token token{kind, text_.substr(at_, size), static_cast<std::uint32_t>(at_)};
    at_ += size;
    return token;
}

Token Lexer::invalid(std::size_t size, std::string_view problem) noexcept {
    Token token = take(TokenKind::invalid, size);
    token.problem = problem;
    return token;
}

void Lexer::skip_space() noexcept {
    constexpr std::string_view kSpace = " \t\r\n";
    at_ = std::min(text_.find_first_not_of(kSpace, at_), text_.size());
    while (comments_ && text_.substr(at_).starts_with("--")) {
        at_ = std::min(text_.find('\n', at_), text_.size());
        at_ = std::min(text_.find_first_not_of(kSpace, at_), text_.size());
    }
}

Token Lexer::next() noexcept {
    skip_space();
    if (at_ == text_.size()) {
        return take(TokenKind::end, 0);
    }
    const char c = text_[at_];
    const auto rest = text_.substr(at_);
    if (c == '\'' || c == '"') {
        return string();
    }
    if (is_digit(c) || (c == '.' && rest.size() > 1 && is_digit(rest[1]))) {
        return number();
    }
    for (const std::string_view quote : {"\u2018", "\u2019", "\u201C", "\u201D"}) {
        if (rest.starts_with(quote)) {
            return invalid(quote.size(), "texts stand between plain quotes: write ' or \"");
        }
    }
    const bool variable = c == '@';
    std::size_t size = variable ? 1 : 0;
    if (size < rest.size() && (starts_name(rest[size]) || (variable && is_digit(rest[size])))) {
        while (size < rest.size() && continues_name(rest[size])) {
            ++size;
        }
        Token token = take(variable ? TokenKind::variable : TokenKind::name, size);
        token.text.remove_prefix(variable ? 1 : 0);
        return token;
    }
    if (rest.starts_with("--") || rest.starts_with("/*")) {
        return invalid(
            2, comments_ ? "comments begin with --" : "the language has no comments in this profile"
        );
    }
    for (const std::string_view pair : {"<=", ">=", "<>", "!="}) {
        if (rest.starts_with(pair)) {
            return take(TokenKind::symbol, 2);
        }
    }
    if (std::string_view{"()[]{},.:*/%+-=<>"}.find(c) != std::string_view::npos) {
        return take(TokenKind::symbol, 1);
    }
    const bool is_double = rest.size() > 1 && rest[1] == c && (c == '|' || c == '&');
    return invalid(std::min(is_double ? 2 : character_size(c), rest.size()), problem_of(rest));
}

Token Lexer::number() noexcept {
    const auto rest = text_.substr(at_);
    std::size_t size = 0;
    const auto digits = [&] {
        while (size < rest.size() && is_digit(rest[size])) {
            ++size;
        }
    };
    digits();
    if (size < rest.size() && rest[size] == '.') {
        ++size;
        const std::size_t before = size;
        digits();
        if (size == before) {
            return invalid(size, "digits follow the point of a number");
        }
    }
    if (size < rest.size() && detail::lower(rest[size]) == 'e') {
        std::size_t exponent = size + 1;
        if (exponent < rest.size() && (rest[exponent] == '+' || rest[exponent] == '-')) {
            ++exponent;
        }
        if (exponent < rest.size() && is_digit(rest[exponent])) {
            size = exponent;
            digits();
        }
    }
    if (size < rest.size() && continues_name(rest[size])) {
        while (size < rest.size() && continues_name(rest[size])) {
            ++size;
        }
        return invalid(size, "neither a number nor a name; names do not start with a digit");
    }
    return take(TokenKind::number, size);
}

Token Lexer::string() noexcept {
    const auto rest = text_.substr(at_);
    const char quote = rest.front();
    std::size_t at = 1;
    for (;;) {
        at = rest.find(quote, at);
        if (at == std::string_view::npos) {
            return invalid(1, kTextWithoutEnd);
        }
        if (at + 1 == rest.size() || rest[at + 1] != quote) {
            return take(TokenKind::string, at + 1);
        }
        at += 2;
    }
}

std::string unquoted(std::string_view token) {
    const char quote = token.front();
    std::string text;
    for (std::size_t i = 1; i + 1 < token.size(); ++i) {
        text += token[i];
        i += token[i] == quote ? 1 : 0;
    }
    return text;
}

}  // namespace weir::rules
