// T-30: regular expressions and SQL that ask for much work. RE2 has no exponential case; all else is bounded by steps, of
// which each is worth a bounded number of bytes. Threats say 5 ms of one core for each; an unoptimised build on a busy
// machine gets more, which what grows with the square of its input does not.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <time.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <weir/rules/compiler.hpp>
#include <weir/rules/detail/context.hpp>
#include <weir/rules/evaluator.hpp>
#include <weir/rules/state_memory.hpp>

namespace weir::test {
namespace {

using rules::Evaluated;
using rules::Evaluator;
using rules::Output;

#ifdef __SANITIZE_THREAD__
constexpr double kMillisecondsMax = 4'000;
#else
constexpr double kMillisecondsMax = 400;
#endif

double cpu_ms() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

std::string repeated(std::string_view part, std::size_t count) {
    std::string out;
    for (std::size_t i = 0; i < count; ++i) {
        out += part;
    }
    return out;
}

std::string text_payload(std::size_t size, std::string_view more = "") {
    return R"({"a":")" + std::string(size, 'a') + R"(b","b":"(a+)+$")" + std::string{more} + '}';
}

std::string list_payload(std::size_t size) {
    return R"({"a":[)" + repeated("1,", size - 1) + R"(1],"o":{"x":1}})";
}

/// No automaton has the same state twice over it.
std::string states_payload(std::size_t size) {
    std::string text;
    std::uint32_t state = 1;
    for (std::size_t i = 0; i < size; ++i) {
        state = state * 1'664'525 + 1'013'904'223;
        text += (state >> 24U) % 2 == 0 ? 'a' : 'b';
    }
    return R"({"a":")" + text + "\"}";
}

std::string text_and_list_payload(std::size_t size) {
    return R"({"b":")" + std::string(size, 'b') + R"(","a":[)" + repeated("1,", 999) + "1]}";
}

struct Attack {
    std::string_view name;
    std::string sql;
    std::string payload;
};

std::vector<Attack> attacks() {
    const auto where = [](std::string_view condition) {
        return "SELECT 1 AS r FROM '#' WHERE " + std::string{condition};
    };
    const auto select = [](std::string_view expression) {
        return "SELECT VALUE (" + std::string{expression} + ") FROM '#'";
    };
    constexpr std::size_t k64K = 64 * 1024;
    return {
        {"nested_quantifiers", where("regexp_matches(a, '^(a+)+$')"), text_payload(k64K)},
        {"pattern_from_the_payload", where("regexp_matches(a, b)"), text_payload(k64K)},
        {"alternatives", where("regexp_matches(a, '^(a|aa|aaa|a*)*$')"), text_payload(k64K)},
        {"counted_repetition", where("regexp_matches(a, '(a{1,50}){1,15}c')"), text_payload(k64K)},
        {"looking_ahead_of_each_match", select("regexp_replace(a, 'a.*c|a', '-')"), text_payload(k64K)},
        {"more_states_than_memory", where("regexp_matches(a, '(a|b)*a(a|b){14}c')"), states_payload(k64K)},
        {"groups_of_a_long_match", select("regexp_replace(a, '(.*)(.*)(.*)(.*)x?', '$4')"), text_payload(k64K)},
        {"patterns_of_elements", select("(SELECT VALUE regexp_replace('aaaa', x, '') FROM a AS x)"), list_payload(5000)},
        {"digest_of_each_element", "FOREACH a AS x DO md2(b) FROM '#'", text_and_list_payload(100)},
        {"long_outputs", "FOREACH a AS x DO b FROM '#'", text_and_list_payload(7000)},
        {"replace_each_character", select("regexp_replace(a, 'a', 'aaaaaaaaaaaaaaaa')"), text_payload(k64K)},
        {"replace_with_itself", select("replace(replace(a, 'a', a), 'a', a)"), text_payload(2000)},
        {"doubling",
         "SET @a = concat(a, a), @b = concat(@a, @a), @c = concat(@b, @b), @d = concat(@c, @c), @e = concat(@d, @d), "
         "@f = concat(@e, @e), @g = concat(@f, @f), @h = concat(@g, @g) SELECT VALUE concat(@h, @h) FROM '#'",
         text_payload(k64K)},
        {"lists_doubling",
         "SET @a = concat(a, a), @b = concat(@a, @a), @c = concat(@b, @b), @d = concat(@c, @c) SELECT VALUE concat(@d, @d) "
         "FROM '#'",
         list_payload(5000)},
        {"product_of_lists", select("(SELECT VALUE (SELECT VALUE y FROM a AS y) FROM a AS x)"), list_payload(2000)},
        {"search_in_each_element", select("(SELECT VALUE x IN [1, 2, 3] AND contains(a, x) FROM a AS x)"),
         list_payload(5000)},
        {"many_elements", "FOREACH a AS x DO x FROM '#'", list_payload(100'000)},
        {"enriched", select("transform('enrichArray', o, a)"), list_payload(100'000)},
        {"digests", select("concat(md2(a), md5(a), sha1(a), sha512(a), md2(concat(a, a)))"), text_payload(k64K)},
        {"decoded_again_and_again",
         select("decode(encode(decode(encode(decode(encode(a, 'base64'), 'base64'), 'base64'), 'base64'), 'base64'), "
                "'base64')"),
         text_payload(k64K)},
        {"search_of_a_long_part", select("indexof(concat(a, a), concat(a, 'c'))"), text_payload(k64K)},
        {"split_each_character", select("size(split(a, 'a'))"), text_payload(k64K)},
        {"numbers_of_many_digits", select("a * a * a"), R"({"a":)" + std::string(k64K, '9') + '}'},
        {"digits_of_an_element", select("(SELECT VALUE 1 FROM [a] AS x WHERE x < 1" + repeated(" OR x < 1", 3000) + ")"),
         R"({"a":)" + std::string(k64K, '9') + '}'},
        {"digits_of_a_text", where("a < 1" + repeated(" OR a < 1", 3000)), R"({"a":")" + std::string(k64K, '9') + "\"}"},
        {"digits_of_a_variable", "SET @a = a SELECT 1 AS r FROM '#' WHERE @a < 1" + repeated(" OR @a < 1", 3000),
         R"({"a":)" + std::string(k64K, '9') + '}'},
        {"digits_of_whole_decimals", select("sum([a" + repeated(", a", 3000) + "])"), R"({"a":1.)" + std::string(k64K, '0') + '}'},
        {"remainders_of_far_exponents", where("a % b < 0" + repeated(" OR mod(a, b) < 0", 1500)),
         R"({"a":9.999999999999999999999999999999999E999,"b":1.234567890123456789012345678901234E-990})"},
        {"products_of_all_digits", select("a" + repeated(" * a", 4000)), R"({"a":1.234567890123456789012345678901234})"},
        {"real_numbers", where("power(a, a) < 0" + repeated(" OR sin(a) > 5", 2000)), R"({"a":1.234567890123456789E30})"},
        {"digests_of_short_texts", where("md2(a) = 'x'" + repeated(" OR sha512(a) = 'x' OR md2(a) = 'x'", 1000)), R"({"a":"x"})"},
        {"padded_again_and_again", where("lpad(a, 1000) = 'x'" + repeated(" OR lpad(a, 1000) = 'x'", 2400)), R"({"a":"b"})"},
        {"patterns_of_fields",
         where("parse_time('" + repeated("yMd", 40) + "', timestamp()) = 'x'" +
               repeated(" OR parse_time('" + repeated("yMd", 40) + "', timestamp(), 'Europe/Berlin') = 'x'", 500)),
         "{}"},
        {"random_texts", where("newuuid() = 'x'" + repeated(" OR newuuid() = 'x'", 2400)), "{}"},
        {"parsed_again_and_again", where("parse_json(a) = 1" + repeated(" OR parse_json(a) = 1", 2000)),
         R"({"a":"[)" + repeated("1,", 300) + R"(1]"})"},
        {"user_properties", where("get_user_properties('k') = 1" + repeated(" OR get_user_properties('k') = 1", 2000)), "{}"},
        {"a_property_behind_others", where("get_mqtt_property('response_topic') = 1" +
                                           repeated(" OR get_mqtt_property('response_topic') = 1", 2000)), "{}"},
        {"compared_as_a_whole", select("* = *"), list_payload(50'000)},
        {"wide_object", where("missing > 1 OR o.x = 2 OR missing2 = 3"),
         "{" + repeated(R"("k":1,)", 20'000) + R"("z":1})"},
        {"deep_payload", select("*"), repeated("[", 5000)},
        {"nested_a_hundred_deep", select(repeated("(1 + ", 90) + "a" + repeated(")", 90)), R"({"a":1})"},
        {"long_condition", where("a = 0" + repeated(" OR a = 1", 2000)), R"({"a":2})"},
        {"what_is_remembered", where("changed(a) AND changed(concat(a, 'x'))"), text_payload(k64K)},
        {"list_that_is_remembered", where("changed(a) OR last(a) = a"), list_payload(1900)},
    };
}

TEST(ThreatT30, BoundsTheWorkOfEachMessage) {
    using std::string_view_literals::operator""sv;
    const std::string properties = repeated("\x26\0\1a\0\1b"sv, 9000);  // As many as a PUBLISH has room for.
    for (const Attack& attack : attacks()) {
        document::Diagnostics diagnostics;
        rules::RuleDefinition rule{.name = "attacked"};
        rule.program = rules::compile_statement(attack.sql, {}, diagnostics);
        if (rule.program == nullptr) {
            continue;  // Refused at once is as well.
        }
        const std::string padded = attack.payload + std::string(model::Message::kSpareBytes, '\0');
        const rules::Input input{
            .topic = "a",
            .payload = as_bytes(std::string_view{padded}.substr(0, attack.payload.size())),
            .properties = as_bytes(properties),
        };
        Evaluator evaluator;
        rules::StateMemory state;
        static_cast<void>(evaluator.evaluate(rule, input, &state));
        const double since = cpu_ms();
        const auto evaluated = evaluator.evaluate(rule, input, &state);
        const double took = cpu_ms() - since;
        std::size_t bytes = 0;
        for (const Output& output : evaluated->outputs) {
            bytes += output.bytes.size();
        }
        fmt::print("{:<28} {:>8.2f} ms {:>6} steps\n", attack.name, took, evaluated->steps);
        using rules::detail::Budget;
        EXPECT_LE(
            evaluated->steps,
            Budget::kStepsMax + attack.payload.size() / Budget::kBytesPerStep +
                Evaluator::kOutputsMax * Budget::kStepsPerElement
        ) << attack.name;
        EXPECT_LT(took, kMillisecondsMax) << attack.name;
        EXPECT_LT(bytes, 4U * 1024 * 1024) << attack.name;
    }
}

TEST(ThreatT30, RefusesPatternsThatWouldTakeMuchMemory) {
    document::Diagnostics diagnostics;
    static_cast<void>(rules::compile_statement(
        "SELECT regexp_matches(a, '((a{1,100}){1,100}){1,100}') AS r FROM '#'", {}, diagnostics
    ));
    EXPECT_NE(diagnostics.render_text().find("not a regular expression"), std::string::npos);
}

/// Whoever writes rules waits for them.
TEST(ThreatT30, CompilesLongStatementsInTimeThatGrowsWithThem) {
    for (const std::string_view part : {"f(a) + ", "'aaaaaaaaaaaaaaaa' + ", "(a = 1) + "}) {
        const auto sql = "SELECT " + repeated(part, 250'000 / part.size()) + "a AS r FROM '#'";
        document::Diagnostics diagnostics;
        const double since = cpu_ms();
        static_cast<void>(rules::compile_statement(sql, {}, diagnostics));
        EXPECT_LT(cpu_ms() - since, 10 * kMillisecondsMax) << part;
        EXPECT_LE(diagnostics.sorted().size(), 200U) << part;
    }
}

TEST(ThreatT30, RefusesStatementsThatAreTooLargeOrTooDeep) {
    for (const std::string& sql :
         {"SELECT " + repeated("(", 5000) + "1" + repeated(")", 5000) + " AS r FROM '#'",
          "SELECT " + repeated("NOT ", 5000) + "a AS r FROM '#'",
          "SELECT " + repeated("- ", 5000) + "a AS r FROM '#'",
          "SELECT " + repeated("[", 5000) + " AS r FROM '#'",
          "SELECT '" + std::string(300 * 1024, 'x') + "' AS r FROM '#'",
          "SELECT a" + repeated(".b", 200'000) + " AS r FROM '#'",
          "SELECT " + repeated("CASE WHEN a THEN ", 1000) + "1" + repeated(" END", 1000) + " AS r FROM '#'"}) {
        document::Diagnostics diagnostics;
        const double since = cpu_ms();
        EXPECT_EQ(rules::compile_statement(sql, {}, diagnostics), nullptr) << sql.substr(0, 40);
        EXPECT_LT(cpu_ms() - since, kMillisecondsMax) << sql.substr(0, 40);
    }
}

}  // namespace
}  // namespace weir::test
