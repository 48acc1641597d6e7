/// Appends encoded AMQP values to a buffer, each in its shortest form.
#pragma once

#include <cstdint>
#include <string_view>

#include <weir/amqp/value.hpp>

namespace weir::amqp {

/// Any value but decimals, lists, maps and arrays, which are programming errors.
void append_value(Bytes& out, const Value& value);

void append_null(Bytes& out);
void append_boolean(Bytes& out, bool truth);
void append_ubyte(Bytes& out, std::uint8_t number);
void append_uint(Bytes& out, std::uint32_t number);
void append_ulong(Bytes& out, std::uint64_t number);
void append_timestamp(Bytes& out, std::int64_t ms);
void append_string(Bytes& out, std::string_view text);
void append_symbol(Bytes& out, std::string_view text);
void append_binary(Bytes& out, ByteView content);
/// Constructor and size of a binary whose `size` bytes the caller sends after it.
void append_binary_head(Bytes& out, std::size_t size);
void append_string_head(Bytes& out, std::size_t size);
/// The constructor of a described value; `code` as in 0x70 for a message header.
void append_descriptor(Bytes& out, std::uint8_t code);

/// A list or map under construction: size and count are filled in by finish().
class CompoundWriter {
public:
    [[nodiscard]] static CompoundWriter list(Bytes& out) { return CompoundWriter{out, 0xD0}; }
    [[nodiscard]] static CompoundWriter map(Bytes& out) { return CompoundWriter{out, 0xD1}; }

    /// Call before appending each element; in a map, before each key and each value.
    Bytes& element();
    /// A null that is left out if no further element() follows, which is how absent fields of a
    /// list are written.
    void absent() noexcept { ++pending_nulls_; }
    void finish() noexcept;

private:
    CompoundWriter(Bytes& out, Byte code);

    Bytes& out_;
    std::size_t start_;
    std::uint32_t count_ = 0;
    std::uint32_t pending_nulls_ = 0;
};

}  // namespace weir::amqp
