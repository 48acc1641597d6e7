// Which policies there are, and what they say about a request.
#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include <weir/app/admin_api.hpp>
#include <weir/policy/explain.hpp>

#include "../attached_policies.hpp"
#include "json.hpp"

namespace weir::app {
namespace {

using admin::ApiError;
using admin::Call;
namespace json = boost::json;

/// Also those that no file defines.
json::array attached(const identity::Registry& registry) {
    json::array rows;
    for (const auto& [name, devices] : attached_policies(registry)) {
        rows.push_back({{"name", name}, {"devices", devices}});
    }
    return rows;
}

http::Response list(const identity::Registry& registry, const Configuration& configuration) {
    json::array rows;
    for (const auto& policy : configuration.policies->policies()) {
        rows.push_back(
            {{"name", policy.name},
             {"source", api::source_value(&policy.source)},
             {"lines", policy.rules.size()},
             {"applies", policy.match ? "match" : "attachment"}}
        );
    }
    return api::reply({{"policies", std::move(rows)}, {"attached", attached(registry)}});
}

policy::Right right_of(std::string_view action) {
    constexpr std::array kRights = {
        policy::Right::connect,
        policy::Right::publish,
        policy::Right::subscribe,
        policy::Right::receive,
    };
    for (const auto right : kRights) {
        if (policy::name(right) == action) {
            return right;
        }
    }
    throw ApiError{400, "bad_request", "'action' is connect, publish, subscribe or receive"};
}

identity::Thing thing_of(const identity::Registry& registry, const std::string& device) {
    auto found = registry.find_thing({.name = device});
    if (!found) {
        throw ApiError{404, "not_found", fmt::format("there is no device '{}'", device)};
    }
    return std::move(found->thing);
}

/// Who the device would be if it connected now.
model::Principal principal_of(const identity::Registry& registry, const identity::Thing& thing) {
    model::Principal principal;
    principal.tenant = thing.id.tenant;
    principal.thing = thing.id.name;
    principal.thing_type = thing.type;
    principal.groups = thing.groups;
    principal.attributes = thing.attributes;
    principal.method = model::AuthMethod::x509;  // Any but anonymous: to policies they are the same.
    principal.policies = thing.policies;
    for (const auto& group : thing.groups) {
        std::ranges::move(
            registry.group_policies(thing.id.tenant, group), std::back_inserter(principal.policies)
        );
    }
    std::ranges::sort(principal.policies);
    const auto repeated = std::ranges::unique(principal.policies);
    principal.policies.erase(repeated.begin(), repeated.end());
    return principal;
}

/// It cannot connect, and so it may nothing, whatever policies say.
http::Response disabled(
    const std::string& device, policy::Right right, const std::string& object
) {
    const auto reason = model::Reason::device_disabled;
    return api::reply(
        {{"device", device},
         {"action", policy::name(right)},
         {"object", object},
         {"allowed", false},
         {"reason", model::name(reason)},
         {"source", nullptr},
         {"explanation",
          fmt::format(
              "DENY {} {}: {}: {}\n",
              policy::name(right),
              object,
              model::name(reason),
              model::info(reason).text
          )}}
    );
}

http::Response can_i(
    const identity::Registry& registry, const Configuration& configuration, const Call& call
) {
    const auto device = call.query("device").value_or("");
    const auto thing = thing_of(registry, device);
    const auto principal = principal_of(registry, thing);
    const auto client_id = call.query("client_id").value_or(device);
    const auto right = right_of(call.query("action").value_or(""));
    const bool is_connect = right == policy::Right::connect;
    const auto object = call.query("object").value_or(is_connect ? client_id : "");
    if (object.empty()) {
        throw ApiError{
            400, "bad_request", fmt::format("'object' is missing: what to {}", policy::name(right))
        };
    }
    if (!thing.enabled) {
        return disabled(device, right, object);
    }
    const auto bundle = configuration.policies->bundle_for(principal);
    const auto explanation = policy::explain(
        *bundle,
        {.principal = principal, .client_id = client_id},
        {.right = right,
         .object = object,
         .retain = call.query("retain").value_or("false") != "false"}
    );
    const auto& verdict = explanation.verdict;
    return api::reply(
        {{"device", device},
         {"action", policy::name(right)},
         {"object", object},
         {"allowed", verdict.accepted()},
         {"reason", model::name(verdict.reason)},
         {"source", api::source_value(verdict.source)},
         {"explanation", policy::to_text(explanation)}}
    );
}

}  // namespace

void add_policy_routes(
    admin::Routes& routes, const identity::Registry& registry, ConfigurationSource configuration
) {
    routes.add("GET", "/v1/policies", [&registry, configuration](const Call&) {
        return list(registry, *configuration());
    });
    routes.add(
        "GET",
        "/v1/can-i",
        [&registry, configuration = std::move(configuration)](const Call& call) {
            return can_i(registry, *configuration(), call);
        }
    );
}

}  // namespace weir::app
