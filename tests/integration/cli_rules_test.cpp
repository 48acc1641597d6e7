// `weir rules`: the commands that need no gateway.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

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
    );
    const auto done = weir("rules eval --batch cases.ndjson");
    EXPECT_EQ(done.exit_code, 0) << done.error;
    EXPECT_EQ(
        done.out,
        R"({"id":"a","output":{"r":3.75,"t":"1"},"output_text":"{\"r\":3.75,\"t\":\"1\"}"})"
        "\n"
        R"({"id":2,"no_match":true})"
        "\n"
        R"({"id":3,"error":{"code":"WEIR-0301","message":"expected the end of the statement after the list of SELECT, found `FORM`","line":2,"column":2}})"
        "\n"
        R"({"id":4,"raw_base64":"AP8="})"
        "\n"
        R"({"id":5,"text":"$aws/dev-1"})"
        "\n"
        R"({"id":6,"error":{"code":"WEIR-0304","message":"an object literal is not in profile aws-2015-10-08","line":1,"column":8}})"
        "\n"
        R"({"id":7,"output":{"b":10},"output_text":"{\"b\":10}"})"
        "\n"
        R"({"id":8,"output":{"r":3.5},"output_text":"{\"r\":3.5}"})"
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

}  // namespace
