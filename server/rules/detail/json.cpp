#include <weir/rules/detail/json.hpp>

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include <weir/rules/value.hpp>

namespace weir::rules::detail {

/// simdjson's first stage alone: it checks UTF-8, control characters in strings and that strings
/// end, and gives the place of every token. What stands behind it in simdjson, the on-demand parser,
/// costs twice as much as the walk below for messages of some hundred bytes.
struct Json::Tokens {
    std::unique_ptr<simdjson::internal::dom_parser_implementation> finder;

    [[nodiscard]] bool find(const char* text, std::size_t size) {
        constexpr std::size_t kCapacityMin = 1024;
        if (finder == nullptr || finder->capacity() < size) {
            const std::size_t capacity = std::max(size, kCapacityMin);
            const auto error =
                finder == nullptr
                    ? simdjson::get_active_implementation()->create_dom_parser_implementation(
                          capacity, kDepthMax, finder
                      )
                    : finder->allocate(capacity, kDepthMax);
            if (error != simdjson::SUCCESS) {
                return false;
            }
        }
        return finder->stage1(
                   reinterpret_cast<const std::uint8_t*>(text),
                   size,
                   simdjson::stage1_mode::regular
               ) == simdjson::SUCCESS;
    }
};

namespace {

constexpr bool is_space(char c) noexcept {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
constexpr bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
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

/// One pass over the tokens of a text: checks the structure and the scalars, and writes the nodes.
struct Json::Walk {
    Json& json;
    const char* text;
    const std::uint32_t* at;   ///< The next token.
    const std::uint32_t* end;  ///< Behind the last one; the size of the text stands there.
    bool has_escapes;
    std::uint32_t used = 0;  ///< Nodes.
    std::size_t depth = 0;
    std::array<std::uint32_t, kDepthMax> open;  ///< The containers around, outermost first.

    bool document();
    bool value();
    bool container(Kind kind, char closing);
    bool child(Kind kind) { return kind == Kind::array ? value() : key() && value(); }
    bool key();
    bool string();
    bool scalar();
    bool unescape(Node& node);
    void close();

    /// The first character of the next token; NUL, which begins none, at the end.
    [[nodiscard]] char peek() const { return at == end ? '\0' : text[*at]; }
    /// Where the token at `at` ends, without the space behind it.
    [[nodiscard]] const char* end_of_token() const {
        const char* last = text + at[1];
        while (is_space(last[-1])) {
            --last;
        }
        return last;
    }
    Node& push(std::uint32_t size, Kind kind) {
        Node& node = json.nodes_[used++];
        node = {*at++, size, used, 0, kind};
        return node;
    }
};

bool Json::Walk::document() {
    if (!value()) {
        return false;
    }
    while (depth != 0) {
        const Kind kind = json.nodes_[open[depth - 1]].kind;
        const char c = peek();
        if (c == ',') {
            ++at;
            if (!child(kind)) {
                return false;
            }
        } else if (c == (kind == Kind::object ? '}' : ']')) {
            close();
        } else {
            return false;
        }
    }
    return at == end;
}

bool Json::Walk::value() {
    switch (peek()) {
        case '{':
            return container(Kind::object, '}');
        case '[':
            return container(Kind::array, ']');
        case '"':
            return string();
        default:
            return at != end && scalar();
    }
}

/// Goes on to the end of the first child; document() does the rest.
bool Json::Walk::container(Kind kind, char closing) {
    if (depth == kDepthMax) {
        return false;
    }
    open[depth++] = used;
    push(0, kind);
    if (peek() == closing) {
        close();
        return true;
    }
    return child(kind);
}

void Json::Walk::close() {
    Node& node = json.nodes_[open[--depth]];
    node.size = *at++ + 1 - node.offset;
    node.next = used;
}

bool Json::Walk::key() {
    if (peek() != '"' || !string() || peek() != ':') {
        return false;
    }
    ++at;
    return true;
}

/// Behind the quote that ends a string, another token begins at once, or there is space.
bool Json::Walk::string() {
    const char* const last = end_of_token();
    const auto size = static_cast<std::uint32_t>(last - (text + *at));
    if (size < 2 || last[-1] != '"') {
        return false;
    }
    Node& node = push(size, Kind::string);
    return !has_escapes || unescape(node);
}

bool Json::Walk::unescape(Node& node) {
    const char* const content = text + node.offset + 1;
    if (std::memchr(content, '\\', node.size - 2) == nullptr) {
        return true;
    }
    auto& bytes = json.unescaped_bytes_;
    std::uint8_t* const from = bytes.data() + json.unescaped_used_;
    const std::uint8_t* const to = json.tokens_->finder->parse_string(
        reinterpret_cast<const std::uint8_t*>(content), from
    );
    if (to == nullptr) {
        return false;
    }
    const auto size = static_cast<std::size_t>(to - from);
    json.unescaped_.emplace_back(reinterpret_cast<const char*>(from), size);
    json.unescaped_used_ += size;
    node.unescaped = static_cast<std::uint32_t>(json.unescaped_.size());
    return true;
}

bool Json::Walk::scalar() {
    const char* const first = text + *at;
    const std::string_view token{first, static_cast<std::size_t>(end_of_token() - first)};
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
    push(static_cast<std::uint32_t>(token.size()), *kind);
    return true;
}

Json::Json() : tokens_{std::make_unique<Tokens>()} {}
Json::~Json() = default;

bool Json::parse(ByteView text) noexcept {
    unescaped_.clear();
    unescaped_used_ = 0;
    text_ = reinterpret_cast<const char*>(text.data());
    if (text.empty() || text.size() >= std::numeric_limits<std::uint32_t>::max() ||
        !tokens_->find(text_, text.size())) {
        return false;
    }
    const std::uint32_t* const first = tokens_->finder->structural_indexes.get();
    const std::size_t count = tokens_->finder->n_structural_indexes;
    if (nodes_max_ < count) {
        nodes_max_ = std::max(count, 2 * nodes_max_);
        nodes_ = std::make_unique_for_overwrite<Node[]>(nodes_max_);
    }
    const bool has_escapes = std::memchr(text_, '\\', text.size()) != nullptr;
    if (has_escapes && unescaped_bytes_.size() < text.size() + simdjson::SIMDJSON_PADDING) {
        unescaped_bytes_.resize(text.size() + simdjson::SIMDJSON_PADDING);
    }
    Walk walk{*this, text_, first, first + count, has_escapes, 0, 0, {}};
    return walk.document();
}

void Json::release_excess() noexcept {
    if (nodes_max_ * sizeof(Node) > kKeptBytesMax || unescaped_bytes_.size() > kKeptBytesMax) {
        nodes_ = {};
        nodes_max_ = 0;
        unescaped_ = {};
        unescaped_bytes_ = {};
        tokens_ = std::make_unique<Tokens>();
    }
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
