// Reload: build everything anew beside what runs, then swap.
#include <algorithm>
#include <atomic>
#include <set>
#include <stdexcept>
#include <tuple>

#include <weir/app/gateway.hpp>
#include <weir/base/log.hpp>

#include "attached_policies.hpp"
#include "gateway_impl.hpp"
#include "rule_pauses.hpp"

namespace weir::app {
namespace {

/// What is bound to the process's start, by the key that an operator would look for.
[[nodiscard]] std::vector<std::string> restart_needed(const Config& before, const Config& after) {
    std::vector<std::string> keys;
    const auto sockets_of = [](const Config& config) {
        std::set<std::tuple<std::string, std::string, std::uint16_t>> sockets;
        for (const ListenerConfig& listener : config.listeners) {
            sockets.emplace(listener.name, listener.bind, listener.port);
        }
        return sockets;
    };
    if (sockets_of(before) != sockets_of(after)) {
        keys.emplace_back("listeners");
    }
    const bool counts_alike = std::ranges::all_of(before.listeners, [&](const auto& listener) {
        const auto now = std::ranges::find(after.listeners, listener.name, &ListenerConfig::name);
        return now == after.listeners.end() ||
               now->limits.connections == listener.limits.connections;
    });
    if (!counts_alike) {
        keys.emplace_back("limits.connections");
    }
    if (before.limits.hops != after.limits.hops) {
        keys.emplace_back("limits.hops");
    }
    if (before.limits.retained_messages != after.limits.retained_messages) {
        keys.emplace_back("limits.retained_messages");
    }
    if (before.limits.sessions != after.limits.sessions) {
        keys.emplace_back("limits.sessions");
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
    if (before.metrics.sys_interval != after.metrics.sys_interval) {
        keys.emplace_back("metrics.sys_interval");
    }
    return keys;
}

[[nodiscard]] std::vector<std::string> removed_policies(
    const policy::PolicySet& before, const policy::PolicySet& after
) {
    std::vector<std::string> names;
    for (const auto& policy : before.policies()) {
        if (after.find(policy.name) == nullptr) {
            names.push_back(policy.name);
        }
    }
    return names;
}

/// For those who reload by a signal, and read no answer.
void log_outcome(const ReloadOutcome& outcome, const std::string& config) {
    log::info(
        "reloaded",
        {{"config", config}, {"sessions_ended", outcome.sessions_ended}}
    );
    for (const auto& key : outcome.needs_restart) {
        log::warn("restart_needed", {{"setting", key}});
    }
    for (const auto& [policy, devices] : outcome.missing_policies) {
        log::warn("policy_missing", {{"policy", policy}, {"devices", devices}});
    }
    log_removed(outcome.removed_sinks);
}

[[nodiscard]] std::set<std::string> paused_or_throw(const storage::Store& store) {
    auto paused = paused_rules(store);
    if (!paused) {
        throw std::runtime_error{"the paused rules cannot be read: " + paused.error().message()};
    }
    return std::move(*paused);
}

}  // namespace

void Gateway::Impl::use_listeners(const std::vector<endpoints::ListenerPtr>& listeners) {
    for (const auto& door : doors) {
        const auto same = [&](const auto& listener) { return listener->name == door->name; };
        if (const auto found = std::ranges::find_if(listeners, same); found != listeners.end()) {
            on_every_shard([&](GatewayShard& part) {
                door->listeners[part.services.self] = *found;
            });
            door->describe(**found);
        }
    }
}

ReloadOutcome Gateway::reload() {
    Impl& impl = *impl_;
    const std::scoped_lock one_at_a_time{impl.reloading};
    ReloadOutcome outcome;
    document::Diagnostics diagnostics;
    const auto next = std::make_shared<Configuration>(
        load_configuration(impl.options.config, impl.files, diagnostics)
    );
    auto loaded = load_files(*next, impl.files, impl.clock.wall(), diagnostics);
    outcome.text = diagnostics.render_text();
    outcome.json = diagnostics.render_json();
    impl.last_reload_ok = false;
    if (diagnostics.has_errors()) {
        log::warn("reload_failed", {{"errors", diagnostics.errors()}});
        return outcome;
    }
    std::vector<archive::ArchiveConfig> archives;
    try {
        archives =
            make_archives(next->config, std::move(loaded.buckets), impl.client, impl.clock);
        const auto before = impl.routes.with([](const auto& now) { return now; });
        const auto routes = make_routes(
            *next,
            loaded.sinks,
            *impl.store,
            static_cast<unsigned>(impl.shards.size()),
            paused_or_throw(*impl.store),
            before.get()
        );
        impl.sinks.configure(std::move(loaded.sinks));  // The last step that can fail.
        impl.routes.with([&](auto& now) { now = routes; });
    } catch (const std::exception& error) {
        outcome.text += std::string{"error: "} + error.what() + '\n';
        log::warn("reload_failed", {{"error", error.what()}});
        return outcome;
    }
    set_retention(*next, *impl.store);
    set_budgets(*next, *impl.store);
    impl.backups.configure(next->config.storage.backup);
    impl.archives.configure(std::move(archives));
    impl.use_listeners(loaded.listeners);
    const auto routes = impl.routes.with([](const auto& now) { return now; });
    std::atomic<std::size_t> ended{0};
    impl.on_every_shard([&](GatewayShard& part) {
        part.publisher.use(routes);
        ended += part.broker.apply_policies(next->policies);
    });
    outcome.removed_policies = removed_policies(*configuration()->policies, *next->policies);
    impl.configuration.with([&](auto& now) { now = next; });
    impl.last_reload_ok = true;
    outcome.applied = true;
    impl.certificates.restart();
    impl.warn_of_certificates();
    outcome.sessions_ended = ended;
    outcome.needs_restart = needs_restart();
    outcome.missing_policies = missing_policies(impl.registry, *next->policies);
    outcome.removed_sinks = removed_sinks();
    log_outcome(outcome, config_hash());
    return outcome;
}

std::vector<std::string> Gateway::needs_restart() const {
    return restart_needed(impl_->at_start->config, configuration()->config);
}

Result<void> Gateway::set_rule_paused(const std::string& rule, bool paused) {
    Impl& impl = *impl_;
    const std::scoped_lock one_at_a_time{impl.reloading};
    if (const auto done = set_paused(*impl.store, rule, paused); !done) {
        return done;
    }
    const auto now = configuration();
    const auto before = impl.routes.with([](const auto& current) { return current; });
    document::Diagnostics untold;  // Routes need no secrets.
    NamedFiles files{impl.files, impl.clock.wall(), untold};
    const auto routes = make_routes(
        *now,
        make_sinks(*now, files),
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
