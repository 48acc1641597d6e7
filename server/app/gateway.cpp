#include <weir/app/gateway.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <iterator>
#include <thread>

#include <weir/base/digest.hpp>
#include <weir/base/log.hpp>
#include <weir/broker/durable_records.hpp>
#include <weir/pipeline/failure.hpp>

#include "gateway_impl.hpp"
#include "rule_pauses.hpp"

namespace weir::app {
namespace {

std::string text_of(const pipeline::LastFailure::Failure& failure, const rules::Rule& rule) {
    const auto why =
        failure.error ? failure.error.message() : std::string{model::info(failure.reason).text};
    const auto actions = rule.actions();
    const rules::Action* action = nullptr;
    if (failure.action < actions.size()) {
        action = &actions[failure.action];
    } else if (failure.action == actions.size()) {
        action = rule.on_error();
    }
    if (action == nullptr) {
        return why;
    }
    const auto resource = pipeline::resource_of(*action);
    return fmt::format(
        "{}{}{}: {}", pipeline::kind_of(*action), resource.empty() ? "" : " ", resource, why
    );
}

constexpr std::size_t kDecisionBytes = 64 * 1024 * 1024;
constexpr std::chrono::minutes kSealEvery{5};
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

[[nodiscard]] SessionStatus status_of(const broker::Session& session) {
    const model::Limits& limits = session.limits();
    const broker::PeerInfo peer = session.peer();
    SessionStatus status{
        .client_id = session.client_id(),
        .thing = session.principal().thing,
        .online = session.online(),
        .protocol = std::string{peer.protocol},
        .listener = std::string{peer.listener},
        .address = std::string{peer.address},
        .encrypted = peer.encrypted,
        .subscriptions = {session.subscriptions().size(), limits.subscriptions},
        .queued = {session.queued(), limits.queue_messages},
        .queued_bytes = {session.queued_bytes(), limits.queue_bytes},
        .in_flight = {session.in_flight(), session.window()},
        .unreleased = session.unreleased(),
    };
    if (const broker::Books* const books = session.books()) {
        status.lasts = true;
        status.in = books->in;
        status.out = books->out;
        status.lost = books->lost;
        status.last_loss = books->last_loss;
        status.limits = books->limits;
    }
    return status;
}

[[nodiscard]] std::vector<SubscriptionStatus> filters_of(const broker::Session& session) {
    std::vector<SubscriptionStatus> out;
    session.subscriptions().for_each([&out](const broker::Subscription& subscription) {
        out.push_back({
            .filter = subscription.filter,
            .qos = static_cast<unsigned>(subscription.options.qos),
            .id = subscription.options.id,
        });
    });
    std::ranges::sort(out, {}, &SubscriptionStatus::filter);
    return out;
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
      sinks{*store, client, clock},
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
                     .interval = now->config.metrics.sys_interval,
                     .version = WEIR_VERSION},
            }
        ));
        brokers[i] = &parts.back()->broker;
        services[i] = &parts.back()->services;
        publishers[i] = &parts.back()->publisher;
        status_sources[i] = parts.back().get();
        parts.back()->publisher.use(first);
        parts.back()->broker.apply_policies(now->policies);
    }
    routes.with([&](auto& current) { current = first; });
    restore();
    value_or_throw(load_rule_state(*store, publishers), "what rules remember cannot be read");
    open_doors(loaded.files.listeners);
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
    on_every_shard([&written](GatewayShard& part) {
        part.flush_usage([&written] { written.count_down(); });
    });
    if (running) {
        written.wait();
    }
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
    value_or_throw(impl.ledger.begin(), "the usage ledger cannot be read");
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
        while (!wake.wait_for(lock, stop, kSealEvery, [&stop] { return stop.stop_requested(); })) {
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
    impl.shards.stop();
    impl.store->drain();  // What the shards gave it last: it answers to them.
    if (const auto finished = impl.ledger.finish(); !finished) {
        log::error("ledger_finish_failed", {{"error", finished.error().message()}});
    }
}

// --- Questions -----------------------------------------------------------------------------------------------------

bool Gateway::ready() const {
    return impl_->running && impl_->store->health().state == storage::Health::ok;
}

SteadyTime Gateway::started() const noexcept {
    return impl_->started;
}

std::filesystem::path Gateway::admin_socket() const {
    return configuration()->config.admin.socket;
}

std::optional<Endpoint> Gateway::metrics_endpoint() const {
    return configuration()->config.metrics.listen;
}

std::string Gateway::config_hash() const {
    const auto now = configuration();
    std::string all = impl_->files.read(now->config.file).value_or("");
    const auto add = [&all](const auto& list) {
        for (const auto& file : list) {
            all += file.path + '\0' + file.text + '\0';
        }
    };
    add(now->config.policies);
    add(now->config.rules);
    add(now->config.pricing);
    return to_hex(sha256(as_bytes(all))).substr(0, 12);
}

const Clock& Gateway::clock() const noexcept {
    return impl_->clock;
}

std::optional<BackupReport> Gateway::backups() const {
    return impl_->backups.report();
}

storage::Store& Gateway::store() noexcept {
    return *impl_->store;
}

Durability Gateway::durability() const noexcept {
    return impl_->at_start->config.storage.durability;
}

identity::Registry& Gateway::registry() noexcept {
    return impl_->registry;
}

std::shared_ptr<const Configuration> Gateway::configuration() const {
    return impl_->configuration.with([](const auto& now) { return now; });
}

std::vector<ListenerStatus> Gateway::listeners() const {
    std::vector<ListenerStatus> out;
    for (const auto& door : impl_->doors) {
        const auto& address = door->acceptor->address();
        out.push_back({
            .name = door->name,
            .address = proxy::to_text(address),
            .port = address.port,
            .tls = door->tls,
            .certificate_ends = WallTime{door->certificate_ends_ms},
            .connections = door->acceptor->connections(),
            .refused_limit = door->acceptor->counters().refused_limit.value(),
            .refused_descriptors = door->acceptor->counters().refused_descriptors.value(),
        });
    }
    return out;
}

std::vector<SessionStatus> Gateway::sessions(const SessionQuery& query) const {
    const auto is_meant = [&query](const broker::Session& session) {
        return (query.device.empty() || session.device() == query.device) &&
               (query.name.empty() || session.device() == query.name ||
                session.client_id() == query.name) &&
               (session.online() || !query.only_online) && session.client_id() > query.after;
    };
    Guarded<std::vector<SessionStatus>> all;
    impl_->on_every_shard([&](GatewayShard& part) {
        std::vector<const broker::Session*> meant;
        part.broker.for_each_session([&](const broker::Session& session) {
            if (is_meant(session)) {
                meant.push_back(&session);
            }
        });
        const auto count = std::min(meant.size(), query.limit);
        const auto end = meant.begin() + static_cast<std::ptrdiff_t>(count);
        std::ranges::partial_sort(meant, end, {}, [](const auto* each) -> const std::string& {
            return each->client_id();
        });
        std::vector<SessionStatus> here;
        std::for_each(meant.begin(), end, [&](const broker::Session* session) {
            here.push_back(status_of(*session));
            if (query.with_filters) {
                here.back().filters = filters_of(*session);
            }
        });
        all.with([&](auto& list) { std::ranges::move(here, std::back_inserter(list)); });
    });
    auto out = all.with([](auto& list) { return std::move(list); });
    std::ranges::sort(out, {}, &SessionStatus::client_id);
    out.resize(std::min(out.size(), query.limit));
    return out;
}

Kicked Gateway::kick(std::string_view client_id) {
    std::atomic<bool> found{false};
    std::atomic<bool> kicked{false};
    impl_->on_every_shard([&](GatewayShard& part) {
        std::vector<std::uint64_t> meant;
        part.broker.for_each_session([&](const broker::Session& session) {
            if (session.client_id() == client_id) {
                meant.push_back(session.id());
            }
        });
        for (const auto id : meant) {
            found = true;
            if (part.broker.kick(*part.broker.find(id))) {
                kicked = true;
            }
        }
    });
    if (kicked) {
        return Kicked::yes;
    }
    return found ? Kicked::was_offline : Kicked::no_session;
}

Gateway::Messages Gateway::messages() const {
    const SteadyTime now = impl_->clock.steady();
    Messages messages;
    for (const auto& part : impl_->parts) {
        MessageTotals totals;
        const auto rates = part->rates.with([&](const MessageRates& all) {
            totals = part->totals();  // Not before the newest sample.
            return all.per_second(now, totals);
        });
        messages.totals.in += totals.in;
        messages.totals.out += totals.out;
        messages.rates.in += rates.in;
        messages.rates.out += rates.out;
    }
    return messages;
}

std::array<std::uint64_t, model::kQueueLimits> Gateway::queue_limits() const {
    std::array<std::uint64_t, model::kQueueLimits> lost{};
    for (const auto& part : impl_->parts) {
        for (std::size_t limit = 0; limit < lost.size(); ++limit) {
            lost[limit] += part->metrics.queue_limits[limit].value();
        }
    }
    return lost;
}

std::vector<RuleStatus> Gateway::rules() const {
    const auto routes = impl_->routes.with([](const auto& current) { return current; });
    const auto now = configuration();
    std::vector<RuleStatus> out;
    for (const rules::Rule& rule : routes->rules->rules()) {
        RuleStatus status{.name = std::string{rule.name()}};
        pipeline::LastFailure::Failure newest;
        for (const auto& shard : routes->metrics) {
            const pipeline::RuleMetrics& counted = *shard[rule.index()];
            status.matched += counted.matched.value();
            status.passed += counted.passed.value();
            status.turned_down += counted.turned_down.value();
            status.undefined += counted.undefined.value();
            status.duplicates += counted.duplicates.value();
            status.broken += counted.broken.value();
            status.failed += counted.failed.value();
            status.held_back += counted.held_back.value();
            status.steps += counted.steps.value();
            status.timed += counted.timed.value();
            status.timed_ns += counted.timed_ns.value();
            if (const auto last = counted.last_failure.get(); last.time_ms > newest.time_ms) {
                newest = last;
            }
        }
        if (newest.reason != model::Reason::none) {
            status.last_error = text_of(newest, rule);
            status.last_error_ms = newest.time_ms;
        }
        const rules::Rule* const configured = now->rules->find(rule.name());
        status.is_paused = configured != nullptr && configured->definition().enabled &&
                           !rule.definition().enabled;
        out.push_back(std::move(status));
    }
    return out;
}

std::vector<archive::ArchiveStatus> Gateway::archives() const {
    return impl_->archives.status();
}

std::vector<why::Decision> Gateway::decisions(std::string_view device) const {
    Guarded<std::vector<why::Decision>> all;
    impl_->on_every_shard([&](GatewayShard& part) {
        auto here = part.decisions.of(device);
        all.with([&](auto& list) { std::ranges::move(here, std::back_inserter(list)); });
    });
    auto out = all.with([](auto& list) { return std::move(list); });
    std::ranges::stable_sort(out, {}, &why::Decision::first);
    return out;
}

void Gateway::flush_usage() {
    impl_->flush_usage();
}

}  // namespace weir::app
