/// What the registry knows about a device, and what may be written into it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <weir/base/clock.hpp>
#include <weir/base/digest.hpp>
#include <weir/base/error.hpp>

namespace weir::identity {

inline constexpr std::size_t kNameBytesMax = 128;
inline constexpr std::size_t kAttributeBytesMax = 1'024;
inline constexpr std::size_t kUserBytesMax = 256;
inline constexpr std::size_t kAttributesMax = 50;
inline constexpr std::size_t kGroupsMax = 32;
inline constexpr std::size_t kPoliciesMax = 32;     ///< Attached to one thing, and to one group.
inline constexpr std::size_t kCredentialsMax = 16;  ///< Of one thing.
inline constexpr std::size_t kPasswordHashBytesMax = 256;
inline constexpr std::size_t kSubjectBytesMax = 1'024;  ///< Of a certificate; what is longer is cut.

/// Which thing. The registry is divided into tenants; a thing never leaves its own.
struct ThingId {
    std::string tenant = "default";
    std::string name = {};

    friend auto operator<=>(const ThingId&, const ThingId&) = default;
};

/// A device or an application. Plain data; valid if check() says so.
struct Thing {
    ThingId id = {};
    std::string type = {};                                             ///< Empty: none.
    std::vector<std::pair<std::string, std::string>> attributes = {};  ///< Distinct names.
    std::vector<std::string> groups = {};
    std::vector<std::string> policies = {};  ///< Attached to the thing itself.
    bool enabled = true;
    WallTime created{0};

    friend bool operator==(const Thing&, const Thing&) = default;
};

/// A certificate that proves a thing. Only the digest decides; the rest is for people.
struct KnownCertificate {
    Sha256 sha256{};           ///< Of the whole certificate.
    std::string subject = {};  ///< As RFC 2253 writes it; empty: not known.
    WallTime not_after{0};     ///< 0: not known. Whoever verifies the certificate reads its own.
    WallTime added{0};         ///< Set by the registry; 0: by a release that did not note it.

    friend bool operator==(const KnownCertificate&, const KnownCertificate&) = default;
};

struct KnownToken {
    std::string id;
    WallTime added{0};      ///< As above.
    WallTime not_after{0};  ///< From then on it proves nothing; 0: it has no end.

    friend bool operator==(const KnownToken&, const KnownToken&) = default;
};

/// What a new thing is to be proved by; each may be left out.
struct Proofs {
    std::optional<KnownCertificate> certificate = {};
    std::string password_hash = {};  ///< Of the user who is called as the thing.
    std::string token_id = {};
    Sha256 token_secret{};  ///< SHA-256 of it, if there is a token.
};

/// A thing with the credentials that prove it. Without secrets.
struct ThingDetails {
    Thing thing;
    std::vector<KnownCertificate> certificates = {};
    std::vector<std::string> users = {};
    std::vector<KnownToken> tokens = {};
};

/// 1 to 128 letters, digits, `-`, `_`, `.`, `:`, `@`: nothing that a topic, a policy or a file name
/// gives a meaning to.
[[nodiscard]] bool is_valid_name(std::string_view name) noexcept;
/// 1 to 256 bytes of UTF-8 without control characters.
[[nodiscard]] bool is_valid_user(std::string_view user) noexcept;

/// Sorts attributes, groups and policies, drops repeated ones.
void normalize(Thing& thing);
/// @errors invalid_name, invalid_value, too_many; already_exists: an attribute is given twice.
/// Needs a normalized thing.
[[nodiscard]] Result<void> check(const Thing& thing);

}  // namespace weir::identity
