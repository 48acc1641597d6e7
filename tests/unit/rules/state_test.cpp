// last(), changed() and `deduplicate`: what a rule makes of a message in the light of those before it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include <weir/rules/document.hpp>
#include <weir/rules/evaluator.hpp>
#include <weir/rules/state_memory.hpp>

namespace weir::rules {
namespace {

using testing::HasSubstr;

/// One rule and its memory.
class Remembering {
public:
    explicit Remembering(std::string_view sql, std::string_view head = "") {
        document::Diagnostics diagnostics;
        auto rule = parse_rule(
            "rules.d/r.sql",
            "---\nto: {stream: s}\n" + std::string{head} + "---\n" + std::string{sql},
            diagnostics
        );
        EXPECT_TRUE(rule) << diagnostics.render_text();
        rule_ = std::move(*rule);
    }

    /// The output; `-`: none; `duplicate`; why it failed.
    std::string operator()(std::string_view payload, std::string_view topic = "data/p1") {
        const std::string padded =
            std::string{payload} + std::string(model::Message::kSpareBytes, '\0');
        const Input input{
            .topic = topic,
            .payload = as_bytes(std::string_view{padded}.substr(0, payload.size())),
            .timestamp_ms = now_ms,
        };
        const auto evaluated = evaluator_.evaluate(rule_, input, &state);
        where = evaluated->where;
        if (evaluated->is_duplicate) {
            return "duplicate";
        }
        if (evaluated->outputs.empty()) {
            return "-";
        }
        const Output& output = evaluated->outputs.front();
        return output.kind == Output::Kind::failed ? output.error.message()
                                                   : std::string{as_text(output.bytes)};
    }

    std::int64_t now_ms = 1'700'000'000'000;
    Evaluated::Where where{};
    StateMemory state;

private:
    RuleDefinition rule_;
    Evaluator evaluator_;
};

TEST(Last, IsTheValueOfTheMessageBefore) {
    Remembering rule{"SELECT v, last(v) AS before FROM 'data/#'"};
    EXPECT_EQ(rule(R"({"v":1})"), R"({"v":1})") << "there was none";
    EXPECT_EQ(rule(R"({"v":2.50})"), R"({"v":2.50,"before":1})");
    EXPECT_EQ(rule(R"({"v":"x"})"), R"({"v":"x","before":2.50})");
    EXPECT_EQ(rule(R"({"v":null})"), R"({"v":null,"before":"x"})");
    EXPECT_EQ(rule(R"({"v":[1,{"a":true}]})"), R"({"v":[1,{"a":true}],"before":null})");
    EXPECT_EQ(rule(R"({"v":false})"), R"({"v":false,"before":[1,{"a":true}]})");
}

TEST(Last, StaysWhatItWas_WhenAMessageHasNoValue) {
    Remembering rule{"SELECT last(v) AS before FROM 'data/#'"};
    rule(R"({"v":1})");
    EXPECT_EQ(rule(R"({"w":5})"), R"({"before":1})");
    EXPECT_EQ(rule("not JSON"), R"({"before":1})");
    EXPECT_EQ(rule(R"({"v":2})"), R"({"before":1})");
    EXPECT_EQ(rule(R"({"v":3})"), R"({"before":2})");
}

TEST(Last, IsRememberedOfMessagesThatWhereTurnsDown) {
    Remembering rule{"SELECT v FROM 'data/#' WHERE v > 80 AND NOT (last(v) > 80)"};
    EXPECT_EQ(rule(R"({"v":70})"), "-");
    EXPECT_EQ(rule(R"({"v":90})"), R"({"v":90})") << "rose above";
    EXPECT_EQ(rule(R"({"v":95})"), "-") << "is still above";
    EXPECT_EQ(rule(R"({"v":75})"), "-");
    EXPECT_EQ(rule(R"({"v":81})"), R"({"v":81})");
}

TEST(Last, IsKeptByTopic_OrByTheKeyOfTheHead) {
    Remembering by_topic{"SELECT last(v) AS before FROM 'data/#'"};
    by_topic(R"({"v":1})", "data/p1");
    EXPECT_EQ(by_topic(R"({"v":2})", "data/p2"), "{}");
    EXPECT_EQ(by_topic(R"({"v":2})", "data/p1"), R"({"before":1})");

    Remembering by_key{"SELECT last(v) AS before FROM 'data/#'", "state: {key: id}\n"};
    by_key(R"({"id":"a","v":1})", "data/p1");
    EXPECT_EQ(by_key(R"({"id":"b","v":2})", "data/p1"), "{}");
    EXPECT_EQ(by_key(R"({"id":"a","v":2})", "data/p9"), R"({"before":1})");
    EXPECT_EQ(by_key(R"({"v":7})", "data/p1"), "{}") << "no key, no memory";
    EXPECT_EQ(by_key(R"({"v":8})", "data/p1"), "{}");
}

TEST(Last, MayBeNested_AndUsedInSet) {
    Remembering rule{"SET @step = v - last(v) SELECT @step AS step, last(last(v)) AS two FROM 'data/#'"};
    EXPECT_EQ(rule(R"({"v":1})"), "{}");
    EXPECT_EQ(rule(R"({"v":3})"), R"({"step":2})");
    EXPECT_EQ(rule(R"({"v":4})"), R"({"step":1,"two":1})");
}

TEST(Last, IsForgottenWithAge) {
    Remembering rule{"SELECT last(v) AS before FROM 'data/#'", "state: {age: 10s}\n"};
    rule(R"({"v":1})");
    rule.now_ms += 10'000;
    EXPECT_EQ(rule(R"({"v":2})"), R"({"before":1})");
    rule.now_ms += 10'001;
    EXPECT_EQ(rule(R"({"v":3})"), "{}");
}

TEST(Last, DoesNotKeepWhatIsTooLarge) {
    Remembering rule{"SELECT length(last(v)) AS n FROM 'data/#'"};
    const auto of = [](std::size_t size) { return R"({"v":")" + std::string(size, 'x') + "\"}"; };
    rule(of(kStateValueBytesMax - 1));
    EXPECT_EQ(rule(of(kStateValueBytesMax)), R"({"n":4095})");
    EXPECT_EQ(rule(of(1)), "{}");
}

TEST(Changed, IsTrueWhenTheValueIsAnother) {
    Remembering rule{"SELECT door FROM 'data/#' WHERE changed(door)"};
    EXPECT_EQ(rule(R"({"door":"open"})"), R"({"door":"open"})") << "nothing was known";
    EXPECT_EQ(rule(R"({"door":"open"})"), "-");
    EXPECT_EQ(rule.where, Evaluated::Where::is_false);
    EXPECT_EQ(rule(R"({"door":"shut"})"), R"({"door":"shut"})");
    EXPECT_EQ(rule(R"({"other":1})"), "-");
    EXPECT_EQ(rule.where, Evaluated::Where::is_undefined);
    EXPECT_EQ(rule(R"({"door":"shut"})"), "-");
}

TEST(Changed, ComparesAsTheOperatorDoes) {
    Remembering rule{"SELECT VALUE changed(v) FROM 'data/#'"};
    rule(R"({"v":{"a":1,"b":[2]}})");
    EXPECT_EQ(rule(R"({"v":{"b":[2.0],"a":1}})"), "false");
    EXPECT_EQ(rule(R"({"v":"1"})"), "true");
    EXPECT_EQ(rule(R"({"v":1})"), "true");
    EXPECT_EQ(rule(R"({"v":1.0})"), "false");
}

TEST(Changed, IsUndefined_WithoutAMemory) {
    document::Diagnostics diagnostics;
    const auto program = compile_statement("SELECT VALUE changed(1 + qos()) FROM 'a'", {}, diagnostics);
    ASSERT_NE(program, nullptr);
    Evaluator evaluator;
    const auto outputs = evaluator.evaluate(*program, {.topic = "a"});
    EXPECT_EQ(as_text(outputs.front().bytes), "");
}

TEST(Memory, IsUntouched_WhenTheEvaluationFails) {
    Remembering rule{
        "SELECT last(v) AS before, (SELECT VALUE concat(a, a) FROM list AS a) AS l FROM 'data/#'"
    };
    rule(R"({"v":1})");
    std::string list = "1";
    for (int i = 0; i < 12'000; ++i) {
        list += ",1";
    }
    EXPECT_THAT(rule(R"({"v":2,"list":[)" + list + "]}"), HasSubstr("too many steps"));
    EXPECT_EQ(rule(R"({"v":3})"), R"({"before":1})");
}

TEST(Deduplicate, LetsTheFirstOneThrough) {
    Remembering rule{"SELECT id FROM 'data/#'", "deduplicate: {by: id, within: 10s}\n"};
    EXPECT_EQ(rule(R"({"id":1})"), R"({"id":1})");
    EXPECT_EQ(rule(R"({"id":1})", "data/p2"), "duplicate");
    EXPECT_EQ(rule(R"({"id":2})"), R"({"id":2})");
    EXPECT_EQ(rule(R"({"no":2})"), "{}") << "it does not say which it is";
    EXPECT_EQ(rule(R"({"no":2})"), "{}");
    rule.now_ms += 10'001;
    EXPECT_EQ(rule(R"({"id":1})"), R"({"id":1})") << "that was long ago";
}

TEST(Deduplicate, CountsFromTheFirstOne_NotFromTheLast) {
    Remembering rule{"SELECT id FROM 'data/#'", "deduplicate: {by: id, within: 10s}\n"};
    rule(R"({"id":1})");
    rule.now_ms += 6'000;
    EXPECT_EQ(rule(R"({"id":1})"), "duplicate");
    rule.now_ms += 6'000;
    EXPECT_EQ(rule(R"({"id":1})"), R"({"id":1})");
}

/// The outputs of a rule with `deduplicate: {by: id}` for these values of id, each seen before or not.
std::vector<bool> duplicates(const std::vector<std::string_view>& ids) {
    Remembering rule{"SELECT 1 AS x FROM 'data/#'", "deduplicate: {by: id, within: 10s}\n"};
    std::vector<bool> seen;
    for (const auto id : ids) {
        seen.push_back(rule(R"({"id":)" + std::string{id} + "}") == "duplicate");
    }
    return seen;
}

TEST(Deduplicate, ComparesAsTheOperatorDoes) {
    using testing::ElementsAre;
    EXPECT_THAT(duplicates({"1", R"("1")", "true", R"("true")", "[1]", R"("[1]")"}), testing::Each(false));
    EXPECT_THAT(duplicates({"1", "1.0", "10E-1"}), ElementsAre(false, true, true));
    EXPECT_THAT(duplicates({"1E40", "10E39", "1E-3", "0.001"}), ElementsAre(false, true, false, true));
    EXPECT_THAT(
        duplicates({R"({"a":1,"b":[2,"x"]})", R"({"b":[2.0,"x"],"a":1})", R"({"a":0,"b":[2,"x"],"a":1})",
                    R"({"a":1,"b":["x",2]})", R"({"a":1})", "{}", "[]", R"([{}])"}),
        ElementsAre(false, true, true, false, false, false, false, false)
    );
    EXPECT_THAT(duplicates({R"(["a","b"])", R"(["a,b"])", R"(["a\",\"b"])"}), testing::Each(false));
    EXPECT_THAT(duplicates({"null", "null", R"("")", R"("")", "1E5000", "1E5000"}), testing::Each(false))
        << "these do not say which message it is";
}

TEST(Last, IsKeptByTheValueOfTheKey) {
    Remembering rule{"SELECT last(v) AS before FROM 'data/#'", "state: {key: id}\n"};
    rule(R"({"id":1,"v":"number"})");
    EXPECT_EQ(rule(R"({"id":"1","v":"text"})"), "{}");
    EXPECT_EQ(rule(R"({"id":1.0,"v":2})"), R"({"before":"number"})");
    EXPECT_EQ(rule(R"({"id":"1","v":2})"), R"({"before":"text"})");
}

TEST(StateKey, OfATextIsTheText) {
    // Keys are stored: another one for the same value would be another memory.
    Remembering rule{"SELECT last(v) AS before FROM 'data/#'", "state: {key: id}\n"};
    const auto remembered_of = [&](std::string_view id, std::string_view key) {
        rule(R"({"id":)" + std::string{id} + R"(,"v":1})");
        return rule.state.find({"r", StateKind::values, key}, 0).has_value();
    };
    EXPECT_TRUE(remembered_of(R"("p7")", "p7"));
    EXPECT_TRUE(remembered_of("1.50", "\xFF" "1.5"));
    EXPECT_TRUE(remembered_of(R"({"b": "x\n", "a": [true, null]})", "\xFF" R"({"a":[true,null],"b":"x\n"})"));
}

TEST(Deduplicate, DoesNotSeeWhatWhereTurnsDown) {
    Remembering rule{
        "SELECT id FROM 'data/#' WHERE ok", "deduplicate: {by: id, within: 10s}\n"
    };
    EXPECT_EQ(rule(R"({"id":1,"ok":false})"), "-");
    EXPECT_EQ(rule(R"({"id":1,"ok":true})"), R"({"id":1})");
    EXPECT_EQ(rule(R"({"id":1,"ok":true})"), "duplicate");
}

TEST(Deduplicate, IsWithinTheKeyOfTheHead) {
    Remembering rule{
        "SELECT id FROM 'data/#'", "state: {key: topic(2)}\ndeduplicate: {by: id, within: 10s}\n"
    };
    EXPECT_EQ(rule(R"({"id":1})", "data/p1"), R"({"id":1})");
    EXPECT_EQ(rule(R"({"id":1})", "data/p2"), R"({"id":1})");
    EXPECT_EQ(rule(R"({"id":1})", "data/p1"), "duplicate");
}

TEST(Memory, HasAKeyOfBoundedSize) {
    Remembering rule{"SELECT id FROM 'data/#'", "deduplicate: {by: id, within: 10s}\n"};
    const auto of = [](std::size_t size) { return R"({"id":")" + std::string(size, 'x') + "\"}"; };
    EXPECT_THAT(rule(of(kStateKeyBytesMax)), HasSubstr("xxx"));
    EXPECT_THAT(rule(of(kStateKeyBytesMax + 1)), HasSubstr("more than 256 bytes"));
    std::string list = "1";
    for (std::size_t i = 1; i < 200; ++i) {
        list += ",1";
    }
    EXPECT_THAT(rule(R"({"id":[)" + list + "]}"), HasSubstr("more than 256 bytes"));
}

TEST(Memory, SurvivesARecordThatIsDamaged) {
    Remembering rule{"SELECT last(v) AS before FROM 'data/#'"};
    for (const std::string_view record : {"", "x", "12345678\xff\xff\xff\xff", "123456789012"}) {
        rule.state.write({"r", StateKind::values, "data/p1"}, as_bytes(record), rule.now_ms);
        EXPECT_EQ(rule(R"({"v":1})"), "{}");
    }
}

TEST(Memory, IsOfTheExpression_NotOfItsPlace) {
    Remembering before{"SELECT last(a) AS a, last(b) AS b FROM 'data/#'"};
    before(R"({"a":1,"b":2})");
    Remembering after{"SELECT last(b) AS b, last(c) AS c FROM 'data/#'"};
    after.state = before.state;
    EXPECT_EQ(after(R"({"b":3})"), R"({"b":2})");
}

/// What is shown to the operator.
std::string reported(std::string_view sql, std::string_view head = "") {
    document::Diagnostics diagnostics;
    static_cast<void>(parse_rule(
        "rules.d/r.sql",
        "---\nto: {stream: s}\n" + std::string{head} + "---\n" + std::string{sql} + '\n',
        diagnostics
    ));
    return diagnostics.render_text();
}

TEST(Memory, IsRefused_WhereThereIsNoneToSpeakOf) {
    EXPECT_THAT(
        reported("FOREACH list AS x DO last(x.v) AS v FROM 'a'"),
        HasSubstr("last() stands outside of FOREACH")
    );
    EXPECT_THAT(
        reported("SELECT (SELECT VALUE changed(v) FROM list) AS v FROM 'a'"),
        HasSubstr("changed() stands outside of FOREACH")
    );
    EXPECT_THAT(
        reported("SELECT v FROM 'a'", "on_error: {republish: {topic: \"x/${last(v)}\"}}\n"),
        HasSubstr("last() is not for templates")
    );
    EXPECT_EQ(
        reported(
            "SET @l = last(v) SELECT v FROM 'a'", "on_error: {republish: {topic: \"x/${@l}\"}}\n"
        ),
        ""
    );
    EXPECT_THAT(reported("SELECT last(v) AS l FROM 'a'", "profile: aws-2016-03-23\n"), HasSubstr("not in profile"));
    EXPECT_THAT(reported("SELECT last() AS l FROM 'a'"), HasSubstr("last(value)"));
    EXPECT_THAT(reported("SELECT v FROM 'a'", "state: {age: 1d}\n"), HasSubstr("remembers nothing"));
    EXPECT_THAT(reported("SELECT v FROM 'a'", "deduplicate: {by: id}\n"), HasSubstr("within"));
    EXPECT_THAT(
        reported("SELECT last(v) AS l FROM 'a'", "state: {kee: id}\n"), HasSubstr("did you mean")
    );
    EXPECT_THAT(
        reported("SELECT v FROM 'a'", "deduplicate: {by: idd(x), within: 1m}\n"),
        HasSubstr("no function idd()")
    );
    EXPECT_THAT(reported("SELECT v FROM 'a' WHERE changed(5)"), HasSubstr("a constant never changes"));
}

}  // namespace
}  // namespace weir::rules
