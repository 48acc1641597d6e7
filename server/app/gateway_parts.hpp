/// From configuration to the parts that run it. Private to the gateway.
#pragma once

#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <weir/app_config/configuration.hpp>
#include <weir/archive/bucket.hpp>
#include <weir/archive/config.hpp>
#include <weir/endpoints/listener.hpp>
#include <weir/http_client/client.hpp>
#include <weir/pipeline/publish.hpp>
#include <weir/sinks/config.hpp>
#include <weir/sinks/status.hpp>
#include <weir/storage/store.hpp>

#include "named_files.hpp"

namespace weir::app {

/// What configuration names, ready for use.
struct LoadedFiles {
    std::vector<endpoints::ListenerPtr> listeners;  ///< In the order of Config::listeners.
    std::vector<sinks::HttpSinkConfig> sinks;       ///< In the order of Config::sinks.
    std::vector<archive::BucketOptions> buckets;    ///< Of the archives that have one, in their order.
};

/// Reads and tries all files that configuration names. If `diagnostics` has errors afterwards, the
/// result must not be used.
[[nodiscard]] LoadedFiles load_files(
    const Configuration& configuration,
    const ConfigFiles& files,
    WallTime now,
    document::Diagnostics& diagnostics
);

// The parts of load_files().
[[nodiscard]] endpoints::ListenerPtr make_listener(const ListenerConfig& config, NamedFiles& files);
[[nodiscard]] std::vector<sinks::HttpSinkConfig> make_sinks(
    const Configuration& configuration, NamedFiles& files
);
[[nodiscard]] std::vector<archive::BucketOptions> make_buckets(
    const Config& config, NamedFiles& files
);

/// @param buckets  Of load_files(). @param client  For those; outlives what is made.
[[nodiscard]] std::vector<archive::ArchiveConfig> make_archives(
    const Config& config,
    std::vector<archive::BucketOptions> buckets,
    http_client::Client& client,
    const Clock& clock
);

/// @param paused  Rules that are configured, but not in force.
/// @param before  The routes in force, whose counters go on; null at start.
[[nodiscard]] std::shared_ptr<const pipeline::Routes> make_routes(
    const Configuration& configuration,
    const std::vector<sinks::HttpSinkConfig>& sinks,
    storage::Store& store,
    unsigned shards,
    const std::set<std::string>& paused,
    const pipeline::Routes* before
);

/// Gives what the store has of what rules remember to the shards that keep it now; erases what no rule wants any more.
[[nodiscard]] Result<void> load_rule_state(
    storage::Store& store, std::span<pipeline::Publisher* const> publishers
);

/// A warning for each.
void log_removed(const std::vector<sinks::SinkStatus>& sinks);

void set_retention(const Configuration& configuration, storage::Store& store);
void set_budgets(const Configuration& configuration, storage::Store& store);

[[nodiscard]] storage::StoreOptions store_options(const StorageConfig& config);

}  // namespace weir::app
