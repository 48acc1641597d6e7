#include <weir/rules/detail/json.hpp>

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>

#include <weir/base/assert.hpp>
#include <weir/rules/value.hpp>

namespace weir::rules::detail {

/// simdjson's reader of escapes, which knows surrogates.
struct Json::Unescaper {
    std::unique_ptr<simdjson::internal::dom_parser_implementation> implementation;

    Unescaper() {
        constexpr std::size_t kUnused = 64;
        const auto error = simdjson::get_active_implementation()->create_dom_parser_implementation(
            kUnused, kUnused, implementation
        );
        WEIR_ASSERT(error == simdjson::SUCCESS);
    }
};

namespace {

/// Sixteen bytes of text at once.
struct Block {
    using Bytes [[gnu::vector_size(16)]] = unsigned char;
    using SignedBytes [[gnu::vector_size(16)]] = signed char;
    using Words [[gnu::vector_size(16)]] = std::uint64_t;

    static constexpr unsigned kBytes = sizeof(Bytes);
    static_assert(std::endian::native == std::endian::little, "the first byte is the lowest");

    Bytes bytes;

    explicit Block(const char* text) noexcept { std::memcpy(&bytes, text, kBytes); }

    /// How many bytes there are before one that no string has as it is: its end, an escape, a control character.
    [[nodiscard]] unsigned plain() const noexcept {
        return before((bytes < 0x20) | (bytes == '"') | (bytes == '\\'));
    }
    /// The same, or before one that is not ASCII: those are the negative ones.
    [[nodiscard]] unsigned plain_ascii() const noexcept {
        return before((as_signed() < 0x20) | (bytes == '"') | (bytes == '\\'));
    }
    [[nodiscard]] bool is_ascii() const noexcept { return before(as_signed() < 0) == kBytes; }

private:
    [[nodiscard]] SignedBytes as_signed() const noexcept {
        return reinterpret_cast<SignedBytes>(bytes);
    }
    /// @param mask  All bits of the bytes that are looked for.
    static unsigned before(SignedBytes mask) noexcept {
        const auto words = reinterpret_cast<Words>(mask);
        return words[0] != 0 ? static_cast<unsigned>(std::countr_zero(words[0])) / 8
                             : 8 + static_cast<unsigned>(std::countr_zero(words[1])) / 8;
    }
};

/// A string from its first byte on that is not plain ASCII.
struct Rest {
    const char* end = nullptr;  ///< The quotation mark; null: there is something before it that no string has.
    bool has_escapes = false;
    bool is_ascii = true;
};

/// Out of line, so that the scan of what is plain has the registers for itself.
[[gnu::noinline]] Rest rest_of_string(const char* at) noexcept {
    Rest rest;
    for (;;) {
        const Block block{at};
        rest.is_ascii = rest.is_ascii && block.is_ascii();
        const unsigned plain = block.plain();
        at += plain;
        if (plain == Block::kBytes) {
            continue;
        }
        if (*at == '"') {
            rest.end = at;
            return rest;
        }
        if (*at != '\\' || at[1] == '\0') {
            return rest;
        }
        rest.has_escapes = true;
        at += 2;  // What is escaped is looked at when the string is read.
    }
}

}  // namespace

/// The pass over a text. Every loop ends at the zero behind it, which is no part of any token. All of it is one function
/// once compiled, with its state in registers: that halves its time.
class Json::Scan {
public:
    Scan(Json& json, const char* text) noexcept
        : json_{json},
          text_{text},
          at_{text},
          node_{json.nodes_.get()},
          nodes_end_{node_ + json.nodes_max_} {}

    /// One value and the space around it, up to a zero; end() is there.
    [[gnu::always_inline]] bool document();
    [[nodiscard]] const char* end() const { return at_; }
    /// False: strings may have more. It has still to be proved UTF-8.
    [[nodiscard]] bool is_ascii() const { return is_ascii_; }

private:
    [[gnu::always_inline]] bool scalar();
    [[gnu::always_inline]] bool string();
    [[gnu::always_inline]] bool key();
    [[gnu::always_inline]] bool number();
    [[gnu::always_inline]] bool digits();
    [[gnu::always_inline]] bool literal(std::string_view name, Kind kind);
    [[gnu::always_inline]] bool open(Kind kind);
    [[gnu::always_inline]] void close();
    [[gnu::always_inline]] void skip_space();
    [[gnu::always_inline]] Node& push(const char* first, const char* end, Kind kind);

    static constexpr char closing(Kind kind) { return kind == Kind::object ? '}' : ']'; }

    Json& json_;
    const char* const text_;
    const char* at_;
    Node* node_;  ///< The next one.
    Node* nodes_end_;
    bool is_ascii_ = true;
    std::uint32_t depth_ = 0;  ///< Containers that are open.
    char closing_ = '\0';  ///< What ends the innermost container; outside of all, what ends the text.
    std::array<std::uint32_t, kDepthMax> open_;  ///< The containers around, outermost first.
};

inline void Json::Scan::skip_space() {
    while (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t') {
        ++at_;
    }
}

inline Json::Node& Json::Scan::push(const char* first, const char* end, Kind kind) {
    if (node_ == nodes_end_) {
        const auto used = json_.nodes_max_;
        json_.grow();
        node_ = &json_.nodes_[used];
        nodes_end_ = &json_.nodes_[0] + json_.nodes_max_;
    }
    *node_ = {
        static_cast<std::uint32_t>(first - text_),
        static_cast<std::uint32_t>(end - first),
        1,
        kind,
        false
    };
    return *node_++;
}

inline bool Json::Scan::open(Kind kind) {
    if (depth_ == kDepthMax) {
        return false;
    }
    const Node& node = push(at_, at_, kind);
    ++at_;
    open_[depth_++] = static_cast<std::uint32_t>(&node - json_.nodes_.get());
    closing_ = closing(kind);
    return true;
}

inline void Json::Scan::close() {
    Node& node = json_.nodes_[open_[--depth_]];
    node.size = static_cast<std::uint32_t>(++at_ - text_) - node.offset;
    node.count = static_cast<std::uint32_t>(node_ - &node);
    closing_ = depth_ == 0 ? '\0' : closing(json_.nodes_[open_[depth_ - 1]].kind);
}

inline bool Json::Scan::string() {
    const char* const first = ++at_;
    unsigned plain = 0;
    do {
        plain = Block{at_}.plain_ascii();
        at_ += plain;
    } while (plain == Block::kBytes);
    if (*at_ == '"') {
        push(first, at_++, Kind::string);
        return true;
    }
    const Rest rest = rest_of_string(at_);
    if (rest.end == nullptr) {
        return false;
    }
    at_ = rest.end + 1;
    is_ascii_ = is_ascii_ && rest.is_ascii;
    Node& node = push(first, rest.end, Kind::string);
    return !rest.has_escapes || json_.unescape(node);
}

/// A name and its colon.
inline bool Json::Scan::key() {
    skip_space();
    if (*at_ != '"' || !string()) {
        return false;
    }
    skip_space();
    return *at_++ == ':';
}

inline bool Json::Scan::digits() {
    const char* const first = at_;
    while (*at_ >= '0' && *at_ <= '9') {
        ++at_;
    }
    return at_ != first;
}

/// As RFC 8259 spells it.
inline bool Json::Scan::number() {
    const char* const first = at_;
    auto kind = Kind::integer;
    if (*at_ == '-') {
        ++at_;
    }
    if (*at_ == '0') {
        ++at_;
    } else if (!digits()) {
        return false;
    }
    if (*at_ == '.') {
        kind = Kind::decimal;
        ++at_;
        if (!digits()) {
            return false;
        }
    }
    if (*at_ == 'e' || *at_ == 'E') {
        kind = Kind::decimal;
        ++at_;
        if (*at_ == '+' || *at_ == '-') {
            ++at_;
        }
        if (!digits()) {
            return false;
        }
    }
    push(first, at_, kind);
    return true;
}

inline bool Json::Scan::literal(std::string_view name, Kind kind) {
    const char* const first = at_;
    if (std::memcmp(first, name.data(), name.size()) != 0) {
        return false;
    }
    at_ += name.size();
    push(first, at_, kind);
    return true;
}

/// What is frequent comes first.
inline bool Json::Scan::scalar() {
    if (*at_ == '"') {
        return string();
    }
    if (*at_ <= '9') {
        return number();
    }
    switch (*at_) {
        case 't':
            return literal("true", Kind::boolean);
        case 'f':
            return literal("false", Kind::boolean);
        case 'n':
            return literal("null", Kind::null);
        default:
            return false;
    }
}

/// A round per value; those that end containers, and the comma, are passed behind it.
inline bool Json::Scan::document() {
    for (;;) {
        skip_space();
        const bool is_object = *at_ == '{';
        if (is_object || *at_ == '[') {
            if (!open(is_object ? Kind::object : Kind::array)) {
                return false;
            }
            skip_space();
            if (*at_ != closing_) {
                if (is_object && !key()) {
                    return false;
                }
                continue;
            }
            close();
        } else if (!scalar()) {
            return false;
        }
        skip_space();
        while (*at_ != ',') {
            if (*at_ != closing_) {
                return false;
            }
            if (depth_ == 0) {
                return true;
            }
            close();
            skip_space();
        }
        if (depth_ == 0) {
            return false;
        }
        ++at_;
        if (closing_ == '}' && !key()) {
            return false;
        }
    }
}

Json::Json() = default;
Json::~Json() = default;

bool Json::parse(ByteView text) noexcept {
    if (text.empty() || text.size() >= std::numeric_limits<std::uint32_t>::max()) {
        return false;
    }
    unescaped_used_ = 0;
    text_ = reinterpret_cast<const char*>(text.data());
    text_bytes_ = text.size();
    Scan scan{*this, text_};
    return scan.document() && scan.end() == text_ + text_bytes_ &&
           (scan.is_ascii() || simdjson::validate_utf8(text_, text_bytes_));
}

void Json::grow() {
    constexpr std::uint32_t kNodesMin = 64;
    const auto larger = std::max(kNodesMin, 2 * nodes_max_);
    auto nodes = std::make_unique_for_overwrite<Node[]>(larger);
    std::copy_n(nodes_.get(), nodes_max_, nodes.get());
    nodes_ = std::move(nodes);
    nodes_max_ = larger;
}

bool Json::unescape(Node& node) {
    if (unescaper_ == nullptr) {
        unescaper_ = std::make_unique<Unescaper>();
    }
    // There is room for all of a text from its first escape on: nothing moves behind the views.
    const std::size_t room = text_bytes_ + simdjson::SIMDJSON_PADDING;
    if (unescaped_.size() < room) {
        unescaped_.resize(room);
    }
    auto* const from = reinterpret_cast<std::uint8_t*>(unescaped_.data() + unescaped_used_);
    const std::uint8_t* const to = unescaper_->implementation->parse_string(
        reinterpret_cast<const std::uint8_t*>(text_ + node.offset), from
    );
    if (to == nullptr) {
        return false;
    }
    node.offset = static_cast<std::uint32_t>(unescaped_used_);
    node.size = static_cast<std::uint32_t>(to - from);
    node.is_unescaped = true;
    unescaped_used_ += node.size;
    return true;
}

void Json::release_excess() noexcept {
    if (nodes_max_ * sizeof(Node) > kKeptBytesMax || unescaped_.size() > kKeptBytesMax) {
        nodes_ = {};
        nodes_max_ = 0;
        unescaped_ = {};
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
            return Value::string(string(nodes_[node]));
        case Kind::array:
            return Value::in_document(*this, node, Type::array);
        case Kind::object:
            return Value::in_document(*this, node, Type::object);
    }
    return {};
}

Value Json::member(std::uint32_t object, std::string_view key) const noexcept {
    const Node* const first = &nodes_[object];
    const Node* const end = first + first->count;
    const Node* found = nullptr;
    for (const Node* name = first + 1; name != end; name += 1 + name[1].count) {
        if (name->size == key.size() && string(*name) == key) {
            found = name + 1;
        }
    }
    return found == nullptr ? Value{} : at(static_cast<std::uint32_t>(found - nodes_.get()));
}

Value Json::element(std::uint32_t array, std::size_t index) const noexcept {
    const std::uint32_t end = array + nodes_[array].count;
    for (std::uint32_t at = array + 1; at < end; at += nodes_[at].count) {
        if (index-- == 0) {
            return this->at(at);
        }
    }
    return {};
}

}  // namespace weir::rules::detail
