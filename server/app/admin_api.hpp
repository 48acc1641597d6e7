/// What operators ask a gateway over its admin socket: JSON under /v1, and the metrics page.
///
/// Errors are problem documents (RFC 9457) with a stable `code`. Lists are paged with `limit` and
/// the `next` of the page before. Times are RFC 3339 UTC.
#pragma once

#include <functional>
#include <memory>

#include <weir/admin/dispatch.hpp>
#include <weir/app_config/configuration.hpp>
#include <weir/identity/registry.hpp>
#include <weir/storage/store.hpp>

namespace weir::app {

class Gateway;

/// GET  /v1/status
/// POST /v1/reload                          200, or 422 with the diagnostics: nothing was applied
/// GET  /v1/sessions?device=&name=&online=true&after=&limit=   `name`: of a device or a client id; with filters if either is
///                                          given; 404 if nothing at all is known of it. So also usage and why
/// POST /v1/sessions/{client_id}/kick       ends its connection; 409 if it is offline
/// GET  /v1/retained?filter=&after=&limit=  in the order of the levels of their topics
/// POST /v1/retained/clear                  {"filter", "after", "limit"}: of one page; answers {"cleared", "next"}
/// POST /v1/taps                            {"filters", "profile": "mqtt" or "aws", "messages_per_s", "valid_s"}: has what is published
///                                          from now on kept; answers {"id", "valid_ms"}
/// POST /v1/taps/{id}/read                  {"payload_bytes"}: at most so many of each. What came since the read before; a tap that
///                                          is not read for 5 s ends: 404
/// DELETE /v1/taps/{id}
/// GET  /v1/sinks
/// GET  /v1/sinks/{name}/dead?from=&limit=  GET /v1/sinks/{name}/outbox?from=&limit=
/// POST /v1/sinks/{name}/test               {"rule", "topic", "device", "payload"}, each optional
/// POST /v1/sinks/{name}/retry              {"from", "to"}: offsets, both may be left out
/// POST /v1/sinks/{name}/dead/drop          likewise
/// POST /v1/sinks/{name}/drop               what a sink left that is not configured any more
/// GET  /v1/usage?device=&scheme=&from=&to=&by=hour
/// GET  /v1/why/{device}
/// GET  /v1/storage                         POST /v1/storage/compact, /v1/storage/verify
/// POST /v1/storage/backup                  {"directory", "keep", "bytes_per_s"}; bytes_per_s 0: no limit; absent: 64 MiB
/// and those of devices, policies, streams and rules below.
/// @param gateway  Outlives the routes; its calls are made on the server's handler threads.
void add_routes(admin::Routes& routes, Gateway& gateway);

/// GET  /v1/devices?after=&limit=
/// POST /v1/devices                         {"name", "type", "groups", "policies", "attributes",
///                                           "certificate", "password"}
/// POST /v1/devices/many                    {"devices"}: up to 1,000 such objects, with "password_hash" instead of "password", and
///                                          "token": "generate"; answers for each {"name", "error", "token"}
/// GET, DELETE /v1/devices/{name}
/// POST /v1/devices/{name}/enable           likewise /disable
/// POST /v1/devices/{name}/attach           {"policy"}; likewise /detach
/// POST   /v1/devices/{name}/certificate    {"certificate"}: PEM, or the SHA-256 of one in hex
/// DELETE /v1/devices/{name}/certificate/{sha256}   or an unambiguous beginning of 8 digits and more
/// POST   /v1/devices/{name}/password       {"user", "password"}; user: else the device's name
/// DELETE /v1/devices/{name}/password/{user}
/// POST   /v1/devices/{name}/token          {"valid_s"}, without it for ever; answers {"id", "token", "not_after"}; the token is
///                                          told only once
/// DELETE /v1/devices/{name}/token/{id}     without an id: all of its tokens
/// A removed credential takes effect within a second: the sessions that it proved end, with what waits in them.
/// @param registry  Outlives the routes. Needs no gateway: the command line uses them on a data
/// directory that nobody serves.
void add_device_routes(admin::Routes& routes, identity::Registry& registry);

/// The configuration whose policies hold now.
using ConfigurationSource = std::function<std::shared_ptr<const Configuration>()>;

/// GET /v1/policies
/// GET /v1/policies/{name}?after=&limit=    its lines, and a page of the devices that have it; 404 if no file defines it and
///                                          no device has it
/// GET /v1/can-i?device=&action=&object=&client_id=&retain=
void add_policy_routes(
    admin::Routes& routes, const identity::Registry& registry, ConfigurationSource configuration
);

/// GET /v1/streams
/// GET /v1/streams/{name}?from=&limit=      a record per line, application/x-ndjson
/// GET /v1/streams/{name}/offset?time=      of the first record that is not older
///                               ?last=     from which on there are so many records
/// @param store  Outlives the routes.
void add_stream_routes(
    admin::Routes& routes, storage::Store& store, ConfigurationSource configuration
);

/// GET  /v1/rules                           without what they did, which only a gateway knows
/// POST /v1/rules/{name}/disable            until it is enabled again, across restarts; likewise /enable
/// @param store  Outlives the routes. Of a gateway that runs, see add_routes().
void add_rule_routes(
    admin::Routes& routes, storage::Store& store, ConfigurationSource configuration
);

/// GET /metrics, /healthz (200 as long as the process answers), /readyz (200 or 503).
void add_metrics_routes(admin::Routes& routes, const Gateway& gateway);

}  // namespace weir::app
