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
    using Words [[gnu::vector_size(16)]] = std::uint64_t;

    static constexpr unsigned kBytes = sizeof(Bytes);
    static_assert(std::endian::native == std::endian::little, "the first byte is the lowest");

    Bytes bytes{};

    Block() noexcept = default;
    explicit Block(const char* text) noexcept { std::memcpy(&bytes, text, kBytes); }

    /// How many bytes there are before one that no string has as it is: its end, an escape, a control character.
    [[nodiscard]] unsigned plain() const noexcept {
        const auto special =
            reinterpret_cast<Words>((bytes < 0x20) | (bytes == '"') | (bytes == '\\'));
        return special[0] != 0 ? static_cast<unsigned>(std::countr_zero(special[0])) / 8
                               : 8 + static_cast<unsigned>(std::countr_zero(special[1])) / 8;
    }
    [[nodiscard]] bool is_ascii() const noexcept {
        constexpr std::uint64_t kHighBits = 0x8080'8080'8080'8080;
        const auto words = reinterpret_cast<Words>(bytes);
        return ((words[0] | words[1]) & kHighBits) == 0;
    }
};

}  // namespace

/// The pass over a text. Every loop ends at the zero behind it, which is no part of any token. All of it is one function
/// once compiled, with its state in registers: that halves its time.
class Json::Scan {
public:
    Scan(Json& json, const char* text) noexcept : json_{json}, text_{text}, at_{text} {}

    /// One value and the space around it; end() is behind them.
    [[gnu::always_inline]] bool document();
    [[nodiscard]] const char* end() const { return at_; }
    /// False: strings may have more. It has still to be proved UTF-8.
    [[nodiscard]] bool is_ascii() const { return seen_.is_ascii(); }

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
    /// A token from `first` to where the scan is.
    [[gnu::always_inline]] Node& push(const char* first, Kind kind);

    static constexpr char closing(Kind kind) { return kind == Kind::object ? '}' : ']'; }

    Json& json_;
    const char* const text_;
    const char* at_;
    Block seen_;               ///< All blocks of strings, by OR.
    std::uint32_t used_ = 0;   ///< Nodes.
    std::uint32_t depth_ = 0;
    char closing_ = '\0';      ///< What ends the innermost container.
    std::array<std::uint32_t, kDepthMax> open_;  ///< The containers around, outermost first.
};

inline void Json::Scan::skip_space() {
    while (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t') {
        ++at_;
    }
}

inline Json::Node& Json::Scan::push(const char* first, Kind kind) {
    if (used_ == json_.nodes_max_) {
        json_.grow();
    }
    Node& node = json_.nodes_[used_++];
    node = {
        static_cast<std::uint32_t>(first - text_),
        static_cast<std::uint32_t>(at_ - first),
        used_,
        0,
        kind
    };
    return node;
}

inline bool Json::Scan::open(Kind kind) {
    if (depth_ == kDepthMax) {
        return false;
    }
    open_[depth_++] = used_;
    closing_ = closing(kind);
    push(at_++, kind);
    return true;
}

inline void Json::Scan::close() {
    Node& node = json_.nodes_[open_[--depth_]];
    node.size = static_cast<std::uint32_t>(++at_ - text_) - node.offset;
    node.next = used_;
    if (depth_ != 0) {
        closing_ = closing(json_.nodes_[open_[depth_ - 1]].kind);
    }
}

inline bool Json::Scan::string() {
    const char* const first = at_++;
    bool has_escapes = false;
    for (;;) {
        const Block block{at_};
        seen_.bytes |= block.bytes;
        const unsigned plain = block.plain();
        at_ += plain;
        if (plain == Block::kBytes) {
            continue;
        }
        if (*at_ == '"') {
            break;
        }
        if (*at_ != '\\' || at_[1] == '\0') {
            return false;
        }
        has_escapes = true;
        at_ += 2;  // What is escaped is looked at when the string is read.
    }
    ++at_;
    Node& node = push(first, Kind::string);
    return !has_escapes || json_.unescape(node);
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
    push(first, kind);
    return true;
}

inline bool Json::Scan::literal(std::string_view name, Kind kind) {
    const char* const first = at_;
    if (std::memcmp(first, name.data(), name.size()) != 0) {
        return false;
    }
    at_ += name.size();
    push(first, kind);
    return true;
}

inline bool Json::Scan::scalar() {
    switch (*at_) {
        case '"':
            return string();
        case 't':
            return literal("true", Kind::boolean);
        case 'f':
            return literal("false", Kind::boolean);
        case 'n':
            return literal("null", Kind::null);
        default:
            return number();
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
        while (depth_ != 0 && *at_ != ',') {
            if (*at_ != closing_) {
                return false;
            }
            close();
            skip_space();
        }
        if (depth_ == 0) {
            return true;
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
    unescaped_.clear();
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
    if (unescaped_bytes_.size() < room) {
        unescaped_bytes_.resize(room);
    }
    std::uint8_t* const from = unescaped_bytes_.data() + unescaped_used_;
    const std::uint8_t* const to = unescaper_->implementation->parse_string(
        reinterpret_cast<const std::uint8_t*>(text_ + node.offset + 1), from
    );
    if (to == nullptr) {
        return false;
    }
    const auto size = static_cast<std::size_t>(to - from);
    unescaped_.emplace_back(reinterpret_cast<const char*>(from), size);
    unescaped_used_ += size;
    node.unescaped = static_cast<std::uint32_t>(unescaped_.size());
    return true;
}

void Json::release_excess() noexcept {
    if (nodes_max_ * sizeof(Node) > kKeptBytesMax || unescaped_bytes_.size() > kKeptBytesMax) {
        nodes_ = {};
        nodes_max_ = 0;
        unescaped_ = {};
        unescaped_bytes_ = {};
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
        const Node& name = nodes_[at];
        const bool can_be = name.unescaped != 0 || name.size == key.size() + 2;
        if (can_be && string(at) == key) {
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
