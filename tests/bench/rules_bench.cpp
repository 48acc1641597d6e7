// What a rule costs per message, by what it asks for.
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

std::shared_ptr<const RuleSet> rules_of(std::string_view sql, int copies = 1) {
    std::vector<RuleDefinition> rules;
    for (int i = 0; i < copies; ++i) {
        document::Diagnostics diagnostics;
        RuleDefinition rule{.name = "rule" + std::to_string(i)};
        rule.program = compile_statement(sql, {}, diagnostics);
        rules.push_back(std::move(rule));
    }
    return RuleSet::build(std::move(rules));
}

void evaluate(benchmark::State& state, std::string_view sql, int copies) {
    const auto rules = rules_of(sql, copies);
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
        evaluator.evaluate(*rules, input, [&](const Rule&, const Output& output) {
            ++outputs;
            bytes += output.bytes.size();
        });
    };
    run();
    const auto before = test::allocations.load();
    for (auto _ : state) {
        run();
    }
    benchmark::DoNotOptimize(bytes);
    const auto average = benchmark::Counter::kAvgIterations;
    state.counters["mallocs"] =
        benchmark::Counter(static_cast<double>(test::allocations.load() - before), average);
    state.counters["outputs"] = benchmark::Counter(static_cast<double>(outputs), average);
}

BENCHMARK_CAPTURE(evaluate, other_topic, "SELECT * FROM 'cmd/#'", 1);
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
