#include <weir/app_config/config_schema.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <weir/app_config/detail/config_parts.hpp>
#include <weir/app_config/limits_schema.hpp>
#include <weir/metering/formula.hpp>
#include <weir/metering/price_schema.hpp>
#include <weir/policy/policy_schema.hpp>
#include <weir/rules/head_schema.hpp>

namespace weir::app {
namespace {

constexpr std::uint64_t kKiB = 1024;
constexpr std::uint64_t kTiB = 1ULL << 40U;
constexpr std::uint64_t kSecond = 1'000;
constexpr std::uint64_t kHour = 3'600 * kSecond;
constexpr std::uint64_t kYear = 365 * 24 * kHour;

std::vector<std::string_view> scheme_names() {
    std::vector<std::string_view> names;
    std::ranges::transform(
        metering::all_schemes(), std::back_inserter(names), &metering::SchemeInfo::name
    );
    return names;
}

/// Appends a row per limit under `prefix`, with the defaults of the preset `standard`, or those of
/// the gateway.
void append_limits(std::vector<Key>& keys, std::string_view prefix, bool inherited) {
    const auto standard = limits_of(Preset::standard);
    for (const auto& limit : limit_keys()) {
        Key key{.path = std::string{prefix} + std::string{limit.name}, .type = limit.type};
        key.fallback = inherited ? "" : written(standard, limit);
        key.min = limit.min;
        key.max = limit.max;
        key.help = limit.help;
        if (std::ranges::find(kStartLimits, limit.name) != kStartLimits.end()) {
            key.reload = Reload::restart;
        }
        if (limit.max == model::kUnlimited) {
            key.words = {"unlimited"};
        }
        keys.push_back(std::move(key));
    }
    keys.push_back({
        .path = std::string{prefix} + "queue_full",
        .type = Type::word,
        .fallback = inherited ? "" : std::string{kQueueFullNames[0]},
        .words = {kQueueFullNames.begin(), kQueueFullNames.end()},
        .help = "What gives way when a session's queue is full: its oldest message or the new one.",
    });
}

// clang-format off
std::vector<Key> gateway_schema() {
    using enum Type;
    std::vector<Key> keys = {
        {.path = "version", .type = integer, .fallback = "1", .min = 1, .max = 1, .help = "Version of this grammar."},

        {.path = "listeners", .type = list, .min = 1, .max = 64, .required = true, .help = "The ports that devices connect to."},
        {.path = "listeners[].name", .type = name, .required = true, .help = "Appears in logs, metrics and `weir status`."},
        {.path = "listeners[].bind", .type = address, .fallback = "127.0.0.1", .reload = Reload::restart, .help = "Address to listen on; \"::\" is every address of the machine, 0.0.0.0 every IPv4 one."},
        {.path = "listeners[].port", .type = integer, .max = 65'535, .required = true, .reload = Reload::restart, .help = "TCP port; 0 takes any free one."},
        {.path = "listeners[].protocols", .type = words, .fallback = "any", .words = {"any", "mqtt", "mqtt-ws", "amqp", "amqp-ws", "http"}, .help = "What peers may speak here; told apart by ALPN, first bytes and WebSocket subprotocol."},
        {.path = "listeners[].allow_plaintext", .type = boolean, .fallback = "false", .help = "Says that a listener without TLS may be reached by other machines."},
        {.path = "listeners[].tls", .type = mapping, .help = "Without it the listener is clear text."},
        {.path = "listeners[].tls.cert", .type = path, .required = true, .help = "Certificate chain of the gateway (PEM), own certificate first."},
        {.path = "listeners[].tls.key", .type = secret, .required = true, .help = "Private key of the certificate (PEM)."},
        {.path = "listeners[].tls.client_ca", .type = path, .help = "Certificates (PEM) of the CAs that sign devices' certificates."},
        {.path = "listeners[].tls.client_auth", .type = word, .words = {"none", "optional", "required"}, .help = "Whether devices are asked for a certificate; the default is optional with client_ca, else none."},
        {.path = "listeners[].tls.min_version", .type = word, .fallback = "1.2", .words = {"1.2", "1.3"}, .help = "Oldest TLS version that is accepted."},
        {.path = "listeners[].ws", .type = mapping, .help = "WebSocket."},
        {.path = "listeners[].ws.paths", .type = texts, .fallback = "/mqtt /amqp /$iothub/websocket", .max = 16, .help = "Request paths at which an upgrade is accepted."},
        {.path = "listeners[].ws.origins", .type = texts, .max = 64, .help = "Web origins that browsers may connect from; none: requests with an Origin are refused."},
        {.path = "listeners[].mqtt", .type = mapping, .help = "What MQTT clients find here."},
        {.path = "listeners[].mqtt.wildcard_subscriptions", .type = boolean, .fallback = "true", .help = "Whether filters may have + and #; MQTT 5 clients are told in CONNACK."},
        {.path = "listeners[].mqtt.shared_subscriptions", .type = boolean, .fallback = "true", .help = "Whether there are $share subscriptions; MQTT 5 clients are told in CONNACK."},
        {.path = "listeners[].mqtt.server_reference", .type = text, .max = 256, .help = "Where MQTT 5 clients are sent when the gateway stops (DISCONNECT 0x9C): host or host:port, several with spaces between."},
        {.path = "listeners[].proxy_protocol", .type = mapping, .help = "PROXY protocol v1 and v2 of load balancers."},
        {.path = "listeners[].proxy_protocol.from", .type = networks, .max = 64, .help = "Peers that must send the header; from others it is refused."},
        {.path = "listeners[].auth", .type = mapping, .help = "How devices prove who they are."},
        {.path = "listeners[].auth.anonymous", .type = boolean, .fallback = "false", .help = "Says that peers without any credential are let in, as far as policies with 'match: {anonymous: true}' go."},
        {.path = "listeners[].auth.methods", .type = words, .fallback = "x509 password token", .words = {"x509", "password", "token"}, .help = "Kinds of credentials that are accepted."},
        {.path = "listeners[].limits", .type = mapping, .help = "Limits of this listener, instead of those under limits."},
    };
    append_limits(keys, "listeners[].limits.", true);
    const std::vector<Key> rest = {
        {.path = "storage", .type = mapping, .help = "Where sessions, queues, streams and the registry are kept."},
        {.path = "storage.path", .type = path, .fallback = "/var/lib/weir", .reload = Reload::restart, .help = "Data directory; one gateway at a time uses it."},
        {.path = "storage.durability", .type = word, .fallback = "fsync", .words = {"fsync", "wal", "none"}, .reload = Reload::restart, .help = "What an acknowledgement promises: on disk (fsync), with the operating system (wal: a crash of the machine loses the last moments), nothing (none)."},
        {.path = "storage.group_commit", .type = duration, .fallback = "0s", .max = 100, .reload = Reload::restart, .help = "How long a write waits for others to share its fsync. Those that come during an fsync share the next one anyway: a wait spares a slow disk, and delays acknowledgements."},
        {.path = "storage.group_size", .type = size, .fallback = "4MiB", .min = 64 * kKiB, .max = 64 * kKiB * kKiB, .reload = Reload::restart, .help = "Bytes that share an fsync at most."},
        {.path = "storage.disk_free_min", .type = size, .fallback = "64MiB", .min = 16 * kKiB * kKiB, .max = kTiB, .reload = Reload::restart, .help = "With less free space nothing is written and nothing acknowledged, until there is an eighth more than this."},
        {.path = "storage.disk_free_low", .type = size, .fallback = "1GiB", .max = 1024 * kTiB, .reload = Reload::restart, .help = "With less free space a warning is logged, and `weir status` tells when the disk will be full."},
        {.path = "storage.budgets", .type = mapping, .help = "How many bytes of records each kind of data may hold, so that none fills the disk for the others. Files take more or less than that: see `weir storage stat`."},
        {.path = "storage.budgets.streams", .type = size, .fallback = "unlimited", .words = {"unlimited"}, .min = 64 * kKiB, .max = 1024 * kTiB, .help = "Of all streams: the oldest records go first, whichever stream they are in and whatever its retention is."},
        {.path = "storage.budgets.queues", .type = size, .fallback = "unlimited", .words = {"unlimited"}, .min = 64 * kKiB, .max = 1024 * kTiB, .help = "Of all queues of sessions that outlive their connections: a queue does not grow beyond it, and queue_full says what gives way."},
        {.path = "storage.budgets.outbox", .type = size, .fallback = "unlimited", .words = {"unlimited"}, .min = 64 * kKiB, .max = 1024 * kTiB, .help = "Of all sinks' outboxes, with dead letters: beyond it outboxes are full, and their on_full says what follows."},
        {.path = "storage.budgets.retained", .type = size, .fallback = "unlimited", .words = {"unlimited"}, .min = 64 * kKiB, .max = 1024 * kTiB, .help = "Of all retained messages: what is published beyond it is delivered, and not retained."},
        {.path = "storage.backup", .type = mapping, .help = "Backups by the clock, as `weir backup` makes them."},
        {.path = "storage.backup.path", .type = path, .required = true, .help = "Directory of all backups; better on another disk."},
        {.path = "storage.backup.every", .type = duration, .fallback = "24h", .min = kSecond, .max = kYear, .help = "Time from one backup to the next, over restarts too."},
        {.path = "storage.backup.keep", .type = integer, .fallback = "7", .min = 1, .max = 10'000, .help = "Older backups are removed."},
        {.path = "storage.backup.rate", .type = size, .fallback = "64MiB", .words = {"unlimited"}, .min = 64 * kKiB, .max = kTiB, .help = "Bytes per second that a backup may take from the disk, by the clock or by `weir backup`."},

        {.path = "limits", .type = mapping, .help = "Limits of the whole gateway; listeners and policies may set their own."},
        {.path = "limits.preset", .type = word, .fallback = "standard", .words = {"standard", "cloud", "none"}, .help = "Where limits that are not set come from: standard protects the gateway, cloud also paces devices as public clouds do, none is for benches."},
    };
    keys.insert(keys.end(), rest.begin(), rest.end());
    append_limits(keys, "limits.", false);
    const std::vector<Key> last = {
        {.path = "runtime", .type = mapping, .help = "Threads."},
        {.path = "runtime.shards", .type = integer, .fallback = "auto", .words = {"auto"}, .min = 1, .max = 256, .reload = Reload::restart, .help = "Threads that serve devices; auto is one per processor."},

        {.path = "admin", .type = mapping, .help = "The operator's interface."},
        {.path = "admin.socket", .type = path, .fallback = "/run/weir/admin.sock", .reload = Reload::restart, .help = "Unix socket (mode 0660) that the commands of `weir` use."},

        {.path = "metrics", .type = mapping, .help = "For Prometheus and health probes."},
        {.path = "metrics.listen", .type = endpoint, .fallback = "127.0.0.1:9464", .words = {"none"}, .reload = Reload::restart, .help = "Address and port of /metrics, /healthz and /readyz, and nothing else; none switches it off."},
        {.path = "metrics.sys_interval", .type = duration, .fallback = "10s", .max = kHour, .reload = Reload::restart, .help = "How often the topics below $SYS are published to those who may subscribe to them; 0 switches them off."},
        {.path = "metrics.allow_plaintext", .type = boolean, .fallback = "false", .reload = Reload::restart, .help = "Says that metrics may be read by other machines without TLS."},

        {.path = "metering", .type = mapping, .help = "Counting what devices use."},
        {.path = "metering.schemes", .type = words, .fallback = fmt::format("{}", fmt::join(scheme_names(), " ")), .words = scheme_names(), .help = "Units that `weir usage` shows; all are counted all the time."},
        {.path = "metering.durability", .type = word, .fallback = "interval", .words = {"interval", "ack"}, .help = "interval: a crash loses at most 1 s of usage that was not stored with its message; ack: a message is acknowledged when its usage is stored too."},

        {.path = "include", .type = paths, .fallback = "policies.d rules.d sinks.d streams.d queues.d pricing.d", .max = 64, .help = "Folders that are read in byte order; the name of each says what its files are. Those of the default need not exist."},
    };
    keys.insert(keys.end(), last.begin(), last.end());
    return keys;
}

std::vector<Key> sink_schema() {
    using enum Type;
    return {
        {.path = "sink", .type = name, .required = true, .help = "Name by which rules refer to it."},
        {.path = "type", .type = word, .words = {"http", "file", "s3"}, .required = true, .help = "How records are delivered; file and s3 read a stream and have keys of their own (`weir explain file-sinks`, `s3-sinks`)."},
        {.path = "url", .type = url, .required = true, .help = "Where requests go; ${...} in the path is filled per message, with the expressions of rules."},
        {.path = "method", .type = word, .fallback = "POST", .words = {"POST", "PUT", "PATCH", "DELETE"}, .help = "HTTP method."},
        {.path = "headers", .type = headers, .max = 32, .help = "Headers of every request; values may hold ${...} like the URL."},
        {.path = "order_by", .type = text, .max = 1'024, .help = "Text with ${...}: records for which it is the same are delivered in their order; without it, those of one device."},
        {.path = "body", .type = word, .fallback = "json", .words = {"json", "json-lines", "array", "cloudevents", "raw"}, .help = "Default of rules that do not say. json: the output, of several an array; array: an array always; json-lines: a line each; cloudevents: CloudEvents 1.0 in JSON, in batches where batch.messages is above 1; raw: the output as it is, one per request."},
        {.path = "compression", .type = word, .fallback = "none", .words = {"none", "gzip", "zstd"}, .help = "Of bodies from 256 bytes on; told by Content-Encoding."},
        {.path = "auth", .type = mapping, .help = "One of bearer, basic and sigv4; and client_cert."},
        {.path = "auth.bearer", .type = secret, .help = "Token of 'Authorization: Bearer'."},
        {.path = "auth.basic", .type = mapping, .help = "'Authorization: Basic'."},
        {.path = "auth.basic.user", .type = text, .max = 256, .required = true, .help = "User name."},
        {.path = "auth.basic.password", .type = secret, .required = true, .help = "Password."},
        {.path = "auth.sigv4", .type = mapping, .help = "AWS Signature Version 4."},
        {.path = "auth.sigv4.access_key_id", .type = text, .max = 256, .required = true, .help = "Id of the access key."},
        {.path = "auth.sigv4.secret_access_key", .type = secret, .required = true, .help = "The access key itself."},
        {.path = "auth.sigv4.session_token", .type = secret, .help = "Of temporary credentials."},
        {.path = "auth.sigv4.region", .type = text, .max = 64, .required = true, .help = "Region of the service."},
        {.path = "auth.sigv4.service", .type = text, .max = 64, .required = true, .help = "Name of the service in signatures: execute-api, lambda, sqs, ..."},
        {.path = "auth.client_cert", .type = mapping, .help = "Certificate that the gateway shows (mutual TLS)."},
        {.path = "auth.client_cert.cert", .type = path, .required = true, .help = "Certificate chain (PEM), own certificate first."},
        {.path = "auth.client_cert.key", .type = secret, .required = true, .help = "Private key of the certificate (PEM)."},
        {.path = "ca", .type = path, .help = "CA certificates (PEM) that the server's certificate is checked against, instead of the system's."},
        {.path = "proxy", .type = mapping, .help = "A proxy that requests go through; those of the environment are ignored."},
        {.path = "proxy.url", .type = url, .required = true, .help = "http:// or https://, host and port."},
        {.path = "proxy.user", .type = text, .max = 256, .help = "User name, if the proxy wants one."},
        {.path = "proxy.password", .type = secret, .help = "Password of that user."},
        {.path = "redirects", .type = word, .fallback = "none", .words = {"none", "same_origin"}, .help = "same_origin follows 307 and 308 within the scheme, host and port of the URL; anything else is a refusal."},
        {.path = "timeout", .type = duration, .fallback = "10s", .min = 100, .max = 300 * kSecond, .help = "Of one attempt."},
        {.path = "connect_timeout", .type = duration, .fallback = "5s", .min = 100, .max = 300 * kSecond, .help = "Of it, until TLS is up."},
        {.path = "in_flight", .type = integer, .fallback = "8", .min = 1, .max = 64, .help = "Requests at a time. Records of one device, or of one order_by, never overtake each other; 1 keeps the order of all."},
        {.path = "retry", .type = mapping, .help = "Pause after a failed attempt: doubled each time, with jitter; a longer Retry-After wins, up to an hour."},
        {.path = "retry.min", .type = duration, .fallback = "1s", .min = 10, .max = kHour, .help = "After the first attempt."},
        {.path = "retry.max", .type = duration, .fallback = "5m", .min = 10, .max = 24 * kHour, .help = "At most."},
        {.path = "breaker", .type = mapping, .help = "When to leave a failing receiver alone."},
        {.path = "breaker.failures", .type = integer, .fallback = "5", .max = 1'000, .help = "Failed attempts in a row, of whichever records, after which nothing is sent for breaker.pause, then one request as a probe; 0 switches it off."},
        {.path = "breaker.pause", .type = duration, .fallback = "30s", .min = 100, .max = kHour, .help = "Between half and all of it; a longer Retry-After wins."},
        {.path = "outbox", .type = mapping, .help = "What waits on disk until the sink has taken it."},
        {.path = "outbox.size", .type = size, .fallback = "1GiB", .min = 64 * kKiB, .max = kTiB, .help = "Bytes that may wait."},
        {.path = "outbox.age", .type = duration, .fallback = "24h", .min = kSecond, .max = kYear, .help = "After this time a record becomes a dead letter."},
        {.path = "outbox.on_full", .type = word, .fallback = "block", .words = {"block", "dead_letter", "drop_oldest"}, .help = "block holds back the publishers whose messages the rule takes, for block_timeout; then, and with dead_letter at once, what has no room is counted as lost{sink_full} and the rule's on_error runs."},
        {.path = "outbox.block_timeout", .type = duration, .fallback = "30s", .max = kHour, .help = "How long on_full: block holds back."},
        {.path = "outbox.dead_letters", .type = size, .fallback = "64MiB", .min = 64 * kKiB, .max = kTiB, .help = "Bytes of dead letters that are kept; the oldest go first."},
        {.path = "batch", .type = mapping, .help = "Default of rules that do not say; a request is sent when the first bound is reached."},
        {.path = "batch.messages", .type = integer, .fallback = "1", .min = 1, .max = 10'000, .help = "Messages of a request."},
        {.path = "batch.bytes", .type = size, .fallback = "256KiB", .min = kKiB, .max = 16 * kKiB * kKiB, .help = "Bytes of a request."},
        {.path = "batch.wait", .type = duration, .fallback = "1s", .max = 60 * kSecond, .help = "Longest wait for more messages."},
    };
}

std::vector<Key> stream_schema() {
    using enum Type;
    return {
        {.path = "stream", .type = name, .required = true, .help = "Name by which rules and readers refer to it."},
        {.path = "retention", .type = mapping, .help = "When records are removed: at whichever bound comes first."},
        {.path = "retention.age", .type = duration, .fallback = "7d", .words = {"unlimited"}, .min = kSecond, .max = 10 * kYear, .help = "Longest life of a record."},
        {.path = "retention.size", .type = size, .fallback = "1GiB", .words = {"unlimited"}, .min = 64 * kKiB, .max = 1024 * kTiB, .help = "Bytes of the stream; the oldest records go first."},
        {.path = "retention.compact", .type = boolean, .fallback = "false", .help = "Whether of each device only its newest record stays; older ones go in the background, and one with an empty payload a day after it came."},
    };
}
// clang-format on

}  // namespace

const Schema& schema(FileKind kind) {
    static const std::array<Schema, 5> own = {
        gateway_schema(),
        sink_schema(),
        stream_schema(),
        detail::file_sink_schema(),
        detail::s3_sink_schema(),
    };
    switch (kind) {
        case FileKind::policy:
            return policy::schema();
        case FileKind::rule:
            return rules::head_schema();
        case FileKind::price_list:
            return metering::price_list_schema();
        default:
            return own.at(static_cast<std::size_t>(kind));
    }
}

const Key* find_key(FileKind kind, std::string_view path) {
    return document::find_key(schema(kind), path);
}

std::vector<Child> children(FileKind kind, std::string_view path) {
    return document::children(schema(kind), path);
}

std::string_view describe(FileKind kind) noexcept {
    constexpr std::array<std::string_view, 8> kNames = {
        "weir.yaml",
        "a sink",
        "a stream",
        "a file sink",
        "an S3 sink",
        "a policy",
        "the head of a rule",
        "a price list",
    };
    return kNames.at(static_cast<std::size_t>(kind));
}

}  // namespace weir::app
