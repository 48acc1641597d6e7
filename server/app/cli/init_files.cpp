#include "init_files.hpp"

#include <fmt/format.h>

namespace weir::cli {
namespace {

constexpr std::string_view kGateway =
    R"(# `weir explain KEY` tells what may stand where; `weir check` finds every error.
version: 1
listeners:
  - name: front            # one TLS port for MQTT, AMQP, WebSocket and HTTPS
    bind: "::"
    port: 8883
    tls:
      cert: certs/weir.crt
      key: {file: certs/weir.key}
      client_ca: certs/ca.crt
      client_auth: optional
)";

constexpr std::string_view kOwnFolder = R"(storage: {path: data}
admin: {socket: data/admin.sock}
)";

constexpr std::string_view kPolicy =
    R"(# Every device publishes its own data and reads its own commands; nothing else.
policy: sensor
match: {thing_type: probe}
allow:
  - connect: "{thing}"
  - publish: ["data/{thing}/#"]
  - subscribe: ["cmd/{thing}/#"]
deny:
  - publish: ["data/{thing}/admin/#"]
on_violation: nack   # MQTT 5 devices are told; for the others the message vanishes, and `weir why` says so
)";

constexpr std::string_view kRule = R"(---
description: Alarm when a probe is hot
to:
  - stream: alarms
on_error: {stream: rule-errors}
---
SELECT topic(2) AS device, temp, timestamp() AS at
FROM 'data/+/temp'
WHERE temp > 80
)";

constexpr std::string_view kRuleTest = R"(# Tests of hot.sql: weir rules test
tests:
  - name: a hot probe raises an alarm
    given: {topic: data/probe-1/temp, device: probe-1, payload: {temp: 91.5}}
    expect: {outputs: [{to: stream/alarms, payload: {device: probe-1, temp: 91.5, at: "*"}}]}
  - name: a cold one is quiet
    given: {topic: data/probe-1/temp, payload: {temp: 20}}
    expect: {match: false}
)";

constexpr std::string_view kAlarms = R"(stream: alarms
retention: {age: 30d, size: 1GiB}
)";

constexpr std::string_view kRuleErrors =
    R"(# Messages that a rule could not evaluate, with the reason.
stream: rule-errors
retention: {age: 7d, size: 100MiB}
)";

constexpr std::string_view kSink =
    R"(# Rename to pager.yaml and let a rule send to it:  to: [{http: {sink: pager, body: json}}]
sink: pager
type: http
url: https://ops.example/hook
auth: {bearer: {file: /run/secrets/pager}}
outbox: {size: 1GiB, age: 24h, on_full: block, block_timeout: 30s}
)";

constexpr std::string_view kAws2016 = R"(# Prices are examples as they were published; put in those of your contract.
plan: aws-iot-2016
currency: USD
prices:
  - {meter: aws-2016-512, per: 1000000, price: 5}
)";

constexpr std::string_view kAws = R"(plan: aws-iot-core
currency: USD
prices:
  - meter: aws-5k
    per: 1000000
    tiers:
      - {up_to: 1000000000, price: 1.00}
      - {up_to: 5000000000, price: 0.80}
      - {price: 0.70}
  - {meter: connected_minutes, per: 1000000, price: 0.08}
  - {meter: rules_triggered, per: 1000000, price: 0.15}
  - {meter: rule_actions, per: 1000000, price: 0.15}
)";

constexpr std::string_view kAzure = R"(# Bought by the month: so many units of 400,000 messages a day as the busiest day needs.
plan: azure-iot-hub-s1
currency: USD
prices:
  - {meter: azure-4k, per: 400000, of: busiest_day, price: 25}
)";

constexpr std::string_view kPubSub = R"(plan: google-pubsub-2016
currency: USD
prices:
  - meter: pubsub-64k
    per: 1000000
    tiers:
      - {up_to: 250000000, price: 0.40}
      - {up_to: 750000000, price: 0.20}
      - {up_to: 1750000000, price: 0.10}
      - {price: 0.05}
)";

constexpr std::string_view kIgnore = R"(# Secrets and data do not belong into version control.
certs/*.key
data/
)";

}  // namespace

std::vector<InitFile> init_files(const std::filesystem::path& folder) {
    const bool is_own = folder.lexically_normal() != kSystemFolder;
    return {
        {"weir.yaml", fmt::format("{}{}", kGateway, is_own ? kOwnFolder : "")},
        {"policies.d/sensor.yaml", std::string{kPolicy}},
        {"rules.d/hot.sql", std::string{kRule}},
        {"rules.d/hot_test.yaml", std::string{kRuleTest}},
        {"streams.d/alarms.yaml", std::string{kAlarms}},
        {"streams.d/rule-errors.yaml", std::string{kRuleErrors}},
        {"sinks.d/pager.yaml.example", std::string{kSink}},
        {"pricing.d/aws-iot-2016.yaml", std::string{kAws2016}},
        {"pricing.d/aws-iot-core.yaml", std::string{kAws}},
        {"pricing.d/azure-iot-hub-s1.yaml", std::string{kAzure}},
        {"pricing.d/google-pubsub-2016.yaml", std::string{kPubSub}},
        {".gitignore", std::string{kIgnore}},
    };
}

}  // namespace weir::cli
