// Which policies there are, and what they say about a request.
#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include <weir/app/admin_api.hpp>
#include <weir/base/text.hpp>
#include <weir/mqtt/topic.hpp>
#include <weir/policy/explain.hpp>

#include "../attached_policies.hpp"
#include "json.hpp"

namespace weir::app {
namespace {

using admin::ApiError;
using admin::Call;
namespace json = boost::json;

constexpr std::uint64_t kHoldersDefault = 100;
constexpr std::uint64_t kHoldersMax = 10'000;
constexpr std::size_t kShownMax = 64;  ///< Bytes of a topic in a complaint.
constexpr std::array<std::pair<std::chrono::milliseconds, char>, 3> kRateUnits = {
    {{std::chrono::seconds{1}, 's'}, {std::chrono::minutes{1}, 'm'}, {std::chrono::hours{1}, 'h'}}
};

std::string_view word_of(policy::OnViolation what) {
    constexpr std::array<std::string_view, 3> kWords = {"drop", "nack", "disconnect"};
    return kWords.at(static_cast<std::size_t>(what));
}

std::string_view word_of(policy::Standing standing) {
    return standing == policy::Standing::application ? "application" : "device";
}

/// Which publishes a line is about: those with RETAIN too, only those without, only those with.
std::string_view word_of(policy::Retained retained) {
    constexpr std::array<std::string_view, 3> kWords = {"any", "never", "only"};
    return kWords.at(static_cast<std::size_t>(retained));
}

/// Also those that no file defines.
json::array attached(const identity::Registry& registry) {
    json::array rows;
    for (const auto& [name, devices] : attached_policies(registry)) {
        rows.push_back({{"name", name}, {"devices", devices}});
    }
    return rows;
}

http::Response list(const identity::Registry& registry, const Configuration& configuration) {
    auto devices = effective_policies(registry, *configuration.policies);
    json::array rows;
    for (const auto& policy : configuration.policies->policies()) {
        rows.push_back(
            {{"name", policy.name},
             {"source", api::source_value(&policy.source)},
             {"lines", policy.rules.size()},
             {"applies", policy.match ? "match" : "attachment"},
             {"devices", devices[policy.name]}}
        );
    }
    return api::reply({{"policies", std::move(rows)}, {"attached", attached(registry)}});
}

/// As a file of policies takes it.
json::value rate_value(const std::optional<document::Rate>& rate) {
    if (!rate) {
        return nullptr;
    }
    if (rate->amount == model::kUnlimited) {
        return "unlimited";
    }
    for (const auto& [per, unit] : kRateUnits) {
        if (rate->per == per) {
            return json::string(fmt::format("{}/{}", rate->amount, unit));
        }
    }
    return json::string(fmt::format("{}/s", rate->per_second()));
}

json::value match_value(const std::optional<policy::Match>& match) {
    if (!match) {
        return nullptr;
    }
    return {
        {"thing", api::texts_value(match->things)},
        {"thing_type", api::texts_value(match->thing_types)},
        {"group", api::texts_value(match->groups)},
        {"anonymous", match->anonymous},
    };
}

/// A `subscribe` that is also a `receive` is two lines with one source.
json::array lines_of(const policy::Policy& policy) {
    json::array lines;
    for (const auto& rule : policy.rules) {
        json::object line{
            {"effect", policy::name(rule.effect)},
            {"right", policy::name(rule.right)},
            {"pattern", rule.text},
            {"source", api::source_value(&rule.source)},
        };
        if (rule.right == policy::Right::publish) {
            line["retain"] = word_of(rule.retained);
        }
        lines.push_back(std::move(line));
    }
    return lines;
}

/// One that is attached and in no file too: it grants nothing.
http::Response show(
    const identity::Registry& registry, const Configuration& configuration, const Call& call
) {
    const auto& name = call.path.at(0);
    const auto* const policy = configuration.policies->find(name);
    const auto holders = holders_of(
        registry,
        name,
        policy,
        call.query("after").value_or(""),
        api::query_number(call, "limit", kHoldersDefault, 1, kHoldersMax)
    );
    if (policy == nullptr && holders.all == 0) {
        throw ApiError{
            404, "not_found", fmt::format("there is no policy '{}', and no device has it", name)
        };
    }
    json::array devices;
    for (const auto& holder : holders.page) {
        devices.push_back({{"name", holder.device}, {"by", holder.by}});
    }
    json::object answer{
        {"name", name},
        {"source", api::source_value(policy == nullptr ? nullptr : &policy->source)},
        {"devices", holders.all},
        {"held_by", std::move(devices)},
        {"next", nullptr},
    };
    if (holders.goes_on) {
        answer["next"] = holders.page.back().device;
    }
    if (policy != nullptr) {
        answer["match"] = match_value(policy->match);
        answer["lines"] = lines_of(*policy);
        answer["on_violation"] = word_of(policy->on_violation.value_or(policy::OnViolation::nack));
        answer["standing"] = word_of(policy->standing);
        answer["publish_rate"] = rate_value(policy->rates.publish_rate);
        answer["byte_rate"] = rate_value(policy->rates.byte_rate);
    }
    return api::reply(std::move(answer));
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

/// What no device may publish or subscribe to, whatever policies say: the answer would mislead.
void expect_topic(policy::Right right, const std::string& object) {
    if (right == policy::Right::subscribe && !mqtt::parse_subscription_filter(object)) {
        throw ApiError{
            400,
            "bad_request",
            fmt::format(
                "'{}' is no filter: '+' stands for a whole level, and '#' for the last ones",
                printable(object, kShownMax)
            )
        };
    }
    const bool is_topic = right == policy::Right::publish || right == policy::Right::receive;
    if (is_topic && !mqtt::is_valid_topic_name(object)) {
        throw ApiError{
            400,
            "bad_request",
            fmt::format(
                "'{}' is no topic: those of messages have no '+' and no '#'",
                printable(object, kShownMax)
            )
        };
    }
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
    expect_topic(right, object);
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
    routes.add("GET", "/v1/policies/{name}", [&registry, configuration](const Call& call) {
        return show(registry, *configuration(), call);
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
