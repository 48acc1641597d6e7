// Whether there is anything to tell about a name.
#include <fmt/format.h>

#include <weir/app/gateway.hpp>
#include <weir/metering/meter.hpp>

#include "parts.hpp"

namespace weir::app::api {
namespace {

bool has_usage(Gateway& gateway, const std::string& device) {
    gateway.flush_usage();
    bool any = false;
    const auto read = gateway.store().read_usage(
        {.from_hour = 0,
         .to_hour = metering::hour_of(gateway.clock().wall()) + 1,
         .tenant = std::string{storage::UsageKey{}.tenant},
         .device = device},
        [&any](const storage::UsageEntry& /*entry*/) {
            any = true;
            return false;
        }
    );
    ignore_error(read, "then nobody knows");
    return any;
}

}  // namespace

void expect_known(Gateway& gateway, const std::string& device) {
    if (gateway.registry().find_thing({.name = device}) ||
        !gateway.sessions({.device = device, .limit = 1}).empty() ||
        !gateway.decisions(device).empty() || has_usage(gateway, device)) {
        return;
    }
    if (const auto clients = gateway.sessions({.name = device, .limit = 1}); !clients.empty()) {
        throw admin::ApiError{
            404,
            "not_found",
            fmt::format(
                "'{}' is a client id of the device '{}': ask for that", device, clients.front().thing
            )
        };
    }
    throw admin::ApiError{
        404,
        "not_found",
        fmt::format(
            "nothing is known of '{}': no device, session, decision or usage has that name", device
        )
    };
}

}  // namespace weir::app::api
