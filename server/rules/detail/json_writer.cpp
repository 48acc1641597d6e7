#include <weir/rules/detail/json_writer.hpp>

#include <simdjson.h>

#include <weir/rules/detail/containers.hpp>

namespace weir::rules::detail {
namespace {

/// JSON has no bytes.
bool is_absent(const Value& value) noexcept {
    return value.is_undefined() || value.is(Type::binary);
}

bool write_members(std::string& out, std::span<const Member> members, Budget& budget) {
    out += '{';
    bool first = true;
    for (const Member& member : members) {
        if (is_absent(member.value)) {
            continue;
        }
        if (!first) {
            out += ',';
        }
        first = false;
        write_json_string(out, member.key);
        out += ':';
        if (!budget.spend_bytes(member.key.size()) || !write_json(out, member.value, budget)) {
            return false;
        }
    }
    out += '}';
    return true;
}

bool write_elements(std::string& out, std::span<const Value> elements, Budget& budget) {
    out += '[';
    bool first = true;
    for (const Value& element : elements) {
        if (!first) {
            out += ',';
        }
        first = false;
        if (is_absent(element)) {
            out += "null";
        } else if (!write_json(out, element, budget)) {
            return false;
        }
    }
    out += ']';
    return true;
}

bool write_raw(std::string& out, std::string_view raw, Budget& budget) {
    if (!budget.spend_bytes(raw.size())) {
        return false;
    }
    const std::size_t before = out.size();
    out.resize(before + raw.size() + simdjson::SIMDJSON_PADDING);
    std::size_t written = 0;
    const auto error = simdjson::minify(raw.data(), raw.size(), out.data() + before, written);
    out.resize(before + (error == simdjson::SUCCESS ? written : 0));
    return error == simdjson::SUCCESS;
}

}  // namespace

void write_json_string(std::string& out, std::string_view text) {
    constexpr std::string_view kHex = "0123456789abcdef";
    out += '"';
    std::size_t plain = 0;  // Where the part that needs no escape begins.
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if (byte >= 0x20 && byte != '"' && byte != '\\') {
            continue;
        }
        out.append(text, plain, i - plain);
        plain = i + 1;
        switch (text[i]) {
            case '"':
                out += "\\\"";
                break;
            case '\\':
                out += "\\\\";
                break;
            case '\n':
                out += "\\n";
                break;
            case '\r':
                out += "\\r";
                break;
            case '\t':
                out += "\\t";
                break;
            default:
                out += "\\u00";
                out += kHex[byte >> 4U];
                out += kHex[byte & 0x0FU];
        }
    }
    out.append(text, plain);
    out += '"';
}

bool write_json(std::string& out, const Value& value, Budget& budget) {
    if (!budget.spend(1)) {
        return false;
    }
    switch (value.type()) {
        case Type::undefined:
        case Type::binary:
            return true;
        case Type::null:
            out += "null";
            return true;
        case Type::boolean:
            out += value.as_boolean() ? "true" : "false";
            return true;
        case Type::integer:
        case Type::decimal: {
            if (const Json* json = value.document()) {
                out += json->raw(value.node());
                return budget.spend_bytes(json->raw(value.node()).size());
            }
            DecimalText buffer;
            out += to_text(*value.number(), buffer);
            return true;
        }
        case Type::string:
            write_json_string(out, value.text());
            return budget.spend_bytes(value.text().size());
        case Type::array:
        case Type::object:
            if (const Json* json = value.document()) {
                return write_raw(out, json->raw(value.node()), budget);
            }
            return value.is(Type::array) ? write_elements(out, value.elements(), budget)
                                         : write_members(out, value.members(), budget);
    }
    return true;
}

}  // namespace weir::rules::detail
