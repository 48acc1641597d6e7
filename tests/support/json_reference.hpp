/// A reader of JSON that is slow and plain, to hold the one of rules against.
#pragma once

#include <simdjson.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <weir/rules/detail/containers.hpp>
#include <weir/rules/detail/json.hpp>
#include <weir/rules/value.hpp>

namespace weir::test {

struct JsonReference {
    rules::Type type = rules::Type::undefined;
    std::string raw;                      ///< As it stands in the text.
    std::string text;                     ///< Of a string.
    std::string key;                      ///< Of a member.
    std::vector<JsonReference> children;  ///< In order.
};

/// RFC 8259 word by word.
class JsonReferenceReader {
public:
    explicit JsonReferenceReader(std::string_view text) : text_{text} {}

    [[nodiscard]] std::optional<JsonReference> read() {
        auto value = this->value(0);
        skip_space();
        return value && at_ == text_.size() && simdjson::validate_utf8(text_.data(), text_.size())
                   ? std::move(value)
                   : std::nullopt;
    }

private:
    [[nodiscard]] bool is_next(std::string_view any_of) const {
        return at_ < text_.size() && any_of.find(text_[at_]) != std::string_view::npos;
    }
    bool take(std::string_view word) {
        const bool is_there = text_.substr(at_).starts_with(word);
        at_ += is_there ? word.size() : 0;
        return is_there;
    }
    void skip_space() {
        while (is_next(" \t\r\n")) {
            ++at_;
        }
    }
    bool digits() {
        const std::size_t before = at_;
        while (is_next("0123456789")) {
            ++at_;
        }
        return at_ != before;
    }

    std::optional<JsonReference> value(std::size_t depth) {
        skip_space();
        JsonReference result;
        const std::size_t begin = at_;
        bool valid = true;
        if (is_next("{[")) {
            valid = depth < rules::detail::Json::kDepthMax && container(result, depth);
        } else if (is_next("\"")) {
            result.type = rules::Type::string;
            valid = string(result.text);
        } else if (take("true") || take("false")) {
            result.type = rules::Type::boolean;
        } else if (take("null")) {
            result.type = rules::Type::null;
        } else {
            valid = number(result);
        }
        result.raw = text_.substr(begin, at_ - begin);
        return valid ? std::optional{std::move(result)} : std::nullopt;
    }

    bool container(JsonReference& result, std::size_t depth) {
        const bool is_object = text_[at_++] == '{';
        const std::string_view closing = is_object ? "}" : "]";
        result.type = is_object ? rules::Type::object : rules::Type::array;
        skip_space();
        if (take(closing)) {
            return true;
        }
        do {
            std::string key;
            skip_space();
            if (is_object) {
                if (!is_next("\"") || !string(key)) {
                    return false;
                }
                skip_space();
                if (!take(":")) {
                    return false;
                }
            }
            auto child = value(depth + 1);
            if (!child) {
                return false;
            }
            child->key = std::move(key);
            result.children.push_back(std::move(*child));
            skip_space();
        } while (take(","));
        return take(closing);
    }

    bool number(JsonReference& result) {
        take("-");
        if (!take("0") && !digits()) {
            return false;
        }
        const std::size_t whole = at_;
        if (take(".") && !digits()) {
            return false;
        }
        if (take("e") || take("E")) {
            if (!take("+")) {
                take("-");
            }
            if (!digits()) {
                return false;
            }
        }
        result.type = at_ == whole ? rules::Type::integer : rules::Type::decimal;
        return true;
    }

    bool string(std::string& out) {
        for (++at_; at_ < text_.size(); ++at_) {
            const char c = text_[at_];
            if (c == '"') {
                ++at_;
                return true;
            }
            if (static_cast<unsigned char>(c) < 0x20 || (c == '\\' && !escape(out))) {
                return false;
            }
            if (c != '\\') {
                out += c;
            }
        }
        return false;
    }

    /// Leaves the last character of the escape to the caller's loop.
    bool escape(std::string& out) {
        constexpr std::string_view kLetters = "\"\\/bfnrt";
        constexpr std::string_view kMeant = "\"\\/\b\f\n\r\t";
        ++at_;
        if (is_next("u")) {
            return unicode(out);
        }
        const auto found = at_ < text_.size() ? kLetters.find(text_[at_]) : std::string_view::npos;
        if (found == std::string_view::npos) {
            return false;
        }
        out += kMeant[found];
        return true;
    }

    bool unicode(std::string& out) {
        auto code = hex();
        if (!code || (*code >= 0xDC00 && *code < 0xE000)) {
            return false;
        }
        if (*code >= 0xD800 && *code < 0xDC00) {
            ++at_;
            if (!take("\\") || !is_next("u")) {
                return false;
            }
            const auto low = hex();
            if (!low || *low < 0xDC00 || *low >= 0xE000) {
                return false;
            }
            code = 0x10000 + ((*code - 0xD800) << 10U) + (*low - 0xDC00);
        }
        const auto put = [&out](unsigned byte) { out += static_cast<char>(byte); };
        if (*code < 0x80) {
            put(*code);
        } else if (*code < 0x800) {
            put(0xC0 | *code >> 6U);
            put(0x80 | (*code & 0x3FU));
        } else if (*code < 0x10000) {
            put(0xE0 | *code >> 12U);
            put(0x80 | (*code >> 6U & 0x3FU));
            put(0x80 | (*code & 0x3FU));
        } else {
            put(0xF0 | *code >> 18U);
            put(0x80 | (*code >> 12U & 0x3FU));
            put(0x80 | (*code >> 6U & 0x3FU));
            put(0x80 | (*code & 0x3FU));
        }
        return true;
    }

    /// The four digits behind a u.
    std::optional<unsigned> hex() {
        unsigned code = 0;
        for (int i = 0; i < 4; ++i) {
            ++at_;
            if (!is_next("0123456789abcdefABCDEF")) {
                return std::nullopt;
            }
            const char c = text_[at_];
            code = code * 16 + static_cast<unsigned>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
        }
        return code;
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

/// True if `value` is what the reference says, all the way down: also by name, where the last of several counts.
inline bool same(const JsonReference& expected, const rules::Value& value) {
    if (value.type() != expected.type) {
        return false;
    }
    switch (expected.type) {
        case rules::Type::boolean:
            return value.as_boolean() == (expected.raw == "true");
        case rules::Type::string:
            return value.text() == expected.text;
        case rules::Type::array:
        case rules::Type::object:
            break;
        case rules::Type::integer:
        case rules::Type::decimal:
            return value.document()->raw(value.node()) == expected.raw;
        default:
            return true;
    }
    if (value.document()->raw(value.node()) != expected.raw ||
        value.size() != expected.children.size()) {
        return false;
    }
    std::size_t i = 0;
    const bool differs = rules::detail::any_of(
        value,
        [&](std::string_view key, const rules::Value& child) {
            const JsonReference& reference = expected.children[i++];
            return key != reference.key || !same(reference, child);
        }
    );
    if (differs || expected.type == rules::Type::array) {
        return !differs;
    }
    for (const JsonReference& member : expected.children) {
        const auto last = std::ranges::find(
            expected.children.rbegin(), expected.children.rend(), member.key, &JsonReference::key
        );
        const rules::Value found = value.member(member.key);
        if (found.type() != last->type || (&*last == &member && !same(member, found))) {
            return false;
        }
    }
    return true;
}

}  // namespace weir::test
