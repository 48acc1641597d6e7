#include <weir/rules/template.hpp>

#include <algorithm>

#include <weir/rules/codes.hpp>

namespace weir::rules {
namespace {

/// Where the expression that begins at `at` ends: at the brace that closes it, outside of quotes
/// and inner braces.
std::size_t end_of_expression(std::string_view text, std::size_t at) {
    std::size_t depth = 0;
    for (; at < text.size(); ++at) {
        const char c = text[at];
        if (c == '\'' || c == '"') {
            at = text.find(c, at + 1);
            if (at == std::string_view::npos) {
                return at;
            }
        } else if (c == '{') {
            ++depth;
        } else if (c == '}') {
            if (depth == 0) {
                return at;
            }
            --depth;
        }
    }
    return std::string_view::npos;
}

}  // namespace

std::optional<Template> Template::compile(
    std::string_view text, const Options& options, document::Diagnostics& diagnostics
) {
    constexpr std::string_view kOpen = "${";
    const Reporter whole{text, options.compile.place, diagnostics};
    Template result;
    result.source_ = text;
    result.strict_ = options.compile.profile == Profile::native;
    bool ok = true;
    std::size_t at = 0;
    if (options.dollar_escape && text.starts_with("$$")) {
        at = 1;
    }
    const auto add_text = [&](std::size_t end) {
        if (end > at) {
            result.parts_.push_back({std::string{text.substr(at, end - at)}, nullptr});
        }
    };
    for (;;) {
        // The `$` that an escape left is text.
        const auto search = at == 1 && options.dollar_escape ? at + 1 : at;
        const auto open = text.find(kOpen, search);
        if (open == std::string_view::npos) {
            add_text(text.size());
            break;
        }
        add_text(open);
        const auto begin = open + kOpen.size();
        const auto end = end_of_expression(text, begin);
        if (end == std::string_view::npos) {
            Reporter{text, options.compile.place, diagnostics}.error(
                code::kTemplate,
                {static_cast<std::uint32_t>(open), static_cast<std::uint32_t>(begin)},
                "the expression that begins here has no closing brace"
            );
            return std::nullopt;
        }
        CompileOptions inner = options.compile;
        inner.place.start = whole.position(static_cast<std::uint32_t>(begin));
        auto program = compile_expression(
            text.substr(begin, end - begin), inner, options.variables, diagnostics
        );
        ok = ok && program != nullptr;
        result.parts_.push_back({{}, std::move(program)});
        at = end + 1;
    }
    return ok ? std::optional{std::move(result)} : std::nullopt;
}

bool Template::constant() const noexcept {
    return std::ranges::all_of(parts_, [](const Part& part) { return part.expression == nullptr; });
}

}  // namespace weir::rules
