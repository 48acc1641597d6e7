#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include <weir/model/message.hpp>
#include <weir/rules/detail/json.hpp>
#include <weir/rules/detail/json_writer.hpp>
#include <weir/rules/value.hpp>

namespace weir::rules::detail {
namespace {

/// A parsed text with the spare bytes behind it that a message has.
class Parsed {
public:
    explicit Parsed(std::string_view text)
        : padded_{std::string{text} + std::string(model::Message::kSpareBytes, '\0')} {
        ok_ = json_.parse(as_bytes(std::string_view{padded_}.substr(0, text.size())));
    }
    [[nodiscard]] bool ok() const { return ok_; }
    [[nodiscard]] Value root() const { return json_.at(Json::kRoot); }
    [[nodiscard]] std::string written() const {
        Budget budget;
        std::string out;
        EXPECT_TRUE(write_json(out, root(), budget));
        return out;
    }

private:
    std::string padded_;
    Json json_;
    bool ok_ = false;
};

struct TextCase {
    std::string_view name;
    std::string_view text;
    bool valid;
};

class JsonText : public testing::TestWithParam<TextCase> {};

TEST_P(JsonText, IsProvedAsAWhole) {
    EXPECT_EQ(Parsed{GetParam().text}.ok(), GetParam().valid);
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    JsonText,
    testing::Values(
        TextCase{
            "object", R"( {"a" : [1, -2.5e+3, true, false, null, "x\n\u00e9"], "b": {}} )", true
        },
        TextCase{"empty_array", "[ ]", true},
        TextCase{"number", "80", true},
        TextCase{"string", "\"text\"", true},
        TextCase{"white_space_behind", "{}\n", true},
        TextCase{"many_digits", "123456789012345678901234567890123456789012345", true},
        TextCase{"nothing", "", false},
        TextCase{"white_space", "  ", false},
        TextCase{"text", "plain text", false},
        TextCase{"two_values", "1 2", false},
        TextCase{"trailing", "{} x", false},
        TextCase{"trailing_bracket", "{}}", false},
        TextCase{"bad_literal_inside", R"({"a":1,"b":tru})", false},
        TextCase{"bad_number_inside", R"({"a":01})", false},
        TextCase{"plus_sign", "[+1]", false},
        TextCase{"lone_minus", "[-]", false},
        TextCase{"point_without_digits", "[1.]", false},
        TextCase{"trailing_comma", "[1,]", false},
        TextCase{"comma_in_object", R"({"a":1,})", false},
        TextCase{"missing_comma", R"(["a" "b"])", false},
        TextCase{"missing_colon", R"({"a" 1})", false},
        TextCase{"number_as_key", "{1:2}", false},
        TextCase{"open", R"({"a":[1)", false},
        TextCase{"wrong_bracket", "[1}", false},
        TextCase{"unclosed_string", R"(["a])", false},
        TextCase{"bad_escape", R"(["\x"])", false},
        TextCase{"bad_escape_in_key", R"({"\x":1})", false},
        TextCase{"lone_surrogate", R"(["\ud800"])", false},
        TextCase{"control_character", "[\"a\nb\"]", false},
        TextCase{"bad_utf8", "[\"\xff\"]", false},
        TextCase{"nul_behind", std::string_view{"{}\0", 3}, false}
    ),
    [](const auto& row) { return std::string{row.param.name}; }
);

TEST(Json, IsBoundedInDepth_T06) {
    const auto nested = [](std::size_t depth) {
        return std::string(depth, '[') + std::string(depth, ']');
    };
    EXPECT_TRUE(Parsed{nested(Json::kDepthMax)}.ok());
    EXPECT_FALSE(Parsed{nested(Json::kDepthMax + 1)}.ok());
    EXPECT_FALSE(Parsed{nested(100'000)}.ok());
    EXPECT_FALSE(Parsed{std::string(100'000, '[')}.ok());
}

TEST(Json, FindsMembersByTheirText) {
    const Parsed parsed{R"({"a":{"b":[10,{"c":"d"}]},"with \"quotes\"":2,"twice":1,"twice":3})"};
    ASSERT_TRUE(parsed.ok());
    const Value root = parsed.root();
    EXPECT_EQ(root.size(), 4U);
    EXPECT_EQ(root.member("a").member("b").element(1).member("c").text(), "d");
    EXPECT_EQ(root.member("with \"quotes\"").number()->coefficient, 2);
    EXPECT_EQ(root.member("twice").number()->coefficient, 3) << "the last one counts";
    EXPECT_TRUE(root.member("c").is_undefined());
    EXPECT_TRUE(root.member("a").member("b").element(2).is_undefined());
}

TEST(Json, CopiesValuesAsTheyStandWithoutWhiteSpace) {
    EXPECT_EQ(
        Parsed{
            R"({ "n" : 1.10 , "big": 123456789012345678901234567890123456789.5, "s": "a  b\u00e9" })"
        }
            .written(),
        R"({"n":1.10,"big":123456789012345678901234567890123456789.5,"s":"a  b\u00e9"})"
    );
    EXPECT_EQ(Parsed{" \"x\" "}.written(), "\"x\"");
}

TEST(Json, IsReusable_AfterAText) {
    Json json;
    for (const std::string_view text : {"[1,2]", "no", "{\"k\":\"\\u0041\"}"}) {
        const std::string padded =
            std::string{text} + std::string(model::Message::kSpareBytes, '\0');
        EXPECT_EQ(
            json.parse(as_bytes(std::string_view{padded}.substr(0, text.size()))), text != "no"
        );
        if (text.starts_with('{')) {
            EXPECT_EQ(json.at(Json::kRoot).member("k").text(), "A");
        }
    }
}

TEST(JsonWriter, EscapesWhatMustBeEscaped) {
    std::string out;
    write_json_string(out, std::string_view{"\"\\\n\r\t\x01\0é", 9});
    EXPECT_EQ(out, "\"\\\"\\\\\\n\\r\\t\\u0001\\u0000é\"");
}

}  // namespace
}  // namespace weir::rules::detail
