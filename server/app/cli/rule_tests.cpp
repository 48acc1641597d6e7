#include "rule_tests.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <algorithm>
#include <optional>
#include <ranges>
#include <string_view>
#include <utility>

#include <weir/base/digest.hpp>
#include <weir/base/text.hpp>
#include <weir/document/readers.hpp>

#include "rule_run.hpp"
#include "rule_test_reader.hpp"

namespace weir::cli {
namespace {

namespace json = boost::json;
using document::Diagnostics;
using document::Node;

std::string without_space(std::string_view text) {
    std::string out;
    std::ranges::copy_if(text, std::back_inserter(out), [](char c) {
        return c != ' ' && c != '\t' && c != '\n' && c != '\r';
    });
    return out;
}

/// Where two values differ first; empty: nowhere. `"*"` stands for any value.
std::string difference(const json::value& expected, const json::value& got, const std::string& at) {
    if (expected.is_string() && expected.get_string() == "*") {
        return {};
    }
    if (expected.is_object() && got.is_object()) {
        for (const auto& [key, value] : expected.get_object()) {
            const auto place = at + '.' + std::string{key};
            const auto* other = got.get_object().if_contains(key);
            if (other == nullptr) {
                return place + " is missing";
            }
            if (auto inner = difference(value, *other, place); !inner.empty()) {
                return inner;
            }
        }
        for (const auto& [key, value] : got.get_object()) {
            if (!expected.get_object().contains(key)) {
                return at + '.' + std::string{key} + " was not expected";
            }
        }
        return {};
    }
    if (expected.is_array() && got.is_array() &&
        expected.get_array().size() == got.get_array().size()) {
        for (std::size_t i = 0; i < expected.get_array().size(); ++i) {
            auto inner = difference(
                expected.get_array()[i], got.get_array()[i], fmt::format("{}[{}]", at, i)
            );
            if (!inner.empty()) {
                return inner;
            }
        }
        return {};
    }
    const bool numbers = expected.is_number() && got.is_number();
    const bool same = numbers ? expected.to_number<double>() == got.to_number<double>()
                              : expected == got;
    return same ? std::string{}
                : fmt::format(
                      "{} is {}, not {}", at, json::serialize(got), json::serialize(expected)
                  );
}

/// How a delivery differs from what was expected; empty: it does not.
std::string difference(const ExpectedOutput& expected, const Delivery& delivery) {
    if (!expected.to.empty() && expected.to != delivery.to) {
        return "sent to " + delivery.to;
    }
    if (expected.any_payload) {
        return {};
    }
    boost::system::error_code error;
    const auto got = json::parse(delivery.payload, error);
    if (error) {
        const bool same = expected.payload.is_string() &&
                          expected.payload.get_string() == delivery.payload;
        return same ? std::string{} : "the payload is not JSON";
    }
    return difference(expected.payload, got, "payload");
}

void check_outputs(RuleTestResult& result, const Expectation& expectation, const RuleRun& run) {
    std::vector<bool> used(run.deliveries.size());
    for (const ExpectedOutput& expected : expectation.outputs) {
        std::string nearest = "nothing was sent";
        bool found = false;
        for (std::size_t i = 0; !found && i < used.size(); ++i) {
            const auto problem = used[i] ? "the same again" : difference(expected, run.deliveries[i]);
            found = problem.empty();
            used[i] = used[i] || found;
            // What went to the right place tells more than what did not.
            if (i == 0 || expected.to.empty() || expected.to == run.deliveries[i].to) {
                nearest = problem;
            }
        }
        if (!found) {
            result.problems.push_back(fmt::format(
                "expected {}{}{}: {}",
                expected.to.empty() ? "an output" : expected.to,
                expected.any_payload ? "" : " ",
                expected.any_payload ? "" : json::serialize(expected.payload),
                nearest
            ));
        }
    }
}

/// Without a clause that could have been true, the reason is FROM.
std::string why_quiet(const RuleRun& run) {
    if (!run.topic_matches) {
        return "FROM does not match the topic";
    }
    if (run.is_duplicate) {
        return "a duplicate";
    }
    const auto where = std::ranges::find_if(
        std::views::reverse(run.steps),
        [](const RuleStep& step) { return step.clause == "WHERE"; }
    );
    return where == run.steps.rend()
               ? std::string{"FOREACH found no element"}
               : fmt::format("WHERE {} is {}", where->expression, where->value);
}

void judge(RuleTestResult& result, const Expectation& expectation, const RuleRun& run) {
    for (const auto& delivery : run.deliveries) {
        result.actual.push_back(
            delivery.to + ' ' +
            (delivery.is_json ? delivery.payload
                              : "base64 " + to_base64(as_bytes(delivery.payload)))
        );
    }
    std::ranges::copy(run.failures, std::back_inserter(result.actual));
    if (!run.matched) {
        result.actual.push_back("no match: " + why_quiet(run));
    }
    const bool wants_outputs = !expectation.outputs.empty();
    if (expectation.match.value_or(wants_outputs || run.matched) != run.matched) {
        result.problems.emplace_back(run.matched ? "expected no match" : "expected a match");
    } else {
        check_outputs(result, expectation, run);
    }
    if (expectation.error) {
        const bool failed = std::ranges::any_of(run.failures, [&](const std::string& failure) {
            return failure.find(*expectation.error) != std::string::npos;
        });
        if (!failed) {
            result.problems.push_back(fmt::format("expected the error '{}'", *expectation.error));
        }
    } else if (!run.failures.empty()) {
        result.problems.push_back("failed: " + run.failures.front());
    }
    for (const std::string& expression : expectation.undefined) {
        const auto step = std::ranges::find_if(run.steps, [&](const RuleStep& each) {
            return without_space(each.expression) == without_space(expression);
        });
        if (step == run.steps.end()) {
            result.problems.push_back(fmt::format("`{}` was not evaluated", expression));
        } else if (!step->is_undefined) {
            result.problems.push_back(
                fmt::format("`{}` is {}, not Undefined", expression, step->value)
            );
        }
    }
}

}  // namespace

std::vector<RuleTestResult> run_rule_tests(const RuleFile& rule, Diagnostics& diagnostics) {
    std::vector<RuleTestResult> results;
    if (rule.tests.text.empty()) {
        return results;
    }
    const auto parsed = document::Document::parse(rule.tests.text, rule.tests.path, diagnostics);
    if (!parsed || !document::expect_mapping(parsed->root(), diagnostics, "tests: [...]")) {
        return results;
    }
    document::check_keys(parsed->root(), diagnostics, {"tests"}, "a part of a test file");
    const auto tests = document::require_key(parsed->root(), diagnostics, "tests");
    if (!tests || !document::expect_sequence(*tests, diagnostics, "- name: ...")) {
        return results;
    }
    TestReader reader{diagnostics};
    RuleRunner runner{rule.requests};
    for (const Node& test : tests->items()) {
        if (!document::expect_mapping(test, diagnostics, "{name, given, expect}")) {
            continue;
        }
        document::check_keys(
            test, diagnostics, {"name", "before", "given", "expect"}, "a part of a test"
        );
        const auto given = document::require_key(test, diagnostics, "given");
        const auto expect = document::require_key(test, diagnostics, "expect");
        const auto message = given ? reader.given(*given) : std::nullopt;
        const auto expectation = expect ? reader.expect(*expect) : std::nullopt;
        const auto before = message ? reader.before(test, message->topic) : std::nullopt;
        if (!before || !expectation) {
            continue;
        }
        runner.forget();
        for (const RuleMessage& each : *before) {
            runner.run_before(rule.rule, each);
        }
        const auto name = test.get("name");
        RuleTestResult result{
            .name = name ? std::string{name->text()} : fmt::format("test {}", results.size() + 1),
            .file = rule.tests.path,
            .line = test.range().begin.line,
            .topic = message->topic,
            .payload = std::string{message->payload()},
        };
        judge(result, *expectation, runner.run(rule.rule, *message));
        results.push_back(std::move(result));
    }
    return results;
}

json::object rule_test_row(const RuleFile& rule, const RuleTestResult& result) {
    const auto texts = [](const std::vector<std::string>& lines) {
        return json::array(lines.begin(), lines.end());
    };
    return {
        {"rule", rule.rule.name},
        {"test", result.name},
        {"file", result.file},
        {"line", result.line},
        {"passed", result.passed()},
        {"actual", texts(result.actual)},
        {"problems", texts(result.problems)}
    };
}

std::vector<std::string> sample_payloads(const RuleFile& rule) {
    std::vector<std::string> payloads;
    Diagnostics diagnostics;
    const auto parsed = document::Document::parse(rule.tests.text, rule.tests.path, diagnostics);
    const auto tests = parsed && parsed->root().is_mapping() ? parsed->root().get("tests")
                                                             : std::nullopt;
    if (!tests || !tests->is_sequence()) {
        return payloads;
    }
    TestReader reader{diagnostics};
    for (const Node& test : tests->items()) {
        const auto given = test.is_mapping() ? test.get("given") : std::nullopt;
        const auto message = given ? reader.given(*given) : std::nullopt;
        if (!message) {
            continue;
        }
        payloads.emplace_back(message->payload());
        if (const auto before = reader.before(test, message->topic)) {
            for (const RuleMessage& each : *before) {
                payloads.emplace_back(each.payload());
            }
        }
    }
    return payloads;
}

RuleTestSummary report_rule_tests(
    const RuleFile& rule, const std::vector<RuleTestResult>& results
) {
    RuleTestSummary summary;
    for (const auto& result : results) {
        ++(result.passed() ? summary.passed : summary.failed);
    }
    summary.untested = results.empty() ? 1 : 0;
    print(fmt::format(
        "{:<32} {}{}\n",
        rule.file.path,
        results.empty() ? "no tests" : fmt::format("{} passed", summary.passed),
        summary.failed == 0 ? "" : fmt::format(", {} failed", summary.failed)
    ));
    for (const auto& result : results) {
        if (result.passed()) {
            continue;
        }
        std::string block = fmt::format(
            "  x \"{}\"  {}:{}\n      given    {} {}\n",
            result.name,
            result.file,
            result.line,
            result.topic,
            is_utf8(result.payload) ? result.payload : to_base64(as_bytes(result.payload))
        );
        for (const auto& line : result.actual) {
            block += fmt::format("      actual   {}\n", line);
        }
        for (const auto& problem : result.problems) {
            block += fmt::format("      {}\n", problem);
        }
        print(block);
    }
    return summary;
}

}  // namespace weir::cli
