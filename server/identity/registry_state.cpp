#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include <weir/identity/detail/registry_state.hpp>

namespace weir::identity::detail {
namespace {

struct CredentialKind {
    std::string_view prefix;
    model::AuthMethod method;
};

constexpr std::array kKinds = {
    CredentialKind{kCertificatePrefix, model::AuthMethod::x509},
    CredentialKind{kUserPrefix, model::AuthMethod::password},
    CredentialKind{kTokenPrefix, model::AuthMethod::token},
};

const CredentialKind* kind_of(std::string_view key) {
    const auto found = std::ranges::find_if(kKinds, [&](const auto& kind) {
        return key.starts_with(kind.prefix);
    });
    return found == kKinds.end() ? nullptr : &*found;
}

}  // namespace

RegistryState::Entry* RegistryState::find(std::string_view path) {
    const auto found = things.find(path);
    return found == things.end() ? nullptr : &found->second;
}

const RegistryState::Entry* RegistryState::find(std::string_view path) const {
    const auto found = things.find(path);
    return found == things.end() ? nullptr : &found->second;
}

Result<model::PrincipalPtr> RegistryState::principal(
    std::string_view key, const Credential& credential
) const {
    const auto* const kind = kind_of(key);
    const Entry* const entry = find(path_of(credential.thing));
    if (kind == nullptr || entry == nullptr) {
        return errc::bad_credentials;
    }
    const Thing& thing = entry->thing;
    if (!thing.enabled) {
        return errc::device_disabled;
    }
    auto made = std::make_shared<model::Principal>();
    made->tenant = thing.id.tenant;
    made->thing = thing.id.name;
    made->thing_type = thing.type;
    made->groups = thing.groups;
    made->attributes = thing.attributes;
    made->policies = thing.policies;
    for (const auto& group : thing.groups) {
        if (const auto attached = groups.find(path_of(thing.id.tenant, group));
            attached != groups.end()) {
            made->policies.insert(
                made->policies.end(), attached->second.begin(), attached->second.end()
            );
        }
    }
    std::ranges::sort(made->policies);
    const auto repeated = std::ranges::unique(made->policies);
    made->policies.erase(repeated.begin(), repeated.end());
    made->credential = key.substr(kind->prefix.size());
    made->method = kind->method;
    made->registry_version = version;
    return model::PrincipalPtr{std::move(made)};
}

bool RegistryState::is_current(const model::Principal& principal) const {
    const Entry* const entry = find(path_of(principal.tenant, principal.thing));
    if (entry == nullptr) {
        return false;
    }
    const auto changed =
        principal.groups.empty() ? entry->changed : std::max(entry->changed, groups_changed);
    return principal.registry_version != 0 && changed <= principal.registry_version;
}

Result<void> RegistryState::load(std::string_view key, std::uint8_t record_version, ByteView body) {
    if (key.starts_with(kThingPrefix)) {
        key.remove_prefix(kThingPrefix.size());
        WEIR_TRY(auto id, parse_path(key));
        WEIR_TRY(auto thing, decode_thing(std::move(id), record_version, body));
        things[std::string{key}].thing = std::move(thing);
        return {};
    }
    if (key.starts_with(kGroupPrefix)) {
        key.remove_prefix(kGroupPrefix.size());
        WEIR_TRY(auto policies, decode_policies(record_version, body));
        groups[std::string{key}] = std::move(policies);
        return {};
    }
    if (kind_of(key) != nullptr) {
        WEIR_TRY(auto credential, decode_credential(record_version, body));
        credentials[std::string{key}] = std::move(credential);
        return {};
    }
    return errc::malformed_record;
}

Result<void> RegistryState::link() {
    for (const auto& [key, credential] : credentials) {
        Entry* const owner = find(path_of(credential.thing));
        if (owner == nullptr) {
            return errc::malformed_record;
        }
        owner->credentials.push_back(key);
    }
    for (auto& [path, entry] : things) {
        std::ranges::sort(entry.credentials);
    }
    return {};
}

void RegistryState::remove_thing(std::string_view path) {
    const auto found = things.find(path);
    if (found == things.end()) {
        return;
    }
    for (const auto& key : found->second.credentials) {
        credentials.erase(key);
    }
    things.erase(found);
}

void RegistryState::put_credential(std::string_view key, Credential credential) {
    Entry* const owner = find(path_of(credential.thing));
    if (owner == nullptr) {
        return;
    }
    if (std::ranges::find(owner->credentials, key) == owner->credentials.end()) {
        owner->credentials.emplace_back(key);
    }
    owner->changed = version;
    credentials[std::string{key}] = std::move(credential);
}

void RegistryState::remove_credential(std::string_view key) {
    const auto found = credentials.find(key);
    if (found == credentials.end()) {
        return;
    }
    if (Entry* const owner = find(path_of(found->second.thing))) {
        std::erase(owner->credentials, key);
        owner->changed = version;
    }
    credentials.erase(found);
}

std::string credential_key(const model::Principal& principal) {
    for (const auto& kind : kKinds) {
        if (kind.method == principal.method) {
            return std::string{kind.prefix} + principal.credential;
        }
    }
    return {};
}

}  // namespace weir::identity::detail
