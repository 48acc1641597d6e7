// Start, stop, and what is between the parts.
#include <weir/app/gateway.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <thread>

#include <weir/base/log.hpp>
#include <weir/broker/durable_records.hpp>

#include "gateway_impl.hpp"
#include "rule_pauses.hpp"

namespace weir::app {
namespace {

constexpr std::size_t kDecisionBytes = 64 * 1024 * 1024;
constexpr std::chrono::minutes kSealEvery{5};
constexpr std::chrono::seconds kBeginEvery{1};  // While the disk takes nothing.
constexpr std::chrono::seconds kGoodbyeMax{1};

[[nodiscard]] std::size_t shard_count(const RuntimeConfig& config) {
    const std::size_t wanted =
        config.shards == 0 ? std::max(1U, std::thread::hardware_concurrency()) : config.shards;
    return std::min<std::size_t>(wanted, broker::kShardsMax);
}

[[nodiscard]] std::unique_ptr<storage::Store> open_store(
    const Gateway::Options& options, const Configuration& configuration
) {
    const auto store = store_options(configuration.config.storage);
    return options.in_memory ? storage::Store::in_memory(store) : storage::Store::open(store);
}

template <class T>
T value_or_throw(Result<T> result, std::string_view what) {
    if (!result) {
        throw std::runtime_error{fmt::format("{}: {}", what, result.error().message())};
    }
    if constexpr (!std::is_void_v<T>) {
        return std::move(*result);
    }
}

[[nodiscard]] net::ListenSocket open_socket(const ListenerConfig& config) {
    try {
        return net::ListenSocket::open(config.bind, config.port);
    } catch (const net::ListenError& error) {
        throw CannotListen{fmt::format("listener '{}': {}", config.name, error.what())};
    }
}

}  // namespace

Gateway::Impl::Loaded Gateway::Impl::load(const std::filesystem::path& config) {
    const SystemFiles files;
    document::Diagnostics diagnostics;
    auto configuration =
        std::make_shared<Configuration>(load_configuration(config, files, diagnostics));
    auto named = load_files(*configuration, files, SystemClock{}.wall(), diagnostics);
    if (diagnostics.has_errors()) {
        throw BadConfiguration{diagnostics.render_text()};
    }
    return {std::move(configuration), std::move(named)};
}

Gateway::Impl::Impl(const Options& chosen, Loaded loaded)
    : options{chosen},
      at_start{loaded.configuration},
      configuration{loaded.configuration},
      limits{configuration.with([](const auto& now) { return now->config.limits; })},
      store{configuration.with([&](const auto& now) { return open_store(chosen, *now); })},
      backups{*store, clock},
      registry{*store, clock},
      ledger{*store, clock},
      sinks{
          *store,
          client,
          clock,
          [this](sinks::GivenUp&& given_up) { return run_error_action(std::move(given_up)); }
      },
      archives{*store, clock},
      shards{{.shards = configuration.with([](const auto& now) {
          return shard_count(now->config.runtime);
      })}} {
    const auto now = configuration.with([](const auto& current) { return current; });
    value_or_throw(registry.load(), "the registry cannot be read");
    auto archive_configs =
        make_archives(now->config, std::move(loaded.files.buckets), client, clock);
    const auto count = static_cast<unsigned>(shards.size());
    const auto paused = value_or_throw(paused_rules(*store), "the paused rules cannot be read");
    const auto first = make_routes(*now, loaded.files.sinks, *store, count, paused, nullptr);
    sinks.configure(std::move(loaded.files.sinks));
    archives.configure(std::move(archive_configs));
    set_retention(*now, *store);
    set_budgets(*now, *store);

    make_parts(*now, first);
    routes.with([&](auto& current) { current = first; });
    restore();
    value_or_throw(load_rule_state(*store, publishers), "what rules remember cannot be read");
    open_doors(loaded.files.listeners);
}

void Gateway::Impl::make_parts(
    const Configuration& now, const std::shared_ptr<const pipeline::Routes>& first
) {
    const auto count = static_cast<unsigned>(shards.size());
    brokers.resize(count);
    services.resize(count);
    publishers.resize(count);
    status_sources.resize(count);
    for (unsigned i = 0; i < count; ++i) {
        parts.push_back(std::make_unique<GatewayShard>(
            shards[std::size_t{i}],
            i,
            GatewayShard::Shared{
                .store = *store,
                .ledger = ledger,
                .registry = registry,
                .mechanisms = options.mechanisms,
                .pool = pool,
                .limits = limits,
                .brokers = brokers,
                .publishers = publishers,
                .services = services.data(),
                .decision_bytes_max = kDecisionBytes / count,
                .status =
                    {.shards = status_sources,
                     .interval = now.config.metrics.sys_interval,
                     .version = WEIR_VERSION},
            }
        ));
        brokers[i] = &parts.back()->broker;
        services[i] = &parts.back()->services;
        publishers[i] = &parts.back()->publisher;
        status_sources[i] = parts.back().get();
        parts.back()->publisher.use(first);
        parts.back()->broker.apply_policies(now.policies);
    }
}

void Gateway::Impl::restore() {
    const auto count = static_cast<unsigned>(parts.size());
    const auto shared_limits = std::make_shared<const model::Limits>(limits);
    const auto known = [this](std::string_view tenant, std::string_view owner, ByteView credential) {
        return registry.refresh(broker::decode_principal(tenant, owner, credential));
    };
    value_or_throw(
        store->read_sessions([&](storage::StoredSession&& session) {
            const auto& record = session.record;
            brokers[broker::Broker::owner_of(record.tenant, record.client_id, count)]->restore(
                session, known(record.tenant, record.owner, record.principal), shared_limits
            );
            return true;
        }),
        "the sessions cannot be read"
    );
    value_or_throw(
        store->read_all_retained([&](const storage::RetainedRecord& record) {
            model::PrincipalPtr publisher;
            if (!record.principal.empty()) {
                // A device that is no more has no rights left: what it retained is not handed out.
                publisher = broker::decode_principal(record.tenant, record.owner, record.principal);
                if (auto now = registry.refresh(publisher)) {
                    publisher = std::move(*now);
                }
            }
            brokers[broker::Broker::owner_of_topic(record.message.topic, count)]->restore(
                record, std::move(publisher)
            );
            return true;
        }),
        "the retained messages cannot be read"
    );
}

void Gateway::Impl::open_doors(const std::vector<endpoints::ListenerPtr>& listeners) {
    const auto now = configuration.with([](const auto& current) { return current; });
    for (std::size_t i = 0; i < listeners.size(); ++i) {
        const ListenerConfig& config = now->config.listeners[i];
        auto door = std::make_unique<Door>();
        door->name = config.name;
        door->listeners.assign(parts.size(), listeners[i]);
        door->describe(*listeners[i]);
        auto socket = open_socket(config);
        door->acceptor = std::make_unique<net::Acceptor>(
            std::move(socket),
            shards,
            net::AcceptorOptions{.connections_max = config.limits.connections},
            [this, &door = *door](runtime::Shard& shard, net::Accepted accepted) {
                const auto here = index_of(shard.id());
                parts[here]->connections.adopt(door.listeners[here], std::move(accepted));
            }
        );
        value_or_throw(door->acceptor->start(shards[std::size_t{0}]), "cannot listen");
        doors.push_back(std::move(door));
    }
}

void Gateway::Impl::flush_usage() {
    std::latch written{static_cast<std::ptrdiff_t>(parts.size())};
    on_every_shard(
        [&written](GatewayShard& part) {
            part.flush_usage([&written] { written.count_down(); });
        },
        [&written] { written.wait(); }
    );
}

std::size_t Gateway::Impl::open_connections() const {
    std::atomic<std::size_t> open{0};
    on_every_shard([&open](GatewayShard& part) { open += part.connections.size(); });
    return open;
}

void Gateway::Impl::close_connections() {
    for (const auto& door : doors) {
        std::latch stopped{1};
        shards[std::size_t{0}].post([&] {
            door->acceptor->stop();
            stopped.count_down();
        });
        stopped.wait();
    }
    // What was published is acknowledged before the goodbye.
    store->drain();
    on_every_shard([](GatewayShard& part) {
        part.connections.close_all(model::Reason::server_shutdown);
    });
    const auto ends = clock.steady() + kGoodbyeMax;
    while (open_connections() > 0) {
        if (clock.steady() >= ends) {
            on_every_shard([](GatewayShard& part) { part.connections.drop_all(); });
        }
        std::this_thread::sleep_for(std::chrono::milliseconds{10});
    }
}

Gateway::Gateway(const Options& options)
    : impl_{std::make_unique<Impl>(options, Impl::load(options.config))} {}

Gateway::~Gateway() {
    stop();
}

void Gateway::start() {
    Impl& impl = *impl_;
    // Not sooner: a start that fails before, at a port that is taken, is no run that did not end.
    if (const auto begun = impl.ledger.begin(); !begun) {
        const auto why = impl.store->last_error();
        if (impl.store->health().state == storage::Health::ok) {
            throw std::runtime_error{
                fmt::format("the usage ledger cannot begin a run: {}", begun.error().message())
            };
        }
        log::error(
            "metering_waits",
            {{"error", why.empty() ? begun.error().message() : why},
             {"next", "it begins by itself when the disk takes it"}}
        );
    }
    log_removed(removed_sinks());
    impl.started = impl.clock.steady();
    impl.shards.start();
    impl.running = true;
    impl.on_every_shard([](GatewayShard& part) { part.start(); });
    impl.sinks.start();
    impl.backups.configure(impl.configuration.with([](const auto& now) { return now->config.storage.backup; }));
    impl.archives.start();
    impl.warn_of_certificates();
    impl.housekeeping = std::jthread{[&impl](const std::stop_token& stop) {
        std::mutex mutex;
        std::condition_variable_any wake;
        std::unique_lock lock{mutex};
        const auto pause = [&impl]() -> std::chrono::seconds {
            return impl.ledger.has_begun() ? kSealEvery : kBeginEvery;
        };
        while (!wake.wait_for(lock, stop, pause(), [&stop] { return stop.stop_requested(); })) {
            if (!impl.ledger.has_begun()) {
                ignore_error(impl.ledger.begin(), "it is tried again");
                continue;
            }
            if (const auto sealed = impl.ledger.seal(); !sealed) {
                log::error("ledger_seal_failed", {{"error", sealed.error().message()}});
            }
            impl.warn_of_certificates();
        }
    }};
    std::vector<runtime::Watchdog::Watched> watched;
    for (const auto& part : impl.parts) {
        watched.push_back(
            {fmt::format("shard {}", index_of(part->shard.id())),
             [&shard = part->shard] { return shard.progress(); }}
        );
    }
    watched.push_back({"storage", [&store = *impl.store] { return store.progress(); }});
    impl.watchdog =
        std::make_unique<runtime::Watchdog>(std::move(watched), runtime::Watchdog::Options{});
}

void Gateway::stop() {
    Impl& impl = *impl_;
    if (!impl.running) {
        return;
    }
    impl.watchdog.reset();
    impl.housekeeping = {};
    impl.backups.stop();
    impl.close_connections();
    impl.archives.stop();
    impl.sinks.stop(std::chrono::seconds{2});
    impl.client.stop();
    impl.archives.join();
    impl.flush_usage();
    impl.store->drain();
    impl.running = false;
    { const std::scoped_lock nobody_asks{impl.asking}; }
    impl.shards.stop();
    impl.store->drain();  // What the shards gave it last: it answers to them.
    if (const auto finished = impl.ledger.finish(); !finished) {
        log::error("ledger_finish_failed", {{"error", finished.error().message()}});
    }
}

void Gateway::flush_usage() {
    impl_->flush_usage();
}

}  // namespace weir::app
