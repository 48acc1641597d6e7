#include <fmt/format.h>
#include <simdjson.h>

#include <optional>
#include <utility>

#include <weir/archive/detail/lines.hpp>
#include <weir/archive/record_json.hpp>
#include <weir/base/digest.hpp>
#include <weir/base/log.hpp>
#include <weir/base/text.hpp>

namespace weir::archive::detail {
namespace {

constexpr std::string_view kMember = "payload.";

/// A value as JSON, or nothing.
using Value = std::optional<std::string>;

std::string json_quoted(std::string_view text) {
    return '"' + log::json_escape(text) + '"';
}

/// RFC 4180 section 2: a field with a separator, a quote or a line end stands in quotes.
void append_field(std::string& out, std::string_view text) {
    if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
        out += text;
        return;
    }
    out += '"';
    for (const char c : text) {
        out.append(c == '"' ? 2 : 1, c);
    }
    out += '"';
}

}  // namespace

/// The values of one record.
struct LineWriter::Columns {
    simdjson::ondemand::parser parser;
    std::string payload;  ///< JSON with room for the parser; empty: the payload is none.
    std::size_t payload_bytes = 0;
    const storage::StreamEntry* entry = nullptr;

    void take(const storage::StreamEntry& next) {
        entry = &next;
        auto text = json_text(next.record.payload);
        payload_bytes = text ? text->size() : 0;
        payload = text ? std::move(*text) : std::string{};
        payload.reserve(payload_bytes + simdjson::SIMDJSON_PADDING);
    }

    [[nodiscard]] bool is_json() const noexcept { return payload_bytes != 0; }

    [[nodiscard]] Value value_of(std::string_view column) {
        const auto& record = entry->record;
        if (column == "offset") {
            return fmt::to_string(entry->offset);
        }
        if (column == "time") {
            return json_quoted(format_time(record.time_ms));
        }
        if (column == "topic") {
            return json_quoted(record.topic);
        }
        if (column == "device") {
            return json_quoted(record.key);
        }
        if (column == "payload") {
            return is_json() ? payload : json_quoted(to_base64(record.payload));
        }
        if (column == "encoding") {
            return is_json() ? Value{} : Value{json_quoted("base64")};
        }
        return member(column.substr(kMember.size()));
    }

    /// As it stands in the payload: no digit is lost.
    [[nodiscard]] Value member(std::string_view path) {
        if (!is_json()) {
            return std::nullopt;
        }
        simdjson::ondemand::document document;
        simdjson::ondemand::value value;
        if (parser.iterate(payload).get(document) != simdjson::SUCCESS ||
            document.get_value().get(value) != simdjson::SUCCESS) {
            return std::nullopt;
        }
        for (;;) {
            const auto point = path.find('.');
            simdjson::ondemand::object object;
            if (value.get_object().get(object) != simdjson::SUCCESS ||
                object.find_field_unordered(path.substr(0, point)).get(value) !=
                    simdjson::SUCCESS) {
                return std::nullopt;
            }
            if (point == std::string_view::npos) {
                break;
            }
            path.remove_prefix(point + 1);
        }
        std::string_view text;
        if (simdjson::to_json_string(value).get(text) != simdjson::SUCCESS) {
            return std::nullopt;
        }
        return std::string{text};
    }

    /// For a field: a text without its quotes, nothing for null.
    [[nodiscard]] std::string plain(std::string&& json) {
        if (json == "null") {
            return {};
        }
        if (!json.starts_with('"')) {
            return std::move(json);
        }
        const simdjson::padded_string padded{json};
        simdjson::ondemand::document document;
        std::string_view text;
        if (parser.iterate(padded).get(document) != simdjson::SUCCESS ||
            document.get_string().get(text) != simdjson::SUCCESS) {
            return std::move(json);
        }
        return std::string{text};
    }
};

LineWriter::LineWriter(const Layout& layout)
    : layout_{layout}, columns_{std::make_unique<Columns>()} {}

LineWriter::~LineWriter() = default;

void LineWriter::begin(std::string& out) const {
    if (layout_.format != Format::csv) {
        return;
    }
    for (std::size_t i = 0; i < layout_.columns.size(); ++i) {
        out += i == 0 ? "" : ",";
        append_field(out, title_of(layout_.columns[i]));
    }
    out += "\r\n";
}

void LineWriter::add(std::string& out, const storage::StreamEntry& entry) {
    if (layout_.format == Format::json && layout_.columns.empty()) {
        out += to_json_line(entry);
        return;
    }
    if (layout_.format == Format::payload) {
        const auto text = json_text(entry.record.payload);
        out += text ? *text : '{' + payload_members(entry.record.payload) + '}';
        out += '\n';
        return;
    }
    columns_->take(entry);
    if (layout_.format == Format::csv) {
        add_csv(out);
    } else {
        add_json(out);
    }
}

void LineWriter::add_csv(std::string& out) {
    for (std::size_t i = 0; i < layout_.columns.size(); ++i) {
        out += i == 0 ? "" : ",";
        if (auto value = columns_->value_of(layout_.columns[i])) {
            append_field(out, columns_->plain(std::move(*value)));
        }
    }
    out += "\r\n";
}

void LineWriter::add_json(std::string& out) {
    out += '{';
    bool is_first = true;
    for (const auto& column : layout_.columns) {
        if (const auto value = columns_->value_of(column)) {
            out += std::exchange(is_first, false) ? "" : ",";
            out += json_quoted(title_of(column));
            out += ':';
            out += *value;
        }
    }
    out += "}\n";
}

}  // namespace weir::archive::detail
