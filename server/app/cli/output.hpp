/// What commands print: results on standard output, everything else on standard error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weir::cli {

enum class Format : std::uint8_t { table, json, csv };

/// Writes all of it. A reader that went away (`weir ... | head`) is not an error: what is left is
/// dropped.
void print(std::string_view text);
void print_error(std::string_view text);

/// "1 error", "2 errors".
[[nodiscard]] std::string counted(std::uint64_t count, std::string_view noun);

/// Rows under named columns.
class Table {
public:
    struct Column {
        std::string
            name;  ///< snake_case: key in JSON, header in CSV and, in capitals, of the table.
        bool is_number = false;  ///< Aligned to the right; without quotes in JSON.
        std::size_t bytes_max = std::string::npos;  ///< Of a cell of the table: what is longer is cut. JSON and CSV have all.
    };

    explicit Table(std::vector<Column> columns) : columns_{std::move(columns)} {}

    /// As many cells as there are columns. An empty number is null in JSON.
    void add(std::vector<std::string> cells);
    [[nodiscard]] bool empty() const noexcept { return rows_.empty(); }

    /// With a line end. json: an array of objects; csv: RFC 4180 with a header, and a ' before a text that a spreadsheet would run; table: columns two
    /// blanks apart, without those in which no row has anything.
    [[nodiscard]] std::string render(Format format) const;

private:
    [[nodiscard]] std::string render_table() const;
    [[nodiscard]] std::string render_json() const;
    [[nodiscard]] std::string render_csv() const;

    std::vector<Column> columns_;
    std::vector<std::vector<std::string>> rows_;
};

}  // namespace weir::cli
