#include "gateway_parts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>

#include <weir/app/check.hpp>

namespace weir::app {
namespace {

[[nodiscard]] proxy::Address address_of(const std::string& text) {
    const auto parsed = boost::asio::ip::make_address(text);
    proxy::Address address{.v6 = parsed.is_v6()};
    if (parsed.is_v6()) {
        std::ranges::copy(parsed.to_v6().to_bytes(), address.ip.begin());
    } else {
        std::ranges::copy(parsed.to_v4().to_bytes(), address.ip.begin());
    }
    return address;
}

[[nodiscard]] std::vector<std::string> alpn_of(const Protocols& protocols) {
    std::vector<std::string> names;
    if (protocols.mqtt) {
        names.insert(names.end(), {"mqtt", "x-amzn-mqtt-ca"});
    }
    if (protocols.amqp) {
        names.emplace_back("amqp");
    }
    if (protocols.http || protocols.mqtt_ws || protocols.amqp_ws) {
        names.emplace_back("http/1.1");
    }
    return names;
}

/// The same rules with some of them disabled; nothing if none of them is there.
[[nodiscard]] std::optional<std::shared_ptr<const rules::RuleSet>> without(
    const rules::RuleSet& configured, const std::set<std::string>& paused
) {
    std::vector<rules::RuleDefinition> definitions;
    bool any = false;
    for (const rules::Rule& rule : configured.rules()) {
        definitions.push_back(rule.definition());
        if (paused.contains(definitions.back().name)) {
            any = true;
            definitions.back().enabled = false;
        }
    }
    return any ? std::optional{rules::RuleSet::build(std::move(definitions))} : std::nullopt;
}

}  // namespace

endpoints::ListenerPtr make_listener(const ListenerConfig& config, NamedFiles& files) {
    auto listener = std::make_shared<endpoints::Listener>();
    listener->name = config.name;
    listener->mqtt = config.protocols.mqtt;
    listener->amqp = config.protocols.amqp;
    listener->http = config.protocols.http;
    listener->upgrade = {
        .paths = config.ws.paths,
        .origins = config.ws.origins,
        .mqtt = config.protocols.mqtt_ws,
        .amqp = config.protocols.amqp_ws,
    };
    listener->mqtt_rules = {
        .wildcard_subscriptions = config.mqtt.wildcard_subscriptions,
        .shared_subscriptions = config.mqtt.shared_subscriptions,
        .server_reference = config.mqtt.server_reference,
    };
    const auto takes = [&](model::AuthMethod method) {
        return std::ranges::find(config.auth.methods, method) != config.auth.methods.end();
    };
    listener->methods = {
        .x509 = takes(model::AuthMethod::x509),
        .password = takes(model::AuthMethod::password),
        .token = takes(model::AuthMethod::token),
        .anonymous = config.auth.anonymous,
    };
    listener->limits = config.limits;
    for (const Network& network : config.proxy_from) {
        listener->proxies.push_back({.address = address_of(network.address), .bits = network.prefix}
        );
    }
    if (config.tls) {
        const TlsConfig& tls = *config.tls;
        const auto owner = fmt::format("listener '{}'", config.name);
        net::TlsOptions options{
            .certificate_pem =
                files.text(tls.cert, tls.cert_place, fmt::format("the certificate of {}", owner)),
            .key_pem = files.secret(tls.key, fmt::format("the private key of {}", owner)),
            .client_auth = static_cast<net::ClientAuth>(tls.client_auth),
            .profile = tls.only_tls13 ? net::TlsProfile::modern : net::TlsProfile::intermediate,
            .alpn = alpn_of(config.protocols),
        };
        if (tls.client_ca) {
            options.client_ca_pem = files.text(
                *tls.client_ca, tls.client_ca_place, fmt::format("the devices' CA of {}", owner)
            );
        }
        listener->tls = files.tls(
            options,
            {.owner = owner,
             .certificate = tls.cert_place,
             .key = tls.key.place,
             .client_ca = tls.client_ca_place}
        );
    }
    return listener;
}

LoadedFiles load_files(
    const Configuration& configuration,
    const ConfigFiles& files,
    WallTime now,
    document::Diagnostics& diagnostics
) {
    NamedFiles named{files, now, diagnostics};
    LoadedFiles loaded;
    for (const ListenerConfig& listener : configuration.config.listeners) {
        loaded.listeners.push_back(make_listener(listener, named));
    }
    loaded.sinks = make_sinks(configuration, named);
    loaded.buckets = make_buckets(configuration.config, named);
    return loaded;
}

Configuration check_configuration(
    const std::filesystem::path& path,
    const ConfigFiles& files,
    WallTime now,
    document::Diagnostics& diagnostics
) {
    auto configuration = load_configuration(path, files, diagnostics);
    static_cast<void>(load_files(configuration, files, now, diagnostics));
    return configuration;
}

std::shared_ptr<const pipeline::Routes> make_routes(
    const Configuration& configuration,
    const std::vector<sinks::HttpSinkConfig>& sinks,
    storage::Store& store,
    unsigned shards,
    const std::set<std::string>& paused,
    const pipeline::Routes* before
) {
    auto routes = std::make_shared<pipeline::Routes>();
    routes->rules = without(*configuration.rules, paused).value_or(configuration.rules);
    routes->ack_waits_for_usage = configuration.config.metering.ack_waits;
    // Until a sink has dropped its oldest records; no other rule of the message may wait longer for it.
    constexpr std::chrono::milliseconds kDropping{50};
    for (std::size_t i = 0; i < sinks.size(); ++i) {
        const auto& sink = sinks[i];
        const bool drops_oldest = sink.outbox.on_full == sinks::OnFull::drop_oldest;
        const auto& request = configuration.requests[i];
        routes->sinks.emplace(
            sink.name,
            pipeline::OutboxLimit{
                .room = &store.outbox_room(sink.name),
                .bytes = sinks::reserve_limit(sink.outbox),
                .blocks = sink.outbox.on_full == sinks::OnFull::block || drops_oldest,
                .block_timeout = drops_oldest ? kDropping : sink.outbox.block_timeout,
                .drops_oldest = drops_oldest,
                .request = request.constant()
                               ? nullptr
                               : std::make_shared<const rules::RequestTemplate>(request),
            }
        );
    }
    routes->metrics.resize(shards);
    for (unsigned shard = 0; shard < shards; ++shard) {
        for (const rules::Rule& rule : routes->rules->rules()) {
            const rules::Rule* const old =
                before == nullptr ? nullptr : before->rules->find(rule.name());
            routes->metrics[shard].push_back(
                old == nullptr ? std::make_shared<pipeline::RuleMetrics>()
                               : before->metrics[shard][old->index()]
            );
        }
    }
    for (const rules::Rule& rule : configuration.rules->rules()) {
        const rules::Rule* const old =
            before == nullptr ? nullptr : before->rules->find(rule.name());
        const auto gates = old == nullptr ? nullptr : before->gates[old->index()];
        const bool fits = gates != nullptr && gates->size() == rule.actions().size();
        routes->gates.push_back(
            fits ? gates : std::make_shared<pipeline::RuleGates>(rule.actions().size())
        );
    }
    return routes;
}

Result<void> load_rule_state(
    storage::Store& store, std::span<pipeline::Publisher* const> publishers
) {
    using pipeline::RuleState;
    struct Record {
        std::string key;
        std::uint8_t version;
        Bytes body;
    };
    std::vector<Record> records;
    const auto read = store.scan(
        storage::Family::meta,
        RuleState::kPrefix,
        [&](std::string_view key, std::uint8_t version, ByteView body) {
            records.push_back({std::string{key}, version, Bytes{body.begin(), body.end()}});
            return true;
        }
    );
    if (!read) {
        return read.error();
    }
    // Bodies begin with the time: what was written longest ago comes first.
    std::ranges::sort(records, {}, &Record::body);
    storage::Batch unwanted;
    for (const Record& record : records) {
        const auto key = RuleState::parse_stored_key(record.key);
        const auto shards = static_cast<unsigned>(publishers.size());
        const bool taken =
            key && publishers[RuleState::owner_of(*key, shards)]->rule_state().load(
                       record.key, record.version, record.body
                   );
        if (!taken) {
            unwanted.erase(storage::Family::meta, record.key);
        }
    }
    return unwanted.empty() ? Result<void>{} : store.commit(std::move(unwanted));
}

void set_retention(const Configuration& configuration, storage::Store& store) {
    for (const StreamConfig& stream : configuration.config.streams) {
        const bool keeps_long = stream.age == std::chrono::milliseconds::max();
        const bool keeps_all = stream.size == model::kUnlimited;
        store.set_retention(
            stream.name,
            {.age = keeps_long ? std::chrono::milliseconds{0} : stream.age,
             .bytes = keeps_all ? 0 : stream.size,
             .compact = stream.compact}
        );
    }
}

static_assert(kBudgetNames == storage::kAreaNames);

void set_budgets(const Configuration& configuration, storage::Store& store) {
    const auto& budgets = configuration.config.storage.budgets;
    for (std::size_t i = 0; i < budgets.size(); ++i) {
        store.budgets().set_budget(static_cast<storage::Area>(i), budgets[i]);
    }
}

storage::StoreOptions store_options(const StorageConfig& config) {
    return {
        .path = config.path.string(),
        .durability = static_cast<storage::Durability>(config.durability),
        .group_bytes_max = config.group_size,
        .group_wait = config.group_commit,
        .disk_free_min = config.disk_free_min,
        .disk_free_low = config.disk_free_low,
    };
}

}  // namespace weir::app
