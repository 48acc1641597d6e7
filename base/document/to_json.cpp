#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <iterator>
#include <utility>
#include <weir/base/log.hpp>
#include <weir/document/readers.hpp>
#include <weir/document/to_json.hpp>

namespace weir::document {
namespace {

void append_string(std::string& out, std::string_view text) {
    out += '"';
    out += log::json_escape(text);
    out += '"';
}

/// JSON has neither 0x nor 0o nor a sign or zeros in front; decimal digits are kept as they are,
/// however many.
void append_integer(std::string& out, std::string_view text) {
    if (text.starts_with("0x") || text.starts_with("0o")) {
        const int base = text[1] == 'x' ? 16 : 8;
        std::uint64_t value = 0;
        const auto [end, error] =
            std::from_chars(text.data() + 2, text.data() + text.size(), value, base);
        if (error != std::errc{}) {
            append_string(out, text);
        } else {
            out += std::to_string(value);
        }
        return;
    }
    if (text.starts_with('-')) {
        out += '-';
    }
    if (text.starts_with('-') || text.starts_with('+')) {
        text.remove_prefix(1);
    }
    const auto first = text.find_first_not_of('0');
    out += first == std::string_view::npos ? "0" : text.substr(first);
}

/// `.5`, `5.`, `+1.0` and `01.5` are numbers in YAML but not in JSON.
void append_real(std::string& out, std::string_view text) {
    if (text.find_first_of("iInN") != std::string_view::npos) {
        out += "null";
        return;
    }
    const auto whole = text.substr(0, text.find_first_of(".eE"));
    text.remove_prefix(whole.size());
    if (whole.empty() || whole == "-" || whole == "+") {
        out += whole == "-" ? "-0" : "0";
    } else {
        append_integer(out, whole);
    }
    if (text.starts_with('.')) {
        const auto fraction = text.substr(1, text.find_first_of("eE") - 1);
        fmt::format_to(std::back_inserter(out), ".{}", fraction.empty() ? "0" : fraction);
        text.remove_prefix(1 + fraction.size());
    }
    out += text;
}

void append_scalar(std::string& out, const Node& node) {
    switch (scalar_type(node)) {
        case ScalarType::null:
            out += "null";
            break;
        case ScalarType::boolean:
            out += node.text().size() == 4 ? "true" : "false";
            break;
        case ScalarType::integer:
            append_integer(out, node.text());
            break;
        case ScalarType::real:
            append_real(out, node.text());
            break;
        case ScalarType::text:
            append_string(out, node.text());
            break;
    }
}

/// Recursion is bounded by Document::kDepthMax.
void append(std::string& out, const Node& node) {
    std::string_view separator;
    if (node.is_sequence()) {
        out += '[';
        for (const auto& item : node.items()) {
            out += std::exchange(separator, ",");
            append(out, item);
        }
        out += ']';
    } else if (node.is_mapping()) {
        out += '{';
        for (const auto& [key, value] : node.entries()) {
            out += std::exchange(separator, ",");
            append_string(out, key.text());
            out += ':';
            append(out, value);
        }
        out += '}';
    } else {
        append_scalar(out, node);
    }
}

}  // namespace

std::string to_json(const Node& node) {
    std::string out;
    append(out, node);
    return out;
}

}  // namespace weir::document
