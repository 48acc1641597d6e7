#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include <weir/rules/compiler.hpp>
#include <weir/rules/detail/context.hpp>
#include <weir/rules/evaluator.hpp>

#include "support/count_allocations.hpp"

namespace weir::rules {
namespace {

constexpr std::string_view kProbe =
    R"({"temp":71.25,"quality":"good","n":null,"flag":true,"text":"TRUE","list":[3,1,2],)"
    R"("position":{"lat":59.9,"lon":10.7},"price":10.0,"value":7})";

/// A message with the spare bytes that model::Message has.
class Sample {
public:
    explicit Sample(std::string_view payload, std::string_view topic = "data/p1/temp")
        : padded_{std::string{payload} + std::string(model::Message::kSpareBytes, '\0')},
          size_{payload.size()},
          topic_{topic} {
        principal_.thing = "p1";
        principal_.thing_type = "probe";
        principal_.attributes = {{"site", "north"}};
    }
    [[nodiscard]] Input input() const {
        return {
            .topic = topic_,
            .payload = as_bytes(std::string_view{padded_}.substr(0, size_)),
            .client_id = "p1",
            .principal = &principal_,
            .qos = model::Qos::at_least_once,
            .timestamp_ms = 1'700'000'000'123,
        };
    }

private:
    std::string padded_;
    std::size_t size_;
    std::string topic_;
    model::Principal principal_;
};

ProgramPtr compile(std::string_view sql, Profile profile = Profile::native) {
    document::Diagnostics diagnostics;
    auto program = compile_statement(sql, {.profile = profile}, diagnostics);
    EXPECT_NE(program, nullptr) << diagnostics.render_text();
    return program;
}

/// The output of a statement; "no match", or what failed.
std::string evaluated(
    std::string_view sql, std::string_view payload = kProbe, Profile profile = Profile::native
) {
    const Sample sample{payload};
    Evaluator evaluator;
    const auto program = compile(sql, profile);
    std::string result = "no match";
    for (const Output& output : evaluator.evaluate(*program, sample.input())) {
        result = output.index == 0 ? "" : result + ' ';
        result += output.kind == Output::Kind::failed ? output.error.message()
                                                      : std::string{as_text(output.bytes)};
    }
    return result;
}

/// The value of one expression in the native profile; empty: Undefined.
std::string value_of(std::string_view expression, std::string_view payload = kProbe) {
    return evaluated("SELECT VALUE " + std::string{expression} + " FROM 'a'", payload);
}

struct NativeCase {
    std::string_view name;
    std::string_view expression;
    std::string_view expected;
};

class NativeProfile : public testing::TestWithParam<NativeCase> {};

TEST_P(NativeProfile, FollowsTable) {
    EXPECT_EQ(value_of(GetParam().expression), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    NativeProfile,
    testing::Values(
        NativeCase{"true_or_undefined", "(true OR missing = 1)", "true"},
        NativeCase{"undefined_or_true", "(missing = 1 OR true)", "true"},
        NativeCase{"false_or_undefined", "(flag = false OR missing = 1)", ""},
        NativeCase{"false_and_undefined", "(flag = false AND missing = 1)", "false"},
        NativeCase{"true_and_undefined", "(flag AND missing = 1)", ""},
        NativeCase{"not_undefined", "(NOT (missing = 1))", ""},
        NativeCase{"text_as_boolean", "(text AND flag)", "true"},
        NativeCase{"not_equal", "(temp != 1)", "true"},
        NativeCase{"division", "(7 / 2)", "3.5"},
        NativeCase{"whole_division", "(8 / 2)", "4"},
        NativeCase{"repeating_division", "(1 / 3)", "0.3333333333333333333333333333333333"},
        NativeCase{"decimal_stays", "(price)", "10.0"},
        NativeCase{"computed_whole", "(price * 2)", "20"},
        NativeCase{"index", "(list[0])", "3"},
        NativeCase{"index_computed", "(list[list[1]])", "1"},
        NativeCase{"index_beyond", "(list[3])", ""},
        NativeCase{"index_negative", "(list[-1])", ""},
        NativeCase{"index_then_member", "([position][0].lat)", "59.9"},
        NativeCase{
            "searched_case",
            "CASE WHEN temp > 80 THEN 'hot' WHEN temp > 60 THEN 'warm' END",
            "\"warm\""
        },
        NativeCase{"searched_case_else", "CASE WHEN missing > 1 THEN 1 ELSE 2 END", "2"},
        NativeCase{"thing", "(thing())", "\"p1\""},
        NativeCase{"attribute", "(attribute('site'))", "\"north\""},
        NativeCase{"attribute_missing", "(attribute('colour'))", ""},
        NativeCase{"qos", "(qos())", "1"},
        NativeCase{"version", "(sql_version())", "\"native\""},
        NativeCase{"bitnot", "(bitnot(13))", "-14"},
        NativeCase{"quotes_doubled", "'it''s'", "\"it's\""},
        NativeCase{"null_plus_text", "('x' + n)", ""},
        NativeCase{"in_field", "(2 IN list)", "true"},
        NativeCase{"not_in", "(5 NOT IN list)", "true"},
        NativeCase{"not_in_missing", "(5 NOT IN missing)", ""},
        NativeCase{"comment", "(1 -- one\n + 1)", "2"},
        NativeCase{"sub_query", "(SELECT VALUE x * 2 FROM list AS x WHERE x <> 1)", "[6,4]"},
        NativeCase{
            "outer_alias",
            "(SELECT VALUE (SELECT VALUE o + i FROM [10] AS i) FROM list AS o)",
            "[[13],[11],[12]]"
        },
        NativeCase{"scientific", "(1E40 + 0)", "1E40"},
        NativeCase{"object_keys_last_wins", "{'a': 1, 'b': missing, 'c': 3, 'a': 2}", R"({"a":2,"c":3})"},
        NativeCase{"concat_leaves_out_undefined", "concat([1], missing, 2)", "[1,2]"},
        NativeCase{"bits_beyond_int64", "bitand(18446744073709551616, temp - 70.25)", "0"},
        NativeCase{
            "more_bits_beyond_int64",
            "bitor(18446744073709551615, 18446744073709551616 + list[1])",
            "36893488147419103231"
        },
        NativeCase{"bits_of_negative", "bitand(-1, 18446744073709551614 + list[1])", "18446744073709551615"},
        NativeCase{"bitxor_beyond_int64", "bitxor(18446744073709551616, list[0])", "18446744073709551619"},
        NativeCase{"bitnot_beyond_int64", "bitnot(18446744073709551614 + list[1])", "-18446744073709551616"},
        NativeCase{"bits_of_fraction", "bitor(-0.5, list[0] - 3)", "-1"},
        NativeCase{"bits_beyond_34_digits", "bitand(1E40 + list[1], 1)", ""},
        NativeCase{"bits_of_a_result_too_large", "bitnot(9999999999999999999999999999999998 + list[1])", ""},
        NativeCase{"sum_from_the_left", "(10 - list[0] - 1 + 2)", "8"},
        NativeCase{"sum_of_texts_from_the_left", "(list[0] + 1 + 'x' + list[0] + 1)", "\"4x31\""}
    ),
    [](const auto& row) { return std::string{row.param.name}; }
);

TEST(Select, KeepsTheOrderAndTheTextOfWhatItPicks) {
    EXPECT_EQ(
        evaluated("SELECT price, position.lat, topic(2) AS device, value FROM 'a'"),
        R"({"price":10.0,"lat":59.9,"device":"p1","value":7})"
    );
    EXPECT_EQ(
        evaluated("SELECT position.lat AS at.lat, position.lon AS at.lon FROM 'a'"),
        R"({"at":{"lat":59.9,"lon":10.7}})"
    );
    EXPECT_EQ(
        evaluated("SELECT *, 1 AS b FROM 'a'", R"({"a": 0, "b": 2, "c": 3})"),
        R"({"a":0,"b":1,"c":3})"
    );
    EXPECT_EQ(evaluated("SELECT 1 AS b, * FROM 'a'", R"({"a": 0, "b": 2})"), R"({"b":2,"a":0})");
    EXPECT_EQ(evaluated("SELECT *, missing AS a FROM 'a'", R"({"a": 0})"), R"({"a":0})");
    EXPECT_EQ(evaluated(R"(SELECT temp AS "the temp" FROM 'a')"), R"({"the temp":71.25})");
}

TEST(Select, TakesValueAsTheNameOfAField) {
    EXPECT_EQ(evaluated("SELECT value FROM 'a'"), R"({"value":7})");
    EXPECT_EQ(evaluated("SELECT value AS v, value * 2 AS w FROM 'a'"), R"({"v":7,"w":14})");
    EXPECT_EQ(evaluated("SELECT VALUE value FROM 'a'"), "7");
    EXPECT_EQ(evaluated("SELECT VALUE * FROM 'a'", "[1, 2]"), "[1,2]");
    EXPECT_EQ(evaluated("SELECT VALUE -temp FROM 'a'"), "-71.25");
    EXPECT_EQ(evaluated("SELECT VALUE -cast(temp AS int) FROM 'a' WHERE flag"), "-71");
    EXPECT_EQ(evaluated("SELECT value - 1 AS less, temp FROM 'a'"), R"({"less":6,"temp":71.25})");
    EXPECT_EQ(evaluated("SELECT value[0] AS first FROM 'a'", R"({"value":[5]})"), R"({"first":5})");
    EXPECT_EQ(evaluated("SELECT VALUE [value] FROM 'a'"), "[7]");
    EXPECT_EQ(evaluated("FOREACH list DO VALUE -item INCASE item > 1 FROM 'a'"), "-3 -2");
    EXPECT_EQ(evaluated("SELECT (SELECT VALUE -x FROM list AS x) AS l FROM 'a'"), R"({"l":[-3,-1,-2]})");
}

TEST(Select, FindsNothing_HoweverFarBeyondTheEnd) {
    for (const std::string_view expression :
         {"list[5000000]", "get(list, 5000000)", "get(list, 1E30)", "get(quality, 5000000)", "get(temp, 0)"}) {
        EXPECT_EQ(value_of("(" + std::string{expression} + ")"), "") << expression;
    }
}

TEST(Arithmetic, TakesAChainOfAnyLength) {
    std::string sum = "0";
    for (int i = 0; i < 1'000; ++i) {
        sum += i % 2 == 0 ? " + list[1]" : " - 2 * 1";
    }
    EXPECT_EQ(value_of("(" + sum + ")"), "-500");
    std::string product = "list[1]";
    for (int i = 0; i < 300; ++i) {
        product += " * 1";
    }
    EXPECT_EQ(value_of(product), "1");
}

TEST(Select, NeedsNoJson) {
    const Sample sample{"\x01\x02 not json"};
    Evaluator evaluator;
    const auto whole = evaluator.evaluate(*compile("SELECT * FROM 'a'"), sample.input());
    ASSERT_EQ(whole.size(), 1U);
    EXPECT_EQ(whole[0].kind, Output::Kind::raw);
    EXPECT_EQ(as_text(whole[0].bytes), "\x01\x02 not json");
    EXPECT_EQ(evaluated("SELECT * AS k, [*] AS l FROM 'a'", "not json"), R"({"l":[null]})");
    EXPECT_EQ(evaluated("SELECT *, topic(1) AS t FROM 'a'", "not json"), R"({"t":"data"})");
    EXPECT_EQ(evaluated("SELECT temp FROM 'a'", R"({"temp":1,"rest":tru})"), "{}")
        << "invalid anywhere is invalid";
}

TEST(Select, GivesValidText_WhateverTheFunctionsDo) {
    EXPECT_EQ(value_of("decode('/w==', 'base64')"), "null") << "not UTF-8";
    EXPECT_EQ(value_of("regexp_replace(a, 'x*', '-')", R"({"a":"\u00e9x"})"), "\"-é--\"");
    EXPECT_EQ(value_of("substring(a, 1, 2)", R"({"a":"éß\ud83c\udf21"})"), "\"ß\"");
    EXPECT_EQ(value_of("get(a, 2)", R"({"a":"éß\ud83c\udf21"})"), "\"🌡\"");
}

TEST(Bytes, AreReadFromAPayloadThatIsNoText) {
    // A reading of -12.5 degrees in tenths, 3.5 as float, status bits 1 0 1.
    const Sample sample{std::string{"\xff\x83\x00\x00\x60\x40\xa0", 7}};
    Evaluator evaluator;
    const auto program = compile(
        "SELECT read_int(*, 0, 2, 'signed') / 10 AS t, read_float(*, 2, 4, 'little') AS f, "
        "bits(*, 48, 3) AS s, read_int(*, 0, 1) AS u, read_int(*, 6, 2) AS beyond, "
        "bits(*, 50, 7) AS too, encode(*, 'hex') AS h FROM 'a'"
    );
    const auto output = evaluator.evaluate(*program, sample.input());
    ASSERT_EQ(output.size(), 1U);
    EXPECT_EQ(
        as_text(output[0].bytes), R"({"t":-12.5,"f":3.5,"s":5,"u":255,"h":"ff8300006040a0"})"
    );
    EXPECT_EQ(value_of("read_int(bytes('//8=', 'base64'), 0, 2)"), "65535");
    EXPECT_EQ(value_of("read_int(bytes('ffffffffffffffff', 'hex'), 0, 8)"), "18446744073709551615");
    EXPECT_EQ(value_of("read_int(bytes('feff', 'hex'), 0, 2, 'signed', 'little')"), "-2");
    EXPECT_EQ(value_of("read_float(bytes('7fc00000', 'hex'), 0, 4)"), "") << "not a number";
    EXPECT_EQ(value_of("read_int(temp, 0, 1)"), "");
    EXPECT_EQ(value_of("read_int(bytes('00', 'hex'), 0, 1, 'middle')"), "");
}

TEST(Exists, NeedsNoNames) {
    EXPECT_EQ(value_of("EXISTS (SELECT 1 FROM list)"), "true");
    EXPECT_EQ(value_of("EXISTS (SELECT x + 1 FROM list AS x WHERE x > 3)"), "false");
}

TEST(Select, HasNoArrayAsOutput_InThe2015Version) {
    EXPECT_EQ(evaluated("SELECT VALUE list FROM 'a'", kProbe, Profile::aws_2015), "");
    EXPECT_EQ(evaluated("SELECT list FROM 'a'", kProbe, Profile::aws_2015), R"({"list":[3,1,2]})");
    EXPECT_EQ(evaluated("SELECT VALUE list FROM 'a'", kProbe, Profile::aws_2016), "[3,1,2]");
}

TEST(Select, TakesAnEmptyPayloadForAnEmptyObject_InAwsProfiles) {
    EXPECT_EQ(evaluated("SELECT * FROM 'a'", "", Profile::aws_2016), "{}");
    EXPECT_EQ(evaluated("SELECT *, topic(1) AS t FROM 'a'", "", Profile::aws_2015), R"({"t":"data"})");
    EXPECT_EQ(evaluated("SELECT VALUE encode(*, 'base64') FROM 'a'", "", Profile::aws_2016), R"("")");
    EXPECT_EQ(evaluated("SELECT * FROM 'a'", ""), "");
}

TEST(Transform, GivesAtMost128KiB_InAwsProfiles) {
    const std::string sql = "SELECT size(transform('enrichArray', {'text': text}, rows)) AS n FROM 'a'";
    const std::string aws = "SELECT length(transform('enrichArray', {'text': text}, rows)) > 0 AS n FROM 'a'";
    for (const std::size_t bytes : {600U, 700U}) {
        std::string payload = R"({"text":")" + std::string(bytes, 'x') + R"(","rows":[{"a":1})";
        for (int i = 1; i < 200; ++i) {
            payload += R"(,{"a":1})";
        }
        payload += "]}";
        EXPECT_EQ(evaluated(sql, payload), R"({"n":200})");
        EXPECT_EQ(evaluated(aws, payload, Profile::aws_2016), bytes == 600 ? R"({"n":true})" : "{}");
    }
}

class AwsProfile : public testing::TestWithParam<NativeCase> {};

TEST_P(AwsProfile, FollowsTable) {
    const auto sql = "SELECT VALUE " + std::string{GetParam().expression} + " FROM 'a'";
    EXPECT_EQ(evaluated(sql, kProbe, Profile::aws_2016), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    AwsProfile,
    testing::Values(
        NativeCase{"text_plus_number_text", "('1' + 2)", R"("12")"},
        NativeCase{"number_text_times_number", "('3.7' * 2)", "7.4"},
        NativeCase{"number_text_minus", "(7 - '12')", "-5"},
        NativeCase{"boolean_plus_number", "(flag + 1)", ""},
        NativeCase{"boolean_plus_text", "(quality + flag)", R"("goodtrue")"},
        NativeCase{"list_plus_text", "(list + '')", R"("[3,1,2]")"},
        NativeCase{"null_plus_number", "(n + 1)", ""},
        NativeCase{"whole_decimal_in_text", "('a' + price)", R"("a10")"},
        NativeCase{"negative_division", "(-7 / 2)", "-3"},
        NativeCase{"exponent_in_text", "('1e2' > 99)", "true"},
        NativeCase{"plus_in_exponent_of_text", "('1e+2' > 99)", ""},
        NativeCase{"space_in_text", "(' 12' > 1)", ""},
        NativeCase{"point_first_in_text", "('.5' > 0)", ""},
        NativeCase{"point_last_in_text", "('5.' > 0)", ""},
        NativeCase{"texts_of_numbers_in_order", "('9' < '10')", "true"},
        NativeCase{"chained_comparison", "(1 < 2 < 3)", ""},
        NativeCase{"null_is_null", "(n = null)", "true"},
        NativeCase{"null_is_not_missing", "(n = missing)", ""},
        NativeCase{"boolean_is_no_text", "(flag = 'true')", "false"},
        NativeCase{"false_and_missing", "(false AND missing)", ""},
        NativeCase{"texts_as_booleans", "('true' AND 'FALSE')", "false"},
        NativeCase{"in_strict", "('7' IN [7])", "false"},
        NativeCase{"in_by_value", "(7.0 IN [7])", "true"},
        NativeCase{"null_in", "(n IN [null])", "true"},
        NativeCase{"list_in", "([1] IN [[1]])", "true"},
        NativeCase{"index_as_text", "get(list, '1')", "1"},
        NativeCase{"index_cut", "get(list, 1.9)", "1"},
        NativeCase{"key_is_no_number", "get(position, 0)", ""},
        NativeCase{"object_without_match", "(SELECT VALUE lat FROM position WHERE lat < 0)", ""},
        NativeCase{"undefined_values_left_out", "(SELECT VALUE x.y FROM list AS x)", "[]"},
        NativeCase{"outer_names_not_seen", "(SELECT VALUE temp FROM list)", "[]"},
        NativeCase{"case_strict", "CASE value WHEN '7' THEN 1 ELSE 2 END", "2"},
        NativeCase{"case_passes_undefined", "CASE value WHEN missing THEN 1 WHEN 7 THEN 2 END", "2"},
        NativeCase{"case_of_null", "CASE n WHEN null THEN 1 ELSE 2 END", "1"},
        NativeCase{"cast_text_drops_fraction", "cast('-2.9' AS int)", "-2"},
        NativeCase{"cast_number_rounds_down", "cast(-2.9 AS int)", "-3"},
        NativeCase{"cast_text_of_number_to_boolean", "cast('1' AS boolean)", ""},
        NativeCase{"trunc_negative_places", "trunc(2345, -2)", "2345"},
        NativeCase{"concat_null", "concat('a', n)", ""},
        NativeCase{"concat_lists", "concat('a', [1], [2, 3])", R"(["a",1,2,3])"},
        NativeCase{"decode_json_text", "decode('IngieQ==', 'base64')", R"("\"x\"y")"},
        NativeCase{"substring_far_left", "substring(false, -2.411E247)", R"("false")"},
        NativeCase{"replace_nothing", "replace('aaa', '', 'b')", R"("aaa")"},
        NativeCase{"level_beyond", "topic(9)", ""},
        NativeCase{"beyond_the_largest", "(1E999 * 10)", ""}
    ),
    [](const auto& param_info) { return std::string{param_info.param.name}; }
);

TEST(Set, TakesNamesOfDigits) {
    EXPECT_EQ(evaluated("SET @1 = 2, @2_a = @1 * 3 SELECT @2_a AS r FROM 'a'"), R"({"r":6})");
}

TEST(Set, IsSeenEverywhere) {
    EXPECT_EQ(
        evaluated(
            "SET @c = (temp - 32) * 5 / 9, @w = @c > 20 SELECT round(@c) AS c, @w FROM 'a' WHERE @w"
        ),
        R"({"c":22,"w":true})"
    );
    EXPECT_EQ(
        evaluated("SET @p = position SELECT (SELECT VALUE @p.lat FROM list) AS l FROM 'a'"),
        R"({"l":[59.9,59.9,59.9]})"
    );
}

TEST(Foreach, GivesOneOutputPerElement) {
    constexpr std::string_view kRows = R"({"site":"n","rows":[{"k":"a","v":1},{"k":"b","v":2},7]})";
    EXPECT_EQ(
        evaluated("FOREACH rows AS r DO site, r.k, r.v * 2 AS w INCASE r.v > 0 FROM 'a'", kRows),
        R"({"site":"n","k":"a","w":2} {"site":"n","k":"b","w":4})"
    );
    EXPECT_EQ(evaluated("FOREACH rows FROM 'a'", kRows), R"({"k":"a","v":1} {"k":"b","v":2} 7)");
    EXPECT_EQ(evaluated("FOREACH rows DO VALUE item.k FROM 'a'", kRows), R"("a" "b")");
    EXPECT_EQ(
        evaluated("FOREACH rows DO (SELECT VALUE k FROM rows WHERE v = item.v) AS s FROM 'a'", kRows),
        R"({"s":["a"]} {"s":["b"]} {"s":[]})"
    ) << "the element is seen from within";
    EXPECT_EQ(evaluated("FOREACH rows FROM 'a' WHERE site = 's'", kRows), "no match");
    EXPECT_EQ(evaluated("FOREACH missing FROM 'a'", kRows), "no match");
    EXPECT_EQ(evaluated("FOREACH [] FROM 'a'", kRows), "no match");
    EXPECT_EQ(evaluated("FOREACH {'k': 1} DO item.k FROM 'a'", kRows), R"({"k":1})");
}

TEST(Budget, GrowsWithThePayload) {
    const std::string payload = R"({"a":")" + std::string(4 * 1024 * 1024, 'x') + R"(","b":1})";
    EXPECT_EQ(evaluated("SELECT * FROM 'a' WHERE a <> 'x' AND b = 1", payload), payload);
    EXPECT_THAT(evaluated("SELECT a + a + a AS r FROM 'a'", payload), testing::HasSubstr("steps"));
    std::string conditions = "b = 1";
    for (int i = 0; i < 100; ++i) {
        conditions += " AND b = 1";
    }
    EXPECT_EQ(evaluated("SELECT b FROM 'a' WHERE " + conditions, payload), R"({"b":1})") << "few members, whatever they hold";
}

TEST(Foreach, IsBounded_T30) {
    std::string rows = "{\"a\":[0";
    for (std::size_t i = 1; i < Evaluator::kOutputsMax; ++i) {
        rows += ",0";
    }
    EXPECT_EQ(evaluated("FOREACH a FROM 'a'", rows + "]}").substr(0, 4), "0 0 ");
    EXPECT_EQ(
        evaluated("FOREACH a FROM 'a'", rows + ",0]}"),
        make_error_code(errc::too_many_outputs).message()
    );
}

TEST(Foreach, HasStepsForEachElement_T30) {
    std::string rows = R"({"t":1,"a":[{"v":1,"w":2})";
    for (std::size_t i = 1; i < Evaluator::kOutputsMax; ++i) {
        rows += R"(,{"v":1,"w":2})";
    }
    EXPECT_THAT(
        evaluated("FOREACH a AS x DO x.v AS v, x.w AS w, t AS t INCASE x.v > 0 FROM 'a'", rows + "]}"),
        testing::EndsWith(R"({"v":1,"w":2,"t":1})")
    );
    // Elements beyond those that there may be outputs of bring none.
    std::string many = R"({"a":[0)";
    for (int i = 0; i < 20'000; ++i) {
        many += ",0";
    }
    EXPECT_EQ(
        evaluated("FOREACH a DO VALUE item INCASE item > 0 AND item < 5 FROM 'a'", many + "]}"),
        make_error_code(errc::budget_exceeded).message()
    );
}

TEST(Foreach, HasNoMoreBytesForItsElements_T30) {
    const auto payload = [](std::size_t size) {
        std::string text = R"({"t":")" + std::string(size, 'x') + R"(","a":[0)";
        for (std::size_t i = 1; i < Evaluator::kOutputsMax; ++i) {
            text += ",0";
        }
        return text + "]}";
    };
    const std::string error = make_error_code(errc::budget_exceeded).message();
    EXPECT_THAT(evaluated("FOREACH a DO t FROM 'a'", payload(2'000)), testing::StartsWith(R"({"t":"x)"));
    EXPECT_EQ(evaluated("FOREACH a DO t FROM 'a'", payload(5'000)), error) << "5 MB of outputs";
    EXPECT_EQ(evaluated("FOREACH a DO sha256(t) AS h FROM 'a'", payload(2'000)), error);
}

TEST(Budget, PaysForWhatRegularExpressionsLookAt_T30) {
    const auto of = [](std::string_view call, std::string_view text) {
        return evaluated(
            "SELECT VALUE " + std::string{call} + " FROM 'a'", R"({"t":")" + std::string{text} + "\"}"
        );
    };
    const std::string error = make_error_code(errc::budget_exceeded).message();
    const std::string bs(20'000, 'b');
    EXPECT_EQ(of("regexp_replace(t, 'b.*c|b', '-')", bs), error)
        << "each of the matches looks for a c up to the end";
    EXPECT_EQ(of("regexp_replace(t, 'b.*c|b', '-')", "bab"), R"("-a-")");
    for (const std::string_view pattern : {"b+", "b{3,}", "(b+)", "[^]a]+", "b*$"}) {
        EXPECT_THAT(
            of("regexp_replace(t, '" + std::string{pattern} + "', '-')", bs), testing::StartsWith("\"-")
        ) << pattern;
    }
    const std::string many = bs + bs + bs;
    EXPECT_EQ(of("regexp_matches(t, '(a|b)*a(a|b){12}c')", many), error) << "2^12 states";
    EXPECT_EQ(of("regexp_matches(t, 'a(a|b){4}c')", many), "false");
    EXPECT_EQ(of("regexp_matches(t, '^[0-9a-f]{8}-')", bs.substr(0, 4'000)), "false");
    EXPECT_EQ(of("regexp_replace(t, '((b+)(b+)(b+)(b+))', '$5')", many), error)
        << "groups are a search of their own";
    EXPECT_EQ(of("regexp_replace(t, '((b+)(b+)(b+)(b+))', '')", many), R"("")") << "which nobody asks for here";
    EXPECT_EQ(of("regexp_replace(t, '([0-9]{4})-([0-9]{2})', '$2/$1$3')", "on 2026-01-31"), R"("on 01/2026-31")");
}

TEST(Budget, StopsAnEvaluation_T30) {
    std::string rows = "{\"a\":[0";
    for (int i = 0; i < 300; ++i) {
        rows += ",0";
    }
    rows += "]}";
    const std::string error = make_error_code(errc::budget_exceeded).message();
    EXPECT_EQ(
        evaluated(
            "SET @a = a SELECT (SELECT VALUE (SELECT VALUE y FROM @a AS y) FROM a AS x) AS r FROM "
            "'a'",
            rows
        ),
        error
    );
    const std::string text = "{\"t\":\"" + std::string(200'000, 'a') + "\"}";
    EXPECT_EQ(evaluated("SELECT replace(t, 'a', t) AS r FROM 'a'", text), error);
    EXPECT_EQ(evaluated("SELECT regexp_replace(t, 'a', t) AS r FROM 'a'", text), error);
    EXPECT_EQ(
        evaluated(
            "SET @b = t + t SELECT @b + @b + @b + @b + @b + @b + @b + @b AS r FROM 'a'", text
        ),
        error
    );
    EXPECT_EQ(
        evaluated("SELECT regexp_matches(t, '(a*)*b') AS r FROM 'a'", text), R"({"r":false})"
    );
    EXPECT_EQ(evaluated("SELECT 1 AS x FROM 'a' WHERE regexp_matches(t, t)", text), "no match")
        << "pattern too long";
}

TEST(Budget, BoundsTheWorkOfEachFunction_T30) {
    // 2,000 rows, and a text that makes naive searches quadratic.
    std::string payload = R"({"s":")" + std::string(60'000, 'a') + R"(","p":")" +
                          std::string(30'000, 'a') + R"(b","rows":[0)";
    for (int i = 1; i < 2'000; ++i) {
        payload += ",0";
    }
    payload += "]}";
    const Sample sample{payload};
    Evaluator evaluator;
    for (const std::string_view call :
         {"indexof(@s, @p)",
          "replace(@s, @p, 'x')",
          "upper(@s)",
          "md2(@s)",
          "sha512(@s)",
          "encode(@s, 'base64')",
          "decode(@s, 'base64')",
          "regexp_matches(@s, '(a|aa)*b')",
          "regexp_matches(@s, substring(@p, 29990))",
          "concat(@s, @p)",
          "@s + @p",
          "@s = @s + ''",
          "transform('enrichArray', {'a': 1}, @r)",
          "length(@s)",
          "get(@r, 1999)",
          "size(@r)",
          "sum(@r)",
          "slice(@r, 1990)",
          "elements(@r)",
          "contains(@s, @p)",
          "split(@s, @p)",
          "join(@r, ',')",
          "parse_json(@s)",
          "bytes(@s, 'hex')",
          "0 IN @r",
          "@r = @r"}) {
        const auto program = compile(
            "SET @s = s, @p = p, @r = rows SELECT (SELECT VALUE " + std::string{call} +
            " FROM @r) AS r FROM 'a'"
        );
        const auto output = evaluator.evaluate(*program, sample.input());
        ASSERT_EQ(output.size(), 1U);
        EXPECT_EQ(output[0].kind, Output::Kind::failed) << call;
    }
}

TEST(Evaluator, CallsBackForEachRuleThatTakesTheMessage) {
    std::vector<RuleDefinition> definitions;
    const auto add =
        [&](std::string name, std::string_view sql, Profile profile, bool enabled = true) {
            RuleDefinition rule{.name = std::move(name)};
            rule.profile = profile;
            rule.enabled = enabled;
            rule.program = compile(sql, profile);
            definitions.push_back(std::move(rule));
        };
    add("d_native_parent", "SELECT 4 AS r FROM 'data/p1/temp/#'", Profile::native);
    add("c_aws_parent", "SELECT 3 AS r FROM 'data/p1/temp/#'", Profile::aws_2016);
    add("b_where", "SELECT 2 AS r FROM 'data/+/temp' WHERE temp > 80", Profile::native);
    add("a_plain", "SELECT temp AS r FROM 'data/#'", Profile::native);
    add("e_both", "SELECT 6 AS r FROM 'data/#', 'cmd/#', 'data/p1/+'", Profile::native);
    add("e_disabled", "SELECT 5 AS r FROM '#'", Profile::native, false);
    add("f_failing", "SET @l = list SELECT concat(@l, @l) AS r FROM '#'", Profile::native);
    const auto rules = RuleSet::build(std::move(definitions));
    const Sample sample{kProbe};
    Evaluator evaluator;
    std::vector<std::string> seen;
    evaluator.evaluate(*rules, sample.input(), nullptr, [&](const Rule& rule, const Evaluated& it) {
        EXPECT_EQ(&rules->rules()[rule.index()], &rule);
        for (const Output& output : it.outputs) {
            seen.push_back(std::string{rule.name()} + ' ' + std::string{as_text(output.bytes)});
        }
    });
    EXPECT_THAT(
        seen,
        testing::ElementsAre(
            R"(a_plain {"r":71.25})",
            R"(d_native_parent {"r":4})",
            R"(e_both {"r":6})",
            R"(f_failing {"r":[3,1,2,3,1,2]})"
        )
    );
    EXPECT_EQ(rules->find("b_where")->name(), "b_where");
    EXPECT_EQ(rules->find("b"), nullptr);
}

TEST(Evaluator, AllocatesNothing_OnceItHasSeenAMessage) {
    std::vector<RuleDefinition> definitions;
    int number = 0;
    for (const std::string_view sql :
         {"SELECT * FROM 'data/+/temp' WHERE temp > 80 AND quality <> 'bad'",
          "SELECT * FROM 'data/#' WHERE regexp_matches(quality, '^b')",
          "SELECT * FROM 'data/#' WHERE quality IN ['bad', 'none']",
          "SELECT topic(2) AS device, temp, position.lat AS lat, timestamp() AS at, value FROM "
          "'data/+/temp'",
          "SELECT (temp - 32) * 5 / 9 AS c, upper(quality) AS q FROM 'data/+/temp' WHERE temp > 60"
         }) {
        RuleDefinition rule{.name = std::to_string(number++)};
        rule.program = compile(sql);
        definitions.push_back(std::move(rule));
    }
    const auto rules = RuleSet::build(std::move(definitions));
    const Sample sample{kProbe};
    const Sample other{kProbe, "cmd/p1"};
    Evaluator evaluator;
    std::size_t outputs = 0;
    const auto run = [&](const Sample& message) {
        evaluator.evaluate(*rules, message.input(), nullptr, [&](const Rule&, const Evaluated& it) {
            outputs += it.outputs.size();
        });
    };
    run(sample);
    run(other);
    const auto before = test::allocations.load();
    run(sample);
    run(other);
    EXPECT_EQ(test::allocations.load() - before, 0U);
    EXPECT_EQ(outputs, 4U);
}

class Steps final : public Recorder {
public:
    void evaluated(std::string_view expression, const Value& value) override {
        lines.push_back(std::string{expression} + ": " + std::string{name(value.type())});
    }
    std::vector<std::string> lines;
};

TEST(Recorder, SeesEveryStep) {
    const Sample sample{kProbe};
    Steps steps;
    Evaluator evaluator;
    const auto program = compile("SELECT temp FROM 'a' WHERE temp > 40 + 40 AND missing = 1");
    EXPECT_TRUE(evaluator.evaluate(*program, sample.input(), &steps).empty());
    EXPECT_THAT(
        steps.lines,
        testing::ElementsAre(
            "temp: Decimal",
            "40 + 40: Int",
            "temp > 40 + 40: Boolean",
            "temp > 40 + 40 AND missing = 1: Boolean"
        )
    );
}

TEST(Recorder, SeesEachStepOfAChain) {
    const Sample sample{kProbe};
    Steps steps;
    Evaluator evaluator;
    const auto program = compile("SELECT VALUE value - 1 + 'x' + flag FROM 'a'");
    EXPECT_EQ(as_text(evaluator.evaluate(*program, sample.input(), &steps).front().bytes), R"("6xtrue")");
    EXPECT_THAT(
        steps.lines,
        testing::ElementsAre(
            "value: Int",
            "1: Int",
            "value - 1: Int",
            "'x': String",
            "value - 1 + 'x': String",
            "flag: Boolean",
            "value - 1 + 'x' + flag: String"
        )
    );
}

std::string rendered(std::string_view text, bool dollar_escape = false) {
    document::Diagnostics diagnostics;
    const auto compiled = Template::compile(text, {.dollar_escape = dollar_escape}, diagnostics);
    if (!compiled) {
        return diagnostics.sorted().front().message;
    }
    const Sample sample{kProbe};
    Evaluator evaluator;
    const auto result = evaluator.render(*compiled, sample.input());
    return result ? std::string{*result} : result.error().message();
}

TEST(Template, IsFilledIn) {
    EXPECT_EQ(rendered("alarm/${topic(2)}/${temp}"), "alarm/p1/71.25");
    EXPECT_EQ(rendered("${{'a': '}'}.a}"), "}");
    EXPECT_EQ(rendered("plain $ text"), "plain $ text");
    EXPECT_EQ(rendered("$$aws/things/${thing()}/shadow", true), "$aws/things/p1/shadow");
    EXPECT_EQ(rendered("$${temp}", true), "${temp}") << "the escape makes the dollar text";
}

TEST(Template, FailsRatherThanLeavingAHole) {
    EXPECT_EQ(rendered("alarm/${missing}"), make_error_code(errc::template_undefined).message());
    EXPECT_EQ(rendered("alarm/${n}"), make_error_code(errc::template_undefined).message());
    EXPECT_EQ(rendered("${''}"), make_error_code(errc::template_empty).message());
    EXPECT_EQ(rendered("a/${temp"), "the expression that begins here has no closing brace");
}

TEST(Template, IsRenderedInsideOfACallback) {
    document::Diagnostics diagnostics;
    const auto topic = Template::compile("out/${quality}", {}, diagnostics);
    RuleDefinition rule{.name = "r"};
    rule.program = compile("SELECT temp FROM 'data/#'");
    const auto rules = RuleSet::build({rule});
    const Sample sample{kProbe};
    Evaluator evaluator;
    std::string seen;
    evaluator.evaluate(*rules, sample.input(), nullptr, [&](const Rule&, const Evaluated& it) {
        seen = std::string{*evaluator.render(*topic)} + ' ' +
               std::string{as_text(it.outputs.front().bytes)};
    });
    EXPECT_EQ(seen, R"(out/good {"temp":71.25})");
}

TEST(BasicIngest, IsTakenApart) {
    const auto ingest = parse_basic_ingest("$aws/rules/hot/a/b");
    ASSERT_TRUE(ingest);
    EXPECT_EQ(ingest->rule, "hot");
    EXPECT_EQ(ingest->topic, "a/b");
    EXPECT_EQ(parse_basic_ingest("$aws/rules/hot/")->rule, "hot");
    EXPECT_EQ(parse_basic_ingest("$aws/rules/hot")->topic, "");
    for (const std::string_view topic :
         {"$aws/rules/", "$aws/rules//a", "$aws/rules", "aws/rules/hot/a"}) {
        EXPECT_FALSE(parse_basic_ingest(topic)) << topic;
    }
}

}  // namespace
}  // namespace weir::rules
