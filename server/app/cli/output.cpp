#include "output.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <utility>
#include <weir/base/assert.hpp>
#include <weir/base/log.hpp>
#include <weir/base/text.hpp>

namespace weir::cli {
namespace {

void write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const auto written = ::write(fd, text.data(), text.size());
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written < 0) {
            return;  // EPIPE: nobody reads on. Anything else cannot be told to anybody.
        }
        text.remove_prefix(static_cast<std::size_t>(written));
    }
}

/// Columns that a terminal needs for it, roughly: one per character.
std::size_t width(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
    }));
}

std::string capitals(std::string_view text) {
    std::string result{text};
    for (char& c : result) {
        c = c == '_' ? ' ' : c;
        c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
    return result;
}

/// Names of devices come from outside: they may not be run by a spreadsheet that reads the CSV.
bool looks_like_formula(std::string_view text) {
    return !text.empty() && std::string_view{"=+-@\t\r"}.contains(text.front());
}

}  // namespace

std::string counted(std::uint64_t count, std::string_view noun) {
    return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

void print(std::string_view text) {
    write_all(STDOUT_FILENO, text);
}

void print_error(std::string_view text) {
    write_all(STDERR_FILENO, text);
}

void Table::add(std::vector<std::string> cells) {
    WEIR_ASSERT(cells.size() == columns_.size());
    rows_.push_back(std::move(cells));
}

std::string Table::render(Format format) const {
    switch (format) {
        case Format::json:
            return render_json();
        case Format::csv:
            return render_csv();
        case Format::table:
            break;
    }
    return render_table();
}

std::string Table::render_table() const {
    std::vector<std::vector<std::string>> lines(1);
    for (const auto& column : columns_) {
        lines.front().push_back(capitals(column.name));
    }
    std::vector<bool> is_shown(columns_.size(), rows_.empty());
    for (const auto& row : rows_) {
        auto& line = lines.emplace_back();
        for (std::size_t i = 0; i < row.size(); ++i) {
            is_shown[i] = is_shown[i] || !row[i].empty();
            line.push_back(printable(row[i], columns_[i].bytes_max));
        }
    }
    std::vector<std::size_t> widths(columns_.size());
    for (const auto& line : lines) {
        for (std::size_t i = 0; i < line.size(); ++i) {
            widths[i] = std::max(widths[i], width(line[i]));
        }
    }
    std::string out;
    for (const auto& line : lines) {
        for (std::size_t i = 0; i < line.size(); ++i) {
            if (!is_shown[i]) {
                continue;
            }
            const std::string blanks(widths[i] - width(line[i]), ' ');
            out += columns_[i].is_number ? blanks + line[i] : line[i] + blanks;
            out += "  ";
        }
        out.erase(out.find_last_not_of(' ') + 1);
        out += '\n';
    }
    return out;
}

std::string Table::render_json() const {
    std::string out = "[";
    std::string_view row_separator = "\n  ";
    for (const auto& row : rows_) {
        out += std::exchange(row_separator, ",\n  ");
        out += '{';
        for (std::size_t i = 0; i < row.size(); ++i) {
            const auto value = !columns_[i].is_number ? '"' + log::json_escape(row[i]) + '"'
                               : row[i].empty()       ? "null"
                                                      : row[i];
            fmt::format_to(
                std::back_inserter(out),
                R"({}"{}": {})",
                i == 0 ? "" : ", ",
                columns_[i].name,
                value
            );
        }
        out += '}';
    }
    return out + (rows_.empty() ? "]\n" : "\n]\n");
}

std::string Table::render_csv() const {
    std::string out;
    const auto append_cell = [&](std::string_view text, bool first) {
        out += first ? "" : ",";
        if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
            out += text;
            return;
        }
        out += '"';
        for (const char c : text) {
            out += c == '"' ? "\"\"" : std::string_view{&c, 1};
        }
        out += '"';
    };
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        append_cell(columns_[i].name, i == 0);
    }
    out += "\r\n";
    for (const auto& row : rows_) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            const bool is_formula = !columns_[i].is_number && looks_like_formula(row[i]);
            append_cell(is_formula ? '\'' + row[i] : row[i], i == 0);
        }
        out += "\r\n";
    }
    return out;
}

}  // namespace weir::cli
