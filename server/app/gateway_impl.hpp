/// What a Gateway is made of, in the order in which it must be destroyed backwards. Private to the gateway.
#pragma once

#include <atomic>
#include <functional>
#include <latch>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <vector>

#include <weir/app/backup_schedule.hpp>
#include <weir/app/certificate_watch.hpp>
#include <weir/app/gateway.hpp>
#include <weir/archive/archives.hpp>
#include <weir/base/guarded.hpp>
#include <weir/http_client/curl_client.hpp>
#include <weir/metering/ledger.hpp>
#include <weir/net/acceptor.hpp>
#include <weir/runtime/blocking_pool.hpp>
#include <weir/runtime/shard.hpp>
#include <weir/runtime/watchdog.hpp>
#include <weir/sinks/sinks.hpp>

#include "gateway_parts.hpp"
#include "gateway_shard.hpp"

namespace weir::app {

struct Gateway::Impl {
    /// A listening socket with what it serves at the moment.
    struct Door {
        std::string name;
        std::vector<endpoints::ListenerPtr> listeners;  ///< By shard, which alone reads its own.
        std::atomic<bool> tls;
        std::atomic<std::int64_t> certificate_ends_ms;  ///< 0: clear text.
        std::unique_ptr<net::Acceptor> acceptor;

        /// Takes what it tells of itself from what it serves.
        void describe(const endpoints::Listener& listener);
    };

    /// Of the files, before anything is opened.
    struct Loaded {
        std::shared_ptr<const Configuration> configuration;
        LoadedFiles files;
    };
    /// @throws BadConfiguration
    [[nodiscard]] static Loaded load(const std::filesystem::path& config);

    Impl(const Options& options, Loaded loaded);

    /// Runs `work(GatewayShard&)` on every shard and waits until all have, then until `then()` is done, for what the shards
    /// answer later. They run until then: stop() waits. Nothing is called if they do not run. Not from a shard.
    template <class Work, class Then = decltype([] {})>
    void on_every_shard(Work work, Then then = {}) const;
    /// Sessions and retained messages that the store has. Before the shards run.
    void restore();
    void open_doors(const std::vector<endpoints::ListenerPtr>& listeners);
    /// The shards' parts, which know each other.
    void make_parts(
        const Configuration& now, const std::shared_ptr<const pipeline::Routes>& first
    );
    /// Connections that come from now on find these. A door whose name is not among them keeps what it has.
    void use_listeners(const std::vector<endpoints::ListenerPtr>& listeners);
    void close_connections();
    [[nodiscard]] std::size_t open_connections() const;
    void flush_usage();
    /// Logs those that end soon, or have ended, as often as is due: gateway_certificates.cpp.
    void warn_of_certificates();
    /// As sinks::ErrorActions, on the shard of the device: gateway_sinks.cpp.
    [[nodiscard]] bool run_error_action(sinks::GivenUp&& given_up);

    Options options;
    SystemFiles files;
    SystemClock clock;
    SteadyTime started{0};
    std::atomic<bool> running{false};
    mutable std::shared_mutex asking;  ///< Shared by those who ask shards; stop() waits for them.
    std::atomic<bool> last_reload_ok{true};
    std::mutex reloading;
    const std::shared_ptr<const Configuration> at_start;  ///< What only a restart changes is as in it.
    mutable Guarded<std::shared_ptr<const Configuration>> configuration;
    model::Limits limits;  ///< Of the start: those that bound tables cannot change later.
    std::unique_ptr<storage::Store> store;
    BackupSchedule backups;
    CertificateWatch certificates;
    identity::Registry registry;
    metering::Ledger ledger;
    http_client::CurlClient client;
    std::atomic<std::size_t> waiting_report_bytes{0};  ///< Of dead letters, on their way to a shard.
    sinks::Sinks sinks;
    archive::Archives archives;
    mutable Guarded<std::shared_ptr<const pipeline::Routes>> routes;
    mutable runtime::ShardGroup shards;
    runtime::BlockingPool pool;
    std::vector<broker::Broker*> brokers;
    std::vector<endpoints::Services*> services;
    std::vector<pipeline::Publisher*> publishers;
    std::vector<const GatewayShard*> status_sources;
    /// That operators opened, and the id of the last one.
    struct OpenTaps {
        std::map<std::string, std::shared_ptr<pipeline::Tap>> by_id;
        std::uint64_t last = 0;
    };
    Guarded<OpenTaps> taps;
    std::vector<std::unique_ptr<GatewayShard>> parts;
    std::vector<std::unique_ptr<Door>> doors;
    std::jthread housekeeping;  ///< Seals the ledger's hours.
    std::unique_ptr<runtime::Watchdog> watchdog;
};

template <class Work, class Then>
void Gateway::Impl::on_every_shard(Work work, Then then) const {
    const std::shared_lock is_asking{asking};
    if (!running) {
        return;
    }
    std::latch done{static_cast<std::ptrdiff_t>(parts.size())};
    for (const auto& part : parts) {
        part->shard.post([&work, &part, &done] {
            work(*part);
            done.count_down();
        });
    }
    done.wait();
    then();
}

}  // namespace weir::app
