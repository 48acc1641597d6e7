#include <weir/amqp/value.hpp>

#include <array>
#include <bit>
#include <charconv>

#include <weir/base/digest.hpp>
#include <weir/base/text.hpp>

namespace weir::amqp {
namespace {

constexpr Byte kDescribed = 0x00;

/// A format code's type, and for codes without content the value that they stand for.
struct Format {
    Type type;
    std::uint64_t number = 0;
};

std::optional<Format> format_of(Byte code) noexcept {
    switch (code) {
            // clang-format off
        case 0x40: return Format{Type::null};
        case 0x41: return Format{Type::boolean, 1};
        case 0x42: return Format{Type::boolean, 0};
        case 0x43: return Format{Type::uint};
        case 0x44: return Format{Type::ulong};
        case 0x45: return Format{Type::list};
        case 0x50: return Format{Type::ubyte};
        case 0x51: return Format{Type::byte};
        case 0x52: return Format{Type::uint};
        case 0x53: return Format{Type::ulong};
        case 0x54: return Format{Type::int_};
        case 0x55: return Format{Type::long_};
        case 0x56: return Format{Type::boolean};
        case 0x60: return Format{Type::ushort};
        case 0x61: return Format{Type::short_};
        case 0x70: return Format{Type::uint};
        case 0x71: return Format{Type::int_};
        case 0x72: return Format{Type::float_};
        case 0x73: return Format{Type::character};
        case 0x74: return Format{Type::decimal32};
        case 0x80: return Format{Type::ulong};
        case 0x81: return Format{Type::long_};
        case 0x82: return Format{Type::double_};
        case 0x83: return Format{Type::timestamp};
        case 0x84: return Format{Type::decimal64};
        case 0x94: return Format{Type::decimal128};
        case 0x98: return Format{Type::uuid};
        case 0xA0: case 0xB0: return Format{Type::binary};
        case 0xA1: case 0xB1: return Format{Type::string};
        case 0xA3: case 0xB3: return Format{Type::symbol};
        case 0xC0: case 0xD0: return Format{Type::list};
        case 0xC1: case 0xD1: return Format{Type::map};
        case 0xE0: case 0xF0: return Format{Type::array};
        default: return std::nullopt;
            // clang-format on
    }
}

/// The upper half of a format code says how its content is laid out. [AMQP-1.6, figure 1.4]
constexpr std::size_t fixed_width(Byte code) noexcept {
    constexpr std::array<std::size_t, 6> kWidths = {0, 1, 2, 4, 8, 16};
    return kWidths[(code >> 4U) - 4U];
}

constexpr bool is_fixed(Byte code) noexcept {
    return code < 0xA0;
}
constexpr bool is_wide(Byte code) noexcept {
    return ((code >> 4U) & 1U) != 0;
}

std::uint64_t unsigned_of(ByteView bytes) noexcept {
    std::uint64_t number = 0;
    for (const Byte byte : bytes) {
        number = (number << 8U) | byte;
    }
    return number;
}

std::uint64_t sign_extended(std::uint64_t number, std::size_t width) noexcept {
    const auto shift = static_cast<int>(64 - 8 * width);
    return static_cast<std::uint64_t>(static_cast<std::int64_t>(number << shift) >> shift);
}

Result<Value> make_fixed(Format format, Byte code, ByteView content) noexcept {
    Value value{.type = format.type, .number = format.number};
    switch (format.type) {
        case Type::decimal32:
        case Type::decimal64:
        case Type::decimal128:
        case Type::uuid:
            value.bytes = content;
            return value;
        case Type::byte:
        case Type::short_:
        case Type::int_:
        case Type::long_:
            value.number = sign_extended(unsigned_of(content), content.size());
            return value;
        case Type::character:
            value.number = unsigned_of(content);
            if (value.number > 0x10'FFFF || (value.number >= 0xD800 && value.number <= 0xDFFF)) {
                return errc::malformed_value;
            }
            return value;
        case Type::boolean:
            if (code == 0x56) {
                value.number = content[0];
                if (value.number > 1) {
                    return errc::malformed_value;
                }
            }
            return value;
        default:
            if (!content.empty()) {
                value.number = unsigned_of(content);
            }
            return value;
    }
}

Result<std::uint32_t> read_size(ByteCursor& in, bool wide) noexcept {
    if (wide) {
        const auto size = in.read_be<std::uint32_t>();
        return size ? Result<std::uint32_t>{*size} : errc::truncated;
    }
    const auto size = in.read_be<Byte>();
    return size ? Result<std::uint32_t>{*size} : errc::truncated;
}

bool is_ascii(ByteView bytes) noexcept {
    for (const Byte byte : bytes) {
        if (byte >= 0x80) {
            return false;
        }
    }
    return true;
}

/// The recursive part: reads a value of known format, and checks all that is inside it.
class Walker {
public:
    explicit Walker(std::uint32_t& elements_left) noexcept : elements_left_{elements_left} {}

    Result<Byte> read_code(ByteCursor& in) noexcept {
        const auto code = in.read_be<Byte>();
        if (!code) {
            return errc::truncated;
        }
        return *code;
    }

    Result<Value> read_content(ByteCursor& in, Byte code, std::uint32_t depth) noexcept {
        if (depth > kDepthMax) {
            return errc::too_deep;
        }
        if (elements_left_ == 0) {
            return errc::too_many_elements;
        }
        --elements_left_;
        const auto format = format_of(code);
        if (!format) {
            return errc::malformed_value;
        }
        if (is_fixed(code)) {
            const auto content = in.read(fixed_width(code));
            if (!content) {
                return errc::truncated;
            }
            return make_fixed(*format, code, *content);
        }
        WEIR_TRY(const std::uint32_t size, read_size(in, is_wide(code)));
        const auto content = in.read(size);
        if (!content) {
            return errc::truncated;
        }
        Value value{.type = format->type, .bytes = *content};
        if (!value.is_compound()) {
            const bool valid = value.type == Type::string   ? is_utf8(value.text())
                               : value.type == Type::symbol ? is_ascii(value.bytes)
                                                            : true;
            return valid ? Result<Value>{value} : errc::malformed_value;
        }
        ByteCursor inner{*content};
        WEIR_TRY(value.count, read_size(inner, is_wide(code)));
        value.bytes = inner.rest();
        if (value.count > inner.size()) {
            return errc::malformed_value;
        }
        WEIR_CHECK(
            value.type == Type::array ? check_array(inner, value.count, depth + 1)
                                      : check_elements(inner, value, depth + 1)
        );
        return value;
    }

    Result<Value> read_any(ByteCursor& in, std::uint32_t depth) noexcept {
        WEIR_TRY(Byte code, read_code(in));
        const bool described = code == kDescribed;
        while (code == kDescribed) {
            if (++depth > kDepthMax) {
                return errc::too_deep;
            }
            WEIR_TRY(const Byte descriptor_code, read_code(in));
            WEIR_TRY(const Value descriptor, read_content(in, descriptor_code, depth));
            if (descriptor.is_compound()) {
                return errc::malformed_value;
            }
            WEIR_TRY(code, read_code(in));
        }
        WEIR_TRY(Value value, read_content(in, code, depth));
        value.described = described;
        return value;
    }

private:
    Result<void> check_elements(
        ByteCursor& in, const Value& compound, std::uint32_t depth
    ) noexcept {
        if (compound.type == Type::map && compound.count % 2 != 0) {
            return errc::malformed_value;
        }
        for (std::uint32_t i = 0; i < compound.count; ++i) {
            WEIR_CHECK(read_any(in, depth));
        }
        return in.empty() ? Result<void>{} : errc::malformed_value;
    }

    /// All elements share the constructor in front of them. [AMQP-1.6.24]
    Result<void> check_array(ByteCursor& in, std::uint32_t count, std::uint32_t depth) noexcept {
        WEIR_TRY(Byte code, read_code(in));
        if (code == kDescribed) {
            WEIR_CHECK(read_any(in, depth + 1));
            WEIR_TRY(code, read_code(in));
        }
        if (!format_of(code)) {
            return errc::malformed_value;
        }
        for (std::uint32_t i = 0; i < count; ++i) {
            WEIR_CHECK(read_content(in, code, depth));
        }
        return in.empty() ? Result<void>{} : errc::malformed_value;
    }

    std::uint32_t& elements_left_;
};

template <class T>
std::string number_text(T number) {
    std::array<char, 32> buffer{};
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number).ptr;
    return {buffer.data(), end};
}

std::string utf8_of(std::uint64_t code_point) {
    std::string out;
    const auto put = [&out](std::uint64_t byte) { out += static_cast<char>(byte); };
    if (code_point < 0x80) {
        put(code_point);
    } else if (code_point < 0x800) {
        put(0xC0U | (code_point >> 6U));
        put(0x80U | (code_point & 0x3FU));
    } else if (code_point < 0x1'0000) {
        put(0xE0U | (code_point >> 12U));
        put(0x80U | ((code_point >> 6U) & 0x3FU));
        put(0x80U | (code_point & 0x3FU));
    } else {
        put(0xF0U | (code_point >> 18U));
        put(0x80U | ((code_point >> 12U) & 0x3FU));
        put(0x80U | ((code_point >> 6U) & 0x3FU));
        put(0x80U | (code_point & 0x3FU));
    }
    return out;
}

std::string uuid_text(ByteView bytes) {
    const std::string hex = to_hex(bytes);
    std::string out = "urn:uuid:";
    for (std::size_t i = 0; i < hex.size(); ++i) {
        if (i == 8 || i == 12 || i == 16 || i == 20) {
            out += '-';
        }
        out += hex[i];
    }
    return out;
}

}  // namespace

Result<Value> ValueReader::read() noexcept {
    ByteCursor at = cursor_;
    Walker walker{elements_left_};
    WEIR_TRY(const Byte code, walker.read_code(at));
    WEIR_TRY(const Value value, walker.read_content(at, code, 1));
    cursor_ = at;
    return value;
}

Result<Value> ValueReader::read_any() noexcept {
    ByteCursor at = cursor_;
    WEIR_TRY(const Value value, Walker{elements_left_}.read_any(at, 1));
    cursor_ = at;
    return value;
}

Result<Value> ValueReader::read_descriptor() noexcept {
    ByteCursor at = cursor_;
    Walker walker{elements_left_};
    WEIR_TRY(const Byte described, walker.read_code(at));
    if (described != kDescribed) {
        return errc::malformed_value;
    }
    WEIR_TRY(const Byte code, walker.read_code(at));
    WEIR_TRY(const Value descriptor, walker.read_content(at, code, 1));
    if (descriptor.type != Type::ulong && descriptor.type != Type::symbol) {
        return errc::malformed_value;
    }
    cursor_ = at;
    return descriptor;
}

std::optional<MapReader::Pair> MapReader::next() noexcept {
    const auto key = reader_.read_any();
    if (!key) {
        return std::nullopt;
    }
    const auto value = reader_.read_any();
    if (!value) {
        return std::nullopt;
    }
    return Pair{*key, *value};
}

std::optional<std::string> to_text(const Value& value) {
    switch (value.type) {
        case Type::boolean:
            return value.number != 0 ? "true" : "false";
        case Type::ubyte:
        case Type::ushort:
        case Type::uint:
        case Type::ulong:
            return number_text(value.number);
        case Type::byte:
        case Type::short_:
        case Type::int_:
        case Type::long_:
            return number_text(static_cast<std::int64_t>(value.number));
        case Type::float_:
            return number_text(std::bit_cast<float>(static_cast<std::uint32_t>(value.number)));
        case Type::double_:
            return number_text(std::bit_cast<double>(value.number));
        case Type::character:
            return utf8_of(value.number);
        case Type::timestamp:
            return format_time(static_cast<std::int64_t>(value.number));
        case Type::uuid:
            return uuid_text(value.bytes);
        case Type::binary:
            return to_base64(value.bytes);
        case Type::string:
        case Type::symbol:
            return std::string{value.text()};
        case Type::null:
        case Type::decimal32:
        case Type::decimal64:
        case Type::decimal128:
        case Type::list:
        case Type::map:
        case Type::array:
            return std::nullopt;
    }
    return std::nullopt;
}

}  // namespace weir::amqp
