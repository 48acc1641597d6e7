// Tables as spreadsheets write them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include <app/cli/csv.hpp>

namespace weir::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

using Cells = std::vector<std::string>;

std::vector<Cells> cells_of(std::string_view text) {
    std::vector<Cells> all;
    for (const auto& record : parse_csv(text)) {
        all.push_back(record.cells);
    }
    return all;
}

TEST(Csv, SplitsAtCommasAndLineEnds) {
    EXPECT_THAT(cells_of("a,b\nc,\n"), ElementsAre(Cells{"a", "b"}, Cells{"c", ""}));
    EXPECT_THAT(cells_of("a,b\r\nc,d"), ElementsAre(Cells{"a", "b"}, Cells{"c", "d"}));
    EXPECT_THAT(cells_of(",\n"), ElementsAre(Cells{"", ""}));
    EXPECT_TRUE(cells_of("").empty());
}

TEST(Csv, TakesWhatIsInQuotesAsItIs) {
    EXPECT_THAT(
        cells_of("\"a,b\",\"say \"\"no\"\"\"\n\"two\nlines\",\"\"\r\n"),
        ElementsAre(Cells{"a,b", "say \"no\""}, Cells{"two\nlines", ""})
    );
    EXPECT_THAT(cells_of("5\" pipe\n"), ElementsAre(Cells{"5\" pipe"})) << "not at the beginning";
}

TEST(Csv, LeavesOutEmptyLinesAndAByteOrderMark_AndCountsLinesOfTheFile) {
    const auto records = parse_csv("\xEF\xBB\xBFname\n\n\"a\nb\"\n\r\nc");
    ASSERT_EQ(records.size(), 3U);
    EXPECT_EQ(records[0].cells, Cells{"name"});
    EXPECT_EQ(records[1].line, 3U);
    EXPECT_EQ(records[2].line, 6U) << "the record before it has two";
}

TEST(Csv, NamesTheLineOfABrokenQuote) {
    const auto error_of = [](std::string_view text) {
        try {
            static_cast<void>(parse_csv(text));
        } catch (const std::runtime_error& error) {
            return std::string{error.what()};
        }
        return std::string{};
    };
    EXPECT_THAT(error_of("a\n\"b,c\nd\n"), HasSubstr("line 2: a quote is not closed"));
    EXPECT_THAT(error_of("a\n\"b\"c\n"), HasSubstr("line 2: a comma is missing"));
}

}  // namespace
}  // namespace weir::cli
