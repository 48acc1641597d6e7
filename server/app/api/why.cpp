// The last decisions about a device.
#include <weir/app/gateway.hpp>

#include "json.hpp"
#include "parts.hpp"

namespace weir::app::api {
namespace {

json::object row_of(const why::Decision& decision) {
    return {
        {"time", time_value(decision.first)},
        {"last", time_value(decision.last)},
        {"count", decision.count},
        {"action", model::name(decision.action)},
        {"reason", model::name(decision.reason)},
        {"text", model::info(decision.reason).text},
        {"topic", decision.topic},
        {"source", source_value(&decision.source)},
        {"detail", decision.detail},
        {"peer", decision.peer},
        {"authenticated", !decision.is_claim},
    };
}

}  // namespace

void add_why(admin::Routes& routes, Gateway& gateway) {
    routes.add("GET", "/v1/why/{device}", [&gateway](const admin::Call& call) {
        const WallTime since = query_time(call, "since", WallTime{0});
        json::array rows;
        for (const auto& decision : gateway.decisions(call.path.at(0))) {
            if (decision.last >= since) {
                rows.push_back(row_of(decision));
            }
        }
        if (rows.empty()) {
            expect_known(gateway, call.path.at(0));
        }
        return reply({{"device", call.path.at(0)}, {"decisions", std::move(rows)}});
    });
}

}  // namespace weir::app::api
