/// Stored messages as the gateway hands them out: a line of JSON each.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api_client.hpp"

namespace weir::cli {

/// Views into the answer that it came in.
struct Record {
    std::string_view line;
    json::object members;

    [[nodiscard]] std::uint64_t offset() const;
    /// As written, so that numbers look as the device sent them.
    [[nodiscard]] std::string_view payload() const;
    /// The payload as above, other members as cell() gives them.
    [[nodiscard]] std::vector<std::string> cells(const std::vector<Table::Column>& columns) const;
};

/// Throws Failure if a line is no record.
[[nodiscard]] std::vector<Record> parse_records(std::string_view answer);

/// Prints any number of records as one result.
class RecordPrinter {
public:
    RecordPrinter(std::vector<Table::Column> columns, Format format)
        : columns_{std::move(columns)}, format_{format}, table_{columns_} {}

    /// JSON is printed at once, a table when all its cells are known.
    void add(const Record& record);
    void finish();

private:
    std::vector<Table::Column> columns_;
    Format format_;
    Table table_;
    bool any_ = false;
};

}  // namespace weir::cli
