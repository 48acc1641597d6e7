#include <weir/bench/report.hpp>

#include <fmt/format.h>

#include <boost/json.hpp>

namespace weir::bench {
namespace {

namespace json = boost::json;

constexpr double kNsPerUs = 1e3;

std::string_view version_of(const Options& options) {
    switch (options.version) {
        case mqtt::Version::v31:
            return "3.1";
        case mqtt::Version::v311:
            return "3.1.1";
        case mqtt::Version::v5:
            break;
    }
    return "5";
}

std::string transport_of(const Options& options) {
    return fmt::format(
        "{}{}", options.websocket ? "websocket" : "tcp", options.tls.enabled ? "+tls" : ""
    );
}

double per_second(std::uint64_t count, double seconds) {
    return seconds > 0 ? static_cast<double>(count) / seconds : 0;
}

json::object json_of(const Times& times) {
    return {
        {"count", times.count},
        {"mean", times.mean_us},
        {"p50", times.p50_us},
        {"p90", times.p90_us},
        {"p99", times.p99_us},
        {"p99.9", times.p999_us},
        {"max", times.max_us},
    };
}

json::object json_of(const Clients& clients) {
    return {
        {"wanted", clients.wanted},
        {"connected", clients.connected},
        {"failed", clients.failed},
        {"closed", clients.closed},
        {"seconds", clients.seconds},
        {"per_second", per_second(clients.connected, clients.seconds)},
        {"connect_us", json_of(clients.connect)},
        {"pings", clients.pings},
        {"pongs", clients.pongs},
    };
}

json::object json_of(const Messages& messages, const Options& options) {
    return {
        {"qos", static_cast<int>(options.qos)},
        {"payload_bytes", options.payload_bytes},
        {"window", options.window},
        {"sent", messages.sent},
        {"received", messages.received},
        {"lost", messages.lost},
        {"skipped", messages.skipped},
        {"reordered", messages.reordered},
        {"unacknowledged", messages.unacknowledged},
        {"refused", messages.refused},
        {"foreign", messages.foreign},
        {"stalls", messages.stalls},
        {"seconds", messages.seconds},
        {"delivered", messages.delivered},
        {"delivered_per_second", per_second(messages.delivered, messages.seconds)},
        {"latency_us", json_of(messages.latency)},
    };
}

std::string_view unit_of(const Report& report) {
    return report.messages ? "message" : "connection";
}

json::object json_of(const Processor& processor, std::string_view unit) {
    return {
        {"cpu_seconds", processor.seconds},
        {"cpu_percent", processor.percent},
        {fmt::format("cpu_us_per_{}", unit), processor.us_each},
    };
}

std::string text_of(const Times& times) {
    return fmt::format(
        "p50 {:.0f}, p90 {:.0f}, p99 {:.0f}, p99.9 {:.0f}, max {:.0f} us",
        times.p50_us,
        times.p90_us,
        times.p99_us,
        times.p999_us,
        times.max_us
    );
}

std::string text_of(const Messages& messages) {
    return fmt::format(
        "messages    {} sent, {} received; {:.0f} delivered per second\n"
        "lost        {}\n"
        "reordered   {}\n"
        "refused     {}\n"
        "latency     {}\n",
        messages.sent,
        messages.received,
        per_second(messages.delivered, messages.seconds),
        messages.lost,
        messages.reordered,
        messages.refused,
        text_of(messages.latency)
    );
}

std::string text_of(const Processor& processor, std::string_view unit) {
    return fmt::format(
        "{:.2f} us of CPU per {}, {:.0f} % of a core", processor.us_each, unit, processor.percent
    );
}

}  // namespace

Times times_of(const Histogram& histogram) {
    const auto at = [&](double share) {
        return static_cast<double>(histogram.quantile(share)) / kNsPerUs;
    };
    return {
        .count = histogram.count(),
        .mean_us = histogram.mean() / kNsPerUs,
        .p50_us = at(0.5),
        .p90_us = at(0.9),
        .p99_us = at(0.99),
        .p999_us = at(0.999),
        .max_us = static_cast<double>(histogram.max()) / kNsPerUs,
    };
}

bool Report::is_good() const noexcept {
    if (clients.connected != clients.wanted || clients.closed != 0) {
        return false;
    }
    return !messages || (messages->received > 0 && messages->lost == 0 && messages->skipped == 0 &&
                         messages->reordered == 0 && messages->unacknowledged == 0 &&
                         messages->refused == 0 && messages->foreign == 0);
}

std::string to_json(const Report& report) {
    const auto& options = report.options;
    const auto unit = unit_of(report);
    json::object out{
        {"scenario", name(options.scenario)},
        {"label", options.label},
        {"ok", report.is_good()},
        {"mqtt", version_of(options)},
        {"transport", transport_of(options)},
        {"threads", options.threads},
        {"clients", json_of(report.clients)},
        {"generator", json_of(report.generator, unit)},
    };
    if (report.messages) {
        out["messages"] = json_of(*report.messages, options);
    }
    if (report.broker) {
        out["broker"] = json_of(*report.broker, unit);
    }
    if (const auto& memory = report.broker_memory) {
        out["broker_memory"] = {
            {"pss_bytes", memory->pss_bytes},
            {"kernel_tcp_bytes", memory->kernel_tcp_bytes},
            {"pss_bytes_each", memory->pss_bytes_each},
        };
    }
    if (!report.error.empty()) {
        out["error"] = report.error;
    }
    return json::serialize(out) + '\n';
}

std::string to_text(const Report& report) {
    const auto& options = report.options;
    const auto& clients = report.clients;
    const auto unit = unit_of(report);
    auto out = fmt::format(
        "scenario    {}, MQTT {} over {}\n"
        "clients     {} of {} connected in {:.2f} s, {} failed, {} closed by the broker\n"
        "connect     {}\n",
        name(options.scenario),
        version_of(options),
        transport_of(options),
        clients.connected,
        clients.wanted,
        clients.seconds,
        clients.failed,
        clients.closed,
        text_of(clients.connect)
    );
    if (report.messages) {
        out += text_of(*report.messages);
    }
    out += fmt::format("generator   {}\n", text_of(report.generator, unit));
    if (report.broker) {
        out += fmt::format("broker      {}\n", text_of(*report.broker, unit));
    }
    if (const auto& memory = report.broker_memory) {
        out += fmt::format(
            "memory      {:.0f} bytes of the broker (PSS) per {}\n",
            memory->pss_bytes_each,
            options.scenario == Scenario::wild ? "filter" : "client"
        );
    }
    if (!report.error.empty()) {
        out += fmt::format("error       {}\n", report.error);
    }
    return out + (report.is_good() ? "ok\n" : "FAILED\n");
}

}  // namespace weir::bench
