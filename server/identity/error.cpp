#include <weir/identity/error.hpp>

namespace weir::identity {
namespace {

[[nodiscard]] std::string_view text_of(errc code) noexcept {
    switch (code) {
        case errc::bad_credentials:
            return "the credentials are unknown or wrong";
        case errc::device_disabled:
            return "the device is disabled";
        case errc::anonymous_refused:
            return "no credentials were given";
        case errc::token_expired:
            return "the token is no longer valid";
        case errc::not_found:
            return "there is no such record";
        case errc::already_exists:
            return "it exists already";
        case errc::not_attached:
            return "the policy is not attached to it";
        case errc::busy:
            return "an earlier change of the same record is still being written";
        case errc::invalid_name:
            return "names have 1 to 128 letters, digits, '-', '_', '.', ':' and '@'";
        case errc::invalid_value:
            return "the value is too long, not UTF-8, or has control characters";
        case errc::invalid_user:
            return "user names have 1 to 256 bytes of UTF-8 without control characters";
        case errc::too_many:
            return "the thing has as many of them as it may";
        case errc::weak_password:
            return "passwords have 8 to 1024 bytes";
        case errc::bad_certificate:
            return "not a valid certificate, or its names are not plain text";
        case errc::bad_key:
            return "not a private key, or not that of the certificate";
        case errc::crypto_failed:
            return "the cryptographic library failed";
        case errc::file_failed:
            return "the file cannot be written, or exists already";
        case errc::malformed_record:
            return "a registry record is damaged or from a newer release";
    }
    return "unknown error";
}

}  // namespace

const boost::system::error_category& identity_category() noexcept {
    static const ErrorCategory<errc> instance{"weir.identity", text_of};
    return instance;
}

model::Reason reason_of(const error_code& error) noexcept {
    if (error == errc::device_disabled) {
        return model::Reason::device_disabled;
    }
    if (error == errc::anonymous_refused) {
        return model::Reason::anonymous_refused;
    }
    return model::Reason::bad_credentials;
}

}  // namespace weir::identity
