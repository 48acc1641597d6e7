/// How registry records are stored: family `registry`, the version in front of each record.
///
///     thing/<tenant>/<name>    type, attributes, groups, policies, enabled, created
///     group/<tenant>/<name>    policies
///     cert/<sha256 in hex>     thing, nothing, facts
///     user/<user name>         thing, password hash, facts
///     token/<id>               thing, SHA-256 of the secret, facts
///
/// Facts: when it was added; of a certificate, its subject and its end. Version 1 has none. Version 3 is a token with an end: a
/// release that does not know that it ends refuses it.
///
/// Numbers are big-endian. A text is its length in 2 bytes and its UTF-8; a list is a count in 2
/// bytes and its items.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <weir/base/bytes.hpp>
#include <weir/base/error.hpp>
#include <weir/identity/error.hpp>
#include <weir/identity/thing.hpp>

namespace weir::identity::detail {

inline constexpr std::uint8_t kRecordVersion = 1;      ///< Of things and groups.
inline constexpr std::uint8_t kCredentialVersion = 2;
inline constexpr std::uint8_t kEndingTokenVersion = 3;

inline constexpr std::string_view kThingPrefix = "thing/";
inline constexpr std::string_view kGroupPrefix = "group/";
inline constexpr std::string_view kCertificatePrefix = "cert/";
inline constexpr std::string_view kUserPrefix = "user/";
inline constexpr std::string_view kTokenPrefix = "token/";

/// "default/pump-1": names contain no slash, so this is unambiguous.
[[nodiscard]] std::string path_of(std::string_view tenant, std::string_view name);
[[nodiscard]] inline std::string path_of(const ThingId& id) {
    return path_of(id.tenant, id.name);
}
/// @param prefix  One of those above.
[[nodiscard]] std::string record_key(std::string_view prefix, std::string_view name);
[[nodiscard]] std::string certificate_key(const Sha256& certificate);
/// @errors malformed_record
[[nodiscard]] Result<ThingId> parse_path(std::string_view path);

/// Whatever proves a thing: all kinds are stored alike.
struct Credential {
    ThingId thing;
    std::string secret;  ///< What a proof is compared with, by the kind: nothing, a password hash,
                         ///< a digest.
    WallTime added{0};
    std::string subject = {};  ///< Of a certificate.
    WallTime not_after{0};     ///< Of a certificate or a token; 0: not known, or none.
};

[[nodiscard]] Bytes encode(const Thing& thing);
[[nodiscard]] Bytes encode(const Credential& credential);
[[nodiscard]] Bytes encode(const std::vector<std::string>& policies);

/// @errors malformed_record: cut short, longer than it should be, or of another version.
[[nodiscard]] Result<Thing> decode_thing(ThingId id, std::uint8_t version, ByteView body);
[[nodiscard]] Result<Credential> decode_credential(std::uint8_t version, ByteView body);
[[nodiscard]] Result<std::vector<std::string>> decode_policies(std::uint8_t version, ByteView body);

}  // namespace weir::identity::detail
