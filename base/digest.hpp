/// Digests, MACs, text encodings of bytes and secure random: the one door to OpenSSL's crypto for rules, ledger, tokens.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <weir/base/bytes.hpp>

namespace weir {

using Sha256 = std::array<Byte, 32>;

enum class DigestKind : std::uint8_t { md5, sha1, sha224, sha256, sha384, sha512 };

[[nodiscard]] Sha256 sha256(ByteView data);
/// Raw digest of any supported kind.
[[nodiscard]] Bytes digest(DigestKind kind, ByteView data);
[[nodiscard]] Sha256 hmac_sha256(ByteView key, ByteView data);

/// Lower-case hex.
[[nodiscard]] std::string to_hex(ByteView data);
[[nodiscard]] std::optional<Bytes> from_hex(std::string_view text);
/// RFC 4648 section 4, padded.
[[nodiscard]] std::string to_base64(ByteView data);
/// Accepts section 4 with or without padding; nothing else.
[[nodiscard]] std::optional<Bytes> from_base64(std::string_view text);

/// Cryptographically strong bytes.
void random_bytes(std::span<Byte> out);
/// `count` random bytes as hex.
[[nodiscard]] std::string random_hex(std::size_t count);
/// Version 4 of RFC 9562 section 5.4, in lower case.
[[nodiscard]] std::string random_uuid();
/// Comparison whose time depends on the lengths only.
[[nodiscard]] bool equal_constant_time(ByteView a, ByteView b) noexcept;

}  // namespace weir
