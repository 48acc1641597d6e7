#include "records.hpp"

#include <utility>

namespace weir::cli {
namespace {

constexpr std::string_view kPayloadMark = R"(,"payload":)";  ///< Before the last member.

}  // namespace

std::uint64_t Record::offset() const {
    return members.at("offset").to_number<std::uint64_t>();
}

std::string_view Record::payload() const {
    const auto begin = line.find(kPayloadMark) + kPayloadMark.size();
    return line.substr(begin, line.size() - begin - 1);
}

std::vector<std::string> Record::cells(const std::vector<Table::Column>& columns) const {
    std::vector<std::string> out;
    for (const auto& column : columns) {
        out.push_back(
            column.name == "payload" ? std::string{payload()} : cell(members, column.name)
        );
    }
    return out;
}

std::vector<Record> parse_records(std::string_view answer) {
    std::vector<Record> records;
    while (!answer.empty()) {
        const auto end = std::min(answer.find('\n'), answer.size());
        const auto line = answer.substr(0, end);
        boost::system::error_code error;
        auto value = json::parse(line, error);
        if (error || !value.is_object() || !value.get_object().contains("offset") ||
            line.find(kPayloadMark) == std::string_view::npos) {
            throw Failure{"the gateway's answer is not a record; is it another version?"};
        }
        records.push_back({.line = line, .members = std::move(value.get_object())});
        answer.remove_prefix(std::min(end + 1, answer.size()));
    }
    return records;
}

void RecordPrinter::add(const Record& record) {
    if (format_ != Format::json) {
        table_.add(record.cells(columns_));
        return;
    }
    print(std::exchange(any_, true) ? ",\n  " : "[\n  ");
    print(record.line);
}

void RecordPrinter::finish() {
    if (format_ != Format::json) {
        print(table_.render(format_));
    } else {
        print(any_ ? "\n]\n" : "[]\n");
    }
}

}  // namespace weir::cli
