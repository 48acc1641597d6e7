// Reload: build everything anew beside what runs, then swap.
#include <algorithm>
#include <set>
#include <stdexcept>
#include <tuple>

#include <weir/app/gateway.hpp>
#include <weir/base/log.hpp>

#include "gateway_impl.hpp"
#include "rule_pauses.hpp"

namespace weir::app {
namespace {

/// What is bound to the process's start, by the key that an operator would look for.
[[nodiscard]] std::vector<std::string> restart_needed(const Config& before, const Config& after) {
    std::vector<std::string> keys;
    const auto same_listener = [](const ListenerConfig& a, const ListenerConfig& b) {
        return a.name == b.name && a.bind == b.bind && a.port == b.port;
    };
    if (!std::ranges::equal(before.listeners, after.listeners, same_listener)) {
        keys.emplace_back("listeners");
    }
    const auto until_restart = [](const StorageConfig& config) {
        return std::tie(
            config.path,
            config.durability,
            config.group_commit,
            config.group_size,
            config.disk_free_min,
            config.disk_free_low
        );
    };
    if (until_restart(before.storage) != until_restart(after.storage)) {
        keys.emplace_back("storage");
    }
    if (before.runtime.shards != after.runtime.shards) {
        keys.emplace_back("runtime.shards");
    }
    if (before.admin.socket != after.admin.socket) {
        keys.emplace_back("admin.socket");
    }
    if (before.metrics.listen != after.metrics.listen) {
        keys.emplace_back("metrics.listen");
    }
    return keys;
}

[[nodiscard]] std::set<std::string> paused_or_throw(const storage::Store& store) {
    auto paused = paused_rules(store);
    if (!paused) {
        throw std::runtime_error{"the paused rules cannot be read: " + paused.error().message()};
    }
    return std::move(*paused);
}

}  // namespace

ReloadOutcome Gateway::reload() {
    Impl& impl = *impl_;
    const std::scoped_lock one_at_a_time{impl.reloading};
    ReloadOutcome outcome;
    document::Diagnostics diagnostics;
    const auto next = std::make_shared<Configuration>(
        load_configuration(impl.options.config, impl.files, diagnostics)
    );
    outcome.text = diagnostics.render_text();
    outcome.json = diagnostics.render_json();
    impl.last_reload_ok = false;
    if (diagnostics.has_errors()) {
        log::warn("reload_failed", {{"errors", diagnostics.errors()}});
        return outcome;
    }
    std::vector<endpoints::ListenerPtr> listeners;
    std::vector<sinks::HttpSinkConfig> sinks;
    std::vector<archive::ArchiveConfig> archives;
    try {
        for (const ListenerConfig& listener : next->config.listeners) {
            listeners.push_back(make_listener(listener, impl.files));
        }
        sinks = make_sinks(*next, impl.files);
        archives = make_archives(next->config, impl.files, impl.client, impl.clock);
        const auto before = impl.routes.with([](const auto& now) { return now; });
        const auto routes = make_routes(
            *next,
            sinks,
            *impl.store,
            static_cast<unsigned>(impl.shards.size()),
            paused_or_throw(*impl.store),
            before.get()
        );
        impl.sinks.configure(std::move(sinks));  // The last step that can fail.
        impl.routes.with([&](auto& now) { now = routes; });
    } catch (const std::exception& error) {
        outcome.text += std::string{"error: "} + error.what() + '\n';
        log::warn("reload_failed", {{"error", error.what()}});
        return outcome;
    }
    set_retention(*next, *impl.store);
    impl.backups.configure(next->config.storage.backup);
    impl.archives.configure(std::move(archives));
    for (const auto& door : impl.doors) {
        const auto same = [&](const auto& listener) { return listener->name == door->name; };
        if (const auto found = std::ranges::find_if(listeners, same); found != listeners.end()) {
            impl.on_every_shard([&](GatewayShard& part) {
                door->listeners[part.services.self] = *found;
            });
            door->describe(**found);
        }
    }
    const auto routes = impl.routes.with([](const auto& now) { return now; });
    impl.on_every_shard([&](GatewayShard& part) {
        part.publisher.use(routes);
        part.broker.apply_policies(next->policies);
    });
    outcome.needs_restart = restart_needed(configuration()->config, next->config);
    impl.configuration.with([&](auto& now) { now = next; });
    impl.last_reload_ok = true;
    outcome.applied = true;
    log::info("reloaded", {{"config", config_hash()}});
    impl.certificates.restart();
    impl.warn_of_certificates();
    return outcome;
}

Result<void> Gateway::set_rule_paused(const std::string& rule, bool paused) {
    Impl& impl = *impl_;
    const std::scoped_lock one_at_a_time{impl.reloading};
    if (const auto done = set_paused(*impl.store, rule, paused); !done) {
        return done;
    }
    const auto now = configuration();
    const auto before = impl.routes.with([](const auto& current) { return current; });
    const auto routes = make_routes(
        *now,
        make_sinks(*now, impl.files),
        *impl.store,
        static_cast<unsigned>(impl.shards.size()),
        paused_or_throw(*impl.store),
        before.get()
    );
    impl.routes.with([&](auto& current) { current = routes; });
    impl.on_every_shard([&](GatewayShard& part) { part.publisher.use(routes); });
    log::info(paused ? "rule_paused" : "rule_resumed", {{"rule", rule}});
    return {};
}

}  // namespace weir::app
