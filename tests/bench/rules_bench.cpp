// What a rule costs per message, by what it asks for. Times depend on the machine and gate nothing; an allocation fails the run.
// `compare_jq` prints what the same costs in jq and in Python, where they are installed.
#include <benchmark/benchmark.h>

#include <array>
#include <string>
#include <string_view>

#include <weir/rules/compiler.hpp>
#include <weir/rules/evaluator.hpp>

#include "support/count_allocations.hpp"

namespace weir::rules {
namespace {

constexpr std::string_view kPayload =
    R"({"device":"probe-0017","temp":71.25,"humidity":40.5,"quality":"good","battery":3.61,)"
    R"("position":{"lat":59.9139,"lon":10.7522},"sequence":184467,"flags":[1,0,0,1],"firmware":"2.4.1"})";

RuleDefinition rule_of(std::string name, std::string_view sql) {
    document::Diagnostics diagnostics;
    RuleDefinition rule{.name = std::move(name)};
    rule.program = compile_statement(sql, {}, diagnostics);
    return rule;
}

/// @param others  Rules on filters that the message does not match.
std::shared_ptr<const RuleSet> rules_of(std::string_view sql, int copies, int others = 0) {
    std::vector<RuleDefinition> rules;
    for (int i = 0; i < copies; ++i) {
        rules.push_back(rule_of("rule" + std::to_string(i), sql));
    }
    for (int i = 0; i < others; ++i) {
        rules.push_back(rule_of(
            "other" + std::to_string(i),
            "SELECT * FROM 'plant/" + std::to_string(i) + "/+/temp' WHERE temp > 80"
        ));
    }
    return RuleSet::build(std::move(rules));
}

void evaluate(benchmark::State& state, std::string_view sql, int copies, int others = 0) {
    const auto rules = rules_of(sql, copies, others);
    const std::string payload =
        std::string{kPayload} + std::string(model::Message::kSpareBytes, '\0');
    const Input input{
        .topic = "data/probe-0017/temp",
        .payload = as_bytes(std::string_view{payload}.substr(0, kPayload.size())),
        .client_id = "probe-0017",
        .timestamp_ms = 1'700'000'000'000,
    };
    Evaluator evaluator;
    std::size_t outputs = 0;
    std::size_t bytes = 0;
    const auto run = [&] {
        evaluator.evaluate(*rules, input, nullptr, [&](const Rule&, const Evaluated& evaluated) {
            for (const Output& output : evaluated.outputs) {
                ++outputs;
                bytes += output.bytes.size();
            }
        });
    };
    run();
    const auto before = test::allocations.load();
    for (auto _ : state) {
        run();
    }
    benchmark::DoNotOptimize(bytes);
    const auto average = benchmark::Counter::kAvgIterations;
    const auto mallocs = test::allocations.load() - before;
    state.counters["mallocs"] = benchmark::Counter(static_cast<double>(mallocs), average);
    if (mallocs != 0) {
        state.SkipWithError("the evaluation allocates");
    }
    state.counters["outputs"] = benchmark::Counter(static_cast<double>(outputs), average);
}

/// All of them are evaluated.
const std::string kTwentyConditions = [] {
    constexpr std::array<std::string_view, 4> kFields = {
        "temp", "humidity", "battery", "position.lat"
    };
    std::string sql = "SELECT * FROM 'data/+/temp' WHERE sequence < 0";
    for (std::size_t i = 1; i < 20; ++i) {
        sql += " OR " + std::string{kFields[i % kFields.size()]} + " > " + std::to_string(100 + i);
    }
    return sql;
}();

BENCHMARK_CAPTURE(evaluate, other_topic, "SELECT * FROM 'cmd/#'", 1);
BENCHMARK_CAPTURE(evaluate, other_topic_thousand_rules, "SELECT * FROM 'cmd/#'", 1, 1000);
BENCHMARK_CAPTURE(evaluate, topic_only, "SELECT topic(2) AS device FROM 'data/+/temp'", 1);
BENCHMARK_CAPTURE(
    evaluate, where_false, "SELECT * FROM 'data/+/temp' WHERE temp > 80 AND quality <> 'bad'", 1
);
BENCHMARK_CAPTURE(
    evaluate,
    ten_where_false,
    "SELECT * FROM 'data/+/temp' WHERE temp > 80 AND quality <> 'bad'",
    10
);
BENCHMARK_CAPTURE(
    evaluate,
    where_false_beside_thousand_rules,
    "SELECT * FROM 'data/+/temp' WHERE temp > 80 AND quality <> 'bad'",
    1,
    1000
);
BENCHMARK_CAPTURE(evaluate, twenty_conditions, kTwentyConditions, 1);
BENCHMARK_CAPTURE(
    evaluate,
    five_fields,
    "SELECT topic(2) AS device, temp, humidity, position.lat AS lat, timestamp() AS at "
    "FROM 'data/+/temp' WHERE temp > 60",
    1
);
BENCHMARK_CAPTURE(evaluate, whole, "SELECT * FROM 'data/+/temp' WHERE temp > 60", 1);
BENCHMARK_CAPTURE(
    evaluate, arithmetic, "SELECT (temp - 32) * 5 / 9 AS celsius FROM 'data/+/temp'", 1
);
BENCHMARK_CAPTURE(
    evaluate,
    regex,
    "SELECT * FROM 'data/+/temp' WHERE regexp_matches(firmware, '^3\\.[0-9]+\\.')",
    1
);
BENCHMARK_CAPTURE(
    evaluate,
    subquery,
    "SELECT (SELECT VALUE f FROM flags AS f WHERE f > 0) AS set FROM 'data/+/temp'",
    1
);

}  // namespace
}  // namespace weir::rules

BENCHMARK_MAIN();
