#include <weir/rules/reporter.hpp>

#include <algorithm>

namespace weir::rules {

document::Position Reporter::position(std::uint32_t offset) const noexcept {
    document::Position position = place_.start;
    for (const char c : text_.substr(0, offset)) {
        if (c == '\n') {
            ++position.line;
            position.column = 1;
        } else {
            const bool continuation = (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
            position.column += continuation ? 0 : 1;
        }
    }
    return position;
}

void Reporter::add(
    document::Severity severity,
    std::string_view code,
    ast::Extent extent,
    std::string message,
    std::string help
) {
    if (muted_) {
        return;
    }
    errors_ += severity == document::Severity::error ? 1 : 0;
    if (is_full()) {
        return;
    }
    ++reported_;
    diagnostics_->add({
        .severity = severity,
        .code = std::string{code},
        .message = std::move(message),
        .file = std::string{place_.file},
        .range = {position(extent.begin), position(std::max(extent.begin, extent.end))},
        .help = std::move(help),
    });
}

}  // namespace weir::rules
