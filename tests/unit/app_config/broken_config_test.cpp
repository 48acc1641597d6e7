// What broken files are answered with: every error of every file, each with its code and place.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>
#include <weir/app_config/config.hpp>

namespace weir::app {
namespace {

using document::Diagnostics;
using testing::ElementsAreArray;

/// "WEIR-0102 weir.yaml:3:5" per diagnostic.
std::vector<std::string> places(const Diagnostics& diagnostics) {
    std::vector<std::string> result;
    for (const auto& d : diagnostics.sorted()) {
        auto line = d.code;
        if (!d.file.empty()) {
            line += " " + d.file + ":" + std::to_string(d.range.begin.line) + ":" +
                    std::to_string(d.range.begin.column);
        }
        result.push_back(std::move(line));
    }
    return result;
}

struct BrokenCase {
    std::string_view name;
    std::string_view text;              ///< Of weir.yaml.
    std::vector<std::string> expected;  ///< Code and place without the name of the file.
    std::string_view help = {};         ///< Somewhere in the help of the first one.
};

class BrokenGateway : public testing::TestWithParam<BrokenCase> {};

TEST_P(BrokenGateway, IsReportedAsInTable) {
    MemoryFiles files;
    files.files["/etc/weir/weir.yaml"] = GetParam().text;
    Diagnostics diagnostics;
    static_cast<void>(load_config("/etc/weir/weir.yaml", files, diagnostics));
    std::vector<std::string> expected;
    for (const auto& entry : GetParam().expected) {
        expected.push_back(entry.substr(0, 9) + " weir.yaml:" + entry.substr(10));
    }
    EXPECT_THAT(places(diagnostics), ElementsAreArray(expected)) << diagnostics.render_text();
    if (!GetParam().help.empty()) {
        EXPECT_THAT(
            diagnostics.sorted().at(0).help, testing::HasSubstr(std::string{GetParam().help})
        );
    }
}

// One good listener, for cases about other keys; it takes the first two lines.
#define LISTENER "listeners:\n  - {name: local, port: 1883}\n"
// The start of a listener on all addresses; the keys that follow are indented by four.
#define FRONT "listeners:\n  - name: front\n    port: 8883\n"

// clang-format off
INSTANTIATE_TEST_SUITE_P(
    Table,
    BrokenGateway,
    testing::Values(
        BrokenCase{"empty", "", {"WEIR-0111 1:1"}},
        BrokenCase{"list_at_top", "- a\n", {"WEIR-0111 1:1"}},
        BrokenCase{"syntax", "listeners: [\n", {"WEIR-0101 1:13"}},
        BrokenCase{"no_listeners", "version: 1\n", {"WEIR-0114 1:1"}, "weir explain listeners"},
        BrokenCase{"empty_listeners", "listeners: []\n", {"WEIR-0112 1:12"}},
        BrokenCase{"listeners_as_mapping", "listeners: {name: a}\n", {"WEIR-0111 1:12"}},
        BrokenCase{"unknown_top_key", LISTENER "storag: {}\n", {"WEIR-0102 3:1"}, "'storage'"},
        BrokenCase{"unknown_nested_key", LISTENER "storage: {durabilty: wal}\n", {"WEIR-0102 3:11"}, "'durability'"},
        BrokenCase{"unknown_listener_key", FRONT "    max_conections: 10\n", {"WEIR-0102 4:5"}},
        BrokenCase{"unknown_tls_key", FRONT "    tls: {cert: a, key: {file: b}, ca: c}\n", {"WEIR-0102 4:36"}},
        BrokenCase{"duplicate_key", LISTENER "storage: {path: a, path: b}\n", {"WEIR-0103 3:20"}},
        BrokenCase{"later_version", "version: 2\n" LISTENER, {"WEIR-0112 1:10"}},
        BrokenCase{"version_as_text", "version: \"1\"\n" LISTENER, {"WEIR-0111 1:11"}, "remove the quotes"},
        BrokenCase{"listener_without_port", "listeners:\n  - name: a\n", {"WEIR-0114 2:5"}},
        BrokenCase{"listener_without_name", "listeners:\n  - port: 1\n", {"WEIR-0114 2:5"}},
        BrokenCase{"port_too_large", "listeners:\n  - {name: a, port: 65536}\n", {"WEIR-0112 2:21"}},
        BrokenCase{"port_as_word", "listeners:\n  - {name: a, port: mqtt}\n", {"WEIR-0111 2:21"}},
        BrokenCase{"port_as_nothing", "listeners:\n  - name: a\n    port:\n", {"WEIR-0111 3:10"}},
        BrokenCase{"name_with_blank", "listeners:\n  - {name: \"a b\", port: 1}\n", {"WEIR-0403 2:13"}},
        BrokenCase{"name_taken", "listeners:\n  - {name: a, port: 1}\n  - {name: a, port: 2}\n", {"WEIR-0402 3:5"}},
        BrokenCase{"port_taken", "listeners:\n  - {name: a, port: 1}\n  - {name: b, port: 1}\n", {"WEIR-0405 3:5"}},
        BrokenCase{"plaintext_on_all_addresses", FRONT "    bind: \"::\"\n", {"WEIR-0401 4:12"}, "allow_plaintext: true"},
        BrokenCase{"plaintext_on_private_address", FRONT "    bind: 10.0.0.1\n", {"WEIR-0401 4:11"}},
        BrokenCase{"plaintext_not_allowed_by_no", FRONT "    bind: 10.0.0.1\n    allow_plaintext: no\n", {"WEIR-0401 4:11", "WEIR-0111 5:22"}},
        BrokenCase{"tls_of_nothing", FRONT "    bind: \"::\"\n    tls:\n", {"WEIR-0111 5:9"}},
        BrokenCase{"tls_without_key", FRONT "    tls: {cert: a}\n", {"WEIR-0114 4:10"}},
        BrokenCase{"key_in_the_open", FRONT "    tls: {cert: a, key: b.pem}\n", {"WEIR-0406 4:25"}, "{file: path}"},
        BrokenCase{"key_by_other_means", FRONT "    tls: {cert: a, key: {vault: b}}\n", {"WEIR-0102 4:26"}},
        BrokenCase{"key_by_two_means", FRONT "    tls: {cert: a, key: {file: b, env: C}}\n", {"WEIR-0111 4:25"}},
        BrokenCase{"client_auth_without_ca", FRONT "    tls: {cert: a, key: {file: b}, client_auth: required}\n", {"WEIR-0409 4:49"}},
        BrokenCase{"client_auth_misspelt", FRONT "    tls: {cert: a, key: {file: b}, client_ca: c, client_auth: requird}\n", {"WEIR-0113 4:63"}, "'required'"},
        BrokenCase{"tls_version_too_old", FRONT "    tls: {cert: a, key: {file: b}, min_version: 1.1}\n", {"WEIR-0113 4:49"}},
        BrokenCase{"x509_without_certificates", FRONT "    auth: {methods: [x509]}\n", {"WEIR-0409 4:21"}},
        BrokenCase{"bind_by_name", FRONT "    bind: localhost\n", {"WEIR-0404 4:11"}},
        BrokenCase{"bind_to_broken_address", FRONT "    bind: 127.0.0.300\n", {"WEIR-0404 4:11"}},
        BrokenCase{"protocol_misspelt", FRONT "    protocols: [mqtt, mqtt-wss]\n", {"WEIR-0113 4:23"}, "'mqtt-ws'"},
        BrokenCase{"proxy_from_no_network", FRONT "    proxy_protocol: {from: [10.0.0.0/33, lb]}\n", {"WEIR-0404 4:29", "WEIR-0404 4:42"}},
        BrokenCase{"anonymous_as_yes", FRONT "    auth: {anonymous: yes}\n", {"WEIR-0111 4:23"}},
        BrokenCase{"durability_misspelt", LISTENER "storage: {durability: fsnyc}\n", {"WEIR-0113 3:23"}, "'fsync'"},
        BrokenCase{"group_commit_without_unit", LISTENER "storage: {group_commit: 2}\n", {"WEIR-0111 3:25"}, "30s"},
        BrokenCase{"group_commit_too_long", LISTENER "storage: {group_commit: 1s}\n", {"WEIR-0112 3:25"}, "100ms"},
        BrokenCase{"unknown_limit", LISTENER "limits: {subscription: 5}\n", {"WEIR-0102 3:10"}, "'subscriptions'"},
        BrokenCase{"limit_of_zero", LISTENER "limits: {receive_maximum: 0}\n", {"WEIR-0112 3:27"}},
        BrokenCase{"limit_never_unlimited", LISTENER "limits: {packet_bytes: unlimited}\n", {"WEIR-0111 3:24"}},
        BrokenCase{"limit_of_wrong_unit", LISTENER "limits: {queue_bytes: 4mb}\n", {"WEIR-0111 3:23"}},
        BrokenCase{"rate_without_time", LISTENER "limits: {publish_rate: 20}\n", {"WEIR-0111 3:24"}, "20/s"},
        BrokenCase{"preset_misspelt", LISTENER "limits: {preset: clod}\n", {"WEIR-0113 3:18"}, "'cloud'"},
        BrokenCase{"expiry_above_its_maximum", LISTENER "limits: {session_expiry: 30d}\n", {"WEIR-0412 3:26"}},
        BrokenCase{"shards_of_zero", LISTENER "runtime: {shards: 0}\n", {"WEIR-0112 3:19"}},
        BrokenCase{"shards_misspelt", LISTENER "runtime: {shards: atuo}\n", {"WEIR-0111 3:19"}},
        BrokenCase{"metrics_open_to_all", LISTENER "metrics: {listen: 0.0.0.0:9464}\n", {"WEIR-0401 3:19"}, "allow_plaintext"},
        BrokenCase{"metrics_without_port", LISTENER "metrics: {listen: 127.0.0.1}\n", {"WEIR-0404 3:19"}},
        BrokenCase{"scheme_misspelt", LISTENER "metering: {schemes: [aws-5kb]}\n", {"WEIR-0113 3:22"}, "'aws-5k'"},
        BrokenCase{"include_misspelt", LISTENER "include: [polices.d]\n", {"WEIR-0410 3:10"}, "'policies.d'"},
        BrokenCase{"include_not_there", LISTENER "include: [rules.d]\n", {"WEIR-0410 3:10"}},
        BrokenCase{"variable_not_set", LISTENER "storage: {path: {env: NO_SUCH}}\n", {"WEIR-0407 3:17"}},
        BrokenCase{"value_file_not_there", LISTENER "storage: {path: {file: no-such}}\n", {"WEIR-0408 3:17"}},
        BrokenCase{"all_errors_in_one_run", "listeners:\n  - {name: a, port: x}\n  - {prt: 1, name: b, port: 2}\nstorage: {durability: x}\nfoo: 1\n", {"WEIR-0111 2:21", "WEIR-0102 3:6", "WEIR-0113 4:23", "WEIR-0102 5:1"}}
    ),
    [](const auto& row) { return std::string{row.param.name}; }
);
// clang-format on

struct BrokenObjectCase {
    std::string_view name;
    std::string_view file;
    std::string_view text;
    std::vector<std::string> expected;
};

class BrokenObject : public testing::TestWithParam<BrokenObjectCase> {};

TEST_P(BrokenObject, IsReportedAsInTable) {
    MemoryFiles files;
    files.files["/etc/weir/weir.yaml"] = LISTENER;
    files.files["/etc/weir/" + std::string{GetParam().file}] = GetParam().text;
    Diagnostics diagnostics;
    static_cast<void>(load_config("/etc/weir", files, diagnostics));
    std::vector<std::string> expected;
    for (const auto& entry : GetParam().expected) {
        expected.push_back(
            entry.substr(0, 9) + " " + std::string{GetParam().file} + ":" + entry.substr(10)
        );
    }
    EXPECT_THAT(places(diagnostics), ElementsAreArray(expected)) << diagnostics.render_text();
}

#define PAGER "sink: pager\ntype: http\nurl: https://ops.example/hook\n"

// clang-format off
INSTANTIATE_TEST_SUITE_P(
    Table,
    BrokenObject,
    testing::Values(
        BrokenObjectCase{"sink_without_url", "sinks.d/p.yaml", "sink: p\ntype: http\n", {"WEIR-0114 1:1"}},
        BrokenObjectCase{"sink_of_unknown_type", "sinks.d/p.yaml", "sink: p\ntype: https\nurl: https://h/\n", {"WEIR-0113 2:7"}},
        BrokenObjectCase{"url_without_scheme", "sinks.d/p.yaml", "sink: p\ntype: http\nurl: ops.example\n", {"WEIR-0411 3:6"}},
        BrokenObjectCase{"url_with_password", "sinks.d/p.yaml", "sink: p\ntype: http\nurl: https://u:p@h/\n", {"WEIR-0411 3:6"}},
        BrokenObjectCase{"url_without_host", "sinks.d/p.yaml", "sink: p\ntype: http\nurl: https:///x\n", {"WEIR-0411 3:6"}},
        BrokenObjectCase{"url_with_host_from_message", "sinks.d/p.yaml", "sink: p\ntype: http\nurl: https://${topic(1)}/x\n", {"WEIR-0411 3:6"}},
        BrokenObjectCase{"bearer_in_the_open", "sinks.d/p.yaml", PAGER "auth: {bearer: abc}\n", {"WEIR-0406 4:16"}},
        BrokenObjectCase{"bearer_and_basic", "sinks.d/p.yaml", PAGER "auth: {bearer: {env: A}, basic: {user: u, password: {env: B}}}\n", {"WEIR-0412 4:7"}},
        BrokenObjectCase{"secret_over_plain_http", "sinks.d/p.yaml", "sink: p\ntype: http\nurl: http://h/\nauth: {bearer: {env: A}}\n", {"WEIR-0401 3:6"}},
        BrokenObjectCase{"header_name_with_blank", "sinks.d/p.yaml", PAGER "headers: {\"X Y\": z}\n", {"WEIR-0403 4:12"}},
        BrokenObjectCase{"header_that_frames_the_request", "sinks.d/p.yaml", PAGER "headers: {content-LENGTH: \"${n}\"}\n", {"WEIR-0419 4:28"}},
        BrokenObjectCase{"header_of_the_connection", "sinks.d/p.yaml", PAGER "headers: {Connection: close}\n", {"WEIR-0419 4:23"}},
        BrokenObjectCase{"header_that_is_the_sinks_own", "sinks.d/p.yaml", PAGER "headers: {Idempotency-Key: a}\n", {"WEIR-0419 4:28"}},
        BrokenObjectCase{"header_host_from_message", "sinks.d/p.yaml", PAGER "headers: {Host: \"${h}\"}\n", {"WEIR-0419 4:18"}},
        BrokenObjectCase{"header_that_ends_itself", "sinks.d/p.yaml", PAGER "headers: {X: \"a\\r\\nY: b\"}\n", {"WEIR-0419 4:15"}},
        BrokenObjectCase{"bearer_and_sigv4", "sinks.d/p.yaml", PAGER "auth: {bearer: {env: A}, sigv4: {access_key_id: i, secret_access_key: {env: B}, region: r, service: s}}\n", {"WEIR-0412 4:7"}},
        BrokenObjectCase{"sigv4_in_the_open", "sinks.d/p.yaml", PAGER "auth: {sigv4: {access_key_id: i, secret_access_key: abc, region: r, service: s}}\n", {"WEIR-0406 4:53"}},
        BrokenObjectCase{"client_cert_over_plain_http", "sinks.d/p.yaml", "sink: p\ntype: http\nurl: http://h/\nauth: {client_cert: {cert: c, key: {file: k}}}\n", {"WEIR-0412 3:6"}},
        BrokenObjectCase{"method_get", "sinks.d/p.yaml", PAGER "method: GET\n", {"WEIR-0113 4:9"}},
        BrokenObjectCase{"in_flight_none", "sinks.d/p.yaml", PAGER "in_flight: 0\n", {"WEIR-0112 4:12"}},
        BrokenObjectCase{"retry_backwards", "sinks.d/p.yaml", PAGER "retry: {min: 10m}\n", {"WEIR-0412 4:14"}},
        BrokenObjectCase{"proxy_password_in_the_open", "sinks.d/p.yaml", PAGER "proxy: {url: \"http://p:3128\", user: u, password: abc}\n", {"WEIR-0406 4:50"}},
        BrokenObjectCase{"outbox_too_small", "sinks.d/p.yaml", PAGER "outbox: {size: 1KiB}\n", {"WEIR-0112 4:16"}},
        BrokenObjectCase{"on_full_misspelt", "sinks.d/p.yaml", PAGER "outbox: {on_full: drop}\n", {"WEIR-0113 4:19"}},
        BrokenObjectCase{"batch_of_nothing", "sinks.d/p.yaml", PAGER "batch: {messages: 0}\n", {"WEIR-0112 4:19"}},
        BrokenObjectCase{"stream_without_name", "streams.d/a.yaml", "retention: {age: 1d}\n", {"WEIR-0114 1:1"}},
        BrokenObjectCase{"stream_with_unknown_key", "streams.d/a.yaml", "stream: a\nretention: {days: 30}\n", {"WEIR-0102 2:13"}},
        BrokenObjectCase{"stream_kept_for_nothing", "streams.d/a.yaml", "stream: a\nretention: {age: 30}\n", {"WEIR-0111 2:18"}},
        BrokenObjectCase{"two_documents", "streams.d/a.yaml", "stream: a\n---\nstream: b\n", {"WEIR-0106 2:1"}},
        BrokenObjectCase{"queue", "queues.d/a.yaml", "queue: a\n", {"WEIR-0415 1:1"}}
    ),
    [](const auto& row) { return std::string{row.param.name}; }
);
// clang-format on

TEST(BrokenTree, NamesBothPlaces_WhenTwoFilesHaveOneName) {
    MemoryFiles files;
    files.files["/etc/weir/weir.yaml"] = LISTENER;
    files.files["/etc/weir/streams.d/a.yaml"] = "stream: alarms\n";
    files.files["/etc/weir/streams.d/b.yaml"] = "# also\nstream: alarms\n";
    Diagnostics diagnostics;
    static_cast<void>(load_config("/etc/weir", files, diagnostics));
    ASSERT_EQ(diagnostics.errors(), 1U);
    const auto error = diagnostics.sorted().at(0);
    EXPECT_EQ(error.code, "WEIR-0402");
    EXPECT_EQ(error.file, "streams.d/b.yaml");
    EXPECT_EQ(error.range.begin, (document::Position{2, 9}));
    EXPECT_EQ(error.label, "the other one is streams.d/a.yaml:1");
}

TEST(BrokenTree, NamesBothPlaces_WhenTwoListenersHaveOneName) {
    MemoryFiles files;
    files.files["/etc/weir/weir.yaml"] = "listeners:\n  - {name: a, port: 1}\n  - {name: a, port: 2}\n";
    Diagnostics diagnostics;
    static_cast<void>(load_config("/etc/weir", files, diagnostics));
    ASSERT_EQ(diagnostics.errors(), 1U) << diagnostics.render_text();
    const auto error = diagnostics.sorted().at(0);
    EXPECT_EQ(error.message, "two listeners have the name 'a'");
    EXPECT_EQ(error.range.begin.line, 3U);
    EXPECT_EQ(error.label, "the other one is weir.yaml:2");
}

TEST(BrokenTree, ReportsErrorsOfAllFilesInOneRun) {
    MemoryFiles files;
    files.files["/etc/weir/weir.yaml"] = "listeners: []\n";
    files.files["/etc/weir/sinks.d/p.yaml"] = "sink: p\n";
    files.files["/etc/weir/streams.d/a.yaml"] = "stream: [\n";
    Diagnostics diagnostics;
    static_cast<void>(load_config("/etc/weir", files, diagnostics));
    EXPECT_THAT(
        places(diagnostics),
        ElementsAreArray(std::vector<std::string>{
            "WEIR-0114 sinks.d/p.yaml:1:1",
            "WEIR-0114 sinks.d/p.yaml:1:1",
            "WEIR-0101 streams.d/a.yaml:1:10",
            "WEIR-0112 weir.yaml:1:12",
        })
    );
}

TEST(BrokenTree, SaysHowToBegin_WhenThereIsNoFile) {
    Diagnostics diagnostics;
    static_cast<void>(load_config("/etc/weir", MemoryFiles{}, diagnostics));
    ASSERT_EQ(diagnostics.errors(), 1U);
    EXPECT_EQ(diagnostics.sorted().at(0).code, "WEIR-0408");
    EXPECT_THAT(diagnostics.sorted().at(0).help, testing::HasSubstr("weir init"));
}

TEST(BrokenTree, NeverShowsASecret) {
    MemoryFiles files;
    files.files["/etc/weir/weir.yaml"] = LISTENER "storage: {group_commit: 2ms}\n";
    files.files["/etc/weir/sinks.d/p.yaml"] =
        "sink: p\ntype: http\nurl: x\nauth: {bearer: {file: t}}\n";
    files.files["/etc/weir/sinks.d/t"] = "hush-hush";
    Diagnostics diagnostics;
    static_cast<void>(load_config("/etc/weir", files, diagnostics));
    EXPECT_TRUE(diagnostics.has_errors());
    EXPECT_EQ(diagnostics.render_text().find("hush"), std::string::npos);
}

}  // namespace
}  // namespace weir::app
