#include <weir/policy/pattern.hpp>

#include <algorithm>
#include <utility>

#include <weir/base/topic.hpp>

namespace weir::policy {
namespace {

constexpr bool usable_character(char c) noexcept {
    const auto code = static_cast<unsigned char>(c);
    return code >= 0x20 && code != 0x7F &&
           std::string_view{"/+#*?$"}.find(c) == std::string_view::npos;
}

std::optional<std::string_view> raw_value(
    const Piece& piece, const Subject& subject, std::size_t group
) noexcept {
    const model::Principal& principal = subject.principal;
    switch (piece.variable) {
        case Variable::thing:
            return principal.thing;
        case Variable::client_id:
            return subject.client_id;
        case Variable::thing_type:
            return principal.thing_type;
        case Variable::tenant:
            return principal.tenant;
        case Variable::group:
            if (group < principal.groups.size()) {
                return principal.groups[group];
            }
            return std::nullopt;
        case Variable::attribute:
            for (const auto& [name, value] : principal.attributes) {
                if (name == piece.text) {
                    return value;
                }
            }
            return std::nullopt;
    }
    return std::nullopt;
}

Fit level_equals(
    const TopicPattern::Level& level,
    std::string_view text,
    const Subject& subject,
    std::size_t group
) noexcept {
    for (const Piece& piece : level.pieces) {
        std::string_view expected = piece.text;
        if (piece.kind == Piece::Kind::variable) {
            const auto value = value_of(piece, subject, group);
            if (!value) {
                return Fit::unresolved;
            }
            expected = *value;
        }
        if (!text.starts_with(expected)) {
            return Fit::no;
        }
        text.remove_prefix(expected.size());
    }
    return text.empty() ? Fit::yes : Fit::no;
}

bool has_unresolved(
    const TopicPattern::Level& level, const Subject& subject, std::size_t group
) noexcept {
    return std::ranges::any_of(level.pieces, [&](const Piece& piece) {
        return piece.kind == Piece::Kind::variable && !value_of(piece, subject, group);
    });
}

using Kind = TopicPattern::Level::Kind;

/// What is asked about the other side. They differ in what a wildcard there means: it cannot occur
/// in a topic, has to be covered whole for a subset, and may be anything for an overlap.
enum class Question : std::uint8_t { topic, subset, overlap };

/// One level of the pattern against a name. Nothing: the levels that follow decide.
std::optional<Fit> compare_name(
    const TopicPattern::Level& level,
    bool is_first,
    std::string_view name,
    const Subject& subject,
    std::size_t group
) noexcept {
    if (level.kind == Kind::text) {
        const auto fit = level_equals(level, name, subject, group);
        return fit == Fit::yes ? std::nullopt : std::optional{fit};
    }
    if (is_first && starts_reserved(name)) {
        return Fit::no;
    }
    return level.kind == Kind::any_rest ? std::optional{Fit::yes} : std::nullopt;
}

/// Does the pattern from level `i` on cover everything that a wildcard of a filter stands for?
std::optional<Fit> cover_wildcard(
    const std::vector<TopicPattern::Level>& pattern, std::size_t i, std::string_view wildcard
) noexcept {
    if (pattern[i].kind != Kind::any_level) {
        return pattern[i].kind == Kind::any_rest ? Fit::yes : Fit::no;
    }
    if (wildcard == "+") {
        return std::nullopt;
    }
    // "#" alone stands for one level or more, as "+/#" does; behind other levels also for none.
    const bool is_whole = i == 0 && pattern.size() == 2 && pattern[1].kind == Kind::any_rest;
    return is_whole ? Fit::yes : Fit::no;
}

/// Can the pattern's level be what a wildcard of a filter stands for?
std::optional<Fit> meet_wildcard(
    const TopicPattern::Level& level,
    bool is_first,
    std::string_view wildcard,
    const Subject& subject,
    std::size_t group
) noexcept {
    if (level.kind == Kind::any_rest) {
        return Fit::yes;
    }
    if (level.kind == Kind::text) {
        const bool is_reserved = !level.pieces.empty() && starts_reserved(level.pieces[0].text);
        if (is_first && is_reserved && level.pieces[0].kind == Piece::Kind::literal) {
            return Fit::no;
        }
        if (has_unresolved(level, subject, group)) {
            return Fit::unresolved;
        }
    }
    return wildcard == "#" ? std::optional{Fit::yes} : std::nullopt;
}

Fit compare(
    const std::vector<TopicPattern::Level>& pattern,
    std::string_view other,
    Question question,
    const Subject& subject,
    std::size_t group
) noexcept {
    TopicLevels levels{other};
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        if (levels.done()) {  // "a/#" also stands for "a".
            return pattern[i].kind == Kind::any_rest ? Fit::yes : Fit::no;
        }
        const auto text = levels.next();
        const bool is_wildcard = question != Question::topic && (text == "#" || text == "+");
        const auto decided = !is_wildcard ? compare_name(pattern[i], i == 0, text, subject, group)
                             : question == Question::subset
                                 ? cover_wildcard(pattern, i, text)
                                 : meet_wildcard(pattern[i], i == 0, text, subject, group);
        if (decided) {
            return *decided;
        }
    }
    if (levels.done()) {
        return Fit::yes;
    }
    return question == Question::overlap && levels.next() == "#" ? Fit::yes : Fit::no;
}

/// The best answer of one question per group; a pattern without {group} is asked once.
template <class Ask>
Fit for_each_group(bool uses_group, const Subject& subject, const Ask& ask) noexcept {
    const std::size_t count =
        uses_group ? std::max<std::size_t>(1, subject.principal.groups.size()) : 1;
    Fit best = Fit::no;
    for (std::size_t group = 0; group < count; ++group) {
        const Fit fit = ask(group);
        if (fit == Fit::yes) {
            return fit;
        }
        if (fit == Fit::unresolved) {
            best = fit;
        }
    }
    return best;
}

bool is_variable(const Piece& piece, Variable variable) noexcept {
    return piece.kind == Piece::Kind::variable && piece.variable == variable;
}

void expand_piece(std::string& out, const Piece& piece, const Subject& subject) {
    if (piece.kind == Piece::Kind::variable) {
        const auto value = value_of(piece, subject, 0);
        out += value ? *value : "{" + variable_name(piece) + "}";
    } else if (piece.kind == Piece::Kind::any_run) {
        out += '*';
    } else {
        out += piece.text;
    }
}

}  // namespace

std::optional<std::string_view> value_of(
    const Piece& variable, const Subject& subject, std::size_t group
) noexcept {
    const auto value = raw_value(variable, subject, group);
    if (!value || value->empty() || value->size() > kVariableBytesMax ||
        !std::ranges::all_of(*value, usable_character)) {
        return std::nullopt;
    }
    return value;
}

std::string variable_name(const Piece& variable) {
    switch (variable.variable) {
        case Variable::thing:
            return "thing";
        case Variable::client_id:
            return "client_id";
        case Variable::thing_type:
            return "thing_type";
        case Variable::group:
            return "group";
        case Variable::tenant:
            return "tenant";
        case Variable::attribute:
            return "attr." + variable.text;
    }
    return {};
}

TopicPattern::TopicPattern(std::vector<Level> levels)
    : levels_{std::move(levels)}, uses_group_{uses(Variable::group)} {}

Fit TopicPattern::matches(std::string_view topic, const Subject& subject) const noexcept {
    return for_each_group(uses_group_, subject, [&](std::size_t group) {
        return compare(levels_, topic, Question::topic, subject, group);
    });
}

Fit TopicPattern::covers(std::string_view filter, const Subject& subject) const noexcept {
    return for_each_group(uses_group_, subject, [&](std::size_t group) {
        return compare(levels_, filter, Question::subset, subject, group);
    });
}

Fit TopicPattern::overlaps(std::string_view filter, const Subject& subject) const noexcept {
    return for_each_group(uses_group_, subject, [&](std::size_t group) {
        return compare(levels_, filter, Question::overlap, subject, group);
    });
}

std::size_t TopicPattern::common_levels(std::string_view topic_or_filter, const Subject& subject)
    const noexcept {
    TopicLevels levels{topic_or_filter};
    std::size_t count = 0;
    for (const Level& level : levels_) {
        if (levels.done()) {
            break;
        }
        const auto text = levels.next();
        if (level.kind == Kind::text && level_equals(level, text, subject, 0) != Fit::yes) {
            break;
        }
        ++count;
    }
    return count;
}

bool TopicPattern::uses(Variable variable) const noexcept {
    return std::ranges::any_of(levels_, [&](const Level& level) {
        return std::ranges::any_of(level.pieces, [&](const Piece& piece) {
            return is_variable(piece, variable);
        });
    });
}

bool TopicPattern::has_wildcard() const noexcept {
    return std::ranges::any_of(levels_, [](const Level& level) {
        return level.kind != Kind::text;
    });
}

std::string TopicPattern::expand(const Subject& subject) const {
    std::string out;
    for (std::size_t i = 0; i < levels_.size(); ++i) {
        if (i != 0) {
            out += '/';
        }
        if (levels_[i].kind == Kind::any_level) {
            out += '+';
        } else if (levels_[i].kind == Kind::any_rest) {
            out += '#';
        }
        for (const Piece& piece : levels_[i].pieces) {
            expand_piece(out, piece, subject);
        }
    }
    return out;
}

TextPattern::TextPattern(std::vector<Piece> pieces)
    : pieces_{std::move(pieces)}, uses_group_{uses(Variable::group)} {}

Fit TextPattern::matches(std::string_view text, const Subject& subject) const noexcept {
    return for_each_group(uses_group_, subject, [&](std::size_t group) {
        constexpr auto kNone = static_cast<std::size_t>(-1);
        bool unresolved = false;
        std::size_t piece = 0;
        std::size_t at = 0;
        std::size_t run = kNone;  // The last piece that stands for any run,
        std::size_t run_end = 0;  // and where in the text that run ends for now.
        for (;;) {
            if (piece < pieces_.size()) {
                const Piece& p = pieces_[piece];
                const auto expected =
                    p.kind == Piece::Kind::literal    ? std::optional<std::string_view>{p.text}
                    : p.kind == Piece::Kind::variable ? value_of(p, subject, group)
                                                      : std::nullopt;
                if (!expected) {
                    unresolved = unresolved || p.kind == Piece::Kind::variable;
                    run = piece++;
                    run_end = at;
                    continue;
                }
                if (text.substr(at).starts_with(*expected)) {
                    at += expected->size();
                    ++piece;
                    continue;
                }
            } else if (at == text.size()) {
                return unresolved ? Fit::unresolved : Fit::yes;
            }
            if (run == kNone || run_end == text.size()) {
                return Fit::no;
            }
            at = ++run_end;
            piece = run + 1;
        }
    });
}

bool TextPattern::uses(Variable variable) const noexcept {
    return std::ranges::any_of(pieces_, [&](const Piece& piece) {
        return is_variable(piece, variable);
    });
}

bool TextPattern::has_wildcard() const noexcept {
    return std::ranges::any_of(pieces_, [](const Piece& piece) {
        return piece.kind == Piece::Kind::any_run;
    });
}

std::string TextPattern::expand(const Subject& subject) const {
    std::string out;
    for (const Piece& piece : pieces_) {
        expand_piece(out, piece, subject);
    }
    return out;
}

}  // namespace weir::policy
