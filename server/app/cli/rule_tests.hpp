/// The tests that stand beside rules: `hot_test.yaml` beside `hot.sql`.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include <weir/document/diagnostic.hpp>

#include "rule_files.hpp"

namespace weir::cli {

struct RuleTestResult {
    std::string name;
    std::string file;
    std::uint32_t line = 0;
    std::string topic;
    std::string payload;                     ///< What was given.
    std::vector<std::string> problems = {};  ///< None: it passed.
    std::vector<std::string> actual = {};    ///< What came of it, a line each.

    [[nodiscard]] bool passed() const noexcept { return problems.empty(); }
};

/// Runs the tests of one rule with the evaluator of production.
///
/// tests:
///   - name: hot probe raises an alarm
///     given: {topic: data/p7/temp, payload: {temp: 91.5}, device: p7, at: 2026-01-01T00:00:00Z}
///     expect:
///       match: true
///       outputs: [{to: stream/alarms, payload: {device: p7, at: "*"}}]
///       undefined: [quality]
///
/// `before`: messages that came before, one or a list, like `given`; without a topic of their own they have
/// that of `given`. Each test begins with a rule that remembers nothing.
/// `given`: topic; payload (a text is the bytes, anything else is JSON) or payload_base64; device,
/// client_id, thing_type, attributes, user_properties, source_ip, qos, at.
/// `expect`: match; outputs, each of which must be among what the rule sends (`"*"` stands for any
/// value); output, short for one payload; undefined, expressions that have no value; error, a part
/// of why the evaluation fails.
/// @return What is wrong with the file itself is in `diagnostics`.
[[nodiscard]] std::vector<RuleTestResult> run_rule_tests(
    const RuleFile& rule, document::Diagnostics& diagnostics
);

[[nodiscard]] boost::json::object rule_test_row(
    const RuleFile& rule, const RuleTestResult& result
);

/// The payloads of the messages in a rule's tests, as samples of what its topics carry. Files with errors give none.
[[nodiscard]] std::vector<std::string> sample_payloads(const RuleFile& rule);

struct RuleTestSummary {
    std::size_t passed = 0;
    std::size_t failed = 0;
    std::size_t untested = 0;  ///< Rules without tests.
};
/// Prints a line for the rule and a block for each failure.
[[nodiscard]] RuleTestSummary report_rule_tests(
    const RuleFile& rule, const std::vector<RuleTestResult>& results
);

}  // namespace weir::cli
