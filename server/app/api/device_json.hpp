/// Devices as JSON: what operators say of them, and what they are shown. Throws ApiError.
#pragma once

#include <boost/json.hpp>
#include <string>

#include <weir/identity/registry.hpp>

#include "json.hpp"

namespace weir::app::api {

/// Without its credentials.
[[nodiscard]] json::object summary(const identity::Thing& thing);
/// With them.
[[nodiscard]] json::object details(const identity::Registry& registry, const std::string& name);

/// Takes what a device is, without its credentials.
[[nodiscard]] identity::Thing take_thing(Members& members);

/// @param text  A certificate in PEM, or the SHA-256 of one in hex: then no more is known of it.
[[nodiscard]] identity::KnownCertificate certificate_of(const std::string& text);
/// The only certificate of a device whose digest begins so, with 8 digits at least.
[[nodiscard]] Sha256 certificate_with(
    const identity::Registry& registry, const identity::ThingId& id, std::string prefix
);
/// @cost A tenth of a second: argon2id.
[[nodiscard]] std::string hash_of(const std::string& password);

}  // namespace weir::app::api
