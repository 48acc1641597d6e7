// Rules: what they did, and switching them off and on.
#include <fmt/format.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <weir/app/admin_api.hpp>
#include <weir/app/gateway.hpp>
#include <weir/base/text.hpp>

#include "../rule_pauses.hpp"
#include "json.hpp"
#include "parts.hpp"

namespace weir::app::api {
namespace {

using admin::ApiError;
using admin::Call;

/// enabled: false in its file | paused by an operator | on.
std::string_view activity(const rules::RuleDefinition& definition, bool is_paused) {
    return !definition.enabled ? "disabled" : is_paused ? "paused" : "on";
}

json::object row_of(const rules::RuleDefinition& definition, bool is_paused) {
    return {
        {"name", definition.name},
        {"enabled", definition.enabled && !is_paused},
        {"state", activity(definition, is_paused)},
        {"description", definition.description},
        {"source", source_value(&definition.source)},
    };
}

http::Response list(const Gateway& gateway) {
    const auto configuration = gateway.configuration();
    json::array rows;
    for (const auto& counted : gateway.rules()) {
        const auto* const rule = configuration->rules->find(counted.name);
        json::object row = rule == nullptr ? json::object{{"name", counted.name}}
                                           : row_of(rule->definition(), counted.is_paused);
        row["matched"] = counted.matched;
        row["passed"] = counted.passed;
        row["turned_down"] = counted.turned_down;
        row["undefined"] = counted.undefined;
        row["duplicates"] = counted.duplicates;
        row["broken"] = counted.broken;
        row["failed"] = counted.failed;
        row["held_back"] = counted.held_back;
        row["steps"] = counted.steps;
        row["evaluation_ns"] = counted.timed == 0 ? 0 : counted.timed_ns / counted.timed;
        row["last_error"] = counted.last_error;
        row["last_error_time"] = counted.last_error_ms == 0
                                     ? json::value{}
                                     : time_value(WallTime{counted.last_error_ms});
        rows.push_back(std::move(row));
    }
    return reply({{"rules", std::move(rows)}});
}

const rules::RuleDefinition& expect_rule(const Configuration& configuration, const std::string& name) {
    if (const auto* const rule = configuration.rules->find(name)) {
        return rule->definition();
    }
    std::vector<std::string_view> names;
    for (const auto& rule : configuration.rules->rules()) {
        names.push_back(rule.name());
    }
    const auto near = nearest(name, names);
    throw ApiError{
        404,
        "not_found",
        fmt::format(
            "there is no rule '{}'{}", name, near ? fmt::format("; did you mean '{}'?", *near) : ""
        )
    };
}

using SetPaused = std::function<Result<void>(const std::string& name, bool paused)>;

http::Response change(
    const Configuration& configuration, const Call& call, bool paused, const SetPaused& set
) {
    const auto& name = call.path.at(0);
    const auto& definition = expect_rule(configuration, name);
    if (!paused && !definition.enabled) {
        throw ApiError{
            409,
            "disabled_in_file",
            fmt::format(
                "{} says `enabled: false`: change the file, then weir reload", definition.source.file
            )
        };
    }
    if (const auto done = set(name, paused); !done) {
        throw ApiError{503, "storage", done.error().message()};
    }
    return reply(row_of(definition, paused));
}

void add_changes(admin::Routes& routes, const ConfigurationSource& configuration, const SetPaused& set) {
    for (const bool paused : {false, true}) {
        routes.add(
            "POST",
            paused ? "/v1/rules/{name}/disable" : "/v1/rules/{name}/enable",
            [configuration, set, paused](const Call& call) {
                return change(*configuration(), call, paused, set);
            }
        );
    }
}

http::Response list_stored(const Configuration& configuration, const storage::Store& store) {
    const auto paused = paused_rules(store);
    if (!paused) {
        throw ApiError{503, "storage", paused.error().message()};
    }
    json::array rows;
    for (const auto& rule : configuration.rules->rules()) {
        rows.push_back(row_of(rule.definition(), paused->contains(std::string{rule.name()})));
    }
    return reply({{"rules", std::move(rows)}});
}

}  // namespace

void add_rules(admin::Routes& routes, Gateway& gateway) {
    routes.add("GET", "/v1/rules", [&gateway](const Call&) { return list(gateway); });
    add_changes(
        routes,
        [&gateway] { return gateway.configuration(); },
        [&gateway](const std::string& name, bool paused) {
            return gateway.set_rule_paused(name, paused);
        }
    );
}

}  // namespace weir::app::api

namespace weir::app {

void add_rule_routes(
    admin::Routes& routes, storage::Store& store, ConfigurationSource configuration
) {
    routes.add("GET", "/v1/rules", [configuration, &store](const admin::Call&) {
        return api::list_stored(*configuration(), store);
    });
    api::add_changes(routes, configuration, [&store](const std::string& name, bool paused) {
        return set_paused(store, name, paused);
    });
}

}  // namespace weir::app
