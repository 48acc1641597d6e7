#include <weir/archive/config.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include <weir/base/text.hpp>

namespace weir::archive {
namespace {

constexpr std::size_t kColumnsMax = 100;
constexpr std::size_t kColumnBytesMax = 256;
constexpr std::array<std::string_view, 6> kColumns = {
    "offset", "time", "topic", "device", "payload", "encoding"};
constexpr std::string_view kMember = "payload.";

}  // namespace

std::string ending_of(const Layout& layout) {
    std::string ending = layout.format == Format::csv ? ".csv" : ".jsonl";
    if (layout.compression == Compression::gzip) {
        ending += ".gz";
    } else if (layout.compression == Compression::zstd) {
        ending += ".zst";
    }
    return ending;
}

std::string_view media_type_of(const Layout& layout) noexcept {
    switch (layout.compression) {
        case Compression::gzip:
            return "application/gzip";
        case Compression::zstd:
            return "application/zstd";
        case Compression::none:
            break;
    }
    return layout.format == Format::csv ? "text/csv; charset=utf-8" : "application/x-ndjson";
}

std::string_view title_of(std::string_view column) noexcept {
    const auto point = column.rfind('.');
    return point == std::string_view::npos ? column : column.substr(point + 1);
}

std::string check(const Layout& layout) {
    if (layout.format == Format::csv && layout.columns.empty()) {
        return "csv needs columns, such as columns: [time, device, payload.temp]";
    }
    if (layout.format == Format::payload && !layout.columns.empty()) {
        return "a line is the whole payload: there are no columns to choose";
    }
    if (layout.columns.size() > kColumnsMax) {
        return fmt::format("at most {} columns", kColumnsMax);
    }
    std::set<std::string_view> titles;
    for (const std::string_view column : layout.columns) {
        const bool is_member = column.starts_with(kMember) && !column.ends_with('.') &&
                               column.find("..") == std::string_view::npos;
        if (!is_member && std::ranges::find(kColumns, column) == kColumns.end()) {
            const auto near = nearest(column, kColumns);
            return fmt::format(
                "there is no column '{}'{}; members of the payload are written payload.{}",
                column,
                near ? fmt::format(", perhaps '{}'", *near) : "",
                column
            );
        }
        if (column.size() > kColumnBytesMax || !is_utf8(column)) {
            return fmt::format("a column is UTF-8 of at most {} bytes", kColumnBytesMax);
        }
        if (!titles.insert(title_of(column)).second) {
            return fmt::format("two columns are called '{}'", title_of(column));
        }
    }
    return {};
}

}  // namespace weir::archive
