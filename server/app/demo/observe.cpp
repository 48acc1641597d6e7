#include <weir/demo/observe.hpp>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include <weir/app/gateway.hpp>
#include <weir/demo/home.hpp>

namespace weir::demo {
namespace {

std::vector<Denial> read_denials(const app::Gateway& gateway) {
    std::vector<Denial> denials;
    for (const auto device : kDevices) {
        for (auto& decision : gateway.decisions(device)) {
            if (decision.reason == model::Reason::publish_denied) {
                denials.push_back({std::string{device}, std::move(decision)});
            }
        }
    }
    std::ranges::stable_sort(denials, {}, [](const Denial& denial) {
        return denial.decision.last;
    });
    return denials;
}

metering::Statement read_usage(app::Gateway& gateway, WallTime since) {
    gateway.flush_usage();
    const auto to = gateway.clock().wall() + std::chrono::hours{1};
    auto statement = metering::read_statement(gateway.store(), {.from = since, .to = to});
    if (!statement) {
        throw std::runtime_error{"cannot read the usage: " + statement.error().message()};
    }
    return std::move(*statement);
}

}  // namespace

Observation observe(
    app::Gateway& gateway, std::vector<Tally> devices, const Receiver& receiver, WallTime since
) {
    Observation seen{
        .running = std::chrono::duration_cast<std::chrono::seconds>(gateway.clock().wall() - since),
        .devices = std::move(devices),
        .denials = read_denials(gateway),
        .usage = read_usage(gateway, since),
        .received = receiver.counts(),
    };
    const auto rules = gateway.rules();
    if (const auto rule = std::ranges::find(rules, kRule, &app::RuleStatus::name);
        rule != rules.end()) {
        seen.rule_matches = rule->passed;
    }
    if (const auto stream = gateway.store().stream(kStream)) {
        seen.stream_records = stream->records();
    }
    auto sinks = gateway.sinks();
    if (const auto sink = std::ranges::find(sinks, kSink, &sinks::SinkStatus::name);
        sink != sinks.end()) {
        seen.sink = std::move(*sink);
    }
    return seen;
}

}  // namespace weir::demo
