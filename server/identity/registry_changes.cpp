// Changes of the registry: planned under the lock, written without it, applied once they are durable.
#include <weir/identity/registry.hpp>

#include <algorithm>
#include <iterator>
#include <utility>

#include <weir/base/text.hpp>
#include <weir/identity/detail/registry_state.hpp>
#include <weir/storage/store.hpp>

namespace weir::identity {
namespace {

using detail::certificate_key;
using detail::path_of;
using detail::record_key;
using detail::RegistryState;
using storage::Batch;
using storage::Family;

void cut(std::string& subject) {
    subject.resize(utf8_start(subject, kSubjectBytesMax).size());
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
        cut(subject);
        add(certificate_key(certificate->sha256),
            {.thing = {},
             .secret = {},
             .subject = std::move(subject),
             .not_after = certificate->not_after});
    }
    if (!proofs.password_hash.empty()) {
        add(record_key(detail::kUserPrefix, thing.id.name),
            {.thing = {}, .secret = proofs.password_hash});
    }
    if (!proofs.token_id.empty()) {
        add(record_key(detail::kTokenPrefix, proofs.token_id),
            {.thing = {}, .secret = std::string{as_text(proofs.token_secret)}});
    }
    return all;
}

auto is_key(std::string key) {
    return [key = std::move(key)](std::string_view each) { return each == key; };
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
            change.keys = {record_key(detail::kThingPrefix, path)};
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
            change.keys = {record_key(detail::kThingPrefix, path)};
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
            change.keys = {record_key(detail::kThingPrefix, path)
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
            change.keys = {record_key(detail::kGroupPrefix, path)};
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
    std::string key, detail::Credential credential, Known known, Done done
) {
    credential.added = clock_.wall();
    submit(
        [&](const RegistryState& state) -> Result<Change> {
            const auto path = path_of(credential.thing);
            const auto* const entry = state.find(path);
            if (entry == nullptr) {
                return errc::not_found;
            }
            const auto found = state.credentials.find(key);
            const bool is_new = found == state.credentials.end();
            if (!is_new &&
                (known == Known::stays || found->second.thing != credential.thing)) {
                return errc::already_exists;
            }
            if (is_new && entry->credentials.size() >= kCredentialsMax) {
                return errc::too_many;
            }
            Change change;
            change.keys = {key, record_key(detail::kThingPrefix, path)};
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
            change.keys.push_back(record_key(detail::kThingPrefix, path));
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
    cut(certificate.subject);
    add_credential(
        certificate_key(certificate.sha256),
        {.thing = id,
         .secret = {},
         .subject = std::move(certificate.subject),
         .not_after = certificate.not_after},
        Known::stays,
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
        record_key(detail::kTokenPrefix, token_id),
        {.thing = id, .secret = std::string{as_text(secret)}, .not_after = not_after},
        Known::stays,
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
        record_key(detail::kUserPrefix, user),
        {.thing = id, .secret = std::move(password_hash)},
        Known::is_replaced,
        std::move(done)
    );
}

void Registry::remove_certificate(const ThingId& id, const Sha256& certificate, Done done) {
    remove_credentials(id, is_key(certificate_key(certificate)), std::move(done));
}

void Registry::remove_token(const ThingId& id, std::string_view token_id, Done done) {
    remove_credentials(id, is_key(record_key(detail::kTokenPrefix, token_id)), std::move(done));
}

void Registry::remove_tokens(const ThingId& id, Done done) {
    remove_credentials(
        id,
        [](std::string_view each) { return each.starts_with(detail::kTokenPrefix); },
        std::move(done)
    );
}

void Registry::remove_user(const ThingId& id, std::string_view user, Done done) {
    remove_credentials(id, is_key(record_key(detail::kUserPrefix, user)), std::move(done));
}

}  // namespace weir::identity
