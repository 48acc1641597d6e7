// The gateway as a whole: state, reload, sessions.
#include <unistd.h>

#include <fmt/format.h>
#include <cmath>
#include <utility>

#include <weir/app/certificate_watch.hpp>
#include <weir/app/gateway.hpp>

#include "json.hpp"
#include "parts.hpp"

namespace weir::app::api {
namespace {

using admin::ApiError;
using admin::Call;

constexpr std::uint64_t kSessionsDefault = 100;
constexpr std::uint64_t kSessionsMax = 10'000;

std::string_view name(storage::Health health) {
    switch (health) {
        case storage::Health::ok:
            return "ok";
        case storage::Health::disk_full:
            return "disk_full";
        case storage::Health::read_only:
            return "read_only";
    }
    return "unknown";
}

std::string_view name(storage::DiskLevel level) {
    switch (level) {
        case storage::DiskLevel::enough:
            return "enough";
        case storage::DiskLevel::low:
            return "low";
        case storage::DiskLevel::full:
            return "full";
    }
    return "unknown";
}

json::object disk(const storage::DiskReport& report) {
    json::object row{{"level", name(report.level)}};
    if (report.free) {
        row["free_bytes"] = *report.free;
    }
    if (report.full_in) {
        row["full_in_s"] = report.full_in->count();
    }
    return row;
}

json::value backups(const Gateway& gateway) {
    const auto report = gateway.backups();
    if (!report) {
        return nullptr;
    }
    json::object row{
        {"directory", report->directory}, {"error", report->error}, {"next_ms", report->next.count()}
    };
    if (report->newest) {
        row["newest_ms"] = report->newest->time_ms;
        row["newest_bytes"] = report->newest->bytes;
    }
    return row;
}

json::array listeners(const Gateway& gateway) {
    json::array rows;
    for (const auto& listener : gateway.listeners()) {
        rows.push_back(
            {{"name", listener.name},
             {"address", listener.address},
             {"port", listener.port},
             {"tls", listener.tls},
             {"connections", listener.connections}}
        );
        if (const WallTime ends = listener.certificate_ends; ends.count() != 0) {
            auto& row = rows.back().as_object();
            row["certificate_ends"] = time_value(ends);
            row["certificate"] = name(certificate_standing(ends, gateway.clock().wall()));
        }
    }
    return rows;
}

/// What limits of sessions' queues cost since the start.
json::object lost_by_limit(const Gateway& gateway) {
    json::object row;
    const auto lost = gateway.queue_limits();
    for (std::size_t i = 0; i < lost.size(); ++i) {
        row[model::kQueueLimitNames[i]] = lost[i];
    }
    return row;
}

/// @param per_s  Over the last minute; told to a tenth.
json::object flow(std::uint64_t total, double per_s) {
    return {{"total", total}, {"per_s", std::round(per_s * 10) / 10}};
}

json::object messages(const Gateway& gateway) {
    const auto [totals, rates] = gateway.messages();
    return {{"in", flow(totals.in, rates.in)}, {"out", flow(totals.out, rates.out)}};
}

json::array paused_rules(const Gateway& gateway) {
    json::array names;
    for (const auto& rule : gateway.rules()) {
        if (rule.is_paused) {
            names.emplace_back(rule.name);
        }
    }
    return names;
}

http::Response status(Gateway& gateway) {
    const auto configuration = gateway.configuration();
    const auto health = gateway.store().health();
    const auto stats = gateway.store().stats();
    const auto durability = static_cast<std::size_t>(gateway.durability());
    const auto up = gateway.clock().steady() - gateway.started();
    return reply(
        {{"version", WEIR_VERSION},
         {"pid", ::getpid()},
         {"ready", gateway.ready()},
         {"uptime_s", std::chrono::duration_cast<std::chrono::seconds>(up).count()},
         {"config", configuration->config.file.string()},
         {"config_hash", gateway.config_hash()},
         {"storage",
          {{"state", name(health.state)},
           {"reason", health.reason},
           {"durability", kDurabilityNames.at(durability)},
           {"pending_bytes", stats.pending_bytes},
           {"disk", disk(gateway.store().disk())},
           {"areas", area_rows(gateway.store().budgets())},
           {"backup", backups(gateway)}}},
         {"devices", gateway.registry().size()},
         {"policies", configuration->policies->policies().size()},
         {"rules", configuration->rules->size()},
         {"paused_rules", paused_rules(gateway)},
         {"messages", messages(gateway)},
         {"lost_by_limit", lost_by_limit(gateway)},
         {"needs_restart", texts_value(gateway.needs_restart())},
         {"listeners", listeners(gateway)}}
    );
}

json::array missing_policies(const ReloadOutcome& outcome) {
    json::array rows;
    for (const auto& [name, devices] : outcome.missing_policies) {
        rows.push_back({{"name", name}, {"devices", devices}});
    }
    return rows;
}

json::array removed_sinks(const ReloadOutcome& outcome) {
    json::array rows;
    for (const auto& sink : outcome.removed_sinks) {
        rows.push_back(
            {{"name", sink.name}, {"pending", sink.pending}, {"dead_letters", sink.dead_letters}}
        );
    }
    return rows;
}

http::Response reload(Gateway& gateway) {
    const auto outcome = gateway.reload();
    boost::system::error_code error;
    auto diagnostics = json::parse(outcome.json, error);
    return reply(
        {{"applied", outcome.applied},
         {"text", outcome.text},
         {"diagnostics", error ? json::value{} : std::move(diagnostics)},
         {"needs_restart", texts_value(outcome.needs_restart)},
         {"removed_policies", texts_value(outcome.removed_policies)},
         {"missing_policies", missing_policies(outcome)},
         {"sessions_ended", outcome.sessions_ended},
         {"removed_sinks", removed_sinks(outcome)}},
        outcome.applied ? 200 : 422
    );
}

json::object value_of(const Use& use) {
    return {
        {"now", use.now},
        {"limit", use.limit == model::kUnlimited ? json::value(nullptr) : json::value(use.limit)},
    };
}

json::object row_of(const SessionStatus& session) {
    json::array full;
    for (const auto& [name, use] : {
             std::pair{"subscriptions", session.subscriptions},
             std::pair{"queue_messages", session.queued},
             std::pair{"queue_bytes", session.queued_bytes},
             std::pair{"in_flight", session.in_flight},
         }) {
        if (use.is_full()) {
            full.emplace_back(name);
        }
    }
    json::array filters;
    for (const auto& each : session.filters) {
        json::object row{{"filter", each.filter}, {"qos", each.qos}};
        if (each.id != 0) {
            row["id"] = each.id;
        }
        filters.push_back(std::move(row));
    }
    json::object row{
        {"client_id", session.client_id},
        {"device", session.thing},
        {"online", session.online},
        {"protocol", text_or_null(session.protocol)},
        {"listener", text_or_null(session.listener)},
        {"address", text_or_null(session.address)},
        {"tls", session.encrypted},
        {"subscriptions", value_of(session.subscriptions)},
        {"queued", value_of(session.queued)},
        {"queued_bytes", value_of(session.queued_bytes)},
        {"in_flight", value_of(session.in_flight)},
        {"unreleased", session.unreleased},
        {"limits_reached", std::move(full)},
        {"filters", std::move(filters)},
    };
    if (session.lasts) {
        row["in"] = session.in;
        row["out"] = session.out;
        row["lost"] = session.lost;
        if (session.lost > 0) {
            row["last_loss"] = model::info(session.last_loss).name;
        }
        json::object limits;
        for (std::size_t i = 0; i < model::kQueueLimits; ++i) {
            if (const auto& hits = session.limits[i]; hits.lost > 0) {
                limits[model::kQueueLimitNames[i]] = {
                    {"lost", hits.lost}, {"last", time_value(hits.last)}};
            }
        }
        row["lost_by_limit"] = std::move(limits);
    }
    return row;
}

http::Response sessions(Gateway& gateway, const Call& call) {
    SessionQuery query{
        .device = call.query("device").value_or(""),
        .name = call.query("name").value_or(""),
        .only_online = call.query("online").value_or("false") != "false",
        .after = call.query("after").value_or(""),
        .limit = query_number(call, "limit", kSessionsDefault, 1, kSessionsMax),
    };
    query.with_filters = !query.device.empty() || !query.name.empty();
    const auto found = gateway.sessions(query);
    if (const auto& asked = query.name.empty() ? query.device : query.name;
        found.empty() && !asked.empty()) {
        expect_known(gateway, asked);
    }
    json::array rows;
    for (const auto& session : found) {
        rows.push_back(row_of(session));
    }
    json::value next;
    if (found.size() == query.limit) {
        next = found.back().client_id;
    }
    return reply({{"sessions", std::move(rows)}, {"next", std::move(next)}});
}

http::Response kick(Gateway& gateway, const Call& call) {
    const auto& client_id = call.path.at(0);
    switch (gateway.kick(client_id)) {
        case Kicked::yes:
            break;
        case Kicked::was_offline:
            throw ApiError{
                409, "offline", fmt::format("'{}' is offline: there is no connection", client_id)
            };
        case Kicked::no_session:
            throw ApiError{
                404, "not_found", fmt::format("no session has the client id '{}'", client_id)
            };
    }
    return {.status = 204};
}

}  // namespace

void add_gateway(admin::Routes& routes, Gateway& gateway) {
    routes.add("GET", "/v1/status", [&gateway](const Call&) { return status(gateway); });
    routes.add("POST", "/v1/reload", [&gateway](const Call&) { return reload(gateway); });
    routes.add("GET", "/v1/sessions", [&gateway](const Call& call) {
        return sessions(gateway, call);
    });
    routes.add("POST", "/v1/sessions/{client_id}/kick", [&gateway](const Call& call) {
        return kick(gateway, call);
    });
}

}  // namespace weir::app::api
