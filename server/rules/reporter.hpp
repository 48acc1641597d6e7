/// Reporting on a statement by its bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <weir/document/diagnostic.hpp>
#include <weir/rules/ast.hpp>

namespace weir::rules {

/// Where a statement stands, so that diagnostics name the line of its file.
struct SourcePlace {
    std::string_view file = {};
    document::Position start = {};  ///< Of the first byte of the statement.
};

/// Reports parts of one text; offsets become lines and columns.
class Reporter {
public:
    Reporter(std::string_view text, SourcePlace place, document::Diagnostics& diagnostics) noexcept
        : text_{text}, place_{place}, diagnostics_{&diagnostics} {}

    void error(
        std::string_view code, ast::Extent extent, std::string message, std::string help = {}
    ) {
        add(document::Severity::error, code, extent, std::move(message), std::move(help));
    }
    void warning(
        std::string_view code, ast::Extent extent, std::string message, std::string help = {}
    ) {
        add(document::Severity::warning, code, extent, std::move(message), std::move(help));
    }
    /// For text that was reported on before.
    void mute(bool muted) noexcept { muted_ = muted; }
    /// Errors reported through this.
    [[nodiscard]] std::size_t errors() const noexcept { return errors_; }
    /// Whether nobody reads more of one statement: the rest is counted only.
    [[nodiscard]] bool is_full() const noexcept { return reported_ >= kReportedMax; }
    [[nodiscard]] document::Position position(std::uint32_t offset) const noexcept;

private:
    void add(
        document::Severity severity,
        std::string_view code,
        ast::Extent extent,
        std::string message,
        std::string help
    );

    std::string_view text_;
    SourcePlace place_;
    document::Diagnostics* diagnostics_;
    static constexpr std::size_t kReportedMax = 100;

    std::size_t errors_ = 0;
    std::size_t reported_ = 0;
    bool muted_ = false;
};

}  // namespace weir::rules
