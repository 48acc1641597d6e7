// Live messages: an operator has copies kept, and fetches them.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <utility>

#include <weir/app/gateway.hpp>
#include <weir/base/digest.hpp>
#include <weir/base/log.hpp>
#include <weir/base/text.hpp>
#include <weir/mqtt/topic.hpp>

#include "json.hpp"
#include "parts.hpp"

namespace weir::app::api {
namespace {

using admin::ApiError;
using admin::Call;

constexpr std::uint64_t kValidMax_s = 600;
constexpr std::uint64_t kValidDefault_s = 60;
constexpr std::uint64_t kRateMax = 10'000;
constexpr std::size_t kFiltersMax = 100;

constexpr std::array<std::string_view, 4> kProtocols = {"mqtt", "amqp", "http", "internal"};
constexpr std::array<std::string_view, 4> kMethods = {"anonymous", "x509", "password", "token"};

[[nodiscard]] std::vector<std::string> take_filters(Members& members) {
    auto filters = members.take_texts("filters");
    if (filters.empty() || filters.size() > kFiltersMax) {
        throw ApiError{400, "bad_filter", fmt::format("'filters' has 1 to {} filters", kFiltersMax)};
    }
    for (const auto& filter : filters) {
        if (!mqtt::is_valid_topic_filter(filter)) {
            throw ApiError{400, "bad_filter", fmt::format("'{}' is no topic filter", filter)};
        }
    }
    return filters;
}

[[nodiscard]] TopicProfile take_profile(Members& members) {
    const auto profile = members.take_text("profile").value_or("mqtt");
    if (profile != "mqtt" && profile != "aws") {
        throw ApiError{400, "bad_request", "'profile' is neither mqtt nor aws"};
    }
    return profile == "mqtt" ? TopicProfile::mqtt : TopicProfile::aws;
}

http::Response open(Gateway& gateway, const Call& call) {
    Members members{call};
    model::TapQuery query;
    query.filters = take_filters(members);
    query.profile = take_profile(members);
    query.messages_per_s = std::clamp<std::uint64_t>(
        members.take_number("messages_per_s", query.messages_per_s), 1, kRateMax
    );
    query.valid = std::chrono::seconds{std::clamp<std::uint64_t>(
        members.take_number("valid_s", kValidDefault_s), 1, kValidMax_s
    )};
    members.expect_no_more();
    const auto valid = query.valid;
    const auto filters = fmt::format("{}", fmt::join(query.filters, " "));
    const auto id = gateway.open_tap(std::move(query));
    if (!id) {
        throw ApiError{409, "too_many_taps", "others look at live messages already; try it later"};
    }
    log::warn("tap_opened", {{"filters", filters}, {"valid_ms", valid.count()}});
    return reply({{"id", *id}, {"valid_ms", valid.count()}});
}

json::object principal_of(const model::Tapped& tapped) {
    if (tapped.principal == nullptr) {
        return {};
    }
    const auto& who = *tapped.principal;
    json::object attributes;
    for (const auto& [name, value] : who.attributes) {
        attributes[name] = value;
    }
    return {
        {"tenant", who.tenant},
        {"thing", who.thing},
        {"thing_type", who.thing_type},
        {"attributes", std::move(attributes)},
        {"method", kMethods[static_cast<std::size_t>(who.method)]},
        {"credential", who.credential},
    };
}

json::object row_of(const model::Tapped& tapped, std::size_t payload_bytes) {
    const auto& message = *tapped.message;
    const auto payload = message.payload();
    const bool is_text = is_utf8(as_text(payload));
    const auto shown =
        is_text ? std::string{utf8_start(as_text(payload), payload_bytes)}
                : to_base64(payload.first(std::min(payload.size(), payload_bytes)));
    return {
        {"time", time_value(tapped.time)},
        {"topic", message.topic()},
        {"device", tapped.device},
        {"client_id", text_or_null(tapped.client_id)},
        {"source_ip", text_or_null(tapped.source_ip)},
        {"protocol", kProtocols[static_cast<std::size_t>(message.protocol())]},
        {"qos", static_cast<unsigned>(message.qos())},
        {"retain", message.retain()},
        {"properties", to_base64(message.properties())},
        {"principal", principal_of(tapped)},
        {"bytes", payload.size()},
        {"encoding", is_text ? "text" : "base64"},
        {"payload", shown},
    };
}

http::Response read(Gateway& gateway, const Call& call) {
    Members members{call};
    const auto payload_bytes =
        members.take_number("payload_bytes", std::numeric_limits<std::size_t>::max());
    members.expect_no_more();
    const auto page = gateway.read_tap(call.path.at(0));
    if (!page) {
        throw ApiError{404, "not_found", "the tap has ended: it must be read every few seconds"};
    }
    json::array rows;
    for (const auto& tapped : page->messages) {
        rows.push_back(row_of(tapped, payload_bytes));
    }
    return reply(
        {{"messages", std::move(rows)},
         {"left_out", {{"messages", page->over_messages}, {"bytes", page->over_bytes}}},
         {"open", page->is_open}}
    );
}

}  // namespace

void add_taps(admin::Routes& routes, Gateway& gateway) {
    routes.add("POST", "/v1/taps", [&gateway](const Call& call) { return open(gateway, call); });
    routes.add("POST", "/v1/taps/{id}/read", [&gateway](const Call& call) {
        return read(gateway, call);
    });
    routes.add("DELETE", "/v1/taps/{id}", [&gateway](const Call& call) {
        gateway.close_tap(call.path.at(0));
        return reply(json::object{});
    });
}

}  // namespace weir::app::api
