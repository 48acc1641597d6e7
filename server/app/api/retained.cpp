// Retained messages: which there are, and clearing them.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include <weir/app/gateway.hpp>
#include <weir/base/log.hpp>
#include <weir/mqtt/topic.hpp>

#include "json.hpp"
#include "parts.hpp"

namespace weir::app::api {
namespace {

using admin::ApiError;
using admin::Call;

constexpr std::uint64_t kPageDefault = 100;
constexpr std::uint64_t kPageMax = 10'000;

[[nodiscard]] std::string checked_filter(std::string filter) {
    if (!mqtt::is_valid_topic_filter(filter)) {
        throw ApiError{400, "bad_filter", fmt::format("'{}' is no topic filter", filter)};
    }
    return filter;
}

json::object row_of(const RetainedStatus& message, WallTime now) {
    return {
        {"topic", message.topic},
        {"bytes", message.bytes},
        {"qos", message.qos},
        {"publisher", text_or_null(message.publisher)},
        {"client_id", text_or_null(message.client_id)},
        {"time", time_value(message.created)},
        {"age_ms", std::max<std::int64_t>((now - message.created).count(), 0)},
        {"expires", time_value(message.expires)},
    };
}

http::Response list(const Gateway& gateway, const Call& call) {
    const auto found = gateway.retained({
        .filter = checked_filter(call.query("filter").value_or("#")),
        .after = call.query("after").value_or(""),
        .limit = query_number(call, "limit", kPageDefault, 1, kPageMax),
    });
    const WallTime now = gateway.clock().wall();
    json::array rows;
    for (const auto& message : found.messages) {
        rows.push_back(row_of(message, now));
    }
    json::value next;
    if (found.goes_on) {
        next = found.messages.back().topic;
    }
    return reply({{"retained", std::move(rows)}, {"next", std::move(next)}});
}

http::Response clear(Gateway& gateway, const Call& call) {
    Members members{call};
    const RetainedQuery query{
        .filter = checked_filter(members.need_text("filter")),
        .after = members.take_text("after").value_or(""),
        .limit = std::clamp<std::uint64_t>(members.take_number("limit", kPageMax), 1, kPageMax),
    };
    members.expect_no_more();
    const auto cleared = gateway.clear_retained(query);
    if (cleared.messages > 0) {
        log::warn("retained_cleared", {{"filter", query.filter}, {"messages", cleared.messages}});
    }
    if (!cleared.stored) {
        throw ApiError{
            503,
            "storage_failed",
            fmt::format("{}: a restart brings them back", gateway.store().last_error())
        };
    }
    return reply({{"cleared", cleared.messages}, {"next", text_or_null(cleared.last)}});
}

}  // namespace

void add_retained(admin::Routes& routes, Gateway& gateway) {
    routes.add("GET", "/v1/retained", [&gateway](const Call& call) { return list(gateway, call); });
    routes.add("POST", "/v1/retained/clear", [&gateway](const Call& call) {
        return clear(gateway, call);
    });
}

}  // namespace weir::app::api
