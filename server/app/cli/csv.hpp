/// Tables that operators bring along.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace weir::cli {

struct CsvRecord {
    std::size_t line = 0;  ///< Of the file, from 1 on, where it begins.
    std::vector<std::string> cells = {};
};

/// Comma-separated values as RFC 4180 and spreadsheets write them: quotes around cells that have commas, quotes (twice) or line ends.
/// Lines without anything are left out, and so is a byte order mark.
/// @throws std::runtime_error  Names the line of a quote that is not closed, or is followed by more.
[[nodiscard]] std::vector<CsvRecord> parse_csv(std::string_view text);

}  // namespace weir::cli
