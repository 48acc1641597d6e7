#include "csv.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace weir::cli {
namespace {

class CsvReader {
public:
    explicit CsvReader(std::string_view text) : rest_{text} {}

    [[nodiscard]] std::vector<CsvRecord> read() {
        std::vector<CsvRecord> records;
        while (!rest_.empty()) {
            CsvRecord record{.line = line_};
            do {
                record.cells.push_back(rest_.starts_with('"') ? quoted_cell() : plain_cell());
            } while (take(','));
            end_line();
            if (record.cells.size() > 1 || !record.cells.front().empty()) {
                records.push_back(std::move(record));
            }
        }
        return records;
    }

private:
    bool take(char character) {
        if (!rest_.starts_with(character)) {
            return false;
        }
        rest_.remove_prefix(1);
        return true;
    }

    void end_line() {
        take('\r');
        if (!rest_.empty() && !take('\n')) {
            throw std::runtime_error{fmt::format("line {}: a comma is missing behind a quote", line_)};
        }
        ++line_;
    }

    std::string plain_cell() {
        auto cell = rest_.substr(0, rest_.find_first_of(",\n"));
        rest_.remove_prefix(cell.size());
        if (cell.ends_with('\r')) {
            cell.remove_suffix(1);
        }
        return std::string{cell};
    }

    std::string quoted_cell() {
        const auto begins = line_;
        std::string cell;
        rest_.remove_prefix(1);
        for (;;) {
            const auto end = rest_.find('"');
            if (end == std::string_view::npos) {
                throw std::runtime_error{fmt::format("line {}: a quote is not closed", begins)};
            }
            const auto part = rest_.substr(0, end);
            line_ += static_cast<std::size_t>(std::ranges::count(part, '\n'));
            cell += part;
            rest_.remove_prefix(end + 1);
            if (!take('"')) {
                return cell;
            }
            cell += '"';
        }
    }

    std::string_view rest_;
    std::size_t line_ = 1;
};

}  // namespace

std::vector<CsvRecord> parse_csv(std::string_view text) {
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    if (text.starts_with(kByteOrderMark)) {
        text.remove_prefix(kByteOrderMark.size());
    }
    return CsvReader{text}.read();
}

}  // namespace weir::cli
