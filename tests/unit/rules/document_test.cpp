#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include <weir/rules/document.hpp>

namespace weir::rules {
namespace {

using document::Diagnostics;

constexpr std::string_view kHot = R"(---
description: Alarm when a probe is hot
to:
  - stream: alarms
  - http: {sink: pager, body: json, batch: {messages: 100, bytes: 256KiB, wait: 1s}}
  - republish: {topic: "alarm/${topic(2)}", qos: 1, retain: true}
on_error: {stream: rule-errors}
profile: native
---
SELECT topic(2) AS device, temp, timestamp() AS at
FROM 'data/+/temp'
WHERE temp > 80 AND quality <> 'bad'
)";

/// What is shown to the operator for a file rules.d/hot.sql.
std::string reported(std::string_view text) {
    Diagnostics diagnostics;
    const bool accepted = parse_rule("rules.d/hot.sql", text, diagnostics).has_value();
    EXPECT_EQ(accepted, !diagnostics.has_errors());
    return diagnostics.render_text();
}

/// As `reported`, for SQL alone below a head of three lines.
std::string reported_sql(std::string_view sql, std::string_view profile = "native") {
    return reported(
        "---\nto: {stream: s}\nprofile: " + std::string{profile} + "\n---\n" + std::string{sql}
    );
}

TEST(RuleDocument, IsReadAsAWhole) {
    Diagnostics diagnostics;
    const auto rule = parse_rule("rules.d/hot.sql", kHot, diagnostics);
    ASSERT_TRUE(rule) << diagnostics.render_text();
    EXPECT_EQ(diagnostics.render_text(), "");
    EXPECT_EQ(rule->name, "hot");
    EXPECT_EQ(rule->description, "Alarm when a probe is hot");
    EXPECT_EQ(rule->profile, Profile::native);
    EXPECT_TRUE(rule->enabled);
    EXPECT_EQ(rule->source.line, 10U);
    EXPECT_THAT(rule->program->filters, testing::ElementsAre("data/+/temp"));
    EXPECT_THAT(
        rule->program->paths,
        testing::UnorderedElementsAre(testing::ElementsAre("temp"), testing::ElementsAre("quality"))
    );
    ASSERT_EQ(rule->actions.size(), 3U);
    EXPECT_EQ(std::get<StreamAction>(rule->actions[0]).stream, "alarms");
    const auto& http = std::get<HttpAction>(rule->actions[1]);
    EXPECT_EQ(http.sink, "pager");
    EXPECT_EQ(http.body, Body::json);
    ASSERT_TRUE(http.batch);
    EXPECT_EQ(http.batch->messages, 100U);
    EXPECT_EQ(http.batch->bytes, 256U * 1024);
    EXPECT_EQ(http.batch->wait, std::chrono::seconds{1});
    const auto& republish = std::get<RepublishAction>(rule->actions[2]);
    EXPECT_EQ(republish.topic.source(), "alarm/${topic(2)}");
    EXPECT_EQ(republish.qos, model::Qos::at_least_once);
    EXPECT_TRUE(republish.retain);
    ASSERT_TRUE(rule->on_error);
    EXPECT_EQ(std::get<StreamAction>(*rule->on_error).stream, "rule-errors");
}

TEST(RuleDocument, LeavesToTheSink_WhatItDoesNotSay) {
    Diagnostics diagnostics;
    const auto rule = parse_rule(
        "rules.d/a.sql", "---\nto: [{http: {sink: pager}}]\n---\nSELECT * FROM 'a'\n", diagnostics
    );
    ASSERT_TRUE(rule) << diagnostics.render_text();
    const auto& http = std::get<HttpAction>(rule->actions[0]);
    EXPECT_FALSE(http.body);
    EXPECT_FALSE(http.batch);
}

TEST(RuleDocument, NeedsFrom_InTheNativeProfileOnly) {
    Diagnostics diagnostics;
    EXPECT_FALSE(parse_rule("a.sql", "---\nto: {stream: s}\n---\nSELECT 1 AS x", diagnostics));
    EXPECT_TRUE(parse_rule(
        "b.sql", "---\nto: {stream: s}\nprofile: aws-2016-03-23\n---\nSELECT 1 AS x", diagnostics
    ));
}

TEST(RuleDocument, ReportsEveryErrorOfAFile) {
    Diagnostics diagnostics;
    EXPECT_FALSE(parse_rule(
        "x.sql",
        "---\ndescripton: typo\nto:\n  - stream: [a]\n  - http: {body: json}\n  - republish: "
        "{topic: 'a/+', qos: 2}\n"
        "  - queue: q\nenabled: maybe\n---\nSELECT frobnicate(1) AS a FROM 'a/#/b'\n",
        diagnostics
    ));
    std::vector<std::string> places;
    for (const auto& it : diagnostics.sorted()) {
        places.push_back(std::to_string(it.range.begin.line) + ' ' + it.code);
    }
    EXPECT_THAT(
        places,
        testing::ElementsAre(
            "2 WEIR-0102",
            "4 WEIR-0111",
            "5 WEIR-0114",
            "6 WEIR-0305",
            "6 WEIR-0112",
            "7 WEIR-0102",
            "8 WEIR-0111",
            "10 WEIR-0302",
            "10 WEIR-0305"
        )
    );
}

struct HeadCase {
    std::string_view name;
    std::string_view text;
    std::string_view contains;
};

class RuleHead : public testing::TestWithParam<HeadCase> {};

TEST_P(RuleHead, IsRefused) {
    EXPECT_THAT(reported(GetParam().text), testing::HasSubstr(GetParam().contains));
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    RuleHead,
    testing::Values(
        HeadCase{"no_fence", "SELECT 1", "begins with a line ---"},
        HeadCase{"no_end", "---\nto: {stream: s}\n", "no line --- ends the head"},
        HeadCase{"empty", "", "begins with a line ---"},
        HeadCase{"no_action", "---\nto: []\n---\nSELECT * FROM 'a'", "sends its output nowhere"},
        HeadCase{"no_to", "---\nenabled: true\n---\nSELECT * FROM 'a'", "to"},
        HeadCase{
            "two_kinds",
            "---\nto: {stream: s, http: {sink: p}}\n---\nSELECT * FROM 'a'",
            "has one key"
        },
        HeadCase{"head_is_list", "---\n- a\n---\nSELECT * FROM 'a'", "mapping"},
        HeadCase{
            "batch_too_large",
            "---\nto: {http: {sink: p, batch: {messages: 10001}}}\n---\nSELECT * FROM 'a'",
            "WEIR-0112"
        },
        HeadCase{
            "unknown_profile",
            "---\nto: {stream: s}\nprofile: aws\n---\nSELECT * FROM 'a'",
            "WEIR-0113"
        }
    ),
    [](const auto& row) { return std::string{row.param.name}; }
);

TEST(RuleDocument, PlacesATemplatesErrorInTheFile) {
    EXPECT_THAT(
        reported("---\nto:\n  republish: {topic: \"alarm/${topik(2)}\"}\n---\nSELECT * FROM 'a'"),
        testing::AllOf(
            testing::HasSubstr("rules.d/hot.sql:3:31"), testing::HasSubstr("did you mean topic?")
        )
    );
}

TEST(RuleDocument, LetsTemplatesSeeVariables) {
    EXPECT_EQ(
        reported("---\nto: {republish: {topic: 'a/${@x}'}}\n---\nSET @x = b SELECT * FROM 'a'"), ""
    );
}

TEST(Diagnostic, IsSilentAboutConditionsThatCanBeTrue) {
    for (const std::string_view where :
         {"a > 1 AND a < 2",
          "a >= 1 AND a <= 1",
          "a = 1 OR a = 2",
          "a > 5 AND b < 3",
          "a > '5'",
          "a = 'x' AND a = 'x'",
          "a = 1 AND a = 1.0",
          "a > 5 AND a = '7'",
          "a = 'x' AND b = 'y'",
          "(SELECT VALUE v FROM a) = [1] AND v < 0",
          "a IN b AND c",
          "isUndefined(a) AND b > 5",
          "NOT isUndefined(a) AND a > 5",
          "a > 80 AND NOT (a > 90)",
          "NOT (a < 5 AND a > 3) AND a = 4",
          "isNull(a) OR a > 5",
          "topic() = 'a' AND topic(1) = 'a'",
          "topic(1) > 5",
          "timestamp() > 5 AND timestamp() <> a",
          "length(a) = 1.0",
          "startswith(a, 'b') = c",
          "abs(a) = round(b)",
          "get(a, 0) = 5 AND coalesce(a, b) = 'x'",
          "cast(a AS string) = '5' AND changed(a) = true",
          "'true' AND a"}) {
        EXPECT_EQ(reported_sql("SELECT a FROM 'a' WHERE " + std::string{where}), "") << where;
    }
}

TEST(Diagnostic, ShowsTheLineWithACaret) {
    EXPECT_EQ(
        reported_sql("SELECT temp\nFRM 'data/+'\n"),
        "error[WEIR-0301]: expected the end of the statement after the list of SELECT, found "
        "`FRM`\n"
        "  --> rules.d/hot.sql:6:1\n"
        "   |\n"
        " 6 | FRM 'data/+'\n"
        "   | ^^^\n"
        "   = help: did you mean FROM?\n\n"
    );
}

struct ErrorCase {
    std::string_view name;
    std::string_view sql;
    std::string_view place;
    std::string_view message;
    std::string_view help = "";
    std::string_view profile = "native";
};

class SqlError : public testing::TestWithParam<ErrorCase> {};

TEST_P(SqlError, NamesThePlaceAndTheCure) {
    const auto shown = reported_sql(GetParam().sql, GetParam().profile);
    EXPECT_THAT(shown, testing::HasSubstr("hot.sql:" + std::string{GetParam().place}));
    EXPECT_THAT(shown, testing::HasSubstr(GetParam().message));
    EXPECT_THAT(shown, testing::HasSubstr(GetParam().help));
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    SqlError,
    testing::Values(
        ErrorCase{"select", "SELCT a FROM 'a'", "5:1", "expected SELECT", "did you mean SELECT?"},
        ErrorCase{
            "unquoted_topic",
            "SELECT a FROM data/x",
            "5:15",
            "topic filter in quotes",
            "FROM 'data...'"
        },
        ErrorCase{
            "function",
            "SELECT uper(a) AS b FROM 'a'",
            "5:8",
            "no function uper()",
            "did you mean upper?"
        },
        ErrorCase{
            "arguments",
            "SELECT lpad(a) AS b FROM 'a'",
            "5:8",
            "at least 2 arguments, not 1",
            "lpad(text, count)"
        },
        ErrorCase{"many", "SELECT upper(a, b) AS b FROM 'a'", "5:8", "at most 1 argument, not 2"},
        ErrorCase{
            "external",
            "SELECT aws_lambda('x', a) AS b FROM 'a'",
            "5:8",
            "outside service",
            "HTTP sink"
        },
        ErrorCase{
            "variable",
            "SET @speed = 1 SELECT @sped AS x FROM 'a'",
            "5:23",
            "not set before",
            "@speed"
        },
        ErrorCase{
            "set_later",
            "SET @a = @b, @b = 1 SELECT @a AS x FROM 'a'",
            "5:10",
            "@b is not set before"
        },
        ErrorCase{"no_name", "SELECT a * 2 FROM 'a'", "5:8", "has no name", "AS name"},
        ErrorCase{
            "cast", "SELECT cast(a AS integr) AS x FROM 'a'", "5:18", "no type integr", "integer"
        },
        ErrorCase{
            "double_equals", "SELECT * FROM 'a' WHERE a == 1", "5:27", "no operator `==`", "write ="
        },
        ErrorCase{
            "aws_comment",
            "SELECT a -- temp\nFROM 'a'",
            "5:10",
            "no comments in this profile",
            "",
            "aws-2016-03-23"
        },
        ErrorCase{"other_comment", "SELECT a /* temp */\nFROM 'a'", "5:10", "comments begin with --"},
        ErrorCase{
            "aws_foreach", "FOREACH a FROM 'a'", "5:1", "FOREACH is not", "use native", "aws-2016-03-23"
        },
        ErrorCase{"foreach_do", "FOREACH a DOO x FROM 'a'", "5:11", "found `DOO`", "did you mean DO?"},
        ErrorCase{
            "aws_filters", "SELECT a FROM 'a', 'b'", "5:18", "list of topic filters", "", "aws-2016-03-23"
        },
        ErrorCase{"proto", "SELECT decode(*, 'proto', 'b', 'f') AS a FROM 'a'", "5:8", "descriptor files"},
        ErrorCase{"semicolon", "SELECT a FROM 'a';", "5:18", "ends where the text ends"},
        ErrorCase{"open_text", "SELECT a FROM 'a", "5:15", "has no end"},
        ErrorCase{"reserved", "SELECT end FROM 'a'", "5:8", "found `end`", "get(*, 'end')"},
        ErrorCase{"digit_name", "SELECT 3d FROM 'a'", "5:8", "neither a number nor a name"},
        ErrorCase{"character", "SELECT a ? b FROM 'a'", "5:10", "not a character of the language"},
        ErrorCase{"or_sign", "SELECT a || b AS c FROM 'a'", "5:10", "`||`: write OR, or + to join texts"},
        ErrorCase{"and_sign", "SELECT a FROM 'a' WHERE a && b", "5:27", "`&&`: write AND"},
        ErrorCase{"not_sign", "SELECT a FROM 'a' WHERE !a", "5:25", "write NOT"},
        ErrorCase{"back_quotes", "SELECT `a` FROM 'a'", "5:8", "names stand without quotes"},
        ErrorCase{"dollar_path", "SELECT $.a FROM 'a'", "5:8", "a path begins with a name"},
        ErrorCase{"typographic_quotes", "SELECT a FROM 'a' WHERE a = \u201chot\u201d", "5:29", "write ' or"},
        ErrorCase{"point_without_digits", "SELECT 5. AS a FROM 'a'", "5:8", "digits follow the point"},
        ErrorCase{"greater_equal", "SELECT a FROM 'a' WHERE a => 5", "5:27", "no operator `=>`", "write >="},
        ErrorCase{"less_equal", "SELECT a FROM 'a' WHERE a =< 5", "5:27", "no operator `=<`", "write <="},
        ErrorCase{"is_null", "SELECT a FROM 'a' WHERE a IS NULL", "5:27", "found `IS`", "isNull(x)"},
        ErrorCase{"like", "SELECT a LIKE 'x' AS b FROM 'a'", "5:10", "found `LIKE`", "regexp_matches"},
        ErrorCase{"group", "SELECT a FROM 'a' GROUP BY b", "5:19", "found `GROUP`", "one message at a time"},
        ErrorCase{"list_in_parentheses", "SELECT a FROM 'a' WHERE a IN (1, 2)", "5:32", "found `,`", "in brackets: [a, b]"},
        ErrorCase{"field_in_quotes", "SELECT \"temp\" FROM 'a'", "5:8", "this item has no name", "the field without quotes"},
        ErrorCase{
            "alias_in_quotes", "SELECT a AS 'b' FROM 'a'", "5:13", "a name after AS", "without quotes", "aws-2016-03-23"
        },
        ErrorCase{"no_as", "SELECT a b FROM 'a'", "5:10", "found `b`", "write AS b, or a comma in front of b"},
        ErrorCase{"as_nothing", "SELECT a AS FROM 'a'", "5:13", "a name after AS, found `FROM`"},
        ErrorCase{"foreach_as_nothing", "FOREACH a AS FROM 'a'", "5:14", "a name after AS, found `FROM`"},
        ErrorCase{"count", "SELECT count(a) AS n FROM 'a'", "5:8", "no function count()", "size(list)"},
        ErrorCase{"and_nothing", "SELECT a FROM 'a' WHERE a = 1 AND\n\n", "5:34", "expected an expression, found the end"},
        ErrorCase{
            "utf8_column",
            "SELECT 'größe' + FROM 'a'",
            "5:18",
            "expected an expression, found `FROM`"
        },
        ErrorCase{"filter_hash", "SELECT a FROM 'a/#/b'", "5:15", "# is the last level"},
        ErrorCase{"filter_plus", "SELECT a FROM 'a/b+'", "5:15", "stand for whole levels"},
        ErrorCase{"filter_empty", "SELECT a FROM ''", "5:15", "not empty"},
        ErrorCase{"number_range", "SELECT 1E1000 AS x FROM 'a'", "5:8", "out of range"},
        ErrorCase{
            "not_equal",
            "SELECT * FROM 'a' WHERE a != 1",
            "5:27",
            "not in profile",
            "<>",
            "aws-2016-03-23"
        },
        ErrorCase{
            "index",
            "SELECT a[0] AS x FROM 'a'",
            "5:9",
            "not in profile",
            "get(array, index)",
            "aws-2016-03-23"
        },
        ErrorCase{
            "function_2016",
            "SELECT indexof(a, 'b') AS x FROM 'a'",
            "5:8",
            "not in profile",
            "",
            "aws-2015-10-08"
        },
        ErrorCase{"never_true", "SELECT a FROM 'a' WHERE a * 2", "5:25", "warning[WEIR-0310]"},
        ErrorCase{"constant_false", "SELECT a FROM 'a' WHERE 1 > 2", "5:25", "never true"},
        ErrorCase{
            "always_undefined", "SELECT abs(true) AS x FROM 'a'", "5:8", "warning[WEIR-0311]"
        },
        ErrorCase{"not_a_number", "SELECT (a = 1) * 2 AS x FROM 'a'", "5:8", "never a number"},
        ErrorCase{
            "text_order", "SELECT a FROM 'a' WHERE a > 'bad'", "5:29", "this is no number", "= or <>"
        },
        ErrorCase{"and_number", "SELECT a FROM 'a' WHERE a AND 5", "5:31", "neither true nor false"},
        ErrorCase{"in_text", "SELECT a FROM 'a' WHERE a IN 'b'", "5:30", "no list", "IN [...]"},
        ErrorCase{
            "contradiction",
            "SELECT a FROM 'a' WHERE a.b > 80 AND c = 1 AND 70 > a.b",
            "5:48",
            "no value of `a.b` meets this",
            "write OR"
        },
        ErrorCase{
            "two_values", "SELECT a FROM 'a' WHERE a = 1 AND a = 2", "5:35", "warning[WEIR-0310]"
        },
        ErrorCase{
            "two_texts",
            "SELECT a FROM 'a' WHERE a = 'x' AND 'y' = a",
            "5:37",
            "no value of `a` meets this"
        },
        ErrorCase{
            "text_and_number", "SELECT a FROM 'a' WHERE a = 'x' AND a > 5", "5:37", "warning[WEIR-0310]"
        },
        ErrorCase{
            "two_types", "SELECT a FROM 'a' WHERE a = 1 AND a = '1'", "5:35", "warning[WEIR-0310]"
        },
        ErrorCase{
            "empty_list", "SELECT a FROM 'a' WHERE a IN []", "5:30", "nothing is in an empty list"
        },
        ErrorCase{
            "never_equal",
            "SELECT a FROM 'a' WHERE length(name) = 'x'",
            "5:40",
            "warning[WEIR-0310]: this never has the type of the other side, so that they are never equal",
            "cast(value AS type)"
        },
        ErrorCase{"topic_is_text", "SELECT a FROM 'a' WHERE topic() = 5", "5:35", "never equal"},
        ErrorCase{"topic_level_is_text", "SELECT a FROM 'a' WHERE 7 <> topic(2)", "5:25", "always differ"},
        ErrorCase{"time_is_number", "SELECT a FROM 'a' WHERE timestamp() = '1'", "5:39", "never equal"},
        ErrorCase{"test_is_boolean", "SELECT a FROM 'a' WHERE isNull(x) = 1", "5:37", "never equal"},
        ErrorCase{"comparison_is_boolean", "SELECT a FROM 'a' WHERE (a > 1) = 5", "5:35", "never equal"},
        ErrorCase{"two_functions", "SELECT a FROM 'a' WHERE qos() = clientid()", "5:33", "never equal"},
        ErrorCase{"cast_is_text", "SELECT a FROM 'a' WHERE cast(a AS string) = 5", "5:45", "never equal"},
        ErrorCase{
            "variable_is_number",
            "SET @l = length(a) SELECT a FROM 'a' WHERE @l = 'x'",
            "5:49",
            "never equal"
        },
        ErrorCase{
            "order_of_boolean",
            "SELECT a FROM 'a' WHERE startswith(a, 'b') > 1",
            "5:25",
            "this is no number"
        },
        ErrorCase{"length_alone", "SELECT a FROM 'a' WHERE length(a)", "5:25", "never true"},
        ErrorCase{
            "undefined_and_compared",
            "SELECT a FROM 'a' WHERE isUndefined(a) AND a > 5",
            "5:44",
            "no value of `a` meets this"
        },
        ErrorCase{
            "compared_and_undefined",
            "SELECT a FROM 'a' WHERE a <> 'x' AND isUndefined(a)",
            "5:38",
            "no value of `a` meets this"
        },
        ErrorCase{
            "null_and_compared",
            "SELECT a FROM 'a' WHERE isNull(a) AND a > 5",
            "5:39",
            "no value of `a` meets this"
        },
        ErrorCase{
            "not_contradicts",
            "SELECT a FROM 'a' WHERE a > 80 AND NOT (a > 70)",
            "5:40",
            "no value of `a` meets this"
        },
        ErrorCase{
            "not_or_contradicts",
            "SELECT a FROM 'a' WHERE (b AND a > 80) AND NOT (c OR a >= 70)",
            "5:54",
            "no value of `a` meets this"
        },
        ErrorCase{
            "level_of_no_filter",
            "SELECT a FROM 'x/#', 'z' WHERE topic(1) = 'y'",
            "5:32",
            "no topic that FROM takes",
            "what the filter has there"
        },
        ErrorCase{"level_beyond", "SELECT a FROM 'x/+' WHERE 'y' = topic(3)", "5:27", "no topic that FROM takes"},
        ErrorCase{"topic_of_no_filter", "SELECT a FROM 'x/+' WHERE topic() = 'x'", "5:27", "no topic that FROM takes"},
        ErrorCase{"quote_missing", "SELECT 'abc FROM 'x/#'", "5:8", "read as one text", "a quote is missing"},
        ErrorCase{
            "quote_missing_in_where",
            "SELECT a FROM '+/x' WHERE a = 'b AND c = 'd'",
            "5:31",
            "then `d` makes no sense",
            "a quote is missing"
        },
        ErrorCase{"quote_missing_before_plus", "SELECT 'abc FROM '+/x'", "5:8", "read as one text"},
        ErrorCase{
            "array_in_2015", "SELECT VALUE [1] FROM 'a'", "5:14", "an array literal is not", "", "aws-2015-10-08"
        },
        ErrorCase{"equal_and_not", "SELECT a FROM 'a' WHERE a <> 1 AND a = 1", "5:36", "no value of `a` meets this"},
        ErrorCase{
            "never_in_case", "SELECT CASE WHEN a > 1 AND a < 0 THEN 1 END AS x FROM 'a'", "5:28", "no value of `a`"
        },
        ErrorCase{
            "never_in_query", "SELECT (SELECT b FROM c WHERE b > 1 AND b < 0) AS x FROM 'a'", "5:41", "no value of `b`"
        },
        ErrorCase{"never_in_foreach", "FOREACH c AS x INCASE x.b > 1 AND x.b < 0 FROM 'a'", "5:35", "no value of `b`"},
        ErrorCase{"query_of_no_list", "SELECT (SELECT b FROM 5) AS x FROM 'a'", "5:23", "neither a list nor an object"},
        ErrorCase{"foreach_of_no_list", "FOREACH length(a) FROM 'a'", "5:9", "neither a list nor an object"},
        ErrorCase{"level_of_topic", "SELECT topic('x') AS x FROM 'a'", "5:14", "never a number", "topic([level])"},
        ErrorCase{"count_of_spaces", "SELECT lpad(a, 'x') AS x FROM 'a'", "5:16", "never a number", "lpad(text, count)"},
        ErrorCase{"text_of_null", "SELECT startswith(a, null) AS x FROM 'a'", "5:22", "Null has no text"},
        ErrorCase{"encoding", "SELECT encode(a, 'base46') AS x FROM 'a'", "5:8", "'base46' is none of base64, hex"},
        ErrorCase{"mode", "SELECT transform('enrich', a, b) AS x FROM 'a'", "5:8", "'enrich' is none of enrichArray"},
        ErrorCase{
            "property", "SELECT get_mqtt_property('type') AS x FROM 'a'", "5:8", "'type' is none of content_type, "
        },
        ErrorCase{
            "zone", "SELECT parse_time('yyyy', a, 'Europe/Berln') AS x FROM 'a'", "5:8", "no time zone Europe/Berln"
        },
        ErrorCase{"literal_twice", "SELECT {'a': 1, 'a': b} AS x FROM 'a'", "5:22", "this one replaces it"},
        ErrorCase{
            "regex",
            "SELECT regexp_matches(a, '(') AS x FROM 'a'",
            "5:8",
            "not a regular expression"
        },
        ErrorCase{
            "pattern",
            "SELECT parse_time('bb', 0) AS x FROM 'a'",
            "5:8",
            "not a pattern of date and time"
        },
        ErrorCase{"twice", "SELECT a AS x, b AS x FROM 'a'", "5:21", "this one replaces it"}
    ),
    [](const auto& row) { return std::string{row.param.name}; }
);

TEST(Parser, IsBoundedInDepth_T06) {
    const auto nested = [](std::string_view open, std::string_view close, std::size_t depth) {
        std::string sql = "SELECT VALUE ";
        for (std::size_t i = 0; i < depth; ++i) {
            sql += open;
        }
        sql += '1';
        for (std::size_t i = 0; i < depth; ++i) {
            sql += close;
        }
        return sql + " FROM 'a'";
    };
    EXPECT_EQ(reported_sql(nested("(", ")", 90)), "");
    struct {
        std::string_view open;
        std::string_view close;
    } const bombs[] = {
        {"(", ")"},
        {"[", "]"},
        {"{'a':", "}"},
        {"NOT ", ""},
        {"- ", ""},
        {"abs(", ")"},
        {"(SELECT VALUE ", " FROM a)"},
        {"CASE 1 WHEN ", " THEN 1 END"},
        {"a.", ""},
    };
    for (const auto& bomb : bombs) {
        const auto shown = reported_sql(nested(bomb.open, bomb.close, 101));
        EXPECT_THAT(shown, testing::HasSubstr("error[")) << bomb.open;
    }
    EXPECT_THAT(
        reported_sql(nested("(", ")", 100'000)), testing::HasSubstr("nested deeper than 100")
    );
    EXPECT_THAT(
        reported_sql("SELECT 'x" + std::string(kStatementBytesMax, 'x') + "' AS a FROM 'a'"),
        testing::HasSubstr("bytes")
    );
}

TEST(Parser, TakesLongChains) {
    for (const std::string_view step : {" + b", " - 1", " * b"}) {
        std::string sql = "SELECT a";
        for (int i = 0; i < 20'000; ++i) {
            sql += step;
        }
        EXPECT_EQ(reported_sql(sql + " AS x FROM 'a'"), "") << step;
    }
}

TEST(Parser, TakesManyAlternatives) {
    std::string sql = "SELECT * FROM 'a' WHERE t = 0";
    for (int i = 1; i < 1'000; ++i) {
        sql += " OR t = " + std::to_string(i);
    }
    EXPECT_EQ(reported_sql(sql), "");
}

}  // namespace
}  // namespace weir::rules
