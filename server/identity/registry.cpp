#include <weir/identity/registry.hpp>

#include <algorithm>

#include <weir/identity/detail/registry_state.hpp>
#include <weir/storage/store.hpp>

namespace weir::identity {
namespace {

using detail::certificate_key;
using detail::path_of;
using detail::record_key;
using detail::RegistryState;
using storage::Family;

constexpr std::size_t kListMax = 1'000;

Sha256 parse_digest(std::string_view hex) {
    Sha256 digest{};
    if (const auto raw = from_hex(hex); raw && raw->size() == digest.size()) {
        std::ranges::copy(*raw, digest.begin());
    }
    return digest;
}

}  // namespace

Registry::Registry(storage::Store& store, const Clock& clock)
    : store_{store}, clock_{clock}, state_{std::make_unique<Guarded<RegistryState>>()} {}

Registry::~Registry() = default;

Result<void> Registry::load() {
    return state_->with([&](RegistryState& state) -> Result<void> {
        Result<void> outcome;
        WEIR_CHECK(store_.scan(
            Family::registry,
            "",
            [&](std::string_view key, std::uint8_t version, ByteView body) {
                outcome = state.load(key, version, body);
                return outcome.has_value();
            }
        ));
        if (!outcome) {
            return outcome;
        }
        return state.link();
    });
}

Result<model::PrincipalPtr> Registry::find_certificate(const Sha256& certificate) const {
    const auto key = certificate_key(certificate);
    return state_->with([&](const RegistryState& state) -> Result<model::PrincipalPtr> {
        const auto found = state.credentials.find(key);
        if (found == state.credentials.end()) {
            return errc::bad_credentials;
        }
        return state.principal(key, found->second);
    });
}

Result<model::PrincipalPtr> Registry::find_token(std::string_view token_id, const Sha256& secret)
    const {
    const auto key = record_key(detail::kTokenPrefix, token_id);
    return state_->with([&](const RegistryState& state) -> Result<model::PrincipalPtr> {
        const auto found = state.credentials.find(key);
        if (found == state.credentials.end() ||
            !equal_constant_time(as_bytes(found->second.secret), secret)) {
            return errc::bad_credentials;
        }
        const WallTime not_after = found->second.not_after;
        if (not_after.count() != 0 && not_after <= clock_.wall()) {
            return errc::token_expired;
        }
        return state.principal(key, found->second);
    });
}

std::optional<Registry::TokenOwner> Registry::find_token_owner(
    std::string_view token_id, const Sha256& secret
) const {
    const auto key = record_key(detail::kTokenPrefix, token_id);
    return state_->with([&](const RegistryState& state) -> std::optional<TokenOwner> {
        const auto found = state.credentials.find(key);
        if (found == state.credentials.end() ||
            !equal_constant_time(as_bytes(found->second.secret), secret)) {
            return std::nullopt;
        }
        return TokenOwner{found->second.thing, found->second.not_after};
    });
}

Result<model::PrincipalPtr> Registry::find_user(std::string_view user) const {
    const auto key = record_key(detail::kUserPrefix, user);
    return state_->with([&](const RegistryState& state) -> Result<model::PrincipalPtr> {
        const auto found = state.credentials.find(key);
        if (found == state.credentials.end()) {
            return errc::bad_credentials;
        }
        return state.principal(key, found->second);
    });
}

Result<std::string> Registry::find_password_hash(std::string_view user) const {
    const auto key = record_key(detail::kUserPrefix, user);
    return state_->with([&](const RegistryState& state) -> Result<std::string> {
        const auto found = state.credentials.find(key);
        if (found == state.credentials.end()) {
            return errc::bad_credentials;
        }
        return found->second.secret;
    });
}

Result<model::PrincipalPtr> Registry::refresh(const model::PrincipalPtr& principal) const {
    if (principal->method == model::AuthMethod::anonymous) {
        return principal;
    }
    return state_->with([&](const RegistryState& state) -> Result<model::PrincipalPtr> {
        if (state.is_current(*principal)) {
            return principal;
        }
        const auto key = detail::credential_key(*principal);
        const auto found = state.credentials.find(key);
        const ThingId proved{.tenant = principal->tenant, .name = principal->thing};
        if (found == state.credentials.end() ||
            found->second.thing != proved) {  // Gone, or another device's now.
            return errc::bad_credentials;
        }
        return state.principal(key, found->second);
    });
}

std::optional<ThingDetails> Registry::find_thing(const ThingId& id) const {
    return state_->with([&](const RegistryState& state) -> std::optional<ThingDetails> {
        const auto* const entry = state.find(path_of(id));
        if (entry == nullptr) {
            return std::nullopt;
        }
        ThingDetails details{.thing = entry->thing};
        for (const std::string_view key : entry->credentials) {
            const auto name = key.substr(key.find('/') + 1);
            const auto& known = state.credentials.find(key)->second;
            if (key.starts_with(detail::kCertificatePrefix)) {
                details.certificates.push_back({
                    .sha256 = parse_digest(name),
                    .subject = known.subject,
                    .not_after = known.not_after,
                    .added = known.added,
                });
            } else if (key.starts_with(detail::kUserPrefix)) {
                details.users.emplace_back(name);
            } else {
                details.tokens.push_back({
                    .id = std::string{name},
                    .added = known.added,
                    .not_after = known.not_after,
                });
            }
        }
        return details;
    });
}

std::vector<Thing> Registry::list_things(const ThingQuery& query) const {
    return state_->with([&](const RegistryState& state) {
        std::vector<Thing> page;
        const auto limit = std::clamp<std::size_t>(query.limit, 1, kListMax);
        const auto tenant = path_of(query.tenant, "");
        for (auto at = state.things.upper_bound(tenant + query.after);
             at != state.things.end() && at->first.starts_with(tenant) && page.size() < limit;
             ++at) {
            page.push_back(at->second.thing);
        }
        return page;
    });
}

std::size_t Registry::size() const {
    return state_->with([](const RegistryState& state) { return state.things.size(); });
}

std::vector<std::string> Registry::group_policies(std::string_view tenant, std::string_view group)
    const {
    return state_->with([&](const RegistryState& state) {
        const auto found = state.groups.find(path_of(tenant, group));
        return found == state.groups.end() ? std::vector<std::string>{} : found->second;
    });
}

}  // namespace weir::identity
