#include <weir/document/yaml.hpp>

#include <gtest/gtest.h>

#include <string>
#include <weir/document/readers.hpp>
#include <weir/document/to_json.hpp>

namespace weir::document {
namespace {

Document parsed(std::string_view text, Syntax syntax = Syntax::yaml) {
    Diagnostics diagnostics;
    auto document = Document::parse(text, "x.yaml", diagnostics, {.syntax = syntax});
    if (!document) {
        throw std::runtime_error{diagnostics.render_text()};
    }
    return std::move(*document);
}

TEST(Document, KnowsPlaceOfEveryNode) {
    const auto document = parsed("a: 1\nb:\n  - é: \"q\"\nc: [x,\n    {y: z}]\nd:\n");
    const auto root = document.root();
    EXPECT_EQ(root.size(), 4U);
    EXPECT_EQ(root.get("a")->range(), (Range{{1, 4}, {1, 5}}));
    const auto item = root.get("b")->items().at(0);
    const auto entry = item.entries().at(0);
    EXPECT_EQ(entry.key.range(), (Range{{3, 5}, {3, 6}}));
    EXPECT_EQ(entry.value.range(), (Range{{3, 9}, {3, 10}})) << "without the quotes";
    EXPECT_EQ(item.range(), (Range{{3, 5}, {3, 10}})) << "a block ends with its last value";
    EXPECT_EQ(root.get("c")->range(), (Range{{4, 4}, {5, 12}})) << "brackets included";
    EXPECT_EQ(root.get("d")->range().begin, (Position{6, 3}))
        << "an implied null stands behind the colon";
    EXPECT_TRUE(root.get("d")->is_null());
}

TEST(Document, CountsLinesFromFirstLine_WhenTextIsPartOfAFile) {
    Diagnostics diagnostics;
    const auto document =
        Document::parse("a: 1\nb: 2\n", "hot.sql", diagnostics, {.first_line = 2});
    ASSERT_TRUE(document);
    EXPECT_EQ(document->root().get("b")->range().begin, (Position{3, 4}));
    EXPECT_FALSE(Document::parse("a: 1\na: 2\n", "hot.sql", diagnostics, {.first_line = 2}));
    EXPECT_EQ(diagnostics.sorted().at(0).range.begin, (Position{3, 1}));
}

TEST(Document, IsNull_WhenTextIsEmptyOrOnlyComments) {
    EXPECT_TRUE(parsed("").root().is_null());
    EXPECT_TRUE(parsed("# nothing\n\n").root().is_null());
    EXPECT_TRUE(parsed("---\n").root().is_null());
}

TEST(Document, AcceptsByteOrderMarkAndCarriageReturns) {
    const auto document = parsed(
        "\xEF\xBB\xBF"
        "a: x\r\nb: y\r\n"
    );
    EXPECT_EQ(document.root().get("a")->text(), "x");
    EXPECT_EQ(document.root().get("b")->range().begin, (Position{2, 4}));
}

TEST(Document, ResolvesEscapesAndBlocks) {
    const auto document =
        parsed("a: \"\\u00e9\\x01\"\nb: 'it''s'\nc: |\n  one\n  two\nd: >\n  one\n  two\n");
    const auto root = document.root();
    EXPECT_EQ(root.get("a")->text(), "\xC3\xA9\x01");
    EXPECT_EQ(root.get("b")->text(), "it's");
    EXPECT_EQ(root.get("c")->text(), "one\ntwo\n");
    EXPECT_EQ(root.get("d")->text(), "one two\n");
    EXPECT_TRUE(root.get("d")->quoted());
}

TEST(Document, SurvivesMove) {
    auto first = parsed("a: {b: c}\n");
    const auto node = *first.root().get("a");
    const auto second = std::move(first);
    EXPECT_EQ(node.get("b")->text(), "c");
    EXPECT_EQ(second.root().size(), 1U);
}

TEST(Document, ScalarStandsAtAnotherPlace) {
    const auto document = parsed("port: {env: PORT}\n");
    const auto place = *document.root().get("port");
    const auto scalar = Document::scalar("8883", place);
    Diagnostics diagnostics;
    EXPECT_EQ(as_int(scalar.root(), diagnostics), 8883);
    EXPECT_EQ(scalar.root().range(), place.range());
    EXPECT_EQ(scalar.root().file(), "x.yaml");
    EXPECT_TRUE(Document::scalar("", place).root().is_null());
}

TEST(Document, RefusesMoreThanOneMebibyte) {
    Diagnostics diagnostics;
    EXPECT_TRUE(Document::parse('#' + std::string(Document::kBytesMax - 1, 'x'), "a", diagnostics));
    EXPECT_FALSE(Document::parse('#' + std::string(Document::kBytesMax, 'x'), "a", diagnostics));
    EXPECT_EQ(diagnostics.sorted().at(0).code, code::kTooLarge);
}

TEST(Document, AllowsThirtyTwoLevels) {
    Diagnostics diagnostics;
    const auto nested = [](std::size_t depth) {
        return std::string(depth, '[') + std::string(depth, ']');
    };
    EXPECT_TRUE(Document::parse(nested(Document::kDepthMax), "a", diagnostics));
    EXPECT_FALSE(Document::parse(nested(Document::kDepthMax + 1), "a", diagnostics));
    EXPECT_FALSE(Document::parse(nested(5'000), "a", diagnostics));
}

TEST(Document, ReportsEveryDuplicateKey) {
    Diagnostics diagnostics;
    EXPECT_FALSE(Document::parse("a: 1\na: 2\nb: {c: 1, c: 2}\na: 3\n", "a", diagnostics));
    EXPECT_EQ(diagnostics.errors(), 3U);
}

struct JsonCase {
    std::string_view name;
    std::string_view yaml;
    std::string_view json;
};

class ToJson : public testing::TestWithParam<JsonCase> {};

TEST_P(ToJson, FollowsCoreSchema) {
    EXPECT_EQ(to_json(parsed(GetParam().yaml).root()), GetParam().json);
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    ToJson,
    testing::Values(
        JsonCase{"nulls", "[~, null, NULL, ]", "[null,null,null]"},
        JsonCase{"booleans", "[true, False, TRUE]", "[true,false,true]"},
        JsonCase{
            "words_that_were_booleans_once", "[yes, no, on, off]", R"(["yes","no","on","off"])"
        },
        JsonCase{"integers", "[1, -2, +3, 007, -0, 0x1F, 0o17]", "[1,-2,3,7,-0,31,15]"},
        JsonCase{
            "many_digits_are_kept",
            "123456789012345678901234567890",
            "123456789012345678901234567890"
        },
        JsonCase{
            "reals", "[1.5, .5, 5., -.5, +1e3, 01.50, 1.E-2]", "[1.5,0.5,5.0,-0.5,1e3,1.50,1.0E-2]"
        },
        JsonCase{"not_finite", "[.inf, -.INF, .nan]", "[null,null,null]"},
        JsonCase{"quotes_make_text", R"(["1", 'true', "a\nb"])", R"(["1","true","a\nb"])"},
        JsonCase{
            "almost_numbers", "[1.2.3, 0x, '', 1e, -a, 12h]", R"(["1.2.3","0x","","1e","-a","12h"])"
        },
        JsonCase{
            "mapping_keeps_order", "{b: 1, a: {c: []}, \"d\": {}}", R"({"b":1,"a":{"c":[]},"d":{}})"
        }
    ),
    [](const auto& row) { return std::string{row.param.name}; }
);

TEST(ToJson, KeepsJson) {
    constexpr std::string_view kText = R"({"a":[1,-2.5e3,true,null,"\u00e9\ud83d\ude00"],"b":{}})";
    EXPECT_EQ(
        to_json(parsed(kText, Syntax::json).root()),
        "{\"a\":[1,-2.5e3,true,null,\"\xC3\xA9\xF0\x9F\x98\x80\"],\"b\":{}}"
    );
}

}  // namespace
}  // namespace weir::document
