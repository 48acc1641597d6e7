/// Errors and warnings about files that people write, and how they are shown.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace weir::document {

/// A place in a text, counted from 1. Columns count characters (code points), not bytes.
struct Position {
    std::uint32_t line = 1;
    std::uint32_t column = 1;

    auto operator<=>(const Position&) const = default;
};

/// From `begin` up to, not including, `end`.
struct Range {
    Position begin;
    Position end;

    bool operator==(const Range&) const = default;
};

/// A place in a file, as a value of its own.
struct Place {
    std::string file;
    Range range;
};

enum class Severity : std::uint8_t { error, warning };

struct Diagnostic {
    Severity severity = Severity::error;
    std::string code;       ///< "WEIR-0102": stable, documented by `weir explain`.
    std::string message;    ///< What is wrong; lower case, no full stop.
    std::string file = {};  ///< As the operator would type it; empty: not about a file.
    Range range = {};
    std::string label = {};  ///< Behind the caret; may be empty.
    std::string help = {};   ///< What to write instead; lines become several `= help:` lines.
};

/// Collects the diagnostics of one run over any number of files. One thread.
class Diagnostics {
public:
    /// More than this many are counted but not kept: an operator mends the first ones and runs
    /// again.
    static constexpr std::size_t kKeptMax = 50;

    /// Remembers the text of a file, so that rendering can quote it. A file that is known already
    /// keeps its text: a caller that parses a part of a file adds the whole of it first.
    void add_source(std::string_view file, std::string_view text);

    void add(Diagnostic diagnostic);

    [[nodiscard]] bool has_errors() const noexcept { return errors_ > 0; }
    [[nodiscard]] std::size_t errors() const noexcept { return errors_; }
    [[nodiscard]] std::size_t warnings() const noexcept { return warnings_; }
    /// What was kept, sorted by file, line, column; equal places in the order in which they were
    /// added.
    [[nodiscard]] std::vector<Diagnostic> sorted() const;

    /// For people: one block each with source line and caret. Empty text if there is nothing to
    /// say.
    [[nodiscard]] std::string render_text() const;
    /// For programs: {"errors": n, "warnings": n, "diagnostics": [{severity, code, message, file,
    /// range: {begin: {line, column}, end: {...}}, label, help}]}, without a line end.
    [[nodiscard]] std::string render_json() const;

private:
    [[nodiscard]] std::string_view source_line(const std::string& file, std::uint32_t line) const;
    void render_block(std::string& out, const Diagnostic& diagnostic) const;

    std::map<std::string, std::string, std::less<>> sources_;
    std::vector<Diagnostic> kept_;
    std::size_t errors_ = 0;
    std::size_t warnings_ = 0;
};

}  // namespace weir::document
