// How diagnostics look: for people in the manner of compilers, for programs as JSON.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <weir/base/log.hpp>
#include <weir/base/text.hpp>
#include <weir/document/diagnostic.hpp>

namespace weir::document {
namespace {

/// Source lines longer than this (in characters) are shown as a part around the caret.
constexpr std::size_t kLineShownMax = 120;
constexpr std::size_t kShownBeforeCaret = 60;

std::string_view severity_name(Severity severity) {
    return severity == Severity::error ? "error" : "warning";
}

/// One element per character; bytes that are not UTF-8, and control characters, become '?', so that
/// a hostile file cannot steer the terminal.
std::vector<std::string> characters(std::string_view line) {
    std::vector<std::string> result;
    while (!line.empty()) {
        const auto lead = static_cast<unsigned char>(line.front());
        std::size_t size = 1;
        if (lead >= 0xF0U) {
            size = 4;
        } else if (lead >= 0xE0U) {
            size = 3;
        } else if (lead >= 0xC0U) {
            size = 2;
        }
        const auto character = line.substr(0, size);
        const bool control = lead < 0x20U || lead == 0x7FU ||
                             (lead == 0xC2U && size == 2 && line.size() > 1 &&
                              static_cast<unsigned char>(line[1]) < 0xA0U);
        if (lead == '\t') {
            result.emplace_back(" ");
        } else if (control || !is_utf8(character)) {
            result.emplace_back("?");
            size = lead < 0x80U || !is_utf8(character) ? 1 : size;
        } else {
            result.emplace_back(character);
        }
        line.remove_prefix(std::min(size, line.size()));
    }
    return result;
}

void append_lines(
    std::string& out, std::string_view indent, std::string_view title, std::string_view text
) {
    while (!text.empty()) {
        const auto end = text.find('\n');
        fmt::format_to(
            std::back_inserter(out), "{} = {}: {}\n", indent, title, text.substr(0, end)
        );
        text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    }
}

/// Control characters of a message are not sent to a terminal either.
std::string printable(std::string_view text) {
    std::string result;
    for (const auto& character : characters(text)) {
        result += character;
    }
    return result;
}

}  // namespace

void Diagnostics::render_block(std::string& out, const Diagnostic& diagnostic) const {
    const auto into = std::back_inserter(out);
    fmt::format_to(
        into,
        "{}[{}]: {}\n",
        severity_name(diagnostic.severity),
        diagnostic.code,
        printable(diagnostic.message)
    );
    const auto& [begin, end] = diagnostic.range;
    const auto number = std::to_string(begin.line);
    const std::string indent(number.size() + 1, ' ');
    if (!diagnostic.file.empty()) {
        fmt::format_to(into, "{}--> {}:{}:{}\n", indent, diagnostic.file, begin.line, begin.column);
        const auto line = characters(source_line(diagnostic.file, begin.line));
        const auto caret = std::min<std::size_t>(begin.column - 1, line.size());
        auto width = std::size_t{1};
        if (end.line == begin.line && end.column > begin.column) {
            width = end.column - begin.column;
        } else if (end.line > begin.line && line.size() > caret) {
            width = line.size() - caret;
        }
        width = std::min(width, std::max<std::size_t>(line.size() - caret, 1));
        const auto first = line.size() > kLineShownMax && caret > kShownBeforeCaret
                               ? caret - kShownBeforeCaret
                               : std::size_t{0};
        const auto last = std::min(line.size(), first + kLineShownMax);
        width = std::min(width, std::max<std::size_t>(last - caret, 1));
        if (!line.empty() || !diagnostic.label.empty()) {
            fmt::format_to(into, "{} |\n {} | ", indent, number);
            for (auto i = first; i < last; ++i) {
                out += line[i];
            }
            fmt::format_to(into, "\n{} | {:{}}{:^>{}}", indent, "", caret - first, "", width);
            if (!diagnostic.label.empty()) {
                fmt::format_to(into, " {}", printable(diagnostic.label));
            }
            out += '\n';
        }
    }
    append_lines(out, indent, "help", diagnostic.help);
}

std::string Diagnostics::render_text() const {
    std::string out;
    for (const auto& diagnostic : sorted()) {
        render_block(out, diagnostic);
        out += '\n';
    }
    if (const auto all = errors_ + warnings_; all > kept_.size()) {
        fmt::format_to(std::back_inserter(out), "{} more are not shown\n", all - kept_.size());
    }
    return out;
}

std::string Diagnostics::render_json() const {
    std::string out =
        fmt::format(R"({{"errors":{},"warnings":{},"diagnostics":[)", errors_, warnings_);
    std::string_view separator;
    for (const auto& diagnostic : sorted()) {
        fmt::format_to(
            std::back_inserter(out),
            R"({}{{"severity":"{}","code":"{}","message":"{}","file":"{}",)"
            R"("range":{{"begin":{{"line":{},"column":{}}},"end":{{"line":{},"column":{}}}}},)"
            R"("label":"{}","help":"{}"}})",
            separator,
            severity_name(diagnostic.severity),
            diagnostic.code,
            log::json_escape(diagnostic.message),
            log::json_escape(diagnostic.file),
            diagnostic.range.begin.line,
            diagnostic.range.begin.column,
            diagnostic.range.end.line,
            diagnostic.range.end.column,
            log::json_escape(diagnostic.label),
            log::json_escape(diagnostic.help)
        );
        separator = ",";
    }
    return out + "]}";
}

}  // namespace weir::document
