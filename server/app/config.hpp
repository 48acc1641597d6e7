/// The gateway's configuration as checked values: what weir.yaml and the files beside it say.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <weir/app_config/config_archive.hpp>
#include <weir/app_config/config_files.hpp>
#include <weir/app_config/config_values.hpp>
#include <weir/app_config/limits_schema.hpp>
#include <weir/document/diagnostic.hpp>
#include <weir/metering/formula.hpp>
#include <weir/model/principal.hpp>
#include <weir/policy/policy_file.hpp>

namespace weir::app {

// Meaning, default, range and reload of every field: the row of its key in config_schema.cpp, `weir
// explain KEY`.

enum class ClientAuth : std::uint8_t { none, optional, required };
inline constexpr std::array<std::string_view, 3> kClientAuthNames = {
    "none", "optional", "required"
};

struct TlsConfig {
    std::filesystem::path cert;
    Secret key;
    std::optional<std::filesystem::path> client_ca;  ///< Present if client_auth is not none.
    ClientAuth client_auth = ClientAuth::none;
    bool only_tls13 = false;
    Place cert_place;
    Place client_ca_place;
};

/// What a listener may speak.
struct Protocols {
    bool mqtt = false;
    bool mqtt_ws = false;
    bool amqp = false;
    bool amqp_ws = false;
    bool http = false;
};

struct WebSocketConfig {
    std::vector<std::string> paths;
    std::vector<std::string> origins;
};

struct MqttConfig {
    bool wildcard_subscriptions = true;
    bool shared_subscriptions = true;
    std::string server_reference;  ///< Empty: none.
};

struct AuthConfig {
    bool anonymous = false;
    std::vector<model::AuthMethod> methods;  ///< Without `anonymous`.
};

struct ListenerConfig {
    std::string name;
    std::string bind;
    std::uint16_t port = 0;
    Protocols protocols;
    std::optional<TlsConfig> tls;
    WebSocketConfig ws;
    MqttConfig mqtt;
    std::vector<Network> proxy_from;
    AuthConfig auth;
    model::Limits limits;  ///< Complete: those of the gateway where the listener does not say.
    Place place;
};

enum class Durability : std::uint8_t { fsync, wal, none };
inline constexpr std::array<std::string_view, 3> kDurabilityNames = {"fsync", "wal", "none"};

struct BackupConfig {
    std::filesystem::path directory;
    std::chrono::milliseconds every{0};
    std::uint32_t keep = 0;
    std::uint64_t rate = 0;  ///< Bytes per second; 0: no limit.

    friend bool operator==(const BackupConfig&, const BackupConfig&) = default;
};

inline constexpr std::array<std::string_view, 4> kBudgetNames = {
    "streams", "queues", "outbox", "retained"
};
/// Bytes, in the order of the names; 0: unlimited.
using BudgetsConfig = std::array<std::uint64_t, kBudgetNames.size()>;

struct StorageConfig {
    std::filesystem::path path;
    Durability durability = Durability::fsync;
    std::chrono::milliseconds group_commit{0};
    std::uint64_t group_size = 0;
    std::uint64_t disk_free_min = 0;
    std::uint64_t disk_free_low = 0;
    BudgetsConfig budgets{};
    std::optional<BackupConfig> backup;
    std::uint64_t backup_rate = 0;  ///< Of all backups, `weir backup` too: bytes per second; 0: no limit.
};

struct RuntimeConfig {
    std::uint32_t shards = 0;  ///< 0: one per processor.
};

struct AdminConfig {
    std::filesystem::path socket;
};

struct MetricsConfig {
    std::optional<Endpoint> listen;             ///< Nothing: off.
    std::chrono::milliseconds sys_interval{0};  ///< Of the `$SYS` topics; 0: off.
};

struct MeteringConfig {
    std::vector<metering::Scheme> schemes;
    bool ack_waits = false;  ///< metering.durability: ack.
};

enum class OnFull : std::uint8_t { block, dead_letter, drop_oldest };
inline constexpr std::array<std::string_view, 3> kOnFullNames = {
    "block", "dead_letter", "drop_oldest"
};

struct OutboxConfig {
    std::uint64_t size = 0;
    std::uint64_t dead_letters = 0;
    std::chrono::milliseconds age{0};
    OnFull on_full = OnFull::block;
    std::chrono::milliseconds block_timeout{0};
};

struct BatchConfig {
    std::uint64_t messages = 1;
    std::uint64_t bytes = 0;
    std::chrono::milliseconds wait{0};
};

struct BasicAuth {
    std::string user;
    Secret password;
};

struct SigV4Auth {
    std::string access_key_id;
    Secret secret_access_key;
    std::optional<Secret> session_token;
    std::string region;
    std::string service;
};

struct ClientCertificate {
    std::filesystem::path cert;
    Secret key;
    Place cert_place;
};

struct ProxyConfig {
    std::string url;
    std::string user;
    std::optional<Secret> password;
};

struct RetryConfig {
    std::chrono::milliseconds min{0};
    std::chrono::milliseconds max{0};
};

struct BreakerConfig {
    std::uint64_t failures = 0;
    std::chrono::milliseconds pause{0};
};

/// Words of `body`, in the order of sinks::BodyFormat and rules::Body.
inline constexpr std::array<std::string_view, 5> kBodyNames = {
    "json", "json-lines", "array", "cloudevents", "raw"
};
inline constexpr std::array<std::string_view, 3> kCompressionNames = {"none", "gzip", "zstd"};

struct SinkConfig {
    std::string name;
    std::string url;  ///< May hold ${...} behind the host.
    std::string method;
    Headers headers;       ///< Values may hold ${...}.
    std::string order_by;  ///< Likewise; empty: by device.
    std::string body;
    std::string compression;
    std::optional<Secret> bearer = {};  ///< At most one of these three.
    std::optional<BasicAuth> basic = {};
    std::optional<SigV4Auth> sigv4 = {};
    std::optional<ClientCertificate> client_cert = {};
    std::optional<std::filesystem::path> ca;
    std::optional<ProxyConfig> proxy = {};
    bool follows_redirects = false;
    std::chrono::milliseconds timeout{0};
    std::chrono::milliseconds connect_timeout{0};
    std::uint64_t in_flight = 0;
    RetryConfig retry;
    BreakerConfig breaker;
    OutboxConfig outbox;
    BatchConfig batch;
    Place place;
    Place url_place;
    std::vector<Place> header_places = {};  ///< Of the values, in the order of `headers`.
    Place order_by_place;
    Place ca_place;
};

struct StreamConfig {
    std::string name;
    std::chrono::milliseconds age{0};  ///< milliseconds::max(): unlimited.
    std::uint64_t size = 0;            ///< kUnlimited: unlimited.
    bool compact = false;              ///< Of each device only the newest record stays.
    Place place;
};

/// A file that another module parses.
struct TextFile {
    std::string path;  ///< As it appears in diagnostics.
    std::string text;
};

struct Config {
    std::filesystem::path file;  ///< weir.yaml, as opened.
    /// False if it could not be read or parsed: then there is only what the default folders beside
    /// it hold, and what is not there may be in others.
    bool has_main = true;
    std::vector<ListenerConfig> listeners;
    StorageConfig storage;
    model::Limits limits;
    Preset preset = Preset::standard;
    RuntimeConfig runtime;
    AdminConfig admin;
    MetricsConfig metrics;
    MeteringConfig metering;
    std::vector<SinkConfig> sinks;      ///< Sorted by name.
    std::vector<ArchiveConfig> archives;  ///< Sorted by name; no sink has the same.
    std::vector<StreamConfig> streams;  ///< Sorted by name.
    std::vector<policy::PolicyFile>
        policies;                 ///< policies.d, in the order of the folders, then of the names.
    std::vector<TextFile> rules;  ///< rules.d/*.sql, likewise.
    std::vector<TextFile> tests;  ///< *_test.yaml of both.
    std::vector<TextFile> pricing;  ///< pricing.d, likewise.

    [[nodiscard]] const SinkConfig* find_sink(std::string_view name) const noexcept;
    [[nodiscard]] const ArchiveConfig* find_archive(std::string_view name) const noexcept;
    [[nodiscard]] const StreamConfig* find_stream(std::string_view name) const noexcept;
};

/// Reads the gateway's file and everything that it includes. All errors of all files go to
/// `diagnostics`, with names of files relative to the folder of weir.yaml; if there is any, the
/// result must not be used.
/// @param path  weir.yaml, or the folder that holds it.
[[nodiscard]] Config load_config(
    const std::filesystem::path& path, const ConfigFiles& files, document::Diagnostics& diagnostics
);

}  // namespace weir::app
