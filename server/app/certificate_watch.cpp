#include <weir/app/certificate_watch.hpp>

namespace weir::app {

std::string_view name(CertificateStanding standing) noexcept {
    switch (standing) {
        case CertificateStanding::fine:
            return "fine";
        case CertificateStanding::ends_soon:
            return "ends_soon";
        case CertificateStanding::ended:
            return "ended";
    }
    return "unknown";
}

CertificateStanding certificate_standing(WallTime not_after, WallTime now) noexcept {
    if (not_after <= now) {
        return CertificateStanding::ended;
    }
    return not_after - now <= kCertificateNotice ? CertificateStanding::ends_soon
                                                 : CertificateStanding::fine;
}

bool CertificateWatch::is_due(const std::string& listener, WallTime not_after, WallTime now) {
    const auto standing = certificate_standing(not_after, now);
    return told_.with([&](auto& told) {
        if (standing == CertificateStanding::fine) {
            told.erase(listener);
            return false;
        }
        const auto found = told.find(listener);
        if (found != told.end() && found->second.not_after == not_after &&
            found->second.standing == standing && now - found->second.when < kRepeat) {
            return false;
        }
        told.insert_or_assign(listener, Told{not_after, standing, now});
        return true;
    });
}

void CertificateWatch::restart() {
    told_.with([](auto& told) { told.clear(); });
}

}  // namespace weir::app
