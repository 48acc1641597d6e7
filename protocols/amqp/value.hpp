/// The AMQP 1.0 type system: checked reading of encoded values, without allocation. [AMQP-1.6]
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <weir/amqp/error.hpp>
#include <weir/base/bytes.hpp>

namespace weir::amqp {

/// Values inside values, descriptors included.
inline constexpr std::uint32_t kDepthMax = 16;
/// Values in one message.
inline constexpr std::uint32_t kElementsMax = 65'536;

/// A trailing underscore keeps a name clear of the C++ keyword.
enum class Type : std::uint8_t {
    null,
    boolean,
    ubyte,
    ushort,
    uint,
    ulong,
    byte,
    short_,
    int_,
    long_,
    float_,
    double_,
    decimal32,
    decimal64,
    decimal128,
    character,
    timestamp,
    uuid,
    binary,
    string,
    symbol,
    list,
    map,
    array,
};

/// One value, decoded as far as its outermost type. Views point into the bytes it was read from.
struct Value {
    Type type = Type::null;
    std::uint32_t count = 0;  ///< Elements of a list, map (keys and values each count) or array.
    /// Integers (sign extended), boolean, character, timestamp; IEEE bits of floats.
    std::uint64_t number = 0;
    bool described = false;  ///< A descriptor stood in front; only read_any() sets it.
    /// Content of binary, string, symbol, uuid, decimals; elements of list, map, array.
    ByteView bytes = {};

    [[nodiscard]] static Value string(std::string_view text) noexcept {
        return {.type = Type::string, .bytes = as_bytes(text)};
    }
    [[nodiscard]] static Value symbol(std::string_view text) noexcept {
        return {.type = Type::symbol, .bytes = as_bytes(text)};
    }
    [[nodiscard]] static Value binary(ByteView content) noexcept {
        return {.type = Type::binary, .bytes = content};
    }
    [[nodiscard]] static Value boolean(bool truth) noexcept {
        return {.type = Type::boolean, .number = truth ? 1U : 0U};
    }

    [[nodiscard]] std::string_view text() const noexcept { return as_text(bytes); }
    /// True for list, map and array.
    [[nodiscard]] bool is_compound() const noexcept { return type >= Type::list; }
};

/// Text of a simple value, for protocols whose properties are text: integers decimal, booleans
/// true/false, timestamps ISO 8601, uuid as urn:uuid:..., binary in base64. Nothing for null,
/// decimals, list, map and array.
[[nodiscard]] std::optional<std::string> to_text(const Value& value);

/// Reads values one after the other. Every element that it steps over is checked in full: encoding,
/// counts, depth, UTF-8. A count may not be larger than the bytes that hold the elements, not even
/// for elements without bytes.
/// @cost No allocation; linear in the bytes.
class ValueReader {
public:
    /// @param values_max  Of all that is read, values inside values and descriptors included.
    explicit ValueReader(ByteView bytes, std::uint32_t values_max = kElementsMax) noexcept
        : cursor_{bytes}, elements_left_{values_max} {}

    [[nodiscard]] bool empty() const noexcept { return cursor_.empty(); }
    [[nodiscard]] ByteView rest() const noexcept { return cursor_.rest(); }
    /// How many of `values_max` have not been read.
    [[nodiscard]] std::uint32_t values_left() const noexcept { return elements_left_; }

    /// A value without descriptor.
    [[nodiscard]] Result<Value> read() noexcept;
    /// A value with or without descriptors, which are checked and not kept.
    [[nodiscard]] Result<Value> read_any() noexcept;
    /// The descriptor of the described value that follows: ulong or symbol.
    [[nodiscard]] Result<Value> read_descriptor() noexcept;

private:
    ByteCursor cursor_;
    std::uint32_t elements_left_;
};

/// Steps through the pairs of a map whose content a ValueReader has checked already.
class MapReader {
public:
    struct Pair {
        Value key;
        Value value;
    };

    explicit MapReader(const Value& map) noexcept : reader_{map.bytes} {}

    /// Nothing at the end.
    [[nodiscard]] std::optional<Pair> next() noexcept;

private:
    ValueReader reader_;
};

}  // namespace weir::amqp
