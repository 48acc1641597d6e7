#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <weir/archive/object_name.hpp>

namespace weir::archive {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::int64_t kTime = 1'767'225'599'999;  // 2025-12-31T23:59:59.999Z

std::string named(std::string_view text) {
    return object_name(
        text, {.sink = "cold", .stream = "journal", .time_ms = kTime, .first = 42, .last = 1'041}
    );
}

TEST(ObjectName, FillsInEveryPlaceholder) {
    EXPECT_EQ(
        named("{stream}/{date}/{first}-{last}"), "journal/2025-12-31/000000000042-000000001041"
    );
    EXPECT_EQ(
        named("{sink}/y={year}/m={month}/d={day}/h={hour}/{first}"),
        "cold/y=2025/m=12/d=31/h=23/000000000042"
    );
}

TEST(ObjectName, SortsLikeOffsets) {
    const auto at = [](std::uint64_t first) { return object_name("{first}", {.first = first}); };
    EXPECT_LT(at(9), at(10));
    EXPECT_LT(at(99'999), at(100'000));
    EXPECT_EQ(at(UINT64_MAX), "18446744073709551615") << "nothing is cut";
}

TEST(CheckObjectName, AcceptsWhatStaysInItsFolder) {
    for (const auto* good :
         {"{first}", "{stream}/{date}/{first}-{last}", "y={year}/{sink}+{first}"}) {
        EXPECT_THAT(check_object_name(good), IsEmpty()) << good;
    }
}

TEST(CheckObjectName, SaysWhatIsWrong) {
    struct Case {
        std::string text;
        std::string_view problem;
    };
    for (const auto& [text, problem] : {
             Case{"", "1 to 512"},
             Case{std::string(513, 'a'), "1 to 512"},
             Case{"{stream}/{date}", "without {first}"},
             Case{"{first", "not closed"},
             Case{"{topic}/{first}", "there is no {topic}"},
             Case{"../{first}", "begins with a point"},
             Case{"a/../{first}", "begins with a point"},
             Case{".{first}", "begins with a point"},
             Case{"/{first}", "is empty"},
             Case{"a//{first}", "is empty"},
             Case{"{first}/", "is empty"},
             Case{"{first}\\x", "names are made of"},
             Case{std::string{"{first}\0x", 9}, "names are made of"},
             Case{"{first}?", "names are made of"},
             Case{std::string(220, 'a') + "{first}", "more than 230 bytes"},
         }) {
        EXPECT_THAT(check_object_name(text), HasSubstr(problem)) << text;
    }
}

}  // namespace
}  // namespace weir::archive
