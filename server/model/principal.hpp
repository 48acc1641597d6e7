/// Who a connection is, as far as the registry knows.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace weir::model {

enum class AuthMethod : std::uint8_t { anonymous, x509, password, token };

/// The outcome of authentication. Immutable once made; shared between the connections and sessions
/// of a device. Never built from what a peer merely claims: the client id is not part of it.
struct Principal {
    std::string tenant = "default";
    std::string thing;  ///< Registry name; empty only for anonymous.
    std::string thing_type;
    std::vector<std::string> groups;
    std::vector<std::pair<std::string, std::string>> attributes;  ///< Of the thing, sorted by name.
    std::vector<std::string> policies;  ///< Attached to thing and groups, sorted, unique.
    std::string credential;             ///< Certificate SHA-256 in hex, user name or token id.
    AuthMethod method = AuthMethod::anonymous;
    std::uint64_t registry_version = 0;  ///< Of which registry it is a copy.

    /// True if both are the same device, whatever credential was used. Two anonymous peers are the
    /// same.
    [[nodiscard]] bool same_identity(const Principal& other) const noexcept {
        return tenant == other.tenant && thing == other.thing;
    }
};

using PrincipalPtr = std::shared_ptr<const Principal>;

}  // namespace weir::model
