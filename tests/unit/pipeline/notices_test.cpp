#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include <weir/base/text.hpp>
#include <weir/pipeline/notices.hpp>

namespace weir::pipeline {
namespace {

using testing::HasSubstr;

TEST(NoticeText, IsCutBetweenCharacters) {
    EXPECT_EQ(notice_text(as_bytes("hot")), "hot");
    EXPECT_EQ(
        notice_text(as_bytes(std::string(kNoticeBytesMax, 'x'))), std::string(kNoticeBytesMax, 'x')
    );
    for (std::size_t lead = 0; lead < 4; ++lead) {
        std::string text(lead, 'x');
        while (text.size() <= kNoticeBytesMax) {
            text += "\xF0\x9F\x94\xA5";
        }
        const auto cut = notice_text(as_bytes(text));
        EXPECT_TRUE(is_utf8(cut));
        EXPECT_TRUE(cut.ends_with("..."));
        EXPECT_LE(cut.size(), kNoticeBytesMax + 3);
        EXPECT_GE(cut.size(), kNoticeBytesMax - 3);
    }
}

TEST(NoticeText, TellsOfBytesByTheirNumber) {
    EXPECT_EQ(notice_text(as_bytes("\xff\xfe")), "2 bytes");
}

TEST(AlertJson, EscapesWhatADeviceSays) {
    const auto json = alert_json(
        "bad \"thing\"\n\x1b[31m",
        {.rule = "hot",
         .key = "p\"7",
         .topic = "t",
         .device = "p7",
         .time = WallTime{1'700'000'000'000},
         .held_back = 3}
    );
    EXPECT_EQ(
        json,
        R"x({"text":"bad \"thing\"\n\u001b[31m (3 more since the last one)",)x"
        R"x("rule":"hot","key":"p\"7","topic":"t","device":"p7",)x"
        R"x("time":"2023-11-14T22:13:20.000Z","held_back":3})x"
    );
}

TEST(AlertJson, CarriesTheReport_OfAnErrorAction) {
    AlertFacts facts{};
    facts.report = R"({"a":[1]})";
    const auto json = alert_json("t", facts);
    EXPECT_THAT(json, testing::EndsWith(R"("held_back":0,"report":{"a":[1]}})"));
}

}  // namespace
}  // namespace weir::pipeline
