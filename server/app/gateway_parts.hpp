/// From configuration to the parts that run it. Private to the gateway.
#pragma once

#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <weir/app_config/configuration.hpp>
#include <weir/archive/config.hpp>
#include <weir/endpoints/listener.hpp>
#include <weir/http_client/client.hpp>
#include <weir/pipeline/publish.hpp>
#include <weir/sinks/config.hpp>
#include <weir/storage/store.hpp>

namespace weir::app {

/// Reads certificates and keys. @throws std::runtime_error that names the file.
[[nodiscard]] endpoints::ListenerPtr make_listener(
    const ListenerConfig& config, const ConfigFiles& files
);

/// @param what  For the error: "the certificate". @throws std::runtime_error
[[nodiscard]] std::string read_file(
    const std::filesystem::path& path, const ConfigFiles& files, std::string_view what
);

/// @param what  For the error: "the bearer token of sink pager". @throws std::runtime_error
[[nodiscard]] std::string load_secret(
    const Secret& secret, const ConfigFiles& files, std::string_view what
);

/// In the order of Config::sinks. Reads secrets. @throws std::runtime_error
[[nodiscard]] std::vector<sinks::HttpSinkConfig> make_sinks(
    const Configuration& configuration, const ConfigFiles& files
);

/// Reads secrets. @throws std::runtime_error
/// @param client  For those that go to a server; outlives what is made.
[[nodiscard]] std::vector<archive::ArchiveConfig> make_archives(
    const Config& config,
    const ConfigFiles& files,
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

void set_retention(const Configuration& configuration, storage::Store& store);

[[nodiscard]] storage::StoreOptions store_options(const StorageConfig& config);

}  // namespace weir::app
