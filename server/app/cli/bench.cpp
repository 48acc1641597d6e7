#include <fmt/format.h>

#include <memory>
#include <string>

#include <weir/bench/bench.hpp>

#include "command.hpp"

namespace weir::cli {
namespace {

using bench::Scenario;

struct Options {
    bench::Options run;
    double warm_up = 0;
    double duration = 0;
    double settle = 0;
    double drain = 0;
    double hold = 0;
    double set_up = 0;
    Format format = Format::table;
};

ExitCode run_bench(Options options) {
    auto& asked = options.run;
    asked.warm_up = bench::Seconds{options.warm_up};
    asked.duration = bench::Seconds{options.duration};
    asked.settle = bench::Seconds{options.settle};
    asked.drain = bench::Seconds{options.drain};
    asked.hold = bench::Seconds{options.hold};
    asked.set_up = bench::Seconds{options.set_up};
    const auto complete = bench::complete(asked);
    if (const auto problem = bench::find_problem(complete)) {
        throw Failure{*problem, "weir bench --help", ExitCode::usage};
    }
    const auto report = bench::run(complete);
    print(options.format == Format::json ? bench::to_json(report) : bench::to_text(report));
    return report.is_good() ? ExitCode::ok : ExitCode::failed;
}

/// Adds options under one heading of the help.
class Group {
public:
    Group(CLI::App& command, std::string name) : command_{command}, name_{std::move(name)} {}

    template <class T>
    CLI::Option* add(const std::string& names, T& value, const std::string& help) {
        return command_.add_option(names, value, help)->group(name_);
    }
    CLI::Option* add_flag(const std::string& names, bool& value, const std::string& help) {
        return command_.add_flag(names, value, help)->group(name_);
    }
    /// Seconds, with the value in front as default.
    void add_seconds(
        const std::string& names, double& value, bench::Seconds otherwise, const std::string& help
    ) {
        value = otherwise.count();
        add(names, value, help)->type_name("SECONDS")->capture_default_str();
    }

private:
    CLI::App& command_;
    std::string name_;
};

void add_scenario(CLI::App& command, bench::Options& run) {
    Words<Scenario> names;
    for (const auto scenario :
         {Scenario::pairs,
          Scenario::fan_in,
          Scenario::fan_out,
          Scenario::wild,
          Scenario::ping_pong,
          Scenario::connects,
          Scenario::idle}) {
        names.emplace_back(bench::name(scenario), scenario);
    }
    command
        .add_option(
            "scenario",
            run.scenario,
            "pairs: publishers with a subscriber each; fan-in: many to one; fan-out: one to many;\n"
            "wild: many filters, a third with wildcards; ping-pong: one message outstanding;\n"
            "connects: connections that end at once; idle: connections that stay"
        )
        ->transform(one_of(names))
        ->type_name("SCENARIO")
        ->required();
}

void add_broker(CLI::App& command, bench::Options& run) {
    Group group{command, "Broker"};
    group.add("--host", run.host, "Name or address")->capture_default_str();
    group.add("--port", run.port, "Port (default: 1883, with --tls 8883)");
    group.add_flag("--remote", run.remote, "The host is another machine, and mine to load");
    group.add_flag("--ws", run.websocket, "MQTT over WebSocket");
    group.add("--ws-path", run.websocket_path, "Path of the WebSocket")->capture_default_str();
    group.add("--broker-pid", run.broker_pids, "Processes to measure, on this machine")
        ->delimiter(',')
        ->type_name("PID,...");
    group.add_flag("--tls", run.tls.enabled, "TLS");
    group.add("--ca", run.tls.ca, "The broker's CA (default: those of the system)")
        ->type_name("FILE")
        ->check(CLI::ExistingFile);
    group.add_flag("--insecure", run.tls.insecure, "Do not verify the broker's certificate");
    group.add("--tls-version", run.tls.version, "1.2 or 1.3")->check(CLI::IsMember({"1.2", "1.3"}));
    group.add("--tls-groups", run.tls.groups, "Key exchange, as OpenSSL names it")
        ->type_name("LIST");
}

void add_clients(CLI::App& command, bench::Options& run) {
    const Words<mqtt::Version> versions = {
        {"3.1", mqtt::Version::v31}, {"3.1.1", mqtt::Version::v311}, {"5", mqtt::Version::v5}
    };
    Group group{command, "Clients"};
    group.add("--pairs", run.pairs, "pairs, ping-pong (default: 100, 1)");
    group.add("--publishers", run.publishers, "fan-in, wild (default: 100, 1)");
    group.add("--subscribers", run.subscribers, "fan-in, fan-out, wild (default: 1, 100, 100)");
    group.add("--connections", run.connections, "connects, idle (default: 1000)");
    group.add("--concurrency", run.concurrency, "Connections under way at a time");
    group.add("--filters", run.filters, "wild: filters of each subscriber (default: 100)");
    group.add("--sites", run.sites, "wild: names at the second level")->capture_default_str();
    group.add("--share", run.share, "fan-in: a shared subscription of that group");
    group.add("--threads", run.threads, "Threads of the generator")->capture_default_str();
    group.add("--mqtt", run.version, "3.1, 3.1.1 or 5 (default: 3.1.1)")
        ->transform(one_of(versions))
        ->type_name("VERSION");
    group.add("--user", run.user, "User name of all clients");
    group.add("--password", run.password, "Their password")->envname("WEIR_BENCH_PASSWORD");
    group.add("--cert", run.tls.cert, "Certificate of all clients")
        ->type_name("FILE")
        ->check(CLI::ExistingFile);
    group.add("--key", run.tls.key, "Its key")->type_name("FILE")->check(CLI::ExistingFile);
    group
        .add(
            "--devices", run.devices, "A folder per client: weir devices create NAME --out DIR/NAME"
        )
        ->type_name("DIR")
        ->check(CLI::ExistingDirectory);
    group.add("--client-id-prefix", run.client_id_prefix, "Begin of client ids")
        ->capture_default_str();
    group.add("--keep-alive", run.keep_alive_s, "Seconds; 0: none")->capture_default_str();
    group.add_flag("--persistent", run.persistent, "Sessions that stay after the connection");
    group.add("--source-addresses", run.source_addresses, "127.0.0.2 and on (default: as needed)");
}

void add_messages(CLI::App& command, bench::Options& run) {
    const Words<mqtt::Qos> levels = {
        {"0", mqtt::Qos::at_most_once},
        {"1", mqtt::Qos::at_least_once},
        {"2", mqtt::Qos::exactly_once}
    };
    Group group{command, "Messages"};
    group.add("--qos", run.qos, "0, 1 or 2 (default: 0)")
        ->transform(one_of(levels))
        ->type_name("QOS");
    group.add("--payload", run.payload_bytes, "Bytes, 16 or more")->capture_default_str();
    group.add("--rate", run.rate, "Messages (connections) per second; 0: as fast as they go")
        ->capture_default_str();
    group.add(
        "--window", run.window, "Undelivered messages per publisher (default: 64; QoS 1, 2: 20)"
    );
    group.add("--burst", run.burst, "Messages of a publisher per turn")->capture_default_str();
    group.add_flag("--flood", run.flood, "Undelivered messages do not hold back publishers");
    group.add_flag("--retain", run.retain, "Retained messages");
    group.add("--topic-prefix", run.topic_prefix, "Begin of topics")->capture_default_str();
}

void add_times(CLI::App& command, Options& options) {
    const bench::Options otherwise;
    Group group{command, "Time"};
    group.add_seconds("--warm-up", options.warm_up, otherwise.warm_up, "Before it measures");
    group.add_seconds("--duration", options.duration, otherwise.duration, "While it measures");
    group.add_seconds("--settle", options.settle, otherwise.settle, "Before the first message");
    group.add_seconds("--drain", options.drain, otherwise.drain, "For what is late, at most");
    group.add_seconds("--hold", options.hold, otherwise.hold, "idle: how long");
    group.add_seconds("--set-up", options.set_up, otherwise.set_up, "Without a new connection");
}

}  // namespace

void add_bench(CLI::App& app, Chosen& chosen) {
    auto* command = add_command(
        app,
        "bench",
        "Put load on an MQTT broker and check that nothing is lost or out of order",
        "weir bench pairs --pairs 100 --qos 1 --broker-pid $(cat my-gw/data/weir.pid)\n"
        "weir bench idle --connections 5000 --tls --devices fleet -o json"
    );
    const auto options = std::make_shared<Options>();
    add_scenario(*command, options->run);
    add_broker(*command, options->run);
    add_clients(*command, options->run);
    add_messages(*command, options->run);
    add_times(*command, *options);
    command->add_option("--label", options->run.label, "Goes into the report");
    add_format_without_csv(*command, options->format);
    choose(*command, chosen, options, run_bench);
}

}  // namespace weir::cli
