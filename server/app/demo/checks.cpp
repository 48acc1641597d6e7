#include <weir/demo/checks.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include <weir/demo/home.hpp>
#include <weir/metering/formula.hpp>

namespace weir::demo {
namespace {

template <class Member>
std::uint64_t sum(const std::vector<Tally>& devices, Member member) {
    return std::accumulate(
        devices.begin(),
        devices.end(),
        std::uint64_t{0},
        [member](std::uint64_t total, const Tally& tally) { return total + tally.*member; }
    );
}

Check check_devices(const Observation& seen) {
    const auto sent = sum(seen.devices, &Tally::sent);
    const auto answered = sum(seen.devices, &Tally::acknowledged) +
                          sum(seen.devices, &Tally::denied) + sum(seen.devices, &Tally::refused);
    const auto failures = sum(seen.devices, &Tally::failures);
    Check result{
        .name = "devices stay connected, each publish is answered",
        .holds = failures == 0 && sent > 0 && sent == answered,
        .detail = fmt::format("{} sent, {} answered, {} failures", sent, answered, failures),
    };
    for (const auto& tally : seen.devices) {
        if (!tally.last_failure.empty()) {
            result.detail += fmt::format("; {}: {}", tally.device, tally.last_failure);
        }
    }
    return result;
}

/// `got` of something, of which there must be as many as acknowledged hot readings.
Check check_alarms(const Observation& seen, std::string name, std::uint64_t got) {
    const auto hot = sum(seen.devices, &Tally::hot);
    return {
        .name = std::move(name),
        .holds = hot > 0 && got == hot,
        .detail = fmt::format("{} of {} acknowledged readings over 80", got, hot),
    };
}

Check check_repeats(const Observation& seen) {
    return {
        .name = "no record is delivered twice",
        .holds = seen.received.repeats == 0,
        .detail = fmt::format("{} repeated keys", seen.received.repeats),
    };
}

Check check_denials(const Observation& seen) {
    const auto denied = sum(seen.devices, &Tally::denied);
    const auto refused = sum(seen.devices, &Tally::refused);
    const auto topic = fmt::format("data/{}/temp", kDevices.front());
    std::uint64_t recorded = 0;
    bool as_expected = refused == 0;
    for (const auto& [device, decision] : seen.denials) {
        recorded += decision.count;
        as_expected = as_expected && device == kMisbehaving && decision.topic == topic &&
                      decision.action == model::Action::publish;
    }
    return {
        .name = fmt::format("{} is denied {}, with the reason publish_denied", kMisbehaving, topic),
        .holds = as_expected && denied > 0 && recorded == denied,
        .detail = fmt::format("{} recorded, {} answers with 0x87", recorded, denied),
    };
}

Check check_units(const Observation& seen, const metering::SchemeInfo& scheme) {
    Check result{.name = fmt::format("units of {}", scheme.name), .holds = true, .detail = {}};
    for (const auto& tally : seen.devices) {
        const auto billed = metering::total_units(seen.usage_of(tally.device), scheme.scheme);
        const auto owed = metering::total_units(tally.usage, scheme.scheme);
        result.holds = result.holds && owed > 0 && billed == owed;
        result.detail += fmt::format(
            "{}{}: {} billed, {} owed",
            result.detail.empty() ? "" : "; ",
            tally.device,
            billed,
            owed
        );
    }
    return result;
}

}  // namespace

std::vector<Check> check(const Observation& seen) {
    std::vector<Check> checks{
        check_devices(seen),
        check_alarms(seen, "the rule fires on each hot reading", seen.rule_matches),
        check_alarms(seen, "the stream holds each alarm", seen.stream_records),
        check_alarms(
            seen,
            "the sink's receiver got each alarm",
            seen.received.records - seen.received.repeats
        ),
        check_repeats(seen),
        check_denials(seen),
    };
    for (const auto& scheme : metering::all_schemes()) {
        checks.push_back(check_units(seen, scheme));
    }
    return checks;
}

std::string render(const std::vector<Check>& checks) {
    std::string text;
    for (const auto& [name, holds, detail] : checks) {
        text += fmt::format("{:<6}  {}: {}\n", holds ? "ok" : "FAILED", name, detail);
    }
    return text;
}

std::string verdict(const std::vector<Check>& checks) {
    std::string failed;
    for (const auto& each : checks) {
        if (!each.holds) {
            failed += (failed.empty() ? "" : "; ") + each.name;
        }
    }
    return failed.empty() ? "demo: all checks passed" : "demo: FAILED: " + failed;
}

}  // namespace weir::demo
