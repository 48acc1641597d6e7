#include <weir/identity/password.hpp>

#include <array>

#include <sodium.h>

#include <weir/base/assert.hpp>
#include <weir/identity/thing.hpp>

namespace weir::identity {
namespace {

static_assert(crypto_pwhash_STRBYTES <= kPasswordHashBytesMax);

constexpr std::string_view kTokenPrefix = "weir_";
constexpr std::size_t kTokenIdBytes = 8;
constexpr std::size_t kTokenSecretBytes = 32;
constexpr std::size_t kTokenSize =
    kTokenPrefix.size() + 2 * kTokenIdBytes + 1 + 2 * kTokenSecretBytes;

void initialize_sodium() {
    static const int outcome = sodium_init();
    WEIR_ASSERT(outcome >= 0);
}

}  // namespace

Result<std::string> hash_password(ByteView password, const PasswordCost& cost) {
    if (password.size() < kPasswordBytesMin || password.size() > kPasswordBytesMax) {
        return errc::weak_password;
    }
    initialize_sodium();
    std::array<char, crypto_pwhash_STRBYTES> hash{};
    const auto text = as_text(password);
    const int failed = crypto_pwhash_str_alg(
        hash.data(),
        text.data(),
        text.size(),
        cost.passes,
        cost.memory_bytes,
        crypto_pwhash_ALG_ARGON2ID13
    );
    if (failed != 0) {
        return errc::crypto_failed;
    }
    return std::string{hash.data()};
}

bool is_password_hash(const std::string& text) noexcept {
    if (text.size() >= crypto_pwhash_STRBYTES || text.find('\0') != std::string::npos) {
        return false;
    }
    initialize_sodium();
    const PasswordCost any;  // Whether its cost is this one is not asked: -1 is no hash at all.
    return text.starts_with(crypto_pwhash_argon2id_STRPREFIX) &&
           crypto_pwhash_str_needs_rehash(text.c_str(), any.passes, any.memory_bytes) != -1;
}

bool verify_password(const std::string& hash, ByteView password) noexcept {
    if (password.empty() || password.size() > kPasswordBytesMax ||
        hash.size() >= crypto_pwhash_STRBYTES) {
        return false;
    }
    initialize_sodium();
    const auto text = as_text(password);
    return crypto_pwhash_str_verify(hash.c_str(), text.data(), text.size()) == 0;
}

NewToken make_token() {
    NewToken token;
    token.id = random_hex(kTokenIdBytes);
    const auto secret = random_hex(kTokenSecretBytes);
    token.secret_hash = sha256(as_bytes(secret));
    token.text = std::string{kTokenPrefix} + token.id + "_" + secret;
    return token;
}

std::optional<ParsedToken> parse_token(std::string_view text) {
    if (text.size() != kTokenSize || !text.starts_with(kTokenPrefix)) {
        return std::nullopt;
    }
    text.remove_prefix(kTokenPrefix.size());
    const auto id = text.substr(0, 2 * kTokenIdBytes);
    const auto secret = text.substr(id.size() + 1);
    if (text[id.size()] != '_' || !from_hex(id) || !from_hex(secret)) {
        return std::nullopt;
    }
    return ParsedToken{.id = id, .secret_hash = sha256(as_bytes(secret))};
}

}  // namespace weir::identity
