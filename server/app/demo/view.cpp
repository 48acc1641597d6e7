#include <weir/demo/view.hpp>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include <weir/demo/home.hpp>
#include <weir/metering/formula.hpp>

namespace weir::demo {
namespace {

constexpr std::size_t kDenialsShown = 5;
constexpr const char* kEnterScreen = "\x1b[?1049h\x1b[?25l";
constexpr const char* kLeaveScreen = "\x1b[?25h\x1b[?1049l";
constexpr const char* kHome = "\x1b[H";
constexpr const char* kEndOfLine = "\x1b[K\n";
constexpr const char* kClearBelow = "\x1b[J";

void print(std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
}

std::string state_of(const Tally& tally) {
    if (tally.online) {
        return "online";
    }
    return tally.last_failure.empty() ? "offline" : tally.last_failure;
}

std::uint64_t counter(const storage::UsageDelta& sums, metering::Counter which) {
    return sums.counters[metering::index(which)];
}

std::string render_totals(const Observation& seen) {
    return fmt::format(
        "messages        {} in, {} out\n"
        "rule {:<10} {} matches (temp > 80)\n"
        "stream {:<8} {} records\n"
        "sink {:<10} {} delivered, {} pending, {} failed attempts; the receiver got {}\n",
        counter(seen.usage.total, metering::Counter::messages_in),
        counter(seen.usage.total, metering::Counter::messages_out),
        kRule,
        seen.rule_matches,
        kStream,
        seen.stream_records,
        kSink,
        seen.sink.counters.delivered,
        seen.sink.pending,
        seen.sink.failures,
        seen.received.records
    );
}

std::string render_devices(const Observation& seen) {
    std::string text = "DEVICE  SENT  ACKNOWLEDGED  DENIED  COMMANDS  STATE\n";
    for (const auto& tally : seen.devices) {
        text += fmt::format(
            "{:<6}  {:>4}  {:>12}  {:>6}  {:>8}  {}\n",
            tally.device,
            tally.sent,
            tally.acknowledged,
            tally.denied,
            tally.received,
            state_of(tally)
        );
    }
    return text;
}

std::string render_usage(const Observation& seen) {
    std::string text = "BILLED UNITS";
    for (const auto& scheme : metering::all_schemes()) {
        text += fmt::format("  {:>12}", scheme.name);
    }
    text += '\n';
    const auto add_row = [&](std::string_view name, const storage::UsageDelta& sums) {
        text += fmt::format("{:<12}", name);
        for (const auto& scheme : metering::all_schemes()) {
            text += fmt::format("  {:>12}", metering::total_units(sums, scheme.scheme));
        }
        text += '\n';
    };
    for (const auto& line : seen.usage.lines) {
        add_row(line.device, line.sums);
    }
    add_row("total", seen.usage.total);
    return text;
}

std::string render_denials(const Observation& seen) {
    std::string text = "DENIALS (newest first)\n";
    const auto shown = std::min(kDenialsShown, seen.denials.size());
    for (std::size_t i = 0; i < shown; ++i) {
        const auto& [device, decision] = seen.denials[seen.denials.size() - 1 - i];
        const std::chrono::sys_seconds last{
            std::chrono::duration_cast<std::chrono::seconds>(decision.last)
        };
        text += fmt::format(
            "{:%H:%M:%S}Z  {}  {} {}  {}  x{}  {}\n",
            last,
            device,
            model::name(decision.action),
            decision.topic,
            model::name(decision.reason),
            decision.count,
            decision.source.file.empty()
                ? std::string{"built in"}
                : fmt::format("{}:{}", decision.source.file, decision.source.line)
        );
    }
    return text;
}

}  // namespace

std::string render_header(const Place& place) {
    const auto folder = place.folder.string();
    const auto certs = folder + "/certs";
    return fmt::format(
        "weir demo: a gateway that keeps nothing; Ctrl-C stops it\n"
        "  mqtts   {}, CA {}/devices-ca.crt\n"
        "  files   {}\n"
        "try, in a second terminal:\n"
        "  weir -c {} why {}\n"
        "  mosquitto_pub -p {} --cafile {}/devices-ca.crt --cert {}/{}.crt --key {}/{}.key -i {} "
        "-t cmd/demo-1/led -m on\n",
        place.address,
        certs,
        folder,
        folder,
        kMisbehaving,
        place.port,
        certs,
        certs,
        kOperator,
        certs,
        kOperator,
        kOperator
    );
}

std::string render(const Place& place, const Observation& seen) {
    return fmt::format(
        "{}\nrunning         {} s\n{}\n{}\n{}\n{}",
        render_header(place),
        seen.running.count(),
        render_totals(seen),
        render_devices(seen),
        render_usage(seen),
        render_denials(seen)
    );
}

std::string render_line(const Observation& seen) {
    std::uint64_t denied = 0;
    for (const auto& tally : seen.devices) {
        denied += tally.denied;
    }
    std::string units;
    for (const auto& scheme : metering::all_schemes()) {
        units += fmt::format(
            " {}={}", scheme.name, metering::total_units(seen.usage.total, scheme.scheme)
        );
    }
    return fmt::format(
        "{:>4} s  in={} out={} matches={} stream={} delivered={} denied={}{}\n",
        seen.running.count(),
        counter(seen.usage.total, metering::Counter::messages_in),
        counter(seen.usage.total, metering::Counter::messages_out),
        seen.rule_matches,
        seen.stream_records,
        seen.sink.counters.delivered,
        denied,
        units
    );
}

View::View(Place place) : place_{std::move(place)}, is_terminal_{::isatty(STDOUT_FILENO) == 1} {
    print(is_terminal_ ? std::string{kEnterScreen} : render_header(place_));
}

View::~View() {
    if (is_terminal_) {
        print(kLeaveScreen);
    }
}

void View::show(const Observation& seen) {
    if (!is_terminal_) {
        print(render_line(seen));
        return;
    }
    std::string frame{kHome};
    for (const char c : render(place_, seen)) {
        if (c == '\n') {
            frame += kEndOfLine;
        } else {
            frame += c;
        }
    }
    print(frame + kClearBelow);
}

}  // namespace weir::demo
