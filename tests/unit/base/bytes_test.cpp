#include <weir/base/bytes.hpp>

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(BigEndian, LoadsWhatItStored) {
    Bytes out;
    append_be(out, std::uint8_t{0x01});
    append_be(out, std::uint16_t{0x0203});
    append_be(out, std::uint32_t{0x04050607});
    append_be(out, std::uint64_t{0x08090A0B0C0D0E0F});
    ASSERT_EQ(out.size(), 15U);
    for (std::size_t i = 0; i < out.size(); ++i) {
        EXPECT_EQ(out[i], i + 1);
    }
    EXPECT_EQ(load_be<std::uint64_t>(out.data() + 7), 0x08090A0B0C0D0E0FU);
}

TEST(ByteCursor, ReadsForward) {
    const Bytes bytes = {1, 2, 3, 'a', 'b'};
    ByteCursor cursor{bytes};
    EXPECT_EQ(cursor.read_be<std::uint8_t>(), 1);
    EXPECT_EQ(cursor.read_be<std::uint16_t>(), 0x0203);
    const auto text = cursor.read(2);
    ASSERT_TRUE(text);
    EXPECT_EQ(as_text(*text), "ab");
    EXPECT_TRUE(cursor.empty());
    EXPECT_TRUE(cursor.read(0).has_value());
}

TEST(ByteCursor, MovesNothing_WhenBytesAreMissing) {
    const Bytes bytes = {1, 2, 3};
    ByteCursor cursor{bytes};
    EXPECT_FALSE(cursor.read_be<std::uint32_t>());
    EXPECT_FALSE(cursor.read(4));
    EXPECT_FALSE(cursor.read(static_cast<std::size_t>(-1)));
    EXPECT_EQ(cursor.size(), 3U);
    EXPECT_EQ(cursor.rest().data(), bytes.data());
}

TEST(Append, TakesBytesAndText) {
    Bytes out = to_bytes("a");
    append(out, "bc");
    append(out, ByteView{});
    append(out, as_bytes("d"));
    EXPECT_EQ(as_text(out), "abcd");
}

}  // namespace
}  // namespace weir
