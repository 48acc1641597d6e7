/// What `weir bench` is asked to do.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <weir/mqtt/packet_type.hpp>

namespace weir::bench {

using Seconds = std::chrono::duration<double>;

enum class Scenario : std::uint8_t {
    pairs,      ///< Each publisher has a topic and a subscriber of its own.
    fan_in,     ///< Many publishers, each with its topic, to subscribers of all of them.
    fan_out,    ///< One publisher to many subscribers.
    wild,       ///< Many different filters, a third of them with wildcards; each message has one.
    ping_pong,  ///< As pairs, with one message outstanding.
    connects,   ///< Connections that end as soon as they are accepted.
    idle,       ///< Connections that stay and say nothing but PINGREQ.
};

/// "fan-in" and so on.
[[nodiscard]] std::string_view name(Scenario scenario) noexcept;
[[nodiscard]] constexpr bool has_messages(Scenario scenario) noexcept {
    return scenario != Scenario::connects && scenario != Scenario::idle;
}

struct TlsOptions {
    bool enabled = false;
    bool insecure = false;         ///< Takes any certificate of the broker.
    std::filesystem::path ca = {};      ///< Empty: the CAs of the system.
    std::filesystem::path cert = {};    ///< Of all clients; empty: none.
    std::filesystem::path key = {};
    std::string version = {};           ///< "1.2", "1.3"; empty: what both ends know.
    std::string groups = {};            ///< Key exchange, as OpenSSL names it; empty: its choice.
};

/// A number of 0 or an empty text stands for the default that complete() fills in.
struct Options {
    Scenario scenario = Scenario::pairs;

    // The broker.
    std::string host = "127.0.0.1";
    std::uint16_t port = 0;       ///< Default: 1883, with TLS 8883.
    bool remote = false;          ///< The host need not be this machine.
    TlsOptions tls = {};
    bool websocket = false;
    std::string websocket_path = "/mqtt";
    std::vector<int> broker_pids = {};  ///< Processes on this machine to measure; may be empty.

    // The clients.
    unsigned threads = 1;
    std::uint32_t pairs = 0;
    std::uint32_t publishers = 0;
    std::uint32_t subscribers = 0;
    std::uint32_t connections = 0;
    std::uint32_t filters = 0;          ///< wild: of each subscriber.
    std::uint32_t sites = 100;          ///< wild: different second levels.
    std::uint32_t concurrency = 0;      ///< Connections that may be under way at a time.
    std::uint32_t source_addresses = 0; ///< 127.0.0.2 and on; default: enough for the ports.
    std::string share = {};                  ///< fan_in: a shared subscription; empty: none.
    /// A folder per client, as `weir devices create NAME --out FOLDER/NAME` makes it. A client is
    /// called as its folder.
    std::filesystem::path devices = {};
    mqtt::Version version = mqtt::Version::v311;
    std::string user = {};
    std::string password = {};
    std::string client_id_prefix = "bench-";
    std::string topic_prefix = "bench";
    std::uint16_t keep_alive_s = 60;
    bool persistent = false;  ///< Without clean session (MQTT 5: clean start).

    // The messages.
    mqtt::Qos qos = mqtt::Qos::at_most_once;
    std::uint32_t payload_bytes = 256;
    std::uint32_t window = 0;  ///< Of a publisher: undelivered; QoS 1, 2: unacknowledged too.
    std::uint32_t burst = 64;  ///< Of a publisher, per turn.
    double rate = 0;  ///< Messages (connections) per second, all together; 0: as fast as they go.
    bool retain = false;
    bool flood = false;  ///< Undelivered messages do not hold back publishers.

    // Time.
    Seconds warm_up{1};
    Seconds duration{10};
    Seconds settle{0.3};  ///< Between the last subscription and the first message.
    Seconds drain{10};    ///< What is on its way at the end may take so long.
    Seconds hold{5};      ///< idle: how long.
    Seconds set_up{60};   ///< Without a new connection for so long, it is given up.

    std::string label = {};  ///< Goes into the report.
};

/// Bounds of one run.
inline constexpr std::uint32_t kClientsMax = 200'000;
inline constexpr std::uint32_t kFiltersMax = 2'000'000;
inline constexpr std::uint32_t kPayloadMax = 16 * 1024 * 1024;
inline constexpr std::uint32_t kWindowMax = 60'000;
inline constexpr unsigned kThreadsMax = 64;
inline constexpr Seconds kTimeMax{3'600};

/// Fills in what the scenario decides.
[[nodiscard]] Options complete(Options options);

/// Why these complete options cannot be run; nothing if they can. Does not look at the host.
[[nodiscard]] std::optional<std::string> find_problem(const Options& options);

}  // namespace weir::bench
