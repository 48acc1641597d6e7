#include <fmt/format.h>

#include <array>
#include <utility>

#include <weir/base/text.hpp>
#include <weir/base/topic.hpp>
#include <weir/policy/pattern.hpp>

namespace weir::policy {
namespace {

constexpr std::string_view kAttributePrefix = "attr.";

struct NamedVariable {
    std::string_view name;
    Variable variable;
};

constexpr std::array kVariables = {
    NamedVariable{"thing", Variable::thing},
    NamedVariable{"client_id", Variable::client_id},
    NamedVariable{"thing_type", Variable::thing_type},
    NamedVariable{"group", Variable::group},
    NamedVariable{"tenant", Variable::tenant},
};

constexpr std::string_view kVariableHelp =
    "the variables are {thing}, {client_id}, {thing_type}, {group}, {attr.NAME} and {tenant}; "
    "write {{ for a brace";

std::optional<Piece> parse_variable(std::string_view name) {
    for (const auto& known : kVariables) {
        if (known.name == name) {
            return Piece{.kind = Piece::Kind::variable, .variable = known.variable};
        }
    }
    if (name.starts_with(kAttributePrefix) && name.size() > kAttributePrefix.size()) {
        return Piece{
            .kind = Piece::Kind::variable,
            .variable = Variable::attribute,
            .text = std::string{name.substr(kAttributePrefix.size())}
        };
    }
    return std::nullopt;
}

std::string unknown_variable_help(std::string_view name) {
    std::array<std::string_view, kVariables.size()> names;
    for (std::size_t i = 0; i < names.size(); ++i) {
        names[i] = kVariables[i].name;
    }
    if (const auto near = nearest(name, names)) {
        return fmt::format("did you mean '{{{}}}'?", *near);
    }
    return std::string{kVariableHelp};
}

void append_literal(std::vector<Piece>& pieces, std::string_view text) {
    if (pieces.empty() || pieces.back().kind != Piece::Kind::literal) {
        pieces.push_back({});
    }
    pieces.back().text += text;
}

/// Splits `text`, which begins `offset` bytes into the pattern, into literals and variables.
std::optional<PatternError> parse_pieces(
    std::string_view text, std::size_t offset, bool star_is_run, std::vector<Piece>& pieces
) {
    for (std::size_t i = 0; i < text.size();) {
        const auto rest = text.substr(i);
        if (rest.starts_with("{{") || rest.starts_with("}}")) {
            append_literal(pieces, rest.substr(0, 1));
            i += 2;
        } else if (rest[0] == '}') {
            return PatternError{"'}' without '{'", std::string{kVariableHelp}, offset + i, 1};
        } else if (rest[0] == '{') {
            const auto end = rest.find('}');
            if (end == std::string_view::npos) {
                return PatternError{"'{' without '}'", std::string{kVariableHelp}, offset + i, 1};
            }
            const auto name = rest.substr(1, end - 1);
            auto piece = parse_variable(name);
            if (!piece) {
                return PatternError{
                    fmt::format("unknown variable '{{{}}}'", name),
                    unknown_variable_help(name),
                    offset + i,
                    end + 1
                };
            }
            pieces.push_back(std::move(*piece));
            i += end + 1;
        } else if (star_is_run && rest[0] == '*') {
            if (pieces.empty() || pieces.back().kind != Piece::Kind::any_run) {
                pieces.push_back({.kind = Piece::Kind::any_run});
            }
            ++i;
        } else {
            append_literal(pieces, rest.substr(0, 1));
            ++i;
        }
    }
    return std::nullopt;
}

std::optional<PatternError> check_text(std::string_view text, std::string_view what) {
    if (text.empty()) {
        return PatternError{fmt::format("the {} is empty", what), "", 0, 0};
    }
    if (text.size() > kPatternBytesMax) {
        return PatternError{
            fmt::format("the {} is longer than {} bytes", what, kPatternBytesMax),
            "",
            0,
            text.size()
        };
    }
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (static_cast<unsigned char>(text[i]) < 0x20 || text[i] == 0x7F) {
            return PatternError{fmt::format("the {} contains a control character", what), "", i, 1};
        }
    }
    if (!is_utf8(text)) {
        return PatternError{fmt::format("the {} is not valid UTF-8", what), "", 0, text.size()};
    }
    return std::nullopt;
}

std::optional<PatternError> parse_level(
    std::string_view text, std::size_t offset, bool last, TopicPattern::Level& level
) {
    using Kind = TopicPattern::Level::Kind;
    if (text == "+") {
        level.kind = Kind::any_level;
        return std::nullopt;
    }
    if (text == "#") {
        if (!last) {
            return PatternError{
                "'#' may only be the last level", "use '+' for one level in the middle", offset, 1
            };
        }
        level.kind = Kind::any_rest;
        return std::nullopt;
    }
    if (const auto at = text.find_first_of("+#"); at != std::string_view::npos) {
        return PatternError{
            fmt::format("'{}' must stand alone between slashes", text[at]), "", offset + at, 1
        };
    }
    return parse_pieces(text, offset, false, level.pieces);
}

}  // namespace

std::variant<TopicPattern, PatternError> parse_topic_pattern(std::string_view text) {
    if (auto error = check_text(text, "topic filter")) {
        return std::move(*error);
    }
    if (text.starts_with("$share/")) {
        return PatternError{
            "a policy names the topic filter, without '$share' and the group",
            "a shared subscription is judged by the filter behind its group",
            0,
            7
        };
    }
    std::vector<TopicPattern::Level> levels;
    TopicLevels split{text};
    std::size_t offset = 0;
    while (!split.done()) {
        const auto part = split.next();
        auto& level = levels.emplace_back();
        if (auto error = parse_level(part, offset, split.done(), level)) {
            return std::move(*error);
        }
        offset += part.size() + 1;
    }
    if (levels.size() > kPatternLevelsMax) {
        return PatternError{
            fmt::format("the topic filter has more than {} levels", kPatternLevelsMax),
            "",
            0,
            text.size()
        };
    }
    return TopicPattern{std::move(levels)};
}

std::variant<TextPattern, PatternError> parse_text_pattern(std::string_view text) {
    if (auto error = check_text(text, "client id")) {
        return std::move(*error);
    }
    std::vector<Piece> pieces;
    if (auto error = parse_pieces(text, 0, true, pieces)) {
        return std::move(*error);
    }
    return TextPattern{std::move(pieces)};
}

}  // namespace weir::policy
