#include <weir/identity/authenticator.hpp>

#include <memory>

#include <openssl/crypto.h>

#include <weir/identity/password.hpp>

namespace weir::identity {
namespace {

/// Verified for users who do not exist, so that they cannot be told by the time it takes.
const std::string& nobodys_hash() {
    static const std::string hash = [] {
        Bytes secret(32);
        random_bytes(secret);
        const auto made = hash_password(secret);
        return made ? *made : std::string{};
    }();
    return hash;
}

Result<model::PrincipalPtr> authenticate_token(const Registry& registry, std::string_view bearer) {
    const auto token = parse_token(bearer);
    if (!token) {
        return errc::bad_credentials;
    }
    return registry.find_token(token->id, token->secret_hash);
}

model::PrincipalPtr anonymous() {
    static const auto principal = std::make_shared<const model::Principal>();
    return principal;
}

}  // namespace

PasswordCheck::PasswordCheck(const Registry& registry, std::string_view username, ByteView password)
    : registry_{&registry}, username_{username}, password_{password.begin(), password.end()} {}

PasswordCheck::~PasswordCheck() {
    OPENSSL_cleanse(password_.data(), password_.size());
}

Result<model::PrincipalPtr> PasswordCheck::run() const {
    const auto hash = registry_->find_password_hash(username_);
    const bool right = verify_password(hash ? *hash : nobodys_hash(), password_);
    if (!hash || !right) {
        return errc::bad_credentials;
    }
    return registry_->find_user(username_);  // As it is now: verifying took a while.
}

Authentication authenticate(
    const Registry& registry, const Methods& methods, const Credentials& credentials
) {
    if (methods.token && !credentials.bearer.empty()) {
        return authenticate_token(registry, credentials.bearer);
    }
    if (methods.x509 && credentials.certificate) {
        return registry.find_certificate(*credentials.certificate);
    }
    if (methods.password && !credentials.username.empty()) {
        if (!is_valid_user(credentials.username) || credentials.password.empty() ||
            credentials.password.size() > kPasswordBytesMax) {
            return Result<model::PrincipalPtr>{errc::bad_credentials};
        }
        return PasswordCheck{registry, credentials.username, credentials.password};
    }
    const bool presented_nothing = credentials.bearer.empty() && !credentials.certificate &&
                                   credentials.username.empty() && credentials.password.empty();
    if (methods.anonymous && presented_nothing) {
        return Result<model::PrincipalPtr>{anonymous()};
    }
    return Result<model::PrincipalPtr>{errc::anonymous_refused};
}

}  // namespace weir::identity
