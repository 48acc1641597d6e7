// Which policies there are, and what they say about a request.
#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include <weir/app/admin_api.hpp>
#include <weir/policy/explain.hpp>

#include "json.hpp"

namespace weir::app {
namespace {

using admin::ApiError;
using admin::Call;
namespace json = boost::json;

http::Response list(const Configuration& configuration) {
    json::array rows;
    for (const auto& policy : configuration.policies->policies()) {
        rows.push_back(
            {{"name", policy.name},
             {"source", api::source_value(&policy.source)},
             {"lines", policy.rules.size()},
             {"applies", policy.match ? "match" : "attachment"}}
        );
    }
    return api::reply({{"policies", std::move(rows)}});
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

/// Who the device would be if it connected now.
model::Principal principal_of(const identity::Registry& registry, const std::string& device) {
    const auto found = registry.find_thing({.name = device});
    if (!found) {
        throw ApiError{404, "not_found", fmt::format("there is no device '{}'", device)};
    }
    const auto& thing = found->thing;
    model::Principal principal;
    principal.tenant = thing.id.tenant;
    principal.thing = thing.id.name;
    principal.thing_type = thing.type;
    principal.groups = thing.groups;
    principal.attributes = thing.attributes;
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

http::Response can_i(
    const identity::Registry& registry, const Configuration& configuration, const Call& call
) {
    const auto device = call.query("device").value_or("");
    const auto principal = principal_of(registry, device);
    const auto client_id = call.query("client_id").value_or(device);
    const auto right = right_of(call.query("action").value_or(""));
    const bool is_connect = right == policy::Right::connect;
    const auto object = call.query("object").value_or(is_connect ? client_id : "");
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
    routes.add("GET", "/v1/policies", [configuration](const Call&) {
        return list(*configuration());
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
