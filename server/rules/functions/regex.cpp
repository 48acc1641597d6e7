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

struct Pattern final : Prepared {
    explicit Pattern(std::string_view text) : regex{{text.data(), text.size()}, options()} {}

    static RE2::Options options() {
        RE2::Options options;
        options.set_log_errors(false);
        options.set_max_mem(kPatternMemoryMax);
        return options;
    }

    RE2 regex;
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

/// Calls `match(regex)` with the constant pattern, or with the one of this message.
template <class Match>
Value with_pattern(const Call& call, Match match) {
    Budget& budget = call.context.budget();
    const auto run = [&](const RE2& regex) -> Value {
        if (!regex.ok()) {
            return {};
        }
        const auto size = static_cast<std::size_t>(std::max(regex.ProgramSize(), 0));
        const std::size_t weight = 1 + size / kInstructionsPerStep;
        const std::size_t steps = call.text(0).size() / Budget::kRegexBytesPerStep;
        return budget.spend(steps * weight) ? match(regex) : Value{};
    };
    if (call.prepared != nullptr) {
        return run(static_cast<const Pattern*>(call.prepared)->regex);
    }
    if (call.text(1).size() > kPatternBytesMax || !budget.spend(kStepsToCompile)) {
        return {};
    }
    const Pattern pattern{call.text(1)};
    return run(pattern.regex);
}

Value regexp_matches(const Call& call) {
    return with_pattern(call, [&](const RE2& regex) {
        return Value::boolean(RE2::PartialMatch(piece(call.text(0)), regex));
    });
}

Value regexp_substr(const Call& call) {
    return with_pattern(call, [&](const RE2& regex) -> Value {
        re2::StringPiece found;
        const auto text = piece(call.text(0));
        if (!regex.Match(text, 0, text.size(), RE2::UNANCHORED, &found, 1)) {
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

Value regexp_replace(const Call& call) {
    return with_pattern(call, [&](const RE2& regex) -> Value {
        constexpr std::size_t kGroups = 10;
        std::array<re2::StringPiece, kGroups> groups;
        const int count = std::min<int>(regex.NumberOfCapturingGroups() + 1, kGroups);
        const auto text = piece(call.text(0));
        std::string& out = call.context.buffer();
        std::size_t at = 0;
        while (at <= text.size() &&
               regex.Match(text, at, text.size(), RE2::UNANCHORED, groups.data(), count)) {
            const auto begin = static_cast<std::size_t>(groups[0].data() - text.data());
            const auto before = out.size();
            out.append(text.data() + at, begin - at);
            append_replacement(
                out, call.text(2), std::span{groups}.first(static_cast<std::size_t>(count))
            );
            at = begin + groups[0].size();
            if (groups[0].empty()) {
                const auto next = detail::next_character(call.text(0), at);
                out.append(text.data() + at, std::min(next, text.size()) - at);
                at = next;
            }
            if (!call.context.budget().spend(1 + (out.size() - before) / Budget::kBytesPerStep)) {
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
