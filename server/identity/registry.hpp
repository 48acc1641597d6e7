/// The devices, their credentials and the policies attached to them.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <weir/base/clock.hpp>
#include <weir/base/digest.hpp>
#include <weir/base/error.hpp>
#include <weir/base/guarded.hpp>
#include <weir/identity/error.hpp>
#include <weir/identity/thing.hpp>
#include <weir/model/principal.hpp>

namespace weir::storage {
class Store;
}

namespace weir::identity {

namespace detail {
struct Credential;
struct RegistryState;
}

/// What a change became. Called once: on the storage thread when the change is durable and visible
/// (or failed there), or at once on the calling thread if it was refused. Must be short; may start
/// another change.
using Done = std::move_only_function<void(const Result<void>&)>;

/// Adjusts a copy of a thing; an error leaves the thing as it is. Called under the registry's lock,
/// on the calling thread.
using Edit = std::function<Result<void>(Thing&)>;

struct ThingQuery {
    std::string tenant = "default";
    std::string after = {};   ///< Names greater than this one; empty: from the first on.
    std::size_t limit = 100;  ///< 1..1000.
};

/// Owned by the Gateway; one per data directory. Everything is also held in memory, so that
/// look-ups at connect never wait for the disk. All calls may come from any thread and take a short
/// lock; none belongs on the way of a message.
///
/// A change is visible once it is durable. While it is on its way, other changes of the same
/// records end with errc::busy. Each visible change raises version(): that tells live sessions to
/// call refresh().
class Registry {
public:
    /// @param store, clock  Outlive the registry; the store is drained before the registry dies.
    Registry(storage::Store& store, const Clock& clock);
    ~Registry();
    Registry(const Registry&) = delete;
    Registry& operator=(const Registry&) = delete;

    /// Reads all records; before the first other call. Blocks.
    /// @errors malformed_record, or the store's.
    [[nodiscard]] Result<void> load();

    // Who is it. @errors bad_credentials: not registered. device_disabled.

    /// @param certificate  SHA-256 of the whole certificate that the peer proved to own. Never its
    /// subject, never its issuer and serial: those can be forged by another CA.
    [[nodiscard]] Result<model::PrincipalPtr> find_certificate(const Sha256& certificate) const;
    /// @param secret  SHA-256 of the secret that the peer gave; compared in constant time.
    /// @errors token_expired too.
    [[nodiscard]] Result<model::PrincipalPtr> find_token(
        std::string_view token_id, const Sha256& secret
    ) const;
    /// The principal of a user whose password was verified.
    [[nodiscard]] Result<model::PrincipalPtr> find_user(std::string_view user) const;
    /// The hash to verify against. @errors bad_credentials
    [[nodiscard]] Result<std::string> find_password_hash(std::string_view user) const;

    /// By which tokens end.
    [[nodiscard]] const Clock& clock() const noexcept { return clock_; }
    /// Starts at 1 and rises with every visible change.
    [[nodiscard]] std::uint64_t version() const noexcept {
        return version_.load(std::memory_order_acquire);
    }
    /// The same pointer if nothing about the device changed, else its principal as of now, proved
    /// by the same credential.
    /// @errors as above: the credential or the device is gone or disabled, and the session must
    /// end.
    [[nodiscard]] Result<model::PrincipalPtr> refresh(const model::PrincipalPtr& principal) const;

    // What is there.

    /// Whose token it is, also one that is no longer valid, and its end: to tell why it was refused. Nothing: unknown or wrong.
    struct TokenOwner {
        ThingId thing;
        WallTime not_after{0};
    };
    [[nodiscard]] std::optional<TokenOwner> find_token_owner(
        std::string_view token_id, const Sha256& secret
    ) const;

    [[nodiscard]] std::optional<ThingDetails> find_thing(const ThingId& id) const;
    /// By name, ascending.
    [[nodiscard]] std::vector<Thing> list_things(const ThingQuery& query) const;
    [[nodiscard]] std::size_t size() const;
    /// Attached to the group; empty for a group that nobody mentioned.
    [[nodiscard]] std::vector<std::string> group_policies(
        std::string_view tenant, std::string_view group
    ) const;

    // Changes. All may end with errc::busy or an error of the store.

    /// `created` is set here. @errors already_exists, those of check().
    void create(Thing thing, Done done);
    /// With all of these credentials, or nothing of it. @errors already_exists too: a credential is somebody's.
    void create(Thing thing, const Proofs& proofs, Done done);
    /// The id and `created` stay as they are, whatever `edit` does. @errors not_found, those of
    /// check() and of `edit`.
    void update(const ThingId& id, const Edit& edit, Done done);
    /// With all its credentials. @errors not_found
    void remove(const ThingId& id, Done done);
    void set_enabled(const ThingId& id, bool enabled, Done done);
    /// The policy need not exist yet; attaching twice is no error.
    void attach_policy(const ThingId& id, std::string policy, Done done);
    /// @errors not_attached
    void detach_policy(const ThingId& id, std::string_view policy, Done done);
    /// @errors invalid_name, too_many.
    void set_group_policies(
        std::string_view tenant,
        std::string_view group,
        std::vector<std::string> policies,
        Done done
    );

    /// @errors not_found: no such thing; already_exists: the credential is somebody's; too_many.
    void add_certificate(const ThingId& id, KnownCertificate certificate, Done done);
    /// @param not_after  From then on it proves nothing; 0: it has no end.
    void add_token(
        const ThingId& id,
        std::string_view token_id,
        const Sha256& secret,
        WallTime not_after,
        Done done
    );
    /// Replaces the password if the user is the thing's already.
    void set_password(
        const ThingId& id, std::string_view user, std::string password_hash, Done done
    );
    // A session that a removed credential proved ends: see refresh(). @errors not_found: the thing has no such credential.

    void remove_certificate(const ThingId& id, const Sha256& certificate, Done done);
    void remove_token(const ThingId& id, std::string_view token_id, Done done);
    /// All that it has. @errors not_found: no such thing, or it has none.
    void remove_tokens(const ThingId& id, Done done);
    void remove_user(const ThingId& id, std::string_view user, Done done);

private:
    struct Change;

    /// Runs `plan` under the lock; writes and then applies the change that it makes.
    template <class Plan>
    void submit(const Plan& plan, Done done);
    void write(Change change, Done done);
    /// What becomes of a credential of the same thing that has the key already.
    enum class Known : std::uint8_t { stays, is_replaced };
    /// @errors already_exists: it stays, or is another thing's.
    void add_credential(
        std::string key, detail::Credential credential, Known known, Done done
    );
    /// @param is_meant  Of the thing's credentials, by their record keys.
    void remove_credentials(
        const ThingId& id, const std::function<bool(std::string_view key)>& is_meant, Done done
    );

    storage::Store& store_;
    const Clock& clock_;
    std::unique_ptr<Guarded<detail::RegistryState>> state_;
    std::atomic<std::uint64_t> version_{1};
};

}  // namespace weir::identity
