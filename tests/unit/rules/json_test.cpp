#include <gtest/gtest.h>

#include <array>
#include <span>
#include <string>
#include <string_view>

#include <weir/model/message.hpp>
#include <weir/rules/detail/json.hpp>
#include <weir/rules/detail/json_writer.hpp>
#include <weir/rules/value.hpp>

#include "support/json_reference.hpp"
#include "support/random.hpp"

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
        TextCase{"two_values_and_a_comma", "1,2", false},
        TextCase{"zero_behind", std::string_view{"1\0", 2}, false},
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
        TextCase{"nul_behind", std::string_view{"{}\0", 3}, false},
        TextCase{"nul_inside", std::string_view{"[1,\0]", 5}, false},
        TextCase{"nul_in_string", std::string_view{"[\"\0\"]", 5}, false},
        TextCase{"delete_in_string", "[\"\x7f\"]", true},
        TextCase{"utf8_outside_of_strings", "[1,\u00e9]", false},
        TextCase{"byte_order_mark", "\xef\xbb\xbf{}", false},
        TextCase{"cut_in_escape", "\"\\", false},
        TextCase{"cut_in_literal", "[tru", false},
        TextCase{"comma_behind", "{},", false},
        TextCase{"two_texts", "{}{}", false},
        TextCase{"closed_by_the_other_container", R"({"a":[{"b":1]}})", false},
        TextCase{"longer_literal", "[nullx]", false},
        TextCase{"text_behind_string", R"(["a"b])", false}
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

/// Texts that are mostly JSON, with all that a text may have or be damaged by.
class RandomText {
public:
    explicit RandomText(std::uint64_t seed) : random_{seed} {}

    std::string next() {
        std::string text = space() + value(4) + space();
        if (random_.below(3) == 0) {
            damage(text);
        }
        return text;
    }

private:
    std::string_view one_of(std::span<const std::string_view> choices) {
        return choices[random_.below(choices.size())];
    }
    std::string space() {
        static constexpr std::array<std::string_view, 4> kSpaces = {" ", "\n", "\t\r ", "    "};
        return random_.below(4) == 0 ? std::string{one_of(kSpaces)} : std::string{};
    }
    std::string string() {
        static constexpr std::array<std::string_view, 24> kParts = {
            "a", "b", "temp", "x y", "\\n", "\\/", "\\u0041", "\\u0000", "\\ud83d\\ude00", "é", "日本", "\\\\", "\\\"",
            "", "0123456789abcdef", "{", "}", "[", "]", ",", ":", "\x7f", "\U0001F600", "\\u00E9"
        };
        static constexpr std::array<std::string_view, 11> kBad = {
            "\\x", "\xff", "\x01", "\xc3", "\\ud800", "\\udc00", "\\ud800\\u0041", "\\u12", "\xed\xa0\x80", "\n", "\xc0\x80"
        };
        std::string result;
        for (std::size_t i = random_.below(5); i > 0; --i) {
            result += random_.below(100) == 0 ? one_of(kBad) : one_of(kParts);
        }
        return '"' + result + '"';
    }
    std::string number() {
        static constexpr std::array<std::string_view, 12> kNumbers = {
            "0", "-0", "1", "80", "71.25", "-1e5", "1E+400", "1e-7", "123456789012345678901234567890123456789", "0.10", "1.0", "0e0"
        };
        static constexpr std::array<std::string_view, 12> kBad = {
            "01", "+1", "1.", "-", ".5", "1e", "0x1", "1e+", "--1", "NaN", "00", "1a"
        };
        return std::string{random_.below(100) == 0 ? one_of(kBad) : one_of(kNumbers)};
    }
    std::string value(int depth) {
        static constexpr std::array<std::string_view, 3> kLiterals = {"true", "false", "null"};
        switch (random_.below(depth > 0 ? 6 : 4)) {
            case 0:
                return string();
            case 1:
                return std::string{one_of(kLiterals)};
            case 2:
            case 3:
                return number();
            default:
                return container(depth, random_.below(3) != 0);
        }
    }
    std::string container(int depth, bool is_object) {
        std::string result = is_object ? "{" : "[";
        result += space();
        const std::size_t count = random_.below(5);
        for (std::size_t i = 0; i < count; ++i) {
            result += i == 0 ? "" : ",";
            result += space();
            if (is_object) {
                result += string() + space() + ":";
            }
            result += space() + value(depth - 1) + space();
        }
        return result + (is_object ? "}" : "]");
    }
    void damage(std::string& text) {
        static constexpr std::string_view kBytes{"{}[],:\"\\ 0-.et\n\0\x80", 18};
        const std::size_t at = random_.below(text.size());
        const char byte = kBytes[random_.below(kBytes.size())];
        switch (random_.below(4)) {
            case 0:
                text.erase(at, 1);
                break;
            case 1:
                text.resize(at);
                break;
            case 2:
                text[at] = byte;
                break;
            default:
                text.insert(at, 1, byte);
        }
    }

    test::Random random_;
};

TEST(Json, ReadsEveryTextAsTheReferenceDoes) {
    RandomText texts{20};
    int valid = 0;
    for (int i = 0; i < 20'000; ++i) {
        const std::string text = texts.next();
        const auto expected = test::JsonReferenceReader{text}.read();
        const Parsed parsed{text};
        ASSERT_EQ(parsed.ok(), expected.has_value()) << text;
        if (expected) {
            ASSERT_TRUE(test::same(*expected, parsed.root())) << text;
            ++valid;
        }
    }
    EXPECT_GT(valid, 5'000);
    EXPECT_LT(valid, 18'000);
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
