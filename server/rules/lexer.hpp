/// Rule SQL as tokens.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace weir::rules {

enum class TokenKind : std::uint8_t {
    end,
    name,      ///< Also every keyword: what it is depends on the place.
    variable,  ///< @name; the text is without the @.
    number,
    string,   ///< Between ' or "; a doubled quote stands for itself. The text is with the quotes.
    symbol,   ///< One of ( ) [ ] { } , . : * / % + - = < > <= >= <> !=
    invalid,  ///< The text is the offending part; `problem` says why.
};

struct Token {
    TokenKind kind = TokenKind::end;
    std::string_view text;
    std::uint32_t offset = 0;  ///< Of its first byte in the statement.
    std::string_view problem = {};

    [[nodiscard]] std::uint32_t end() const noexcept {
        return offset + static_cast<std::uint32_t>(text.size()) +
               (kind == TokenKind::variable ? 1 : 0);
    }
    [[nodiscard]] bool is_symbol(std::string_view symbol) const noexcept {
        return kind == TokenKind::symbol && text == symbol;
    }
    /// Case-insensitive. @param keyword  In lower case.
    [[nodiscard]] bool is_keyword(std::string_view keyword) const noexcept;
};

/// The problem of a string without its second quote.
inline constexpr std::string_view kTextWithoutEnd = "the text that begins here has no end";

/// Hands out the tokens of a statement, one after the other; then `end` for ever. Names start with
/// a letter, _ or any byte above 0x7F, those of variables also with a digit; the caller has checked that the text is UTF-8.
class Lexer {
public:
    /// @param comments  Whether -- begins one, up to the end of its line.
    explicit Lexer(std::string_view text, bool comments = false) noexcept
        : text_{text}, comments_{comments} {}

    [[nodiscard]] Token next() noexcept;

private:
    void skip_space() noexcept;
    [[nodiscard]] Token take(TokenKind kind, std::size_t size) noexcept;
    [[nodiscard]] Token invalid(std::size_t size, std::string_view problem) noexcept;
    [[nodiscard]] Token number() noexcept;
    [[nodiscard]] Token string() noexcept;

    std::string_view text_;
    std::size_t at_ = 0;
    bool comments_;
};

/// What a string token stands for.
[[nodiscard]] std::string unquoted(std::string_view token);

}  // namespace weir::rules
