/// AWS Signature Version 4 for outgoing requests.
#pragma once

#include <string>

#include <weir/base/clock.hpp>
#include <weir/http_client/client.hpp>

namespace weir::http_client {

/// Who signs, and for whom.
struct SigV4 {
    std::string access_key_id = {};
    std::string secret_access_key = {};  ///< A secret: never logged or shown.
    std::string session_token = {};      ///< Of temporary credentials; a secret. Empty: none.
    std::string region = {};             ///< "eu-central-1"
    std::string service = {};            ///< "s3", "execute-api", "lambda", ...
};

/// Adds X-Amz-Date, Authorization and, if they apply, X-Amz-Security-Token and X-Amz-Content-Sha256
/// (service "s3"); headers of these names that are there already are replaced. Call it last, and
/// anew for each attempt: receivers take a signature for some minutes only. Everything in `request`
/// is covered but User-Agent, which proxies change; Host is taken from the URL.
///
/// The URL must be percent-encoded as it goes over the wire. Its path is signed as the service
/// reads it: "s3" as it stands, others normalised (dot segments, empty segments) and encoded once
/// more.
///
/// @errors bad_request: the URL is not a valid http or https URL.
[[nodiscard]] Result<void> sign(Request& request, const SigV4& signer, WallTime now);

}  // namespace weir::http_client
