// Certificates of the listeners, of which an operator is told before they end.
#include <weir/base/log.hpp>
#include <weir/base/text.hpp>

#include "gateway_impl.hpp"

namespace weir::app {

void Gateway::Impl::Door::describe(const endpoints::Listener& listener) {
    tls = listener.tls != nullptr;
    certificate_ends_ms = listener.tls ? listener.tls->not_after().count() : 0;
}

void Gateway::Impl::warn_of_certificates() {
    const WallTime now = clock.wall();
    for (const auto& door : doors) {
        const WallTime ends{door->certificate_ends_ms};
        if (ends.count() == 0 || !certificates.is_due(door->name, ends, now)) {
            continue;
        }
        if (certificate_standing(ends, now) == CertificateStanding::ended) {
            log::error(
                "certificate_expired",
                {{"listener", door->name}, {"not_after", format_time(ends.count())}}
            );
        } else {
            log::warn(
                "certificate_expires",
                {{"listener", door->name},
                 {"not_after", format_time(ends.count())},
                 {"days", std::chrono::floor<std::chrono::days>(ends - now).count()}}
            );
        }
    }
}

}  // namespace weir::app
