#include <weir/app/admin_api.hpp>

#include <weir/app/gateway.hpp>

#include "api/parts.hpp"

namespace weir::app {

void add_routes(admin::Routes& routes, Gateway& gateway) {
    add_device_routes(routes, gateway.registry());
    add_policy_routes(routes, gateway.registry(), [&gateway] { return gateway.configuration(); });
    api::add_gateway(routes, gateway);
    api::add_retained(routes, gateway);
    api::add_rules(routes, gateway);
    api::add_sinks(routes, gateway);
    api::add_storage(routes, gateway);
    add_stream_routes(routes, gateway.store(), [&gateway] { return gateway.configuration(); });
    api::add_taps(routes, gateway);
    api::add_usage(routes, gateway);
    api::add_why(routes, gateway);
}

void add_metrics_routes(admin::Routes& routes, const Gateway& gateway) {
    routes.add("GET", "/metrics", [&gateway](const admin::Call&) {
        return http::Response{
            .content_type = "text/plain; version=0.0.4; charset=utf-8",
            .body = gateway.metrics_text(),
        };
    });
    routes.add("GET", "/healthz", [](const admin::Call&) {
        return http::Response{.content_type = "text/plain", .body = "ok\n"};
    });
    routes.add("GET", "/readyz", [&gateway](const admin::Call&) {
        const bool ready = gateway.ready();
        return http::Response{
            .status = static_cast<std::uint16_t>(ready ? 200 : 503),
            .content_type = "text/plain",
            .body = ready ? "ready\n" : "not ready\n",
        };
    });
}

}  // namespace weir::app
