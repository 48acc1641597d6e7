/// Why an identity was not accepted, or a change of the registry not made.
#pragma once

#include <weir/base/error.hpp>
#include <weir/model/reason.hpp>

namespace weir::identity {

enum class errc {
    bad_credentials = 1,  ///< Unknown, or wrong: a peer is not told which.
    device_disabled,
    anonymous_refused,  ///< No credentials, where they are needed.
    token_expired,      ///< The right one, but its time is over.
    not_found,
    already_exists,
    not_attached,      ///< The policy is not attached to the thing itself.
    busy,              ///< An earlier change of the same record is not durable yet; try again.
    invalid_name,      ///< Of a thing, type, group, policy or attribute: see is_valid_name().
    invalid_value,     ///< An attribute's value: not UTF-8, control characters, or too long.
    invalid_user,      ///< Empty, too long, not UTF-8, or with control characters.
    too_many,          ///< More attributes, groups, policies or credentials than a thing may have.
    weak_password,     ///< Shorter than kPasswordBytesMin or longer than kPasswordBytesMax.
    bad_certificate,   ///< Not one DER or PEM certificate, or its names are not plain text.
    bad_key,           ///< Not a private key in PEM, or not the certificate's.
    crypto_failed,     ///< The library could not do it: memory, entropy.
    file_failed,       ///< A file could not be written, or is there already.
    malformed_record,  ///< A stored record is damaged or from a newer release.
};

[[nodiscard]] const boost::system::error_category& identity_category() noexcept;

[[nodiscard]] inline error_code make_error_code(errc code) noexcept {
    return {static_cast<int>(code), identity_category()};
}

/// What a refused peer is told and what is counted; bad_credentials for every error that is not
/// about a peer.
[[nodiscard]] model::Reason reason_of(const error_code& error) noexcept;

}  // namespace weir::identity

template <>
struct boost::system::is_error_code_enum<weir::identity::errc> : std::true_type {};
