#include <weir/demo/home.hpp>

#include <fmt/format.h>
#include <stdlib.h>

#include <cerrno>
#include <fstream>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <weir/base/clock.hpp>
#include <weir/identity/device_ca.hpp>
#include <weir/identity/x509.hpp>

namespace weir::demo {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSensorPolicy =
    R"(# Every probe publishes its own data and reads its own commands; nothing else.
policy: sensor
match: {thing_type: probe}
allow:
  - connect: "{thing}"
  - publish: ["data/{thing}/#"]
  - subscribe: ["cmd/{thing}/#"]
on_violation: nack
)";

constexpr std::string_view kOperatorPolicy =
    R"(# People: read everything that probes say, and send them commands.
policy: operator
match: {thing_type: operator}
allow:
  - connect: "{thing}"
  - publish: ["cmd/#"]
    shared: true
  - subscribe: ["data/#"]
on_violation: nack
)";

constexpr std::string_view kHotRule = R"(---
description: Alarm when a probe is hot
to:
  - stream: alarms
  - http: {sink: receiver, body: json}
on_error: {stream: rule-errors}
---
SELECT topic(2) AS device, seq, temp, timestamp() AS at
FROM 'data/+/temp'
WHERE temp > 80
)";

constexpr std::chrono::days kDays{30};

template <class T>
T value_or_throw(Result<T> result, std::string_view what) {
    if (!result) {
        throw std::runtime_error{fmt::format("cannot {}: {}", what, result.error().message())};
    }
    return std::move(*result);
}

void write_file(const fs::path& path, std::string_view text) {
    fs::create_directories(path.parent_path());
    std::ofstream out{path, std::ios::binary};
    out << text;
    out.close();
    if (!out) {
        throw std::runtime_error{fmt::format("cannot write '{}'", path.string())};
    }
}

void write_issued(const fs::path& folder, std::string_view stem, const identity::Issued& issued) {
    write_file(folder / fmt::format("{}.crt", stem), issued.certificate);
    const auto key = folder / fmt::format("{}.key", stem);
    if (const auto written = identity::write_key_file(key, issued.key); !written) {
        throw std::runtime_error{
            fmt::format("cannot write '{}': {}", key.string(), written.error().message())
        };
    }
}

fs::path make_folder() {
    auto pattern = (fs::temp_directory_path() / "weir-demo-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) {
        throw std::system_error{errno, std::generic_category(), "cannot create " + pattern};
    }
    return pattern;
}

}  // namespace

std::vector<ConfigFile> config_files(const Ports& ports) {
    return {
        {"weir.yaml",
         fmt::format(
             R"(version: 1
listeners:
  - name: front            # one TLS port for MQTT, AMQP, WebSocket and HTTPS
    bind: 127.0.0.1
    port: {}
    tls:
      cert: certs/weir.crt
      key: {{file: certs/weir.key}}
      client_ca: certs/devices-ca.crt
      client_auth: optional
storage: {{path: data}}
admin: {{socket: admin.sock}}
metrics: {{listen: none}}
)",
             ports.listener
         )},
        {"policies.d/sensor.yaml", std::string{kSensorPolicy}},
        {"policies.d/operator.yaml", std::string{kOperatorPolicy}},
        {"rules.d/hot.sql", std::string{kHotRule}},
        {"streams.d/alarms.yaml", "stream: alarms\nretention: {age: 1d, size: 16MiB}\n"},
        {"streams.d/rule-errors.yaml", "stream: rule-errors\nretention: {age: 1d, size: 1MiB}\n"},
        {"sinks.d/receiver.yaml",
         fmt::format(
             "sink: receiver\n"
             "type: http\n"
             "url: http://127.0.0.1:{}/alarms\n"
             "outbox: {{size: 16MiB, age: 1h, on_full: block, block_timeout: 5s}}\n",
             ports.receiver
         )},
    };
}

Home::Home(const Ports& ports) : path_{make_folder()} {
    try {
        fill(ports);
    } catch (...) {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
        throw;
    }
}

Home::~Home() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}

void Home::fill(const Ports& ports) {
    for (const auto& [path, text] : config_files(ports)) {
        write_file(path_ / path, text);
    }
    fs::create_directories(path_ / "data");

    const auto certs = path_ / "certs";
    const identity::Validity validity{.now = SystemClock{}.wall(), .days = kDays};
    const auto ca = value_or_throw(
        identity::DeviceCa::create("weir demo CA", validity.now, kDays), "make a CA"
    );
    write_file(certs / "devices-ca.crt", ca.certificate_pem());
    write_issued(
        certs,
        "weir",
        value_or_throw(
            ca.issue_server({.dns = {"localhost"}, .ip = {"127.0.0.1"}}, validity),
            "issue the gateway's certificate"
        )
    );
    const auto add = [&](std::string_view name, std::string_view type) {
        const auto issued = value_or_throw(
            ca.issue_device(name, validity), fmt::format("issue a certificate for '{}'", name)
        );
        write_issued(certs, name, issued);
        const auto facts =
            value_or_throw(identity::parse_certificate_pem(issued.certificate), "read it again");
        members_.push_back({std::string{name}, std::string{type}, facts.sha256});
    };
    for (const auto device : kDevices) {
        add(device, "probe");
    }
    add(kOperator, "operator");
}

ClientFiles Home::client_files(std::string_view member) const {
    const auto certs = path_ / "certs";
    return {
        .ca = certs / "devices-ca.crt",
        .certificate = certs / fmt::format("{}.crt", member),
        .key = certs / fmt::format("{}.key", member),
    };
}

}  // namespace weir::demo
