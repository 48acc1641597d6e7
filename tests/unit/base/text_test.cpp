#include <weir/base/text.hpp>

#include <gtest/gtest.h>

#include <array>

namespace weir {
namespace {

using namespace std::chrono_literals;

TEST(IsUtf8, FollowsTable_Unicode3_9) {
    struct Case {
        std::string_view text;
        bool valid;
    };
    for (const auto& [text, valid] : {
             Case{"", true},
             Case{"plain", true},
             Case{std::string_view{"a\0b", 3}, true},
             Case{"\xC2\x80", true},
             Case{"\xDF\xBF", true},
             Case{"\xE0\xA0\x80", true},
             Case{"\xED\x9F\xBF", true},
             Case{"\xEE\x80\x80", true},
             Case{"\xF0\x90\x80\x80", true},
             Case{"\xF4\x8F\xBF\xBF", true},
             Case{"\x80", false},      // A continuation alone.
             Case{"\xC0\x80", false},  // NUL in two bytes.
             Case{"\xC1\xBF", false},  // Too long for U+007F.
             Case{"\xC2", false},      // Cut short.
             Case{"\xC2\x41", false},
             Case{"\xE0\x9F\xBF", false},  // Too long for U+07FF.
             Case{"\xED\xA0\x80", false},  // A surrogate.
             Case{"\xED\xBF\xBF", false},
             Case{"\xE2\x82", false},
             Case{"\xF0\x8F\xBF\xBF", false},  // Too long for U+FFFF.
             Case{"\xF4\x90\x80\x80", false},  // Beyond U+10FFFF.
             Case{"\xF5\x80\x80\x80", false},
             Case{"\xF0\x9F\x98", false},
             Case{"\xFF", false},
         }) {
        EXPECT_EQ(is_utf8(text), valid) << testing::PrintToString(text);
        EXPECT_EQ(is_utf8("a" + std::string{text} + "b"), valid) << testing::PrintToString(text);
    }
}

TEST(TakeCharacter, TakesOneCharacterOrOneByteThatIsNone) {
    std::string_view text = "aé\xE2\x82€\xFF";
    for (const std::string_view expected : {"a", "é", "\uFFFD", "\uFFFD", "€", "\uFFFD"}) {
        ASSERT_FALSE(text.empty());
        EXPECT_EQ(take_character(text), expected);
    }
    EXPECT_TRUE(text.empty());
}

TEST(Utf8Start, EndsBetweenCharacters) {
    EXPECT_EQ(utf8_start("aé", 3), "aé");
    EXPECT_EQ(utf8_start("aé", 2), "a");
    EXPECT_EQ(utf8_start("aé", 1), "a");
    EXPECT_EQ(utf8_start("\U0001F600", 3), "");
    EXPECT_EQ(utf8_start("x\U0001F600y", 5), "x\U0001F600");
    EXPECT_EQ(utf8_start(std::string(100, '\x80'), 50).size(), 47U) << "no text is cut all the same";
}

TEST(Printable, IsTextWhateverTheBytes) {
    EXPECT_EQ(printable("plain \"text\" äöü\\", 100), "plain \"text\" äöü\\") << "not escaped";
    EXPECT_EQ(printable("", 100), "");
    EXPECT_EQ(printable("\r\n  one\r\n\ttwo", 100), "one two");
    EXPECT_EQ(printable("a\x1B[2J\x7F\xC2\x85z", 100), "a\uFFFD[2J\uFFFD\uFFFDz") << "C0, DEL and C1";
    EXPECT_EQ(printable(std::string_view{"a\0b", 3}, 100), "a\uFFFDb");
    EXPECT_EQ(printable("\xFF\xC3(\xE2\x82", 100), "\uFFFD\uFFFD(\uFFFD\uFFFD");
}

TEST(Printable, IsCutBetweenCharacters) {
    const std::string text = "x" + std::string{"ééé"};
    EXPECT_EQ(printable(text, 7), text);
    EXPECT_EQ(printable(text, 6), "xéé...");
    EXPECT_EQ(printable(text, 5), "xéé...");
    EXPECT_EQ(printable(text, 4), "xé...");
    EXPECT_EQ(printable("\xFF\xFF", 5), "\uFFFD...") << "the bound is that of the result";
    EXPECT_EQ(printable("ab", 0), "...");
}

TEST(Nearest, FindsMisspeltWords) {
    constexpr std::array<std::string_view, 4> kWords = {
        "publish", "subscribe", "receive", "retain"
    };
    EXPECT_EQ(nearest("publich", kWords), "publish");
    EXPECT_EQ(nearest("subcribe", kWords), "subscribe");
    EXPECT_EQ(nearest("recieve", kWords), "receive");
    EXPECT_EQ(nearest("connect", kWords), std::nullopt);
    constexpr std::array<std::string_view, 2> kShort = {"cos", "sqrt"};
    EXPECT_EQ(nearest("foo", kShort), std::nullopt);
    EXPECT_EQ(nearest("sqr", kShort), "sqrt");
    EXPECT_EQ(nearest("x", {}), std::nullopt);
}

TEST(ParseSize, FollowsTable) {
    struct Case {
        std::string_view text;
        std::optional<std::uint64_t> bytes;
    };
    for (const auto& [text, bytes] : {
             Case{"0", 0},
             Case{"512", 512},
             Case{"17B", 17},
             Case{"128KiB", 131'072},
             Case{"4 MiB", 4'194'304},
             Case{"1GB", 1'000'000'000},
             Case{"8388607TiB", 8'388'607ULL << 40U},
             Case{"8388608TiB", {}},
             Case{"18446744073709551615", {}},
             Case{"99999999999999999999", {}},
             Case{"", {}},
             Case{"KiB", {}},
             Case{"1kib", {}},
             Case{"1.5MiB", {}},
             Case{"-1", {}},
             Case{"+1", {}},
             Case{" 1", {}},
             Case{"1 ", 1},
         }) {
        EXPECT_EQ(parse_size(text), bytes) << text;
    }
}

TEST(ParseDuration, FollowsTable) {
    struct Case {
        std::string_view text;
        std::optional<std::chrono::milliseconds> duration;
    };
    for (const auto& [text, duration] : {
             Case{"0", 0ms},
             Case{"0s", 0ms},
             Case{"2ms", 2ms},
             Case{"30s", 30s},
             Case{"1m30s", 90s},
             Case{"7d", 168h},
             Case{"1h1ms", 3'600'001ms},
             Case{"", {}},
             Case{"5", {}},
             Case{"s", {}},
             Case{"1m30", {}},
             Case{"1 s", {}},
             Case{"-1s", {}},
             Case{"1y", {}},
             Case{"106751991168d", {}},
             Case{"106751991167d106751991167d", {}},
         }) {
        EXPECT_EQ(parse_duration(text), duration) << text;
    }
}

TEST(FormatTime, WritesIso8601) {
    EXPECT_EQ(format_time(0), "1970-01-01T00:00:00.000Z");
    EXPECT_EQ(format_time(1'769'860'800'007), "2026-01-31T12:00:00.007Z");
    EXPECT_EQ(format_time(-1), "1969-12-31T23:59:59.999Z");
}

TEST(Wrapped, BreaksAtBlanks) {
    EXPECT_EQ(wrapped("", 10, 2), "");
    EXPECT_EQ(wrapped("one two", 10, 2), "one two");
    EXPECT_EQ(wrapped("one two three", 7, 2), "one two\n  three");
    EXPECT_EQ(wrapped("one two three", 8, 2, 4), "one\n  two\n  three");
    EXPECT_EQ(wrapped("immeasurable it", 5, 1), "immeasurable\n it");
    EXPECT_EQ(wrapped("größe größe", 11, 0), "größe größe");
    EXPECT_EQ(wrapped("a\nb c", 20, 3), "a\n   b c");
    EXPECT_EQ(wrapped("see `weir why p1`", 10, 0), "see\n`weir why p1`");
}

TEST(FormatSize, PicksTheUnit) {
    EXPECT_EQ(format_size(0), "0 B");
    EXPECT_EQ(format_size(1'023), "1023 B");
    EXPECT_EQ(format_size(1'536), "1.5 KiB");
    EXPECT_EQ(format_size(3ULL << 30U), "3.0 GiB");
    EXPECT_EQ(format_size(5'000ULL << 40U), "5000.0 TiB");
}

}  // namespace
}  // namespace weir
