#include <weir/document/diagnostic.hpp>

#include <algorithm>
#include <tuple>
#include <utility>

namespace weir::document {

void Diagnostics::add_source(std::string_view file, std::string_view text) {
    if (!sources_.contains(file)) {
        sources_.emplace(file, text);
    }
}

void Diagnostics::add(Diagnostic diagnostic) {
    ++(diagnostic.severity == Severity::error ? errors_ : warnings_);
    if (kept_.size() < kKeptMax) {
        kept_.push_back(std::move(diagnostic));
    }
}

std::vector<Diagnostic> Diagnostics::sorted() const {
    auto result = kept_;
    std::ranges::stable_sort(result, [](const Diagnostic& a, const Diagnostic& b) {
        return std::tie(a.file, a.range.begin) < std::tie(b.file, b.range.begin);
    });
    return result;
}

std::string_view Diagnostics::source_line(const std::string& file, std::uint32_t line) const {
    const auto found = sources_.find(file);
    if (found == sources_.end()) {
        return {};
    }
    std::string_view rest = found->second;
    for (std::uint32_t skipped = 1; skipped < line; ++skipped) {
        const auto end = rest.find('\n');
        if (end == std::string_view::npos) {
            return {};
        }
        rest.remove_prefix(end + 1);
    }
    rest = rest.substr(0, rest.find('\n'));
    if (rest.ends_with('\r')) {
        rest.remove_suffix(1);
    }
    return rest;
}

}  // namespace weir::document
