// `weir rules`: the commands that need no gateway.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli_fixture.hpp"

namespace {

using testing::HasSubstr;
using weir::test::Cli;

TEST_F(Cli, RulesEvalAnswersEachLineInOrder) {
    write(
        "cases.ndjson",
        R"({"id":"a","sql":"SELECT n / 2 AS r, topic(2) AS t FROM 's/+'","topic":"s/1","payload":"{\"n\":7.50}"})"
        "\n"
        R"({"id":2,"sql":"SELECT * FROM 's/#' WHERE n > 1","topic":"s","payload":"{\"n\":7}","expect":[[[]]]})"
        "\n"
        R"({"id":3,"sql":"SELECT *\n FORM 's'","topic":"s"})"
        "\n"
        R"({"id":4,"sql":"SELECT * FROM 's'","topic":"s","payload_base64":"AP8="})"
        "\n"
        R"({"id":5,"template":"$$aws/${missing}${clientid()}","field":"republish.topic","topic":"s"})"
        "\n"
        R"({"id":6,"sql":"SELECT {'a': 1} AS r FROM 's'","topic":"s","version":"2015-10-08"})"
        "\n"
        R"({"id":7,"sql":"SELECT a AS b","topic":"$aws/rules/r/x","payload":"{\"a\":10.0}","rule_name":"r"})"
        "\n"
        R"({"id":8,"sql":"SELECT 7 / 2 AS r FROM 's/#'","topic":"s","profile":"native"})"
        "\n"
        R"({"id":9,"sql":"FOREACH l DO VALUE item.v FROM 's'","topic":"s","payload":"{\"l\":[{\"v\":1},{\"v\":[2]}]}","profile":"native"})"
        "\n"
        R"({"id":10,"sql":"FOREACH l FROM 's'","topic":"s","payload":"{\"l\":[]}","profile":"native"})"
        "\n"
        R"({"id":11,"sql":"FOREACH [1, 2] DO * FROM 's'","topic":"s","payload_base64":"AP8=","profile":"native"})"
        "\n"
        R"({"id":12,"sql":"SELECT thing() AS t, thing_type() AS k, attribute('site') AS s, qos() AS q FROM 's'","topic":"s","profile":"native","context":{"thing":"p7","thing_type":"probe","attributes":{"hall":"2","site":"north"},"qos":1}})"
        "\n"
        R"({"id":13,"sql":"SELECT 1 AS a FROM 's'","topic":"s","context":{"qos":3}})"
    );
    const auto done = weir("rules eval --batch cases.ndjson");
    EXPECT_EQ(done.exit_code, 0) << done.error;
    EXPECT_EQ(
        done.out,
        R"({"id":"a","output":{"r":3.75,"t":"1"},"output_text":"{\"r\":3.75,\"t\":\"1\"}"})"
        "\n"
        R"({"id":2,"no_match":true})"
        "\n"
        R"({"id":3,"error":{"code":"WEIR-0301","message":"expected the end of the statement after the list of SELECT, found `FORM`; did you mean FROM?","line":2,"column":2}})"
        "\n"
        R"({"id":4,"raw_base64":"AP8="})"
        "\n"
        R"({"id":5,"text":"$aws/dev-1"})"
        "\n"
        R"({"id":6,"error":{"code":"WEIR-0304","message":"an object literal is not in profile aws-2015-10-08; use aws-2016-03-23 or native","line":1,"column":8}})"
        "\n"
        R"({"id":7,"output":{"b":10},"output_text":"{\"b\":10}"})"
        "\n"
        R"({"id":8,"output":{"r":3.5},"output_text":"{\"r\":3.5}"})"
        "\n"
        R"({"id":9,"output":[1,[2]],"output_text":"[1,[2]]"})"
        "\n"
        R"({"id":10,"no_match":true})"
        "\n"
        R"({"id":11,"output":[{"raw_base64":"AP8="},{"raw_base64":"AP8="}],"output_text":"[{\"raw_base64\":\"AP8=\"},{\"raw_base64\":\"AP8=\"}]"})"
        "\n"
        R"({"id":12,"output":{"t":"p7","k":"probe","s":"north","q":1},"output_text":"{\"t\":\"p7\",\"k\":\"probe\",\"s\":\"north\",\"q\":1}"})"
        "\n"
        R"({"id":13,"error":{"code":"WEIR-0112","message":"`qos` is 0, 1 or 2","line":1,"column":1}})"
        "\n"
    );
}

TEST_F(Cli, RulesEvalOutlivesHostileLines) {
    write(
        "bad.ndjson",
        "x\n[]\n{}\n" + std::string(100'000, '[') + "\n{\"id\":1,\"sql\":\"SELECT " +
            std::string(5'000, '(') + "\"}\n{\"id\":2,\"sql\":\"\xff\"}\n" +
            R"({"id":3,"sql":"SELECT * FROM 'a'","topic":7})" + "\n" +
            R"({"id":4,"sql":"SELECT * FROM 'a'","payload_base64":"!"})" + "\n\n" +
            R"({"id":5,"sql":"SELECT * FROM 'a'","version":"1999"})"
    );
    const auto done = weir("rules eval --batch - < bad.ndjson");
    EXPECT_EQ(done.exit_code, 0) << done.error;
    std::size_t lines = 0;
    for (std::string_view rest = done.out; !rest.empty(); ++lines) {
        const auto line = rest.substr(0, rest.find('\n'));
        EXPECT_THAT(line, HasSubstr(R"(,"error":{"code":"WEIR-0)"));
        rest.remove_prefix(line.size() + 1);
    }
    EXPECT_EQ(lines, 9U);
    EXPECT_EQ(weir("rules eval --batch nowhere").exit_code, 1);
    EXPECT_EQ(weir("rules eval").exit_code, 2);
}

constexpr std::string_view kHot = R"(---
to:
  - stream: alarms
  - republish: {topic: "alarm/${topic(2)}"}
---
SELECT topic(2) AS device, temp, timestamp() AS at
FROM 'data/+/temp'
WHERE temp > 80 AND quality <> 'bad'
)";

TEST_F(Cli, RulesTestRunsWhatStandsBesideTheRule) {
    write("hot.sql", kHot);
    write("hot_test.yaml", R"(tests:
  - name: hot
    given: {topic: data/p7/temp, device: p7, payload: {temp: 91.5, quality: ok}, at: 2026-01-01T00:00:00Z}
    expect:
      match: true
      outputs:
        - {to: republish/alarm/p7}
        - {to: stream/alarms, payload: {device: p7, temp: 91.5, at: "*"}}
  - name: text
    given: {topic: data/p7/temp, payload: '{"temp": "n/a", "quality": "ok"}'}
    expect: {match: false, undefined: ["temp>80"]}
)");
    const auto good = weir("rules test hot.sql");
    EXPECT_EQ(good.exit_code, 0) << good.out << good.error;
    EXPECT_THAT(good.out, HasSubstr("2 passed, 0 failed\n"));
}

TEST_F(Cli, RulesTestShowsWhatCameInstead) {
    write("hot.sql", kHot);
    write("hot_test.yaml", R"(tests:
  - name: wrong value
    given: {topic: data/p7/temp, payload: {temp: 91.5, quality: ok}}
    expect: {outputs: [{to: stream/alarms, payload: {device: p8, temp: 91.5, at: "*"}}]}
  - name: not hot
    given: {topic: data/p7/temp, payload: {temp: 20, quality: ok}}
    expect: {match: true}
  - name: elsewhere
    given: {topic: cmd/p7/temp, payload: {temp: 99, quality: ok}}
    expect: {match: true}
  - name: has a value
    given: {topic: data/p7/temp, payload: {temp: 20, quality: ok}}
    expect: {match: false, undefined: [temp]}
)");
    const auto bad = weir("rules test hot.sql");
    EXPECT_EQ(bad.exit_code, 1);
    EXPECT_THAT(bad.out, HasSubstr("x \"wrong value\"  hot_test.yaml:2\n"));
    EXPECT_THAT(bad.out, HasSubstr("payload.device is \"p7\", not \"p8\""));
    EXPECT_THAT(bad.out, HasSubstr("no match: WHERE temp > 80 AND quality <> 'bad' is false"));
    EXPECT_THAT(bad.out, HasSubstr("no match: FROM does not match the topic"));
    EXPECT_THAT(bad.out, HasSubstr("`temp` is 20, not Undefined"));
    EXPECT_THAT(bad.out, HasSubstr("0 passed, 4 failed\n"));
    const auto json = weir("rules test . -o json");
    EXPECT_EQ(json.exit_code, 1);
    EXPECT_THAT(json.out, HasSubstr(R"("test":"not hot","file":"./hot_test.yaml","line":5,"passed":false)"));
}

TEST_F(Cli, RulesTestRefusesTestsItCannotRead) {
    write("hot.sql", kHot);
    write("hot_test.yaml", "tests:\n  - {given: {topc: a}, expect: {mach: true}}\n");
    const auto bad = weir("rules test hot_test.yaml");
    EXPECT_EQ(bad.exit_code, 78);
    EXPECT_THAT(bad.error, HasSubstr("did you mean 'topic'?"));
    EXPECT_THAT(bad.error, HasSubstr("did you mean 'match'?"));
    write("hot.sql", "---\nto: {stream: a}\n---\nSELECT a FORM 'b'\n");
    EXPECT_EQ(weir("rules test hot.sql").exit_code, 78);
    EXPECT_EQ(weir("rules test nowhere.sql").exit_code, 78) << "neither a file nor a configuration";
}

TEST_F(Cli, RulesTestFailsWhereAnActionWould) {
    const auto tested = [&](const std::string& action) {
        write("r.sql", "---\nto:\n  - " + action + "\n---\nSELECT a FROM 'data/#'\n");
        write("r_test.yaml", "tests:\n  - {given: {topic: data/x, payload: {a: 1, t: '#'}}, expect: {match: true}}\n");
        return weir("rules test r.sql").out;
    };
    EXPECT_THAT(tested("republish: {topic: x, content_type: a/b}"), HasSubstr("1 passed"));
    for (const auto& [action, why] : std::vector<std::pair<std::string, std::string>>{
             {"republish: {topic: \"x/${t}\"}", "topic 'x/#': the topic name or filter is not valid"},
             {"republish: {topic: x, content_type: \"${gone}\"}", "content_type ${gone}: an expression of the template has no value"},
             {"republish: {topic: x, message_expiry: \"${t}\"}", "message_expiry ${t}: '#' is no value of this property"},
             {"log: {message: \"${gone}\"}", "message ${gone}: an expression of the template has no value"},
             {"alert: {sink: s, text: hot, key: \"${gone}\"}", "key ${gone}: an expression of the template has no value"}}) {
        EXPECT_THAT(tested(action), HasSubstr("failed: " + why));
    }
}

TEST_F(Cli, RulesTestKnowsWhatTheSinksOfAConfigurationTake) {
    ASSERT_EQ(weir("init my-gw").exit_code, 0);
    write("my-gw/sinks.d/pager.yaml", "sink: pager\ntype: http\nurl: https://ops.example/\nheaders: {X-Site: \"${site}\"}\n");
    write("my-gw/rules.d/told.sql", "---\nto: {http: {sink: pager}}\n---\nSELECT a FROM 'data/#'\n");
    const auto tested = [&](const std::string& payload) {
        write("my-gw/rules.d/told_test.yaml", "tests:\n  - {given: {topic: data/x, payload: " + payload + "}, expect: {match: true}}\n");
        return weir("-c my-gw rules test told").out;
    };
    EXPECT_THAT(tested("{a: 1, site: north}"), HasSubstr("1 passed"));
    EXPECT_THAT(tested("{a: 1}"), HasSubstr("failed: header X-Site ${site}: an expression of the template has no value"));
    EXPECT_THAT(weir("check my-gw --test").out, HasSubstr("header X-Site ${site}"));
    EXPECT_THAT(weir("rules test my-gw/rules.d/told.sql").out, HasSubstr("1 passed")) << "a file alone knows of no sinks";
}

TEST_F(Cli, CheckRunsTheTestsWhenAsked) {
    ASSERT_EQ(weir("init my-gw").exit_code, 0);
    const auto good = weir("check my-gw --test");
    EXPECT_EQ(good.exit_code, 0) << good.out << good.error;
    EXPECT_THAT(good.out, HasSubstr("2 passed"));
    write(
        "my-gw/rules.d/hot_test.yaml",
        "tests:\n  - {given: {topic: data/p7/temp, payload: {temp: 1}}, expect: {match: true}}\n"
    );
    EXPECT_EQ(weir("check my-gw").exit_code, 0);
    EXPECT_EQ(weir("check my-gw --test").exit_code, 1);
    EXPECT_EQ(weir("-c my-gw rules test hot").exit_code, 1);
}

TEST_F(Cli, CheckGivesOneDocument_WithTheTests) {
    ASSERT_EQ(weir("init my-gw").exit_code, 0);
    const auto good = weir("check my-gw --test -o json");
    EXPECT_EQ(good.exit_code, 0) << good.out << good.error;
    EXPECT_THAT(good.out, testing::StartsWith(R"({"errors":0,"warnings":0,"diagnostics":[])"));
    EXPECT_THAT(good.out, HasSubstr(R"("tests_passed":2,"tests_failed":0)"));
    write(
        "my-gw/rules.d/hot_test.yaml",
        "tests:\n  - {given: {topic: data/p7/temp, payload: {temp: 1}}, expect: {match: true}}\n"
    );
    const auto failed = weir("check my-gw --test -o json");
    EXPECT_EQ(failed.exit_code, 1);
    EXPECT_THAT(failed.out, HasSubstr(R"("passed":false)"));
    EXPECT_THAT(failed.out, HasSubstr(R"("tests_failed":1)"));
    EXPECT_EQ(failed.error, "");
}

TEST_F(Cli, RulesTestsSayWhatCameBefore) {
    write("door.sql", "---\nto: {stream: a}\ndeduplicate: {by: id, within: 1m}\n---\n"
                      "SELECT door, last(door) AS before FROM 'door/#' WHERE changed(door)\n");
    write("door_test.yaml", R"(tests:
  - name: says it once
    before: {payload: {door: open, id: 1}}
    given: {topic: door/1, payload: {door: open, id: 2}}
    expect: {match: false}
  - name: knows the door before
    before: [{payload: {door: open}}, {topic: door/2, payload: {door: ajar}}]
    given: {topic: door/1, payload: {door: shut}}
    expect: {output: {door: shut, before: open}}
  - name: begins anew
    given: {topic: door/1, payload: {door: shut}}
    expect: {output: {door: shut}}
  - name: sees the same message again
    before: {payload: {door: open, id: 1}}
    given: {topic: door/1, payload: {door: shut, id: 1}}
    expect: {match: false}
)");
    const auto tested = weir("rules test door.sql");
    EXPECT_EQ(tested.exit_code, 0) << tested.out << tested.error;
    EXPECT_THAT(tested.out, HasSubstr("4 passed"));
    const auto explained = weir(
        R"(rules explain door.sql --topic door/1 --payload '{"door":"shut"}' --before '{"door":"open"}')"
    );
    EXPECT_EQ(explained.exit_code, 0) << explained.out << explained.error;
    EXPECT_THAT(explained.out, HasSubstr(R"(would go to stream/a: {"door":"shut","before":"open"})"));
}

TEST_F(Cli, RulesLintKnowsTheFieldsOfTheTests) {
    write("hot.sql", kHot);
    write(
        "hot_test.yaml",
        "tests:\n  - {given: {topic: data/p7/temp, payload: {tempo: 1, quality: ok}}, expect: {match: false}}\n"
    );
    const auto found = weir("rules lint hot.sql");
    EXPECT_EQ(found.exit_code, 1);
    EXPECT_THAT(found.out, HasSubstr("warning[WEIR-0318]: no message in hot_test.yaml has a field `temp`"));
    EXPECT_THAT(found.out, HasSubstr("did you mean tempo?"));
}

TEST_F(Cli, RulesLintSuggestsPathsAndFunctions) {
    write("r.sql", "---\nto: {stream: a}\n---\nSELECT payload.temp AS t, site.cty AS c, topic AS p FROM 'data/#'\n");
    write(
        "r_test.yaml",
        "tests:\n  - {given: {topic: data/x, payload: {temp: 1, site: {city: Bergen}}}, expect: {match: true}}\n"
    );
    const auto found = weir("rules lint r.sql").out;
    EXPECT_THAT(found, HasSubstr("a field `payload.temp`"));
    EXPECT_THAT(found, HasSubstr("did you mean temp?"));
    EXPECT_THAT(found, HasSubstr("did you mean site.city?"));
    EXPECT_THAT(found, HasSubstr("did you mean topic()?"));
}

TEST_F(Cli, RulesAreSwitchedOff_WithoutAGatewayToo) {
    ASSERT_EQ(weir("init my-gw").exit_code, 0);
    const auto off = weir("-c my-gw rules disable hot");
    EXPECT_EQ(off.exit_code, 0) << off.out << off.error;
    EXPECT_EQ(off.out, "rule hot is paused\n");
    EXPECT_THAT(weir("-c my-gw rules list").out, HasSubstr("paused"));
    EXPECT_EQ(weir("-c my-gw rules enable hot").out, "rule hot is on\n");
    const auto unknown = weir("-c my-gw rules disable hut");
    EXPECT_NE(unknown.exit_code, 0);
    EXPECT_THAT(unknown.error, HasSubstr("did you mean 'hot'?"));
}

TEST_F(Cli, RulesEvalRemembersWithinTheRun) {
    write("lines", R"({"id":1,"sql":"SELECT last(v) AS b FROM 'a'","topic":"a","payload":"{\"v\":1}","profile":"native"}
{"id":2,"sql":"SELECT last(v) AS b FROM 'a'","topic":"a","payload":"{\"v\":2}","profile":"native"}
)");
    const auto done = weir("rules eval --batch lines");
    EXPECT_THAT(done.out, HasSubstr(R"({"id":2,"output":{"b":1})"));
}

TEST_F(Cli, RulesExplainShowsEveryValue) {
    write("hot.sql", kHot);
    const auto quiet = weir(R"(rules explain hot.sql --topic data/p7/temp --payload '{"temp":20}')");
    EXPECT_EQ(quiet.exit_code, 1);
    EXPECT_THAT(quiet.out, testing::MatchesRegex(R"(hot.sql
FROM     data/\+/temp matches data/p7/temp
WHERE    temp > 80 AND quality <> 'bad' +false
           temp > 80 +false
             temp +20
no match
)"));
    const auto taken = weir(
        R"(rules explain hot.sql --topic data/p7/temp --payload '{"temp":90,"quality":"ok"}' -o json)"
    );
    EXPECT_EQ(taken.exit_code, 0) << taken.error;
    EXPECT_THAT(
        taken.out,
        HasSubstr(R"({"clause":"WHERE","depth":1,"expression":"quality <> 'bad'","value":"true"})")
    );
    EXPECT_THAT(taken.out, HasSubstr(R"("to":"republish/alarm/p7")"));
    const auto elsewhere = weir("rules explain hot.sql --topic cmd/p7");
    EXPECT_THAT(elsewhere.out, HasSubstr("does not match cmd/p7"));
}

TEST_F(Cli, RulesExplainSaysThatThePayloadIsNotJson) {
    write("hot.sql", kHot);
    const auto explain = [&](const std::string& payload) {
        return weir("rules explain hot.sql --topic data/p7/temp --payload '" + payload + "'").out;
    };
    EXPECT_THAT(explain("{temp"), HasSubstr("PAYLOAD  is not JSON, from byte 2 on"));
    EXPECT_THAT(explain(R"({"temp":)"), HasSubstr("PAYLOAD  is not JSON, it ends too early"));
    EXPECT_THAT(explain(R"({"temp":20} x)"), HasSubstr("PAYLOAD  is not JSON, from byte 13 on"));
    EXPECT_THAT(explain(R"({"temp":20} )"), testing::Not(HasSubstr("PAYLOAD")));
    EXPECT_THAT(explain("20"), testing::Not(HasSubstr("PAYLOAD")));
    EXPECT_THAT(explain(""), testing::Not(HasSubstr("PAYLOAD")));
    const auto json = weir("rules explain hot.sql --topic data/p7/temp --payload '{temp' -o json");
    EXPECT_THAT(json.out, HasSubstr(R"("payload_is_json":false)"));
}

TEST_F(Cli, RulesLintFindsLoopsAndRulesWithoutTests) {
    const auto rule = [&](const std::string& name, const std::string& to, const std::string& from) {
        write(name + ".sql", "---\nto: {republish: {topic: '" + to + "'}}\n---\nSELECT * FROM '" + from + "'\n");
        write(name + "_test.yaml", "tests: [{given: {topic: none}, expect: {match: false}}]\n");
    };
    rule("ping", "b/${topic(2)}/x", "a/+");
    rule("pong", "a/${topic(2)}", "b/#");
    rule("own", "copy/${topic()}", "copy/#");
    rule("other", "d/${x}/e", "d/+/f");
    const auto found = weir("rules lint .");
    EXPECT_EQ(found.exit_code, 1);
    EXPECT_THAT(found.out, HasSubstr("'ping' publishes may come back"));
    EXPECT_THAT(found.out, HasSubstr("'pong' publishes may come back"));
    EXPECT_THAT(found.out, HasSubstr("'own' publishes may come back"));
    EXPECT_THAT(found.out, testing::Not(HasSubstr("'other'")));
    EXPECT_THAT(found.out, HasSubstr("4 rules, 3 warnings\n"));
    EXPECT_EQ(weir("rules lint other.sql").exit_code, 0);
    write("other_test.yaml", "");
    EXPECT_THAT(weir("rules lint other.sql").out, HasSubstr("has no tests"));
}

TEST_F(Cli, RulesTryReadsTheDataDirectoryWhileNoGatewayRuns) {
    ASSERT_EQ(weir("init my-gw").exit_code, 0);
    const auto tried = weir("-c my-gw rules try hot --stream alarms");
    EXPECT_EQ(tried.exit_code, 0) << tried.error;
    EXPECT_EQ(
        tried.out, "matched 0 of 0 messages, 0 of them on the topic; 0 failed; WHERE had no value for 0\n"
    );
    EXPECT_THAT(
        weir("-c my-gw rules try hot --stream alarm").error, HasSubstr("no stream 'alarm'")
    );
    EXPECT_THAT(weir("-c my-gw rules try hit --stream alarms").error, HasSubstr("did you mean hot?"));
}

TEST_F(Cli, RulesFunctionsSuggestsTheNearest) {
    EXPECT_THAT(weir("rules functions parse_time").out, HasSubstr("Joda"));
    EXPECT_THAT(weir("rules functions json_decode").error, HasSubstr("write parse_json(text)"));
    EXPECT_THAT(weir("rules functions regexp").error, HasSubstr("weir rules functions regexp_matches, "));
    const auto typo = weir("rules functions prase_time");
    EXPECT_EQ(typo.exit_code, 1);
    EXPECT_THAT(typo.error, HasSubstr("weir rules functions parse_time"));
}

}  // namespace
