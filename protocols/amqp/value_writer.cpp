#include <weir/amqp/value_writer.hpp>

#include <weir/base/assert.hpp>

namespace weir::amqp {
namespace {

constexpr std::size_t kSizeAndCount = 8;

/// `narrow` has a one-byte size, the code one row further down a size of four bytes.
void append_variable_head(Bytes& out, Byte narrow, std::size_t size) {
    if (size <= 0xFF) {
        out.push_back(narrow);
        out.push_back(static_cast<Byte>(size));
    } else {
        out.push_back(static_cast<Byte>(narrow + 0x10));
        append_be(out, static_cast<std::uint32_t>(size));
    }
}

template <class T>
void append_fixed(Bytes& out, Byte code, std::uint64_t number) {
    out.push_back(code);
    append_be(out, static_cast<T>(number));
}

}  // namespace

void append_null(Bytes& out) {
    out.push_back(0x40);
}

void append_boolean(Bytes& out, bool truth) {
    out.push_back(truth ? 0x41 : 0x42);
}

void append_ubyte(Bytes& out, std::uint8_t number) {
    append_fixed<std::uint8_t>(out, 0x50, number);
}

void append_uint(Bytes& out, std::uint32_t number) {
    if (number == 0) {
        out.push_back(0x43);
    } else if (number <= 0xFF) {
        append_fixed<std::uint8_t>(out, 0x52, number);
    } else {
        append_fixed<std::uint32_t>(out, 0x70, number);
    }
}

void append_ulong(Bytes& out, std::uint64_t number) {
    if (number == 0) {
        out.push_back(0x44);
    } else if (number <= 0xFF) {
        append_fixed<std::uint8_t>(out, 0x53, number);
    } else {
        append_fixed<std::uint64_t>(out, 0x80, number);
    }
}

void append_timestamp(Bytes& out, std::int64_t ms) {
    append_fixed<std::uint64_t>(out, 0x83, static_cast<std::uint64_t>(ms));
}

void append_string_head(Bytes& out, std::size_t size) {
    append_variable_head(out, 0xA1, size);
}

void append_binary_head(Bytes& out, std::size_t size) {
    append_variable_head(out, 0xA0, size);
}

void append_string(Bytes& out, std::string_view text) {
    append_string_head(out, text.size());
    append(out, text);
}

void append_symbol(Bytes& out, std::string_view text) {
    append_variable_head(out, 0xA3, text.size());
    append(out, text);
}

void append_binary(Bytes& out, ByteView content) {
    append_binary_head(out, content.size());
    append(out, content);
}

void append_descriptor(Bytes& out, std::uint8_t code) {
    out.push_back(0x00);
    append_ulong(out, code);
}

void append_value(Bytes& out, const Value& value) {
    switch (value.type) {
        case Type::null:
            return append_null(out);
        case Type::boolean:
            return append_boolean(out, value.number != 0);
        case Type::ubyte:
            return append_ubyte(out, static_cast<std::uint8_t>(value.number));
        case Type::ushort:
            return append_fixed<std::uint16_t>(out, 0x60, value.number);
        case Type::uint:
            return append_uint(out, static_cast<std::uint32_t>(value.number));
        case Type::ulong:
            return append_ulong(out, value.number);
        case Type::byte:
            return append_fixed<std::uint8_t>(out, 0x51, value.number);
        case Type::short_:
            return append_fixed<std::uint16_t>(out, 0x61, value.number);
        case Type::int_:
            return append_fixed<std::uint32_t>(out, 0x71, value.number);
        case Type::long_:
            return append_fixed<std::uint64_t>(out, 0x81, value.number);
        case Type::float_:
            return append_fixed<std::uint32_t>(out, 0x72, value.number);
        case Type::double_:
            return append_fixed<std::uint64_t>(out, 0x82, value.number);
        case Type::character:
            return append_fixed<std::uint32_t>(out, 0x73, value.number);
        case Type::timestamp:
            return append_fixed<std::uint64_t>(out, 0x83, value.number);
        case Type::uuid:
            WEIR_ASSERT(value.bytes.size() == 16);
            out.push_back(0x98);
            return append(out, value.bytes);
        case Type::binary:
            return append_binary(out, value.bytes);
        case Type::string:
            return append_string(out, value.text());
        case Type::symbol:
            return append_symbol(out, value.text());
        case Type::decimal32:
        case Type::decimal64:
        case Type::decimal128:
        case Type::list:
        case Type::map:
        case Type::array:
            break;
    }
    WEIR_ASSERT(false && "append_value writes no decimals, lists, maps and arrays");
}

CompoundWriter::CompoundWriter(Bytes& out, Byte code) : out_{out} {
    out_.push_back(code);
    start_ = out_.size();
    out_.resize(start_ + kSizeAndCount);
}

Bytes& CompoundWriter::element() {
    for (; pending_nulls_ > 0; --pending_nulls_, ++count_) {
        append_null(out_);
    }
    ++count_;
    return out_;
}

void CompoundWriter::finish() noexcept {
    // The size covers the count and the elements, not itself.
    store_be(out_.data() + start_, static_cast<std::uint32_t>(out_.size() - start_ - 4));
    store_be(out_.data() + start_ + 4, count_);
}

}  // namespace weir::amqp
