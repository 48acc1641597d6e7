/// The parts of the admin API that need a running gateway, a file each.
#pragma once

#include <string>

#include <weir/admin/dispatch.hpp>

namespace weir::app {

class Gateway;

namespace api {

void add_gateway(admin::Routes& routes, Gateway& gateway);
void add_retained(admin::Routes& routes, Gateway& gateway);
void add_rules(admin::Routes& routes, Gateway& gateway);
void add_sinks(admin::Routes& routes, Gateway& gateway);
void add_storage(admin::Routes& routes, Gateway& gateway);
void add_taps(admin::Routes& routes, Gateway& gateway);
void add_usage(admin::Routes& routes, Gateway& gateway);
void add_why(admin::Routes& routes, Gateway& gateway);

/// Throws ApiError 404 unless the gateway has anything about that name: a device of the registry, a client without one that
/// has a session, a decision or usage.
void expect_known(Gateway& gateway, const std::string& device);

}  // namespace api
}  // namespace weir::app
