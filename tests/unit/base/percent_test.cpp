#include <weir/base/percent.hpp>

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(PercentEncode, LeavesOnlyUnreservedCharacters_RFC3986_2_3) {
    EXPECT_EQ(percent_encode("aZ09-._~"), "aZ09-._~");
    EXPECT_EQ(percent_encode("a b/c?d=e&f#g%"), "a%20b%2Fc%3Fd%3De%26f%23g%25");
    EXPECT_EQ(percent_encode("\r\n\xE1\x88\xB4"), "%0D%0A%E1%88%B4");
    EXPECT_EQ(percent_encode("a/b c", "/"), "a/b%20c");
}

TEST(PercentDecode, UndoesEncoding) {
    std::string all;
    for (int byte = 0; byte < 256; ++byte) {
        all += static_cast<char>(byte);
    }
    EXPECT_EQ(percent_decode(percent_encode(all)), all);
    EXPECT_EQ(percent_decode("%e1%88%B4+"), "\xE1\x88\xB4+");
}

TEST(PercentDecode, RefusesWhatIsNoEscape) {
    for (const std::string_view text : {"%", "%4", "a%", "%4g", "%%41", "%-1"}) {
        EXPECT_EQ(percent_decode(text), std::nullopt) << text;
    }
}

}  // namespace
}  // namespace weir
