/// Password hashes (argon2id), and random tokens for HTTP.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <weir/base/bytes.hpp>
#include <weir/base/digest.hpp>
#include <weir/identity/error.hpp>

namespace weir::identity {

inline constexpr std::size_t kPasswordBytesMin = 8;
inline constexpr std::size_t kPasswordBytesMax = 1'024;

/// What one hash costs; it is part of the hash, so a change concerns new passwords only. The
/// default takes some 30 ms.
struct PasswordCost {
    std::uint64_t passes = 2;                        ///< 1..16
    std::size_t memory_bytes = 19U * 1024U * 1024U;  ///< 8 KiB..1 GiB
};

/// Salted; at most kPasswordHashBytesMax characters.
/// @errors weak_password; crypto_failed: not enough memory, or a cost out of range.
/// @cost   Slow on purpose: for the blocking pool, never for a shard.
[[nodiscard]] Result<std::string> hash_password(ByteView password, const PasswordCost& cost = {});

/// True if it is a hash that hash_password() could have made, of any cost.
[[nodiscard]] bool is_password_hash(const std::string& text) noexcept;

/// In constant time. False also for a hash that is none.
/// @cost   As much as the hash cost: for the blocking pool, never for a shard.
[[nodiscard]] bool verify_password(const std::string& hash, ByteView password) noexcept;

/// A bearer token "weir_<id>_<secret>", both hex. The secret has 256 random bits, so that its plain
/// SHA-256 may be stored.
struct NewToken {
    std::string text;  ///< Shown once, never stored.
    std::string id;
    Sha256 secret_hash{};
};

[[nodiscard]] NewToken make_token();

/// What a presented token says.
struct ParsedToken {
    std::string_view id;  ///< Into the text that was parsed.
    Sha256 secret_hash{};
};

/// Nothing if `text` has not the form of a token.
[[nodiscard]] std::optional<ParsedToken> parse_token(std::string_view text);

}  // namespace weir::identity
