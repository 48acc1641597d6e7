/// The running gateway: everything built from a configuration, and joined.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <weir/app_config/configuration.hpp>
#include <weir/archive/status.hpp>
#include <weir/base/clock.hpp>
#include <weir/base/error.hpp>
#include <weir/identity/exchange.hpp>
#include <weir/identity/registry.hpp>
#include <weir/model/metrics.hpp>
#include <weir/model/tap.hpp>
#include <weir/sinks/dead_letters.hpp>
#include <weir/sinks/diagnose.hpp>
#include <weir/sinks/status.hpp>
#include <weir/app/backup_schedule.hpp>
#include <weir/app/message_rates.hpp>
#include <weir/storage/store.hpp>
#include <weir/why/decision_log.hpp>

namespace weir::app {

/// The configuration does not hold; what() is the report as `weir check` prints it.
class BadConfiguration : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// A listener's address cannot be bound; what() names both.
class CannotListen : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct ListenerStatus {
    std::string name;
    std::string address;  ///< With the port that it really has.
    std::uint16_t port = 0;
    bool tls = false;
    WallTime certificate_ends{0};  ///< Zero: clear text.
    std::size_t connections = 0;
    std::uint64_t refused_limit = 0;        ///< Connections closed at once: `connections` are there already.
    std::uint64_t refused_descriptors = 0;  ///< Closed at once: the process has no descriptors left.
};

struct SubscriptionStatus {
    std::string filter;  ///< With "$share/group/" in front if it is shared.
    unsigned qos = 0;
    std::uint32_t id = 0;  ///< Subscription Identifier; 0: none.
};

/// A number of things, and how many there may be.
struct Use {
    std::uint64_t now = 0;
    std::uint64_t limit = 0;

    [[nodiscard]] bool is_full() const noexcept { return now >= limit; }
};

struct SessionStatus {
    std::string client_id;
    std::string thing;
    bool online = false;
    // Of the connection; empty while offline.
    std::string protocol = {};  ///< "mqtt 5".
    std::string listener = {};
    std::string address = {};   ///< Of the peer.
    bool encrypted = false;
    Use subscriptions;
    Use queued;
    Use queued_bytes;
    Use in_flight;
    std::size_t unreleased = 0;  ///< QoS 2 publishes of the device that it did not release.
    std::vector<SubscriptionStatus> filters = {};  ///< If they were asked for.
    // Of a session that outlives its connection, since the start: in = out + lost + queued.
    bool lasts = false;
    std::uint64_t in = 0;
    std::uint64_t out = 0;
    std::uint64_t lost = 0;
    model::Reason last_loss = model::Reason::none;
    std::array<model::LimitHits, model::kQueueLimits> limits = {};  ///< Of these, what the queue's limits cost.
};

/// Which sessions, in the order of their client ids.
struct SessionQuery {
    std::string device = {};  ///< Empty: of all.
    std::string name = {};    ///< Of that device, or with that client id; empty: all.
    bool only_online = false;
    bool with_filters = false;
    std::string after = {};   ///< Client ids greater than this one.
    std::size_t limit = 100;
};

/// What a filter matches of the retained messages, in the order of the levels of their topics.
struct RetainedQuery {
    std::string filter;
    std::string after = {};  ///< Topics behind this one.
    std::size_t limit = 100;
};

struct RetainedStatus {
    std::string topic;
    std::size_t bytes = 0;  ///< Of the payload.
    unsigned qos = 0;
    std::string publisher = {};  ///< The device; empty: a rule published it, or a client without one.
    std::string client_id = {};  ///< Empty: a rule published it.
    WallTime created{0};
    WallTime expires{0};  ///< 0: never.
};

struct RetainedList {
    std::vector<RetainedStatus> messages;
    bool goes_on = false;  ///< There are more behind the last one.
};

struct RetainedCleared {
    std::size_t messages = 0;
    std::string last;  ///< More may follow behind this topic; empty: those were all.
    bool stored = true;  ///< False: the storage took nothing; a restart brings them back.
};

enum class Kicked : std::uint8_t { yes, was_offline, no_session };

struct RuleStatus {
    std::string name;
    /// Messages whose topic FROM takes = passed + turned_down + undefined + duplicates + broken.
    std::uint64_t matched = 0;
    std::uint64_t passed = 0;       ///< With an output.
    std::uint64_t turned_down = 0;  ///< By WHERE; or FOREACH found nothing.
    std::uint64_t undefined = 0;   ///< WHERE had no value.
    std::uint64_t duplicates = 0;
    std::uint64_t broken = 0;      ///< The evaluation failed.
    std::uint64_t failed = 0;      ///< Evaluations and actions.
    std::uint64_t held_back = 0;   ///< Log lines and alerts.
    std::uint64_t steps = 0;
    std::uint64_t timed = 0;       ///< Evaluations that were timed, which took `timed_ns` together.
    std::uint64_t timed_ns = 0;
    std::string last_error = {};   ///< Empty: none since the start.
    std::int64_t last_error_ms = 0;
    bool is_paused = false;
};

/// What a sink is tried with.
struct ProbeMessage {
    std::string sink;
    std::string rule = {};  ///< Whose body is used; empty: the sink's default.
    std::string topic;
    std::string device;
    std::string payload;
};

struct SinkProbe {
    std::string method;
    std::string url;  ///< Path and query filled in.
    http_client::Outcome outcome;
    sinks::Diagnosis diagnosis;
};

struct ReloadOutcome {
    bool applied = false;
    std::string text;  ///< All errors and warnings, as `weir check` prints them.
    std::string json;
    std::vector<std::string> needs_restart;  ///< As Gateway::needs_restart().
    std::vector<std::string> removed_policies;  ///< Were in force before.
    /// Attached to so many devices, and no file defines them.
    std::map<std::string, std::uint64_t> missing_policies;
    std::size_t sessions_ended = 0;  ///< Their devices may not be connected any more.
    std::vector<sinks::SinkStatus> removed_sinks;  ///< As Gateway::removed_sinks().
};

/// Life: construct (reads, checks, opens, binds: throws), start() (throws before anything runs), stop(). The calls in between may come from any control
/// thread; they wait for the shards where they must, so never from a shard.
class Gateway {
public:
    struct Options {
        std::filesystem::path config;  ///< weir.yaml or its folder.
        bool in_memory = false;        ///< Nothing durable: for demonstrations.
        /// What devices may name as MQTT 5 Authentication Method; on every listener.
        identity::Mechanisms mechanisms = {};
    };

    /// @throws BadConfiguration, CannotListen, storage::OpenError, std::exception.
    explicit Gateway(const Options& options);
    Gateway(const Gateway&) = delete;
    Gateway& operator=(const Gateway&) = delete;
    ~Gateway();

    void start();
    /// Stops accepting, finishes what is under way, says goodbye to devices (0x8B), drains the storage.
    void stop();

    /// Reads the files again. All of it takes effect, or nothing does.
    ReloadOutcome reload();
    /// Settings in which the configuration in force differs from the one of the start, and which only
    /// a restart changes: "listeners", "runtime.shards".
    [[nodiscard]] std::vector<std::string> needs_restart() const;

    /// False while starting, stopping, or while the storage takes nothing.
    [[nodiscard]] bool ready() const;
    [[nodiscard]] SteadyTime started() const noexcept;
    [[nodiscard]] std::filesystem::path admin_socket() const;
    [[nodiscard]] std::optional<Endpoint> metrics_endpoint() const;
    [[nodiscard]] std::string config_hash() const;  ///< SHA-256 over the files in force.

    [[nodiscard]] const Clock& clock() const noexcept;
    [[nodiscard]] storage::Store& store() noexcept;
    /// What an acknowledgement promises: storage.durability of the start.
    [[nodiscard]] Durability durability() const noexcept;
    [[nodiscard]] identity::Registry& registry() noexcept;
    /// In force now.
    [[nodiscard]] std::shared_ptr<const Configuration> configuration() const;

    [[nodiscard]] std::vector<ListenerStatus> listeners() const;
    [[nodiscard]] std::vector<SessionStatus> sessions(const SessionQuery& query) const;
    /// Ends the connection of a session, with 0x98 in MQTT 5.
    [[nodiscard]] Kicked kick(std::string_view client_id);
    [[nodiscard]] RetainedList retained(const RetainedQuery& query) const;
    /// Removes what retained() of the same query finds; subscribers are not told. Waits for the storage.
    [[nodiscard]] RetainedCleared clear_retained(const RetainedQuery& query);
    /// Has copies of what is published kept for read_tap(), until that is not called for some seconds.
    /// @return Its id; nothing: so many are open already.
    [[nodiscard]] std::optional<std::string> open_tap(model::TapQuery query);
    /// @return Nothing: there is no such tap, or it was not read for too long.
    [[nodiscard]] std::optional<model::TapPage> read_tap(const std::string& id);
    void close_tap(const std::string& id);
    struct Messages {
        MessageTotals totals = {};
        MessagesPerSecond rates = {};
    };
    /// Of devices, and copies handed to subscribers: since the start, and over the last minute. Waits for no shard.
    [[nodiscard]] Messages messages() const;
    /// Copies that limits of sessions' queues cost since the start.
    [[nodiscard]] std::array<std::uint64_t, model::kQueueLimits> queue_limits() const;
    [[nodiscard]] std::vector<RuleStatus> rules() const;
    /// Takes a rule out of force, or puts it back: at once, and after restarts and reloads as well.
    [[nodiscard]] Result<void> set_rule_paused(const std::string& rule, bool paused);
    /// With those that were removed and left records behind.
    [[nodiscard]] std::vector<sinks::SinkStatus> sinks() const;
    [[nodiscard]] std::vector<sinks::SinkStatus> removed_sinks() const;
    /// Forgets what a removed sink left behind. @throws std::invalid_argument  It is configured.
    [[nodiscard]] Result<sinks::Dropped> drop_sink(const std::string& name);
    /// Of backups by the clock; nothing if there are none.
    [[nodiscard]] std::optional<BackupReport> backups() const;
    [[nodiscard]] std::vector<archive::ArchiveStatus> archives() const;
    /// Sends one record to a sink as a rule would that took a message, and waits for the answer.
    /// @throws std::invalid_argument  There is no such sink, or a ${...} has no value for the
    ///                                message.
    [[nodiscard]] SinkProbe probe_sink(const ProbeMessage& message);
    /// Writes an object where a sink writes those of its stream, and takes it away again.
    /// @return Nothing, if there is no such sink.
    [[nodiscard]] std::optional<archive::Probe> probe_archive(const std::string& name);
    /// All shards' decisions about a device, oldest first.
    [[nodiscard]] std::vector<why::Decision> decisions(std::string_view device) const;
    /// The text format of Prometheus.
    [[nodiscard]] std::string metrics_text() const;
    /// Puts usage that is only counted in memory into the store.
    void flush_usage();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace weir::app
