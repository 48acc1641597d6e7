#include <weir/rules/detail/json.hpp>

#include <simdjson.h>

#include <algorithm>
#include <limits>
#include <utility>

#include <weir/rules/value.hpp>

namespace weir::rules::detail {

namespace ondemand = simdjson::ondemand;

struct Json::Parser {
    ondemand::parser parser;
};

namespace {

constexpr bool is_space(char c) noexcept {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
constexpr bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

std::string_view trimmed(std::string_view token) noexcept {
    while (!token.empty() && is_space(token.back())) {
        token.remove_suffix(1);
    }
    return token;
}

/// Without a branch per byte, so that the compiler makes vectors of it.
bool has_escape(std::string_view token) noexcept {
    bool found = false;
    for (const char c : token) {
        found |= c == '\\';
    }
    return found;
}

/// The kind of number that `token` spells by RFC 8259, all of it; nothing if it is none.
std::optional<Json::Kind> number_kind(std::string_view token) noexcept {
    const char* at = token.data();
    const char* const end = at + token.size();
    const auto digits = [&] {
        const char* const first = at;
        while (at != end && is_digit(*at)) {
            ++at;
        }
        return at != first;
    };
    if (at != end && *at == '-') {
        ++at;
    }
    if (at != end && *at == '0') {
        ++at;
    } else if (!digits()) {
        return std::nullopt;
    }
    auto kind = Json::Kind::integer;
    if (at != end && *at == '.') {
        kind = Json::Kind::decimal;
        ++at;
        if (!digits()) {
            return std::nullopt;
        }
    }
    if (at != end && (*at == 'e' || *at == 'E')) {
        kind = Json::Kind::decimal;
        ++at;
        if (at != end && (*at == '+' || *at == '-')) {
            ++at;
        }
        if (!digits()) {
            return std::nullopt;
        }
    }
    return at == end ? std::optional{kind} : std::nullopt;
}

}  // namespace

/// One pass over a text. simdjson checks UTF-8, control characters in strings, and the structure;
/// scalars are checked here, because on-demand checks only those that are read.
///
/// simdjson's handles are passed by reference: copies of what was just stored stall the processor.
struct Json::Walk {
    Json& json;
    const char* end;       ///< Of the text.
    const char* last_end;  ///< Of the value that was walked last.

    bool root(ondemand::document& document);
    bool container(ondemand::value&& value, std::size_t depth, bool object);
    bool member(ondemand::field&& field, std::size_t depth);
    bool value(ondemand::value&& value, std::size_t depth);
    bool scalar(std::string_view token);
    bool string_token(std::string_view token);
    std::uint32_t push(const char* at, std::size_t size, Kind kind);
    void remember_unescaped(std::string_view text);
};

std::uint32_t Json::Walk::push(const char* at, std::size_t size, Kind kind) {
    const auto index = static_cast<std::uint32_t>(json.nodes_.size());
    json.nodes_.push_back({
        static_cast<std::uint32_t>(at - json.text_),
        static_cast<std::uint32_t>(size),
        index + 1,
        0,
        kind,
    });
    last_end = at + size;
    return index;
}

/// What the string pushed last says.
void Json::Walk::remember_unescaped(std::string_view text) {
    json.unescaped_.push_back(text);
    json.nodes_.back().unescaped = static_cast<std::uint32_t>(json.unescaped_.size());
}

bool Json::Walk::scalar(std::string_view token) {
    std::optional<Kind> kind;
    if (is_digit(token.front()) || token.front() == '-') {
        kind = number_kind(token);
    } else if (token == "true" || token == "false") {
        kind = Kind::boolean;
    } else if (token == "null") {
        kind = Kind::null;
    }
    if (!kind) {
        return false;
    }
    push(token.data(), token.size(), *kind);
    return true;
}

bool Json::Walk::string_token(std::string_view token) {
    if (token.size() < 2 || token.back() != '"') {
        return false;
    }
    push(token.data(), token.size(), Kind::string);
    return true;
}

bool Json::Walk::value(ondemand::value&& value, std::size_t depth) {
    const auto token = trimmed(value.raw_json_token());
    if (token.empty()) {
        return false;
    }
    switch (token.front()) {
        case '{':
            return container(std::move(value), depth, true);
        case '[':
            return container(std::move(value), depth, false);
        case '"': {
            if (!string_token(token)) {
                return false;
            }
            if (!has_escape(token)) {
                return true;
            }
            std::string_view text;
            if (value.get_string().get(text) != simdjson::SUCCESS) {
                return false;
            }
            remember_unescaped(text);
            return true;
        }
        default:
            return scalar(token);
    }
}

bool Json::Walk::root(ondemand::document& document) {
    const auto token = trimmed(document.raw_json_token());
    if (token.empty()) {
        return false;
    }
    if (token.front() == '{' || token.front() == '[') {
        ondemand::value whole;
        return document.get_value().get(whole) == simdjson::SUCCESS &&
               container(std::move(whole), 0, token.front() == '{');
    }
    if (token.front() != '"') {
        return scalar(token);
    }
    std::string_view text;
    if (!string_token(token) || document.get_string().get(text) != simdjson::SUCCESS) {
        return false;
    }
    remember_unescaped(text);
    return true;
}

bool Json::Walk::member(ondemand::field&& field, std::size_t depth) {
    // Keys are short: a loop is done before memchr has begun. The parser has seen the quote that ends it.
    const char* const first = field.key().raw();
    const char* quote = first;
    while (*quote != '"' && *quote != '\\') {
        ++quote;
    }
    push(first - 1, static_cast<std::size_t>(quote - first) + 2, Kind::string);
    if (*quote == '\\') {
        std::string_view text;
        if (field.unescaped_key().get(text) != simdjson::SUCCESS) {
            return false;
        }
        remember_unescaped(text);
    }
    return value(std::move(field.value()), depth);
}

bool Json::Walk::container(ondemand::value&& value, std::size_t depth, bool object) {
    if (depth >= kDepthMax) {
        return false;
    }
    const char* const begin = value.raw_json_token().data();
    const auto index = push(begin, 1, object ? Kind::object : Kind::array);
    if (object) {
        ondemand::object members;
        if (value.get_object().get(members) != simdjson::SUCCESS) {
            return false;
        }
        for (auto next : members) {
            if (next.error() != simdjson::SUCCESS ||
                !member(std::move(next).value_unsafe(), depth + 1)) {
                return false;
            }
        }
    } else {
        ondemand::array elements;
        if (value.get_array().get(elements) != simdjson::SUCCESS) {
            return false;
        }
        for (auto next : elements) {
            if (next.error() != simdjson::SUCCESS ||
                !this->value(std::move(next).value_unsafe(), depth + 1)) {
                return false;
            }
        }
    }
    // The bracket that closes stands behind the last child, or behind the one that opens.
    const char* close = json.nodes_.size() == index + 1 ? begin + 1 : last_end;
    while (close != end && is_space(*close)) {
        ++close;
    }
    last_end = close + 1;
    json.nodes_[index].size = static_cast<std::uint32_t>(last_end - begin);
    json.nodes_[index].next = static_cast<std::uint32_t>(json.nodes_.size());
    return true;
}

Json::Json() : parser_{std::make_unique<Parser>()} {}
Json::~Json() = default;

bool Json::parse(ByteView text) noexcept {
    nodes_.clear();
    unescaped_.clear();
    text_ = reinterpret_cast<const char*>(text.data());
    if (text.empty() || text.size() >= std::numeric_limits<std::uint32_t>::max()) {
        return false;
    }
    const simdjson::padded_string_view padded{
        text_, text.size(), text.size() + simdjson::SIMDJSON_PADDING
    };
    const char* const end = text_ + text.size();
    Walk walk{*this, end, end};
    ondemand::document document;
    bool ok = parser_->parser.iterate(padded).get(document) == simdjson::SUCCESS;
    if (ok) {
        ok = walk.root(document) && std::all_of(walk.last_end, end, is_space);
    }
    if (!ok) {
        nodes_.clear();
    }
    return ok;
}

void Json::release_excess() noexcept {
    if (nodes_.capacity() * sizeof(Node) > kKeptBytesMax) {
        nodes_ = {};
        unescaped_ = {};
        parser_ = std::make_unique<Parser>();
    }
}

std::string_view Json::string(std::uint32_t node) const noexcept {
    const Node& it = nodes_[node];
    if (it.unescaped != 0) {
        return unescaped_[it.unescaped - 1];
    }
    return {text_ + it.offset + 1, it.size - 2};
}

Value Json::at(std::uint32_t node) const noexcept {
    switch (kind(node)) {
        case Kind::null:
            return Value::null();
        case Kind::boolean:
            return Value::boolean(text_[nodes_[node].offset] == 't');
        case Kind::integer:
            return Value::in_document(*this, node, Type::integer);
        case Kind::decimal:
            return Value::in_document(*this, node, Type::decimal);
        case Kind::string:
            return Value::string(string(node));
        case Kind::array:
            return Value::in_document(*this, node, Type::array);
        case Kind::object:
            return Value::in_document(*this, node, Type::object);
    }
    return {};
}

std::optional<std::uint32_t> Json::find(std::uint32_t object, std::string_view key) const noexcept {
    std::optional<std::uint32_t> found;
    if (kind(object) != Kind::object) {
        return found;
    }
    const std::uint32_t end = nodes_[object].next;
    for (std::uint32_t at = object + 1; at < end; at = nodes_[at + 1].next) {
        if (string(at) == key) {
            found = at + 1;
        }
    }
    return found;
}

Value Json::element(std::uint32_t array, std::size_t index) const noexcept {
    const std::uint32_t end = nodes_[array].next;
    for (std::uint32_t at = array + 1; at < end; at = nodes_[at].next) {
        if (index-- == 0) {
            return this->at(at);
        }
    }
    return {};
}

}  // namespace weir::rules::detail
