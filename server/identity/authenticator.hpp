/// From what a peer presents to who it is: one way for MQTT, AMQP, WebSocket and HTTP.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include <weir/base/bytes.hpp>
#include <weir/base/digest.hpp>
#include <weir/identity/error.hpp>
#include <weir/identity/registry.hpp>
#include <weir/model/principal.hpp>

namespace weir::identity {

/// What a listener accepts.
struct Methods {
    bool x509 = true;
    bool password = true;
    bool token = true;
    bool anonymous = false;
};

/// What a peer presented. Views: only needed during the call.
struct Credentials {
    std::optional<Sha256> certificate = {
    };  ///< Of a client certificate whose chain the TLS handshake verified.
    std::string_view username = {};
    ByteView password = {};
    std::string_view bearer = {};  ///< Without "Bearer ".
};

/// Work that must not be done on a shard. Holds a copy of the password and wipes it.
class PasswordCheck {
public:
    PasswordCheck(const Registry& registry, std::string_view username, ByteView password);
    PasswordCheck(PasswordCheck&&) noexcept = default;
    PasswordCheck& operator=(PasswordCheck&&) noexcept = default;
    ~PasswordCheck();

    /// Takes as long for an unknown user as for a wrong password.
    /// @errors bad_credentials, device_disabled
    /// @threads Any: the blocking pool. The registry must still live.
    [[nodiscard]] Result<model::PrincipalPtr> run() const;

private:
    const Registry* registry_;
    std::string username_;
    Bytes password_;
};

/// Either the outcome, or what to run on the blocking pool to get it.
using Authentication = std::variant<Result<model::PrincipalPtr>, PasswordCheck>;

/// Credentials count in this order: token, certificate, user name and password. The first that the
/// listener accepts and the peer presents decides: wrong ones are never made up for by others, nor
/// by anonymous access.
/// @errors  bad_credentials, device_disabled; anonymous_refused: nothing was presented that the
/// listener accepts.
/// @cost    A registry look-up; never blocks.
[[nodiscard]] Authentication authenticate(
    const Registry& registry, const Methods& methods, const Credentials& credentials
);

}  // namespace weir::identity
