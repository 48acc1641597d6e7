#include <weir/base/log.hpp>

#include <gtest/gtest.h>

namespace weir::log {
namespace {

TEST(JsonEscape, LeavesNothingThatCouldEndALineOrAText_T36) {
    EXPECT_EQ(json_escape("plain ä"), "plain ä");
    EXPECT_EQ(json_escape("a\"b\\c"), R"(a\"b\\c)");
    EXPECT_EQ(json_escape("a\r\nb\tc"), R"(a\r\nb\tc)");
    EXPECT_EQ(json_escape(std::string_view{"\0\x1B\x7F", 3}), R"(\u0000\u001b\u007f)");
    EXPECT_EQ(json_escape("a\xC3\xFF\xC3\xA9\xE2\x82"), "a\uFFFD\uFFFDé\uFFFD\uFFFD") << "no bytes that are no text";
}

TEST(Write, PutsOneEscapedLineOnStandardError_T36) {
    configure(Level::info, Format::json);
    testing::internal::CaptureStderr();
    warn("device_seen", {{"client", "a\"\n{"}, {"shard", 3}, {"clean", true}});
    debug("not_shown");
    const auto line = testing::internal::GetCapturedStderr();
    configure(Level::info, Format::pretty);
    EXPECT_TRUE(line.starts_with(R"({"time":")")) << line;
    EXPECT_TRUE(line.ends_with(
        R"("level":"warn","event":"device_seen","client":"a\"\n{","shard":3,"clean":true})"
        "\n"
    )) << line;
}

TEST(Enabled, FollowsTheLevel) {
    configure(Level::error, Format::pretty);
    EXPECT_FALSE(enabled(Level::warn));
    EXPECT_TRUE(enabled(Level::error));
    configure(Level::info, Format::pretty);
    EXPECT_TRUE(enabled(Level::info));
    EXPECT_FALSE(enabled(Level::debug));
}

}  // namespace
}  // namespace weir::log
