// What good files are read as.
#include <weir/app_config/config.hpp>

#include <gtest/gtest.h>

#include <string>

namespace weir::app {
namespace {

using namespace std::chrono_literals;
using document::Diagnostics;

constexpr std::string_view kListener = "listeners:\n  - {name: local, port: 1883}\n";

struct Loaded {
    explicit Loaded(MemoryFiles files) : config{load_config("/etc/weir", files, diagnostics)} {}
    explicit Loaded(std::string text) : Loaded{MemoryFiles{files_of(std::move(text))}} {}

    static MemoryFiles files_of(std::string text) {
        MemoryFiles files;
        files.files["/etc/weir/weir.yaml"] = std::move(text);
        return files;
    }

    Diagnostics diagnostics;
    Config config;
};

TEST(Config, HasSafeDefaults_WhenOnlyAListenerIsWritten) {
    const Loaded loaded{std::string{kListener}};
    ASSERT_FALSE(loaded.diagnostics.has_errors()) << loaded.diagnostics.render_text();
    const auto& config = loaded.config;
    ASSERT_EQ(config.listeners.size(), 1U);
    const auto& listener = config.listeners[0];
    EXPECT_EQ(listener.bind, "127.0.0.1");
    EXPECT_FALSE(listener.tls);
    EXPECT_FALSE(listener.auth.anonymous);
    EXPECT_EQ(listener.auth.methods.size(), 3U);
    EXPECT_TRUE(listener.protocols.mqtt && listener.protocols.amqp && listener.protocols.http);
    EXPECT_TRUE(listener.protocols.mqtt_ws && listener.protocols.amqp_ws);
    EXPECT_EQ(
        listener.ws.paths, (std::vector<std::string>{"/mqtt", "/amqp", "/$iothub/websocket"})
    );
    EXPECT_TRUE(listener.ws.origins.empty());
    EXPECT_TRUE(listener.proxy_from.empty());
    EXPECT_EQ(config.storage.path, "/var/lib/weir");
    EXPECT_EQ(config.storage.durability, Durability::fsync);
    EXPECT_EQ(config.storage.group_commit, 0ms);
    EXPECT_EQ(config.storage.disk_free_min, 64U * 1024 * 1024);
    EXPECT_FALSE(config.storage.backup);
    EXPECT_EQ(config.storage.backup_rate, 64U * 1024 * 1024) << "of backups by hand";
    EXPECT_EQ(config.storage.budgets, BudgetsConfig{});
    EXPECT_EQ(config.runtime.shards, 0U);
    EXPECT_EQ(config.admin.socket, "/run/weir/admin.sock");
    EXPECT_EQ(config.metrics.listen, (Endpoint{"127.0.0.1", 9464}));
    EXPECT_EQ(config.metering.schemes.size(), metering::kSchemes);
    EXPECT_FALSE(config.metering.ack_waits);
    EXPECT_EQ(config.limits.subscriptions, 1'000U);
    EXPECT_FALSE(config.limits.publish_rate);
}

TEST(Config, ReadsEveryKeyOfAListener) {
    const Loaded loaded{R"(version: 1
listeners:
  - name: front
    bind: "::"
    port: 8883
    protocols: [mqtt, http]
    tls: {cert: certs/weir.crt, key: {env: KEY}, client_ca: certs/ca.crt, client_auth: required, min_version: "1.3"}
    ws: {paths: [/ws], origins: ["https://app.example"]}
    proxy_protocol: {from: [10.0.0.0/8, "::1"]}
    auth: {anonymous: true, methods: [x509, token]}
    limits: {publish_rate: 20/s, queue_bytes: unlimited}
limits: {packet_bytes: 64KiB}
)"};
    ASSERT_FALSE(loaded.diagnostics.has_errors()) << loaded.diagnostics.render_text();
    const auto& listener = loaded.config.listeners.at(0);
    EXPECT_EQ(listener.port, 8883);
    EXPECT_TRUE(listener.protocols.mqtt && listener.protocols.http);
    EXPECT_FALSE(
        listener.protocols.amqp || listener.protocols.mqtt_ws || listener.protocols.amqp_ws
    );
    ASSERT_TRUE(listener.tls);
    EXPECT_EQ(listener.tls->cert, "/etc/weir/certs/weir.crt");
    EXPECT_EQ(listener.tls->key.variable, "KEY");
    EXPECT_EQ(listener.tls->client_ca, "/etc/weir/certs/ca.crt");
    EXPECT_EQ(listener.tls->client_auth, ClientAuth::required);
    EXPECT_TRUE(listener.tls->only_tls13);
    EXPECT_EQ(listener.ws.origins.at(0), "https://app.example");
    EXPECT_EQ(listener.proxy_from, (std::vector<Network>{{"10.0.0.0", 8}, {"::1", 128}}));
    EXPECT_TRUE(listener.auth.anonymous);
    EXPECT_EQ(
        listener.auth.methods, (std::vector{model::AuthMethod::x509, model::AuthMethod::token})
    );
    EXPECT_EQ(listener.limits.publish_rate, (document::Rate{20, 1s}));
    EXPECT_EQ(listener.limits.queue_bytes, model::kUnlimited);
    EXPECT_EQ(listener.limits.packet_bytes, 64U * 1024) << "of the gateway";
    EXPECT_FALSE(loaded.config.limits.publish_rate);
    EXPECT_EQ(listener.place.range.begin, (document::Position{3, 5}));
}

TEST(Config, AsksForCertificates_WhenThereIsAClientCa) {
    const Loaded loaded{
        "listeners:\n  - {name: a, port: 1, tls: {cert: c, key: {file: k}, client_ca: d}}\n"
    };
    EXPECT_EQ(loaded.config.listeners.at(0).tls->client_auth, ClientAuth::optional);
}

TEST(Config, TakesLimitsFromPreset) {
    const std::string text{kListener};
    const Loaded cloud{text + "limits: {preset: cloud, subscriptions: 7}\n"};
    EXPECT_EQ(cloud.config.limits.queue_messages, 1'000U);
    EXPECT_EQ(cloud.config.limits.publish_rate, (document::Rate{100, 1s}));
    EXPECT_EQ(cloud.config.limits.subscriptions, 7U);
    EXPECT_EQ(cloud.config.listeners.at(0).limits.queue_messages, 1'000U);
    const Loaded none{text + "limits: {preset: none}\n"};
    EXPECT_EQ(none.config.limits.queue_messages, model::kUnlimited);
    EXPECT_EQ(none.config.limits.receive_maximum, 65'535U);
    const Loaded lifted{text + "limits: {preset: cloud, publish_rate: unlimited}\n"};
    EXPECT_FALSE(lifted.config.limits.publish_rate);
}

TEST(Config, GivesAreasTheBudgetsThatAreNamed) {
    const std::string text{kListener};
    const Loaded loaded{text + "storage: {budgets: {streams: 2GiB, outbox: 64KiB, retained: unlimited}}\n"};
    ASSERT_FALSE(loaded.diagnostics.has_errors()) << loaded.diagnostics.render_text();
    EXPECT_EQ(loaded.config.storage.budgets, (BudgetsConfig{2ULL << 30U, 0, 64 * 1024, 0}));
    const Loaded too_small{text + "storage: {budgets: {queues: 63KiB}}\n"};
    EXPECT_TRUE(too_small.diagnostics.has_errors());
    const Loaded unknown{text + "storage: {budgets: {sessions: 1GiB}}\n"};
    EXPECT_TRUE(unknown.diagnostics.has_errors());
}

TEST(Config, FillsInVariablesAndFiles) {
    auto files = Loaded::files_of(
        "listeners:\n  - {name: a, port: {env: PORT}, bind: {file: bind.txt}}\n"
        "storage: {path: {env: DATA}, group_commit: {env: COMMIT}}\n"
    );
    files.files["/etc/weir/bind.txt"] = "127.0.0.2\n";
    files.variables = {{"PORT", "1884"}, {"DATA", "data"}, {"COMMIT", "5ms"}};
    const Loaded loaded{std::move(files)};
    ASSERT_FALSE(loaded.diagnostics.has_errors()) << loaded.diagnostics.render_text();
    EXPECT_EQ(loaded.config.listeners.at(0).port, 1884);
    EXPECT_EQ(loaded.config.listeners.at(0).bind, "127.0.0.2");
    EXPECT_EQ(loaded.config.storage.path, "/etc/weir/data");
    EXPECT_EQ(loaded.config.storage.group_commit, 5ms);
}

TEST(Config, ReadsFoldersByTheirNames) {
    auto files = Loaded::files_of(std::string{kListener});
    files.files["/etc/weir/sinks.d/pager.yaml"] =
        "sink: pager\ntype: http\nurl: https://ops.example/${topic(2)}\nheaders: {X-Site: north}\n"
        "auth: {basic: {user: u, password: {file: pw}}}\noutbox: {on_full: drop_oldest}\nbatch: "
        "{messages: 10}\n";
    files.files["/etc/weir/sinks.d/README.md"] = "not configuration";
    files.files["/etc/weir/streams.d/b.yaml"] =
        "stream: b\nretention: {age: unlimited, size: 10MiB, compact: true}\n";
    files.files["/etc/weir/streams.d/a.yaml"] = "stream: a\n";
    files.files["/etc/weir/policies.d/sensor.yaml"] = "policy: sensor\n";
    files.files["/etc/weir/policies.d/sensor_test.yaml"] = "tests: []\n";
    files.files["/etc/weir/rules.d/hot.sql"] = "SELECT * FROM 'a'\n";
    const Loaded loaded{std::move(files)};
    ASSERT_FALSE(loaded.diagnostics.has_errors()) << loaded.diagnostics.render_text();
    const auto* sink = loaded.config.find_sink("pager");
    ASSERT_NE(sink, nullptr);
    EXPECT_EQ(sink->headers, (Headers{{"X-Site", "north"}}));
    ASSERT_TRUE(sink->basic);
    EXPECT_EQ(sink->basic->password.file, "/etc/weir/sinks.d/pw");
    EXPECT_EQ(sink->outbox.on_full, OnFull::drop_oldest);
    EXPECT_EQ(sink->outbox.age, 24h);
    EXPECT_EQ(sink->batch.messages, 10U);
    EXPECT_EQ(sink->timeout, 10s);
    EXPECT_EQ(sink->place.file, "sinks.d/pager.yaml");
    ASSERT_EQ(loaded.config.streams.size(), 2U);
    EXPECT_EQ(loaded.config.find_stream("a")->age, 7 * 24h);
    EXPECT_FALSE(loaded.config.find_stream("a")->compact);
    EXPECT_EQ(loaded.config.find_stream("b")->age, std::chrono::milliseconds::max());
    EXPECT_TRUE(loaded.config.find_stream("b")->compact);
    EXPECT_EQ(loaded.config.find_stream("c"), nullptr);
    ASSERT_EQ(loaded.config.policies.size(), 1U);
    EXPECT_EQ(loaded.config.policies[0].path, "policies.d/sensor.yaml");
    ASSERT_EQ(loaded.config.rules.size(), 1U);
    ASSERT_EQ(loaded.config.tests.size(), 1U);
}

TEST(Config, ReadsEveryKeyOfASink) {
    auto files = Loaded::files_of(std::string{kListener});
    files.files["/etc/weir/sinks.d/s.yaml"] = R"(sink: s
type: http
url: https://ops.example/${topic(2)}
method: PUT
headers: {X-Site: north, X-Device: "${clientid()}"}
order_by: ${site}
body: cloudevents
compression: zstd
auth:
  sigv4:
    access_key_id: AKID
    secret_access_key: {file: secret}
    session_token: {env: TOKEN}
    region: eu-central-1
    service: execute-api
  client_cert: {cert: c.crt, key: {file: c.key}}
ca: ca.crt
proxy: {url: "http://proxy:3128", user: u, password: {env: PROXY}}
redirects: same_origin
timeout: 20s
connect_timeout: 2s
in_flight: 3
retry: {min: 2s, max: 1m}
breaker: {failures: 7, pause: 10s}
outbox: {dead_letters: 1MiB}
batch: {messages: 10, bytes: 64KiB, wait: 2s}
)";
    const Loaded loaded{std::move(files)};
    ASSERT_FALSE(loaded.diagnostics.has_errors()) << loaded.diagnostics.render_text();
    const auto* sink = loaded.config.find_sink("s");
    ASSERT_NE(sink, nullptr);
    EXPECT_EQ(sink->method, "PUT");
    EXPECT_EQ(sink->headers.size(), 2U);
    EXPECT_EQ(sink->header_places.at(1).range.begin.line, 5U);
    EXPECT_EQ(sink->order_by, "${site}");
    EXPECT_EQ(sink->order_by_place.range.begin.line, 6U);
    EXPECT_EQ(sink->body, "cloudevents");
    EXPECT_EQ(sink->compression, "zstd");
    ASSERT_TRUE(sink->sigv4);
    EXPECT_EQ(sink->sigv4->access_key_id, "AKID");
    EXPECT_EQ(sink->sigv4->secret_access_key.file, "/etc/weir/sinks.d/secret");
    EXPECT_EQ(sink->sigv4->session_token->variable, "TOKEN");
    EXPECT_EQ(sink->sigv4->region, "eu-central-1");
    EXPECT_EQ(sink->sigv4->service, "execute-api");
    ASSERT_TRUE(sink->client_cert);
    EXPECT_EQ(sink->client_cert->cert, "/etc/weir/sinks.d/c.crt");
    EXPECT_EQ(sink->client_cert->key.file, "/etc/weir/sinks.d/c.key");
    EXPECT_EQ(sink->ca, "/etc/weir/sinks.d/ca.crt");
    ASSERT_TRUE(sink->proxy);
    EXPECT_EQ(sink->proxy->url, "http://proxy:3128");
    EXPECT_EQ(sink->proxy->user, "u");
    EXPECT_EQ(sink->proxy->password->variable, "PROXY");
    EXPECT_TRUE(sink->follows_redirects);
    EXPECT_EQ(sink->timeout, 20s);
    EXPECT_EQ(sink->connect_timeout, 2s);
    EXPECT_EQ(sink->in_flight, 3U);
    EXPECT_EQ(sink->retry.min, 2s);
    EXPECT_EQ(sink->retry.max, 1min);
    EXPECT_EQ(sink->breaker.failures, 7U);
    EXPECT_EQ(sink->breaker.pause, 10s);
    EXPECT_EQ(sink->outbox.dead_letters, 1024U * 1024);
    EXPECT_EQ(sink->batch.wait, 2s);
}

TEST(Secret, IsLoadedAtUse_WithoutTheLineEnd) {
    MemoryFiles files;
    files.files["/run/secret"] = "hush\r\n";
    files.variables["TOKEN"] = "quiet";
    EXPECT_EQ((Secret{"/run/secret", {}}.load(files)), "hush");
    EXPECT_EQ((Secret{{}, "TOKEN"}.load(files)), "quiet");
    EXPECT_FALSE((Secret{"/run/other", {}}.load(files)));
    files.files["/run/secret"] = "\n";
    EXPECT_FALSE((Secret{"/run/secret", {}}.load(files))) << "an empty secret protects nothing";
}

TEST(SampleConfig, IsValid) {
    for (const auto* name : {"weir.yaml", "dev.yaml"}) {
        Diagnostics diagnostics;
        const auto config = load_config(
            std::filesystem::path{WEIR_TEST_DATA} / "../config" / name, SystemFiles{}, diagnostics
        );
        EXPECT_FALSE(diagnostics.has_errors()) << diagnostics.render_text();
        EXPECT_NE(config.find_sink("pager"), nullptr);
        EXPECT_NE(config.find_stream("alarms"), nullptr);
        EXPECT_EQ(config.policies.size(), 1U);
        EXPECT_EQ(config.rules.size(), 1U);
    }
}

TEST(IsLoopback, KnowsBothFamilies) {
    EXPECT_TRUE(is_loopback("127.0.0.1"));
    EXPECT_TRUE(is_loopback("127.9.8.7"));
    EXPECT_TRUE(is_loopback("::1"));
    EXPECT_FALSE(is_loopback("0.0.0.0"));
    EXPECT_FALSE(is_loopback("::"));
    EXPECT_FALSE(is_loopback("127.example"));
}

}  // namespace
}  // namespace weir::app
