/// When the certificates of listeners end, told in time.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include <weir/base/clock.hpp>
#include <weir/base/guarded.hpp>

namespace weir::app {

enum class CertificateStanding : std::uint8_t { fine, ends_soon, ended };

/// "fine", "ends_soon", "ended".
[[nodiscard]] std::string_view name(CertificateStanding standing) noexcept;

/// From so long before its end on an operator is told of a certificate.
inline constexpr std::chrono::hours kCertificateNotice{30 * 24};

/// @param not_after  End of the certificate's validity.
[[nodiscard]] CertificateStanding certificate_standing(WallTime not_after, WallTime now) noexcept;

/// Decides when a warning is due: when a certificate's standing changed, and then once a day. Any thread.
class CertificateWatch {
public:
    static constexpr std::chrono::hours kRepeat{24};

    /// @return Whether to warn now; then the next warning is due after kRepeat, or when something changes.
    [[nodiscard]] bool is_due(const std::string& listener, WallTime not_after, WallTime now);
    /// All of it is due again: somebody looks at the log, as the configuration was just read.
    void restart();

private:
    struct Told {
        WallTime not_after;
        CertificateStanding standing;
        WallTime when;
    };

    Guarded<std::map<std::string, Told, std::less<>>> told_;
};

}  // namespace weir::app
