#include <weir/document/readers.hpp>

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <string>

namespace weir::document {
namespace {

using namespace std::chrono_literals;

/// Parses one value and reads it; the text of the only diagnostic, or "" if there was none.
struct Read {
    explicit Read(std::string_view text) : document{Document::parse(text, "v.yaml", diagnostics)} {}

    [[nodiscard]] Node node() const { return document->root(); }
    [[nodiscard]] std::string complaint() const {
        const auto all = diagnostics.sorted();
        return all.empty() ? "" : all[0].message + (all[0].help.empty() ? "" : "; " + all[0].help);
    }

    Diagnostics diagnostics;
    std::optional<Document> document;
};

TEST(AsBool, AcceptsCoreSchemaOnly) {
    for (const auto* text : {"true", "True", "TRUE"}) {
        Read read{text};
        EXPECT_EQ(as_bool(read.node(), read.diagnostics), true) << text;
    }
    Read no{"no"};
    EXPECT_FALSE(as_bool(no.node(), no.diagnostics));
    EXPECT_EQ(no.complaint(), "expected true or false, got the text 'no'");
    Read quoted{"\"true\""};
    EXPECT_FALSE(as_bool(quoted.node(), quoted.diagnostics));
    Read null{""};
    EXPECT_FALSE(as_bool(null.node(), null.diagnostics));
    EXPECT_EQ(null.complaint(), "expected true or false, got nothing");
}

struct IntCase {
    std::string_view name;
    std::string_view text;
    std::optional<std::int64_t> value;
    std::string_view complaint;
    Bounds<std::int64_t> bounds = {.min = 1, .max = 65535};
};

class AsInt : public testing::TestWithParam<IntCase> {};

TEST_P(AsInt, FollowsTable) {
    Read read{GetParam().text};
    EXPECT_EQ(as_int(read.node(), read.diagnostics, GetParam().bounds), GetParam().value);
    EXPECT_EQ(read.complaint(), GetParam().complaint);
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    AsInt,
    testing::Values(
        IntCase{"smallest", "1", 1, ""},
        IntCase{"largest", "65535", 65535, ""},
        IntCase{"too_small", "0", {}, "0 is out of range; allowed: from 1 to 65535"},
        IntCase{"too_large", "65536", {}, "65536 is out of range; allowed: from 1 to 65535"},
        IntCase{"another_than_the_only_one", "2", {}, "2 is out of range; allowed: only 1", {.min = 1, .max = 1}},
        IntCase{
            "huge",
            "99999999999999999999",
            {},
            "99999999999999999999 is out of range; allowed: from 1 to 65535"
        },
        IntCase{
            "huge_without_maximum",
            "99999999999999999999",
            {},
            "99999999999999999999 is out of range; allowed: at least 1",
            {.min = 1}
        },
        IntCase{"negative", "-3", -3, "", {.min = -5, .max = 5}},
        IntCase{"plus", "+3", {}, "expected a whole number, got +3"},
        IntCase{
            "quoted",
            "\"8883\"",
            {},
            "expected a whole number, got the text '8883'; remove the quotes"
        },
        IntCase{"real", "1.5", {}, "expected a whole number, got 1.5"},
        IntCase{"word", "many", {}, "expected a whole number, got the text 'many'"},
        IntCase{"list", "[1]", {}, "expected a whole number, got a list"},
        IntCase{"mapping", "{a: 1}", {}, "expected a whole number, got a mapping"}
    ),
    [](const auto& row) { return std::string{row.param.name}; }
);

TEST(AsSize, NeedsKnownUnitAndRange) {
    Read good{"128KiB"};
    EXPECT_EQ(as_size(good.node(), good.diagnostics), 131'072U);
    Read unit{"128kb"};
    EXPECT_FALSE(as_size(unit.node(), unit.diagnostics));
    EXPECT_EQ(
        unit.complaint(),
        "expected a size, got the text '128kb'; write a number with B, KiB, MiB, GiB or TiB, such "
        "as 128KiB"
    );
    Read range{"2KiB"};
    EXPECT_FALSE(as_size(range.node(), range.diagnostics, {.min = 16, .max = 1024}));
    EXPECT_EQ(range.complaint(), "2KiB is out of range; allowed: from 16 B to 1.0 KiB");
}

TEST(AsDuration, NeedsUnitAndRange) {
    Read good{"1m30s"};
    EXPECT_EQ(as_duration(good.node(), good.diagnostics), 90s);
    Read bare{"30"};
    EXPECT_FALSE(as_duration(bare.node(), bare.diagnostics));
    EXPECT_EQ(
        bare.complaint(),
        "expected a duration, got 30; write a number with ms, s, m, h or d, such as 30s or 1m30s"
    );
    Read range{"2h"};
    EXPECT_FALSE(as_duration(range.node(), range.diagnostics, {.min = 500ms, .max = 1h}));
    EXPECT_EQ(range.complaint(), "2h is out of range; allowed: from 500ms to 1h");
}

TEST(AsRate, ReadsAmountPerTime) {
    const std::pair<std::string_view, Rate> rows[] = {
        {"20/s", {20, 1s}},
        {"64KiB/s", {65'536, 1s}},
        {"100/m", {100, 60s}},
        {"5/10s", {5, 10s}},
        {"0/h", {0, 1h}}
    };
    for (const auto& [text, rate] : rows) {
        Read read{text};
        EXPECT_EQ(as_rate(read.node(), read.diagnostics), rate) << text;
    }
    for (const auto* text : {"20", "20/", "/s", "20/0", "20/x", "x/s", "20/s/s", "-1/s"}) {
        Read read{text};
        EXPECT_FALSE(as_rate(read.node(), read.diagnostics)) << text;
    }
    EXPECT_DOUBLE_EQ((Rate{90, 60s}.per_second()), 1.5);
}

TEST(AsString, TakesAnyScalarWithinItsLength) {
    Read number{"42"};
    EXPECT_EQ(as_string(number.node(), number.diagnostics), "42");
    Read empty{"\"\""};
    EXPECT_FALSE(as_string(empty.node(), empty.diagnostics));
    EXPECT_EQ(empty.complaint(), "the text is empty; allowed: from 1 to 4096 bytes");
    Read list{"[a]"};
    EXPECT_FALSE(as_string(list.node(), list.diagnostics));
    EXPECT_EQ(list.complaint(), "expected a text, got a list");
}

TEST(AsEnum, SuggestsTheNearestWord) {
    enum class Durability { fsync, wal, none };
    constexpr std::array kWords = {
        Word<Durability>{"fsync", Durability::fsync},
        Word<Durability>{"wal", Durability::wal},
        Word<Durability>{"none", Durability::none},
    };
    const auto words = std::span<const Word<Durability>>{kWords};
    Read good{"wal"};
    EXPECT_EQ(as_enum(good.node(), good.diagnostics, words), Durability::wal);
    Read near{"fsnyc"};
    EXPECT_FALSE(as_enum(near.node(), near.diagnostics, words));
    EXPECT_EQ(near.complaint(), "unknown value 'fsnyc'; did you mean 'fsync'?");
    Read far{"something"};
    EXPECT_FALSE(as_enum(far.node(), far.diagnostics, words));
    EXPECT_EQ(far.complaint(), "unknown value 'something'; one of: fsync, wal, none");
}

TEST(CheckKeys, ReportsEveryUnknownKeyAtItsPlace) {
    Read read{"name: a\nprot: 1\nzzzzzzzz: 2\n"};
    EXPECT_FALSE(check_keys(read.node(), read.diagnostics, {"name", "port"}, "a listener setting"));
    const auto all = read.diagnostics.sorted();
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].message, "unknown key 'prot'");
    EXPECT_EQ(all[0].range.begin, (Position{2, 1}));
    EXPECT_EQ(all[0].help, "did you mean 'port'?");
    EXPECT_EQ(all[0].label, "not a listener setting");
    EXPECT_EQ(all[1].help, "known keys: name, port");
}

TEST(RequireKey, ReportsAbsentAndNull) {
    Read read{"a: 1\nb:\n"};
    EXPECT_TRUE(require_key(read.node(), read.diagnostics, "a"));
    EXPECT_FALSE(require_key(read.node(), read.diagnostics, "b"));
    EXPECT_FALSE(require_key(read.node(), read.diagnostics, "c"));
    EXPECT_EQ(read.diagnostics.errors(), 2U);
}

TEST(Unlimited, IsAWordNotAQuotedText) {
    EXPECT_TRUE(is_unlimited(Read{"unlimited"}.node()));
    EXPECT_FALSE(is_unlimited(Read{"\"unlimited\""}.node()));
    EXPECT_FALSE(is_unlimited(Read{"10"}.node()));
}

TEST(Codes, AreUniqueAndSorted) {
    std::string_view previous;
    for (const auto& info : codes()) {
        EXPECT_LT(previous, info.code);
        EXPECT_TRUE(info.code.starts_with("WEIR-01"));
        EXPECT_FALSE(info.explanation.empty());
        previous = info.code;
    }
}

TEST(Slower, IsTheRateThatAllowsLess) {
    using namespace std::chrono_literals;
    const Rate slow{.amount = 60, .per = 1min};
    const Rate fast{.amount = 2};
    EXPECT_EQ(slower(slow, fast), slow);
    EXPECT_EQ(slower(fast, slow), slow);
    EXPECT_EQ(slower(fast, std::nullopt), fast);
    EXPECT_EQ(slower(std::nullopt, std::nullopt), std::nullopt);
}

}  // namespace
}  // namespace weir::document
