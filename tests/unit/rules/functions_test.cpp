#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>

#include <weir/base/digest.hpp>
#include <weir/rules/compiler.hpp>
#include <weir/rules/functions/foreign.hpp>
#include <weir/rules/functions/function.hpp>
#include <weir/rules/functions/md2.hpp>
#include <weir/rules/functions/time_pattern.hpp>

namespace weir::rules {
namespace {

TEST(FunctionTable, IsSortedAndDescribed) {
    const auto all = functions();
    EXPECT_GE(all.size(), 75U);
    EXPECT_TRUE(std::ranges::is_sorted(all, std::ranges::less_equal{}, &Function::name));
    for (const Function& function : all) {
        EXPECT_TRUE(std::ranges::none_of(function.name, [](char c) { return c >= 'A' && c <= 'Z'; })
        );
        EXPECT_NE(function.signature.find('('), std::string_view::npos) << function.name;
        EXPECT_FALSE(function.help.empty()) << function.name;
        EXPECT_LE(function.arguments_min, function.arguments_max) << function.name;
        EXPECT_EQ(find_function(function.name), &function);
    }
    EXPECT_EQ(find_function("ISNULL"), find_function("isNull"));
    EXPECT_EQ(find_function("nothing"), nullptr);
}

TEST(ForeignFunctions, AreNoneOfOurs_AndSaysWhatIs) {
    EXPECT_TRUE(
        std::ranges::is_sorted(foreign_functions(), std::ranges::less_equal{}, &ForeignFunction::name)
    );
    for (const ForeignFunction& foreign : foreign_functions()) {
        EXPECT_EQ(find_function(foreign.name), nullptr) << foreign.name;
        document::Diagnostics diagnostics;
        const auto sql = "SELECT " + std::string{foreign.name} + "(a) AS x FROM 'a'";
        EXPECT_EQ(compile_statement(sql, {}, diagnostics), nullptr);
        EXPECT_NE(diagnostics.render_text().find("help: write "), std::string::npos) << sql;
    }
}

TEST(Md2, GivesTheVectorsOfRfc1319) {
    const auto hex = [](std::string_view text) { return to_hex(md2(as_bytes(text))); };
    EXPECT_EQ(hex(""), "8350e5a3e24c153df2275c9f80692773");
    EXPECT_EQ(hex("a"), "32ec01ec4a6dac72c0ab96fb34c0b5d1");
    EXPECT_EQ(hex("message digest"), "ab4f496bfb2a530b219ff33031fe06b0");
    EXPECT_EQ(
        hex("12345678901234567890123456789012345678901234567890123456789012345678901234567890"),
        "d5976f79d83d3a0dc9806c3c66f3efd8"
    );
}

struct PrintCase {
    std::string_view name;
    std::string_view pattern;
    std::int64_t ms;
    std::string_view zone;
    std::string_view expected;
};

class TimePrint : public testing::TestWithParam<PrintCase> {};

TEST_P(TimePrint, FollowsTable) {
    load_time_zones();
    const auto pattern = TimePattern::for_printing(GetParam().pattern);
    const auto zone = find_time_zone(GetParam().zone);
    ASSERT_TRUE(pattern && zone);
    std::string out;
    pattern->print(out, GetParam().ms, *zone);
    EXPECT_EQ(out, GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    TimePrint,
    testing::Values(
        PrintCase{
            "iso",
            "yyyy-MM-dd'T'HH:mm:ss.SSSZZ",
            1'700'000'000'123,
            "UTC",
            "2023-11-14T22:13:20.123+00:00"
        },
        PrintCase{"summer", "HH:mm z", 1'690'000'000'000, "Europe/Berlin", "06:26 CEST"},
        PrintCase{"winter", "HH:mm z", 1'700'000'000'000, "Europe/Berlin", "23:13 CET"},
        PrintCase{
            "southern_summer", "HH:mm Z", 1'705'000'000'000, "Australia/Sydney", "06:06 +1100"
        },
        PrintCase{
            "after_2037",
            "yyyy-MM-dd HH:mm z",
            4'087'000'000'000,
            "America/New_York",
            "2099-07-06 01:46 EDT"
        },
        PrintCase{
            "after_2037_winter", "HH:mm z", 4'070'908'800'000, "America/New_York", "19:00 EST"
        },
        PrintCase{"fixed", "HH:mm ZZ", 0, "UTC+05:30", "05:30 +05:30"},
        PrintCase{"before_1970", "yyyy-MM-dd HH:mm:ss.SSS", -1, "UTC", "1969-12-31 23:59:59.999"},
        PrintCase{"names", "EEEE, d MMMM yy", 1'700'000'000'000, "UTC", "Tuesday, 14 November 23"},
        PrintCase{"short_names", "EEE MMM", 1'700'000'000'000, "UTC", "Tue Nov"},
        PrintCase{"half_day", "hh K kk a", 0, "UTC", "12 0 24 AM"},
        PrintCase{"week_of_new_year", "xxxx-'W'ww-e", 1'609'459'200'000, "UTC", "2020-W53-5"},
        PrintCase{"day_of_year", "DDD", 1'700'000'000'000, "UTC", "318"},
        PrintCase{"fraction", "S SSSSSS", 1'120, "UTC", "1 120000"},
        PrintCase{"quotes", "''yy 'o''clock'", 0, "UTC", "'70 o'clock"}
    ),
    [](const auto& row) { return std::string{row.param.name}; }
);

struct ReadCase {
    std::string_view name;
    std::string_view pattern;
    std::string_view text;
    std::optional<std::int64_t> expected;
};

class TimeRead : public testing::TestWithParam<ReadCase> {};

TEST_P(TimeRead, FollowsTable) {
    load_time_zones();
    const auto pattern = TimePattern::for_reading(GetParam().pattern);
    ASSERT_TRUE(pattern);
    EXPECT_EQ(pattern->read(GetParam().text), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    TimeRead,
    testing::Values(
        ReadCase{"offset", "yyyy-MM-dd'T'HH:mm:ssXXX", "2023-11-14T22:13:20Z", 1'700'000'000'000},
        ReadCase{
            "offset_west", "yyyy-MM-dd HH:mm:ss xx", "2023-11-14 17:13:20 -0500", 1'700'000'000'000
        },
        ReadCase{
            "zone", "yyyy-MM-dd HH:mm VV", "2023-07-01 12:00 Europe/Berlin", 1'688'205'600'000
        },
        ReadCase{
            "skipped_hour",
            "yyyy-MM-dd HH:mm VV",
            "2023-03-26 02:30 Europe/Berlin",
            1'679'794'200'000
        },
        ReadCase{
            "hour_twice", "yyyy-MM-dd HH:mm VV", "2023-10-29 02:30 Europe/Berlin", 1'698'539'400'000
        },
        ReadCase{"adjacent", "yyyyMMddHHmmssSSS", "20231114221320123", 1'700'000'000'123},
        ReadCase{"half_day", "d/M/yy h:mm a", "14/11/23 10:13 PM", 1'699'999'980'000},
        ReadCase{"day_of_year", "uuuu-DDD", "2023-318", 1'699'920'000'000},
        ReadCase{"leap_day", "yyyy-MM-dd", "2024-02-29", 1'709'164'800'000},
        ReadCase{"no_leap_day", "yyyy-MM-dd", "2023-02-29", std::nullopt},
        ReadCase{"no_date", "HH:mm", "12:00", std::nullopt},
        ReadCase{"trailing", "yyyy-MM-dd", "2023-11-14x", std::nullopt},
        ReadCase{"short", "yyyy-MM-dd", "2023-11", std::nullopt},
        ReadCase{"unknown_zone", "yyyy-MM-dd VV", "2023-11-14 Mars/Base", std::nullopt},
        ReadCase{"hour_25", "yyyy-MM-dd HH", "2023-11-14 25", std::nullopt},
        ReadCase{"month_13", "yyyy-MM-dd", "2023-13-01", std::nullopt}
    ),
    [](const auto& row) { return std::string{row.param.name}; }
);

TEST(TimePattern, RefusesWhatItDoesNotKnow) {
    EXPECT_FALSE(TimePattern::for_printing("yyyy b"));
    EXPECT_FALSE(TimePattern::for_printing("'open"));
    EXPECT_FALSE(TimePattern::for_reading("yyyy[-MM]"));
    EXPECT_FALSE(TimePattern::for_reading(std::string(TimePattern::kBytesMax + 1, 'y')));
}

TEST(TimeZone, KnowsOffsetsByTheirText) {
    EXPECT_EQ(parse_offset("+5"), 5 * 3600);
    EXPECT_EQ(parse_offset("-0530"), -(5 * 3600 + 30 * 60));
    EXPECT_EQ(parse_offset("+05:30:15"), 5 * 3600 + 30 * 60 + 15);
    for (const std::string_view text : {"", "+", "5", "+5x", "+19:00", "+05:60", "+05:3"}) {
        EXPECT_FALSE(parse_offset(text)) << text;
    }
    EXPECT_FALSE(find_time_zone("../etc/passwd"));
}

}  // namespace
}  // namespace weir::rules
