#include <fmt/format.h>
#include <algorithm>
#include <re2/re2.h>

#include <weir/rules/detail/context.hpp>
#include <weir/rules/detail/text.hpp>
#include <weir/rules/functions/groups.hpp>

namespace weir::rules {
namespace {

using enum Parameter;
using detail::Budget;

/// RE2 takes time linear in the text. What Java has beyond it (look-around, back references in the
/// pattern, possessive quantifiers) is an invalid pattern here.
constexpr std::size_t kPatternBytesMax = 4096;
constexpr std::int64_t kPatternMemoryMax = 1024 * 1024;
/// A pattern that is not constant is compiled for each message.
constexpr std::size_t kStepsToCompile = 2500;
/// Counted repetitions make large programs of short patterns, and where RE2's automaton does not fit into its memory each byte
/// costs as much as the program is large.
constexpr std::size_t kInstructionsPerStep = 32;

/// A repetition counted as far may need more states than the automaton's memory has; its bytes then cost as much as the
/// program is large.
constexpr std::size_t kCountFar = 8;
constexpr std::size_t kBytesPerStepFar = 2;
/// A search that looks beyond its match may look at everything behind it once more for each match.
constexpr std::size_t kBytesPerStepAhead = 128;

/// What makes a pattern dear, as far as its text tells. What is read coarsely is taken for dear.
struct Shape {
    bool counts_far = false;
    bool looks_ahead = false;  ///< A repetition without an end is not the last part.
};

/// @param at  Behind the opening brace; moved behind the closing one, if these are counts at all.
/// @return The larger count; 0: it has none.
std::size_t read_counts(std::string_view pattern, std::size_t& at) {
    std::size_t largest = 0;
    std::size_t number = 0;
    for (std::size_t i = at; i < pattern.size(); ++i) {
        const char c = pattern[i];
        if (c >= '0' && c <= '9') {
            number = std::min<std::size_t>(10 * number + static_cast<std::size_t>(c - '0'), 10'000);
            largest = std::max(largest, number);
        } else if (c == ',') {
            number = 0;
        } else {
            at = c == '}' ? i + 1 : at;
            return c == '}' ? largest : 0;
        }
    }
    return 0;
}

/// Behind a class that begins at `at`; nothing: it has no end.
std::optional<std::size_t> end_of_class(std::string_view pattern, std::size_t at) {
    at += at + 1 < pattern.size() && pattern[at + 1] == '^' ? 2 : 1;
    for (std::size_t i = at; i < pattern.size(); ++i) {
        if (pattern[i] == '\\') {
            ++i;
        } else if (pattern[i] == ']' && i > at) {
            return i + 1;
        }
    }
    return std::nullopt;
}

Shape shape_of(std::string_view pattern) {
    Shape shape;
    std::size_t at = 0;
    const auto endless = [&] {
        at += at < pattern.size() && pattern[at] == '?' ? 1 : 0;
        shape.looks_ahead =
            shape.looks_ahead || pattern.find_first_not_of(')', at) != std::string_view::npos;
    };
    while (at < pattern.size()) {
        const char c = pattern[at];
        if (c == '[') {
            const auto end = end_of_class(pattern, at);
            if (!end) {
                return {.counts_far = true, .looks_ahead = true};
            }
            at = *end;
        } else if (c == '{') {
            const std::size_t begin = ++at;
            const bool is_far = read_counts(pattern, at) >= kCountFar;
            shape.counts_far = shape.counts_far || is_far;
            if (at > begin && pattern[at - 2] == ',') {
                endless();
            }
        } else {
            at += c == '\\' ? 2 : 1;
            if (c == '*' || c == '+') {
                endless();
            }
        }
    }
    return shape;
}

struct Pattern final : Prepared {
    explicit Pattern(std::string_view text)
        : regex{{text.data(), text.size()}, options()}, shape{shape_of(text)} {}

    static RE2::Options options() {
        RE2::Options options;
        options.set_log_errors(false);
        options.set_max_mem(kPatternMemoryMax);
        return options;
    }

    RE2 regex;
    Shape shape;
};

std::unique_ptr<Prepared> prepare(ConstantArguments arguments, std::string& problem) {
    const auto& constant = arguments[1];
    if (!constant || !constant->is(Type::string) || constant->text().size() > kPatternBytesMax) {
        return nullptr;
    }
    auto pattern = std::make_unique<Pattern>(constant->text());
    if (!pattern->regex.ok()) {
        problem = fmt::format("not a regular expression (RE2): {}", pattern->regex.error());
    }
    return pattern;
}

re2::StringPiece piece(std::string_view text) {
    return {text.data(), text.size()};
}

/// What one step pays for.
struct Price {
    std::size_t weight = 1;
    std::size_t bytes_per_step = Budget::kRegexBytesPerStep;

    [[nodiscard]] std::size_t of(std::size_t bytes) const noexcept {
        return bytes / bytes_per_step * weight;
    }
};

/// Calls `match(pattern, price)` with the constant pattern, or with the one of this message.
/// @param groups  That are asked for, beside the match as a whole.
template <class Match>
Value with_pattern(const Call& call, std::size_t groups, Match match) {
    Budget& budget = call.context.budget();
    const auto run = [&](const Pattern& pattern) -> Value {
        if (!pattern.regex.ok()) {
            return {};
        }
        const auto size = static_cast<std::size_t>(std::max(pattern.regex.ProgramSize(), 0));
        Price price{.weight = (1 + size / kInstructionsPerStep) * (1 + groups)};
        if (pattern.shape.counts_far) {
            price.bytes_per_step = kBytesPerStepFar;
        }
        return budget.spend_work(price.of(call.text(0).size())) ? match(pattern, price) : Value{};
    };
    if (call.prepared != nullptr) {
        return run(static_cast<const Pattern&>(*call.prepared));
    }
    if (call.text(1).size() > kPatternBytesMax || !budget.spend_work(kStepsToCompile)) {
        return {};
    }
    Pattern pattern{call.text(1)};
    pattern.shape = {.counts_far = true, .looks_ahead = true};  // Who knows who wrote it.
    return run(pattern);
}

Value regexp_matches(const Call& call) {
    return with_pattern(call, 0, [&](const Pattern& pattern, const Price& /*price*/) {
        return Value::boolean(RE2::PartialMatch(piece(call.text(0)), pattern.regex));
    });
}

Value regexp_substr(const Call& call) {
    return with_pattern(call, 0, [&](const Pattern& pattern, const Price& /*price*/) -> Value {
        re2::StringPiece found;
        const auto text = piece(call.text(0));
        if (!pattern.regex.Match(text, 0, text.size(), RE2::UNANCHORED, &found, 1)) {
            return {};
        }
        return Value::string({found.data(), found.size()});
    });
}

/// Appends `replacement` with $0..$9 filled in; a backslash takes the next character literally, as
/// in Java.
void append_replacement(
    std::string& out, std::string_view replacement, std::span<const re2::StringPiece> groups
) {
    for (std::size_t i = 0; i < replacement.size(); ++i) {
        const char c = replacement[i];
        const char next = i + 1 < replacement.size() ? replacement[i + 1] : '\0';
        if (c == '\\' && next != '\0') {
            out += next;
            ++i;
        } else if (c == '$' && next >= '0' && next <= '9') {
            const auto group = static_cast<std::size_t>(next - '0');
            if (group < groups.size()) {
                out.append(groups[group].data(), groups[group].size());
            }
            ++i;
        } else {
            out += c;
        }
    }
}

/// The highest $0..$9 of a replacement.
std::size_t highest_group(std::string_view replacement) {
    std::size_t highest = 0;
    for (std::size_t i = 0; i + 1 < replacement.size(); ++i) {
        const char next = replacement[i + 1];
        if (replacement[i] == '$' && next >= '0' && next <= '9') {
            highest = std::max(highest, static_cast<std::size_t>(next - '0'));
        }
        i += replacement[i] == '\\' ? 1 : 0;
    }
    return highest;
}

Value regexp_replace(const Call& call) {
    const std::size_t wanted = highest_group(call.text(2));
    return with_pattern(call, wanted, [&](const Pattern& pattern, const Price& price) -> Value {
        constexpr std::size_t kGroups = 10;
        std::array<re2::StringPiece, kGroups> groups;
        const auto count = 1 + std::min<std::size_t>(
                                   static_cast<std::size_t>(pattern.regex.NumberOfCapturingGroups()),
                                   wanted
                               );
        const auto text = piece(call.text(0));
        Budget& budget = call.context.budget();
        std::string& out = call.context.buffer();
        std::size_t at = 0;
        while (at <= text.size() &&
               pattern.regex.Match(
                   text, at, text.size(), RE2::UNANCHORED, groups.data(), static_cast<int>(count)
               )) {
            const auto begin = static_cast<std::size_t>(groups[0].data() - text.data());
            const auto before = out.size();
            out.append(text.data() + at, begin - at);
            append_replacement(out, call.text(2), std::span{groups}.first(count));
            at = begin + groups[0].size();
            std::size_t steps = 1 + (out.size() - before) / Budget::kBytesPerStep;
            if (pattern.shape.looks_ahead) {
                steps += (text.size() - at) / kBytesPerStepAhead;
            }
            if (count > 1) {  // Groups are found in the match by a search of their own.
                steps += price.of(groups[0].size());
            }
            if (groups[0].empty()) {
                const auto next = detail::next_character(call.text(0), at);
                out.append(text.data() + at, std::min(next, text.size()) - at);
                at = next;
            }
            if (!budget.spend_work(steps)) {
                return {};
            }
        }
        if (at < text.size()) {
            out.append(text.data() + at, text.size() - at);
        }
        return call.context.text(out);
    });
}

constexpr Function kFunctions[] = {
    {.name = "regexp_matches",
     .signature = "regexp_matches(text, pattern)",
     .help = "true if the pattern (RE2) is found anywhere",
     .parameters = {text, text},
     .result = kGivesBoolean,
     .arguments_min = 2,
     .arguments_max = 2,
     .call = regexp_matches,
     .prepare = prepare},
    {.name = "regexp_replace",
     .signature = "regexp_replace(text, pattern, replacement)",
     .help = "every match replaced; $1 is the first group",
     .parameters = {text, text, text},
     .result = kGivesText,
     .arguments_min = 3,
     .arguments_max = 3,
     .call = regexp_replace,
     .prepare = prepare},
    {.name = "regexp_substr",
     .signature = "regexp_substr(text, pattern)",
     .help = "the first match; Undefined if there is none",
     .parameters = {text, text},
     .result = kGivesText,
     .arguments_min = 2,
     .arguments_max = 2,
     .call = regexp_substr,
     .prepare = prepare},
};

}  // namespace

std::span<const Function> regex_functions() noexcept {
    return kFunctions;
}

}  // namespace weir::rules
