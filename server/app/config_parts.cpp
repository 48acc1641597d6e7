#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <weir/app_config/config_codes.hpp>
#include <weir/app_config/detail/config_parts.hpp>

namespace weir::app::detail {
namespace {

using document::Diagnostics;
using std::chrono::milliseconds;
using Path = std::filesystem::path;

BackupConfig make_backup(
    const Section& section, const Path& data, std::uint64_t rate, Diagnostics& diagnostics
) {
    BackupConfig backup{
        .directory = section.get<Path>("storage.backup.path"),
        .every = section.get<milliseconds>("storage.backup.every"),
        .keep = static_cast<std::uint32_t>(section.get<std::uint64_t>("storage.backup.keep")),
        .rate = rate,
    };
    const auto within = backup.directory.lexically_normal().lexically_relative(data.lexically_normal());
    if (!within.empty() && *within.begin() != "..") {
        report(
            diagnostics,
            section.place("storage.backup.path"),
            code::kContradiction,
            "the backups would be inside storage.path",
            "use a directory on another disk, so that both are not lost together"
        );
    }
    return backup;
}

BudgetsConfig make_budgets(const Section& section) {
    BudgetsConfig budgets{};
    for (std::size_t i = 0; i < budgets.size(); ++i) {
        const auto bytes =
            section.get<std::uint64_t>(fmt::format("storage.budgets.{}", kBudgetNames[i]));
        budgets[i] = bytes == model::kUnlimited ? 0 : bytes;
    }
    return budgets;
}

StorageConfig make_storage(const Section& section, Diagnostics& diagnostics) {
    const auto rate = section.get<std::uint64_t>("storage.backup.rate");
    StorageConfig storage{
        .path = section.get<Path>("storage.path"),
        .durability = enumerator<Durability>(
            kDurabilityNames, section.get<std::string>("storage.durability")
        ),
        .group_commit = section.get<milliseconds>("storage.group_commit"),
        .group_size = section.get<std::uint64_t>("storage.group_size"),
        .disk_free_min = section.get<std::uint64_t>("storage.disk_free_min"),
        .disk_free_low = section.get<std::uint64_t>("storage.disk_free_low"),
        .budgets = make_budgets(section),
        .backup = {},
        .backup_rate = rate == model::kUnlimited ? 0 : rate,
    };
    if (section.has("storage.backup")) {
        storage.backup = make_backup(section, storage.path, storage.backup_rate, diagnostics);
    }
    return storage;
}

AdminConfig make_admin(const Section& section) {
    return {.socket = section.get<Path>("admin.socket")};
}

MetricsConfig make_metrics(const Section& section, Diagnostics& diagnostics) {
    MetricsConfig metrics{
        .listen = section.get<std::optional<Endpoint>>("metrics.listen"),
        .sys_interval = section.get<milliseconds>("metrics.sys_interval"),
    };
    if (metrics.listen && !is_loopback(metrics.listen->address) &&
        !section.get<bool>("metrics.allow_plaintext")) {
        report(
            diagnostics,
            section.place("metrics.listen"),
            code::kPlaintext,
            "metrics would be readable by other machines, in clear text",
            "listen on 127.0.0.1, or add 'allow_plaintext: true' to metrics if this is intended"
        );
    }
    return metrics;
}

/// Names and addresses are unique.
void check_listeners(const Config& config, Diagnostics& diagnostics) {
    std::map<std::string, const ListenerConfig*> names;
    std::map<std::pair<std::string, std::uint16_t>, const ListenerConfig*> addresses;
    for (const auto& listener : config.listeners) {
        if (!listener.name.empty()) {
            if (const auto [first, added] = names.emplace(listener.name, &listener); !added) {
                report_name_taken(
                    diagnostics,
                    listener.place,
                    "two listeners have the name",
                    listener.name,
                    first->second->place
                );
            }
        }
        if (listener.port != 0) {
            const auto [first, added] =
                addresses.emplace(std::pair{listener.bind, listener.port}, &listener);
            if (!added) {
                report(
                    diagnostics,
                    listener.place,
                    code::kAddressTaken,
                    fmt::format("port {} of {} is taken", listener.port, listener.bind),
                    "one listener can serve all protocols: protocols: any",
                    fmt::format(
                        "by '{}' in line {}",
                        first->second->name,
                        first->second->place.range.begin.line
                    )
                );
            }
        }
    }
}

}  // namespace

void apply_limits(
    model::Limits& limits, const Section& section, std::string_view prefix, Diagnostics& diagnostics
) {
    for (const auto& key : limit_keys()) {
        const auto path = fmt::format("{}{}", prefix, key.name);
        if (!section.has(path)) {
            continue;
        }
        std::visit(
            [&](auto member) {
                using T = std::remove_cvref_t<decltype(limits.*member)>;
                if (const auto* value = section.find<T>(path)) {
                    limits.*member = *value;
                }
            },
            key.member
        );
    }
    if (const auto* const full = section.find<std::string>(fmt::format("{}queue_full", prefix))) {
        limits.queue_full = enumerator<model::QueueFull>(kQueueFullNames, *full);
    }
    if (limits.session_expiry > limits.session_expiry_max) {
        const auto set = fmt::format("{}session_expiry", prefix);
        report(
            diagnostics,
            section.place(section.has(set) ? set : set + "_max"),
            code::kContradiction,
            "session_expiry is longer than session_expiry_max"
        );
    }
}

void fill_gateway(Config& config, const Section& section, Diagnostics& diagnostics) {
    config.preset = enumerator<Preset>(kPresetNames, section.get<std::string>("limits.preset"));
    config.limits = limits_of(config.preset);
    apply_limits(config.limits, section, "limits.", diagnostics);
    for (const auto& item : section.items("listeners")) {
        config.listeners.push_back(make_listener(item, config.limits, diagnostics));
    }
    check_listeners(config, diagnostics);
    config.storage = make_storage(section, diagnostics);
    config.runtime.shards =
        static_cast<std::uint32_t>(section.get<std::uint64_t>("runtime.shards"));
    config.admin = make_admin(section);
    config.metrics = make_metrics(section, diagnostics);
    for (const auto& name : section.get<std::vector<std::string>>("metering.schemes")) {
        auto& schemes = config.metering.schemes;
        const auto scheme = metering::find_scheme(name);
        if (scheme && std::ranges::find(schemes, *scheme) == schemes.end()) {
            schemes.push_back(*scheme);
        }
    }
    config.metering.ack_waits = section.get<std::string>("metering.durability") == "ack";
}

StreamConfig make_stream(const Section& section) {
    return {
        .name = section.get<std::string>("stream"),
        .age = section.get<milliseconds>("retention.age"),
        .size = section.get<std::uint64_t>("retention.size"),
        .compact = section.get<bool>("retention.compact"),
        .place = section.place("stream"),
    };
}

}  // namespace weir::app::detail
