#include <weir/base/payload.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

namespace weir {
namespace {

TEST(Payload, JoinsItsParts) {
    const auto payload = Payload::copy(as_bytes("ab"), as_bytes("c"), as_bytes("de"));
    EXPECT_EQ(payload.text(), "abcde");
    EXPECT_EQ(Payload::copy({}, as_bytes("x")).text(), "x");
}

TEST(Payload, IsEmpty_WhenMadeOfNothing) {
    EXPECT_TRUE(Payload{}.empty());
    EXPECT_EQ(Payload{}.text(), "");
    EXPECT_TRUE(Payload::copy({}).empty());
}

TEST(Payload, HasReadableZeroBytesBehindItsEnd) {
    const auto payload = Payload::copy(as_bytes("abc"));
    const ByteView spare{payload.data() + payload.size(), Payload::kSpareBytes};
    EXPECT_TRUE(std::ranges::all_of(spare, [](Byte byte) { return byte == 0; }));
}

TEST(Payload, SharesItsBytesBetweenCopies) {
    auto first = Payload::copy(as_bytes("abc"));
    const auto second = first;
    EXPECT_EQ(first.data(), second.data());
    const auto moved = std::move(first);
    EXPECT_EQ(moved.data(), second.data());
    first = Payload::copy(as_bytes("other"));
    EXPECT_EQ(second.text(), "abc");
    first = second;
    EXPECT_EQ(first.data(), second.data());
}

}  // namespace
}  // namespace weir
