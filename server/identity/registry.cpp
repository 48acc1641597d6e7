#include <weir/identity/registry.hpp>

#include <algorithm>
#include <iterator>
#include <utility>

#include <weir/identity/detail/registry_state.hpp>
#include <weir/storage/store.hpp>

namespace weir::identity {
namespace {

using detail::path_of;
using detail::RegistryState;
using storage::Batch;
using storage::Family;

constexpr std::size_t kListMax = 1'000;

std::string join(std::string_view prefix, std::string_view name) {
    std::string key{prefix};
    key += name;
    return key;
}

std::string certificate_key(const Sha256& certificate) {
    return join(detail::kCertificatePrefix, to_hex(certificate));
}

/// Cuts between characters.
void cut(std::string& text, std::size_t bytes_max) {
    if (text.size() <= bytes_max) {
        return;
    }
    while (bytes_max > 0 && (static_cast<unsigned char>(text[bytes_max]) & 0xC0U) == 0x80U) {
        --bytes_max;
    }
    text.resize(bytes_max);
}

Sha256 parse_digest(std::string_view hex) {
    Sha256 digest{};
    if (const auto raw = from_hex(hex); raw && raw->size() == digest.size()) {
        std::ranges::copy(*raw, digest.begin());
    }
    return digest;
}

/// Of its record.
std::uint8_t version_of(std::string_view key, const detail::Credential& credential) {
    const bool is_ending_token =
        key.starts_with(detail::kTokenPrefix) && credential.not_after.count() != 0;
    return is_ending_token ? detail::kEndingTokenVersion : detail::kCredentialVersion;
}

/// By their record keys.
std::vector<std::pair<std::string, detail::Credential>> credentials_of(
    const Thing& thing, const Proofs& proofs
) {
    std::vector<std::pair<std::string, detail::Credential>> all;
    const auto add = [&](std::string key, detail::Credential credential) {
        credential.thing = thing.id;
        credential.added = thing.created;
        all.emplace_back(std::move(key), std::move(credential));
    };
    if (const auto& certificate = proofs.certificate) {
        auto subject = certificate->subject;
        cut(subject, kSubjectBytesMax);
        add(certificate_key(certificate->sha256),
            {.thing = {},
             .secret = {},
             .subject = std::move(subject),
             .not_after = certificate->not_after});
    }
    if (!proofs.password_hash.empty()) {
        add(join(detail::kUserPrefix, thing.id.name), {.thing = {}, .secret = proofs.password_hash});
    }
    if (!proofs.token_id.empty()) {
        add(join(detail::kTokenPrefix, proofs.token_id),
            {.thing = {}, .secret = std::string{as_text(proofs.token_secret)}});
    }
    return all;
}

}  // namespace

/// What is written, which records it concerns, and what it does to the state once it is durable.
struct Registry::Change {
    Batch batch;
    std::vector<std::string> keys;
    std::move_only_function<void(RegistryState&)> apply;

    void put(std::string_view key, const Bytes& body, std::uint8_t version = detail::kRecordVersion) {
        batch.put(Family::registry, key, version, body);
    }
    void erase(std::string_view key) { batch.erase(Family::registry, key); }
};

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
    const auto key = join(detail::kTokenPrefix, token_id);
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
    const auto key = join(detail::kTokenPrefix, token_id);
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
    const auto key = join(detail::kUserPrefix, user);
    return state_->with([&](const RegistryState& state) -> Result<model::PrincipalPtr> {
        const auto found = state.credentials.find(key);
        if (found == state.credentials.end()) {
            return errc::bad_credentials;
        }
        return state.principal(key, found->second);
    });
}

Result<std::string> Registry::find_password_hash(std::string_view user) const {
    const auto key = join(detail::kUserPrefix, user);
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

template <class Plan>
void Registry::submit(const Plan& plan, Done done) {
    auto planned = state_->with([&](RegistryState& state) -> Result<Change> {
        Result<Change> change = plan(state);
        if (!change) {
            return change;
        }
        const auto is_in_flight = [&](const std::string& key) {
            return state.in_flight.contains(key);
        };
        if (std::ranges::any_of(change->keys, is_in_flight)) {
            return errc::busy;
        }
        state.in_flight.insert(change->keys.begin(), change->keys.end());
        return change;
    });
    if (!planned) {
        done(planned.error());
        return;
    }
    write(std::move(*planned), std::move(done));
}

void Registry::write(Change change, Done done) {
    auto finish = [this,
                   keys = std::move(change.keys),
                   apply = std::move(change.apply),
                   done = std::move(done)](const Result<storage::CommitInfo>& committed) mutable {
        state_->with([&](RegistryState& state) {
            for (const auto& key : keys) {
                state.in_flight.erase(key);
            }
            if (committed) {
                ++state.version;
                apply(state);
                version_.store(state.version, std::memory_order_release);
            }
        });
        done(committed ? Result<void>{} : Result<void>{committed.error()});
    };
    store_.submit(std::move(change.batch), std::move(finish));
}

void Registry::create(Thing thing, Done done) {
    create(std::move(thing), {}, std::move(done));
}

void Registry::create(Thing thing, const Proofs& proofs, Done done) {
    normalize(thing);
    thing.created = clock_.wall();
    if (const auto valid = check(thing); !valid) {
        done(valid);
        return;
    }
    auto credentials = credentials_of(thing, proofs);
    submit(
        [&](const RegistryState& state) -> Result<Change> {
            auto path = path_of(thing.id);
            const auto is_somebodys = [&state](const auto& each) {
                return state.credentials.contains(each.first);
            };
            if (state.find(path) != nullptr || std::ranges::any_of(credentials, is_somebodys)) {
                return errc::already_exists;
            }
            Change change;
            change.keys = {join(detail::kThingPrefix, path)};
            change.put(change.keys[0], detail::encode(thing));
            for (const auto& [key, credential] : credentials) {
                change.keys.push_back(key);
                change.put(key, detail::encode(credential), version_of(key, credential));
            }
            change.apply = [path = std::move(path),
                            thing = std::move(thing),
                            credentials = std::move(credentials)](RegistryState& next) mutable {
                auto& entry = next.things[std::move(path)];
                entry.thing = std::move(thing);
                entry.changed = next.version;
                for (auto& [key, credential] : credentials) {
                    next.put_credential(key, std::move(credential));
                }
            };
            return change;
        },
        std::move(done)
    );
}

void Registry::update(const ThingId& id, const Edit& edit, Done done) {
    submit(
        [&](const RegistryState& state) -> Result<Change> {
            auto path = path_of(id);
            const auto* const entry = state.find(path);
            if (entry == nullptr) {
                return errc::not_found;
            }
            Thing thing = entry->thing;
            WEIR_CHECK(edit(thing));
            thing.id = entry->thing.id;
            thing.created = entry->thing.created;
            normalize(thing);
            WEIR_CHECK(check(thing));
            Change change;
            change.keys = {join(detail::kThingPrefix, path)};
            change.put(change.keys[0], detail::encode(thing));
            change.apply = [path = std::move(path),
                            thing = std::move(thing)](RegistryState& next) mutable {
                auto* const changed = next.find(path);
                changed->thing = std::move(thing);
                changed->changed = next.version;
            };
            return change;
        },
        std::move(done)
    );
}

void Registry::remove(const ThingId& id, Done done) {
    submit(
        [&](const RegistryState& state) -> Result<Change> {
            auto path = path_of(id);
            const auto* const entry = state.find(path);
            if (entry == nullptr) {
                return errc::not_found;
            }
            Change change;
            change.keys = {join(detail::kThingPrefix, path)
            };  // Changes of its credentials hold this key too.
            change.erase(change.keys[0]);
            for (const auto& credential : entry->credentials) {
                change.erase(credential);
            }
            change.apply = [path = std::move(path)](RegistryState& next) {
                next.remove_thing(path);
            };
            return change;
        },
        std::move(done)
    );
}

void Registry::set_enabled(const ThingId& id, bool enabled, Done done) {
    const auto edit = [enabled](Thing& thing) {
        thing.enabled = enabled;
        return Result<void>{};
    };
    update(id, edit, std::move(done));
}

void Registry::attach_policy(const ThingId& id, std::string policy, Done done) {
    const auto edit = [&](Thing& thing) {
        thing.policies.push_back(policy);
        return Result<void>{};
    };
    update(id, edit, std::move(done));
}

void Registry::detach_policy(const ThingId& id, std::string_view policy, Done done) {
    const auto edit = [&](Thing& thing) -> Result<void> {
        if (std::erase(thing.policies, policy) == 0) {
            return errc::not_attached;
        }
        return {};
    };
    update(id, edit, std::move(done));
}

void Registry::set_group_policies(
    std::string_view tenant, std::string_view group, std::vector<std::string> policies, Done done
) {
    submit(
        [&](const RegistryState&) -> Result<Change> {
            Thing like;  // A group's names follow the rules of a thing's.
            like.id = {.tenant = std::string{tenant}, .name = std::string{group}};
            like.policies = std::move(policies);
            normalize(like);
            WEIR_CHECK(check(like));
            auto path = path_of(like.id);
            Change change;
            change.keys = {join(detail::kGroupPrefix, path)};
            if (like.policies.empty()) {
                change.erase(change.keys[0]);
            } else {
                change.put(change.keys[0], detail::encode(like.policies));
            }
            change.apply = [path = std::move(path),
                            chosen = std::move(like.policies)](RegistryState& next) mutable {
                if (chosen.empty()) {
                    next.groups.erase(path);
                } else {
                    next.groups[path] = std::move(chosen);
                }
                next.groups_changed = next.version;
            };
            return change;
        },
        std::move(done)
    );
}

void Registry::add_credential(
    std::string key, detail::Credential credential, bool may_replace, Done done
) {
    credential.added = clock_.wall();
    submit(
        [&](const RegistryState& state) -> Result<Change> {
            const auto path = path_of(credential.thing);
            const auto* const entry = state.find(path);
            if (entry == nullptr) {
                return errc::not_found;
            }
            const auto known = state.credentials.find(key);
            const bool is_new = known == state.credentials.end();
            if (!is_new && (!may_replace || known->second.thing != credential.thing)) {
                return errc::already_exists;
            }
            if (is_new && entry->credentials.size() >= kCredentialsMax) {
                return errc::too_many;
            }
            Change change;
            change.keys = {key, join(detail::kThingPrefix, path)};
            change.put(key, detail::encode(credential), version_of(key, credential));
            change.apply = [key, credential = std::move(credential)](RegistryState& next) mutable {
                next.put_credential(key, std::move(credential));
            };
            return change;
        },
        std::move(done)
    );
}

void Registry::remove_credentials(
    const ThingId& id, const std::function<bool(std::string_view key)>& is_meant, Done done
) {
    submit(
        [&](const RegistryState& state) -> Result<Change> {
            const auto path = path_of(id);
            const auto* const entry = state.find(path);
            if (entry == nullptr) {
                return errc::not_found;
            }
            std::vector<std::string> removed;
            std::ranges::copy_if(entry->credentials, std::back_inserter(removed), is_meant);
            if (removed.empty()) {
                return errc::not_found;
            }
            Change change;
            change.keys = removed;
            change.keys.push_back(join(detail::kThingPrefix, path));
            for (const auto& key : removed) {
                change.erase(key);
            }
            change.apply = [removed = std::move(removed)](RegistryState& next) {
                for (const auto& key : removed) {
                    next.remove_credential(key);
                }
            };
            return change;
        },
        std::move(done)
    );
}

void Registry::add_certificate(const ThingId& id, KnownCertificate certificate, Done done) {
    cut(certificate.subject, kSubjectBytesMax);
    add_credential(
        certificate_key(certificate.sha256),
        {.thing = id,
         .secret = {},
         .subject = std::move(certificate.subject),
         .not_after = certificate.not_after},
        false,
        std::move(done)
    );
}

void Registry::add_token(
    const ThingId& id,
    std::string_view token_id,
    const Sha256& secret,
    WallTime not_after,
    Done done
) {
    if (!is_valid_name(token_id)) {
        done(errc::invalid_name);
        return;
    }
    add_credential(
        join(detail::kTokenPrefix, token_id),
        {.thing = id, .secret = std::string{as_text(secret)}, .not_after = not_after},
        false,
        std::move(done)
    );
}

void Registry::set_password(
    const ThingId& id, std::string_view user, std::string password_hash, Done done
) {
    if (!is_valid_user(user) || password_hash.size() > kPasswordHashBytesMax) {
        done(errc::invalid_user);
        return;
    }
    add_credential(
        join(detail::kUserPrefix, user),
        {.thing = id, .secret = std::move(password_hash)},
        true,
        std::move(done)
    );
}

void Registry::remove_certificate(const ThingId& id, const Sha256& certificate, Done done) {
    remove_credentials(
        id,
        [key = certificate_key(certificate)](std::string_view each) { return each == key; },
        std::move(done)
    );
}

void Registry::remove_token(const ThingId& id, std::string_view token_id, Done done) {
    remove_credentials(
        id,
        [key = join(detail::kTokenPrefix, token_id)](std::string_view each) { return each == key; },
        std::move(done)
    );
}

void Registry::remove_tokens(const ThingId& id, Done done) {
    remove_credentials(
        id,
        [](std::string_view each) { return each.starts_with(detail::kTokenPrefix); },
        std::move(done)
    );
}

void Registry::remove_user(const ThingId& id, std::string_view user, Done done) {
    remove_credentials(
        id,
        [key = join(detail::kUserPrefix, user)](std::string_view each) { return each == key; },
        std::move(done)
    );
}

}  // namespace weir::identity
