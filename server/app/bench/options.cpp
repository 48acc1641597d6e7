#include <weir/bench/options.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include <weir/bench/plan.hpp>
#include <weir/bench/stamp.hpp>

namespace weir::bench {
namespace {

constexpr std::uint16_t kPort = 1'883;
constexpr std::uint16_t kTlsPort = 8'883;
/// Of the 28,000 that Linux hands out by default, some are taken.
constexpr std::uint32_t kPortsPerAddress = 20'000;
/// A closed connection keeps its port for a minute; this spreads them.
constexpr std::uint32_t kAddressesOfChurn = 8;

template <class T>
void set_default(T& value, T otherwise) {
    if (value == T{}) {
        value = otherwise;
    }
}

std::uint32_t default_window(const Options& options) {
    constexpr std::uint32_t kUnacknowledged = 20;
    constexpr std::uint32_t kUndelivered = 64;
    if (options.scenario == Scenario::ping_pong) {
        return 1;
    }
    if (options.rate > 0) {
        return kWindowMax;
    }
    return options.qos == mqtt::Qos::at_most_once ? kUndelivered : kUnacknowledged;
}

std::uint32_t default_concurrency(const Options& options) {
    constexpr std::uint32_t kOfConnects = 64;
    constexpr std::uint32_t kWithRate = 2'000;
    constexpr std::uint32_t kOtherwise = 200;
    if (has_messages(options.scenario)) {
        return kOtherwise;
    }
    return options.rate > 0 ? kWithRate : kOfConnects;
}

struct Bound {
    std::string_view option;
    double value;
    double min;
    double max;
};

}  // namespace

std::string_view name(Scenario scenario) noexcept {
    switch (scenario) {
        case Scenario::pairs:
            return "pairs";
        case Scenario::fan_in:
            return "fan-in";
        case Scenario::fan_out:
            return "fan-out";
        case Scenario::wild:
            return "wild";
        case Scenario::ping_pong:
            return "ping-pong";
        case Scenario::connects:
            return "connects";
        case Scenario::idle:
            return "idle";
    }
    std::unreachable();
}

Options complete(Options options) {
    const auto scenario = options.scenario;
    set_default(options.port, options.tls.enabled ? kTlsPort : kPort);
    set_default(options.pairs, scenario == Scenario::ping_pong ? 1U : 100U);
    set_default(options.publishers, scenario == Scenario::fan_in ? 100U : 1U);
    set_default(options.subscribers, scenario == Scenario::fan_in ? 1U : 100U);
    set_default(options.connections, 1'000U);
    set_default(options.filters, 100U);
    set_default(options.window, default_window(options));
    set_default(options.concurrency, default_concurrency(options));
    if (options.source_addresses == 0 && !has_messages(scenario) && !options.remote) {
        options.source_addresses = options.connections / kPortsPerAddress +
                                   (scenario == Scenario::connects ? kAddressesOfChurn : 1);
    }
    return options;
}

std::optional<std::string> find_problem(const Options& options) {
    const auto count = [](auto number) { return static_cast<double>(number); };
    const auto clients = [&] {
        const Plan::Counts counts = Plan::counts_of(options);
        return count(counts.publishers) + count(counts.subscribers) + count(counts.idle);
    }();
    const auto filters = options.scenario == Scenario::wild
                             ? count(options.subscribers) * count(options.filters)
                             : 1;
    for (const Bound& bound : std::array{
             Bound{"the number of clients", clients, 1, count(kClientsMax)},
             Bound{"the number of filters", filters, 1, count(kFiltersMax)},
             Bound{"--sites", count(options.sites), 1, count(kFiltersMax)},
             Bound{"--threads", count(options.threads), 1, count(kThreadsMax)},
             Bound{
                 "--payload", count(options.payload_bytes), count(kStampBytes), count(kPayloadMax)
             },
             Bound{"--window", count(options.window), 1, count(kWindowMax)},
             Bound{"--burst", count(options.burst), 1, count(kWindowMax)},
             Bound{"--rate", options.rate, 0, 100e6},
             Bound{"--warm-up", options.warm_up.count(), 0, kTimeMax.count()},
             Bound{"--duration", options.duration.count(), 0.1, kTimeMax.count()},
             Bound{"--settle", options.settle.count(), 0, kTimeMax.count()},
             Bound{"--drain", options.drain.count(), 0, kTimeMax.count()},
             Bound{"--hold", options.hold.count(), 0, kTimeMax.count()},
             Bound{"--set-up", options.set_up.count(), 0.1, kTimeMax.count()},
         }) {
        if (!(bound.value >= bound.min && bound.value <= bound.max)) {
            return fmt::format(
                "{} must be {} to {}, not {}", bound.option, bound.min, bound.max, bound.value
            );
        }
    }
    if (options.tls.cert.empty() != options.tls.key.empty()) {
        return "--cert and --key go together";
    }
    if (!options.devices.empty() && !options.tls.cert.empty()) {
        return "--devices has a certificate per client: --cert has no place beside it";
    }
    if (options.scenario == Scenario::ping_pong && (options.window != 1 || options.rate > 0)) {
        return "ping-pong has one message outstanding: neither --window nor --rate";
    }
    if (!options.share.empty() && options.scenario != Scenario::fan_in) {
        return "--share is for fan-in";
    }
    if (options.source_addresses > 0 && options.remote) {
        return "--source-addresses are of this machine: not with --remote";
    }
    return std::nullopt;
}

}  // namespace weir::bench
