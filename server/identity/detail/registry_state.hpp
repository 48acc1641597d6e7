/// The registry in memory. No locks, no disk: Registry adds both.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

#include <weir/base/hash.hpp>
#include <weir/identity/detail/records.hpp>
#include <weir/identity/thing.hpp>
#include <weir/model/principal.hpp>

namespace weir::identity::detail {

struct RegistryState {
    struct Entry {
        Thing thing;
        std::vector<std::string> credentials;  ///< Record keys.
        std::uint64_t changed = 0;             ///< Version at which its principals last changed.
    };

    template <class T>
    using Table = boost::unordered_flat_map<std::string, T, TextHash, std::equal_to<>>;

    std::map<std::string, Entry, std::less<>> things;  ///< By path, so that lists come in order.
    Table<Credential> credentials;  ///< By record key: "cert/<hex>", "user/<name>", "token/<id>".
    Table<std::vector<std::string>> groups;  ///< Path to attached policies.
    boost::unordered_flat_set<std::string>
        in_flight;  ///< Keys of records whose change is not durable yet.
    std::uint64_t version = 1;
    std::uint64_t groups_changed = 0;  ///< Version at which a group's policies last changed.

    [[nodiscard]] Entry* find(std::string_view path);
    [[nodiscard]] const Entry* find(std::string_view path) const;

    /// The principal whom the credential proves, once the proof was checked.
    /// @errors bad_credentials, device_disabled
    [[nodiscard]] Result<model::PrincipalPtr> principal(
        std::string_view key, const Credential& credential
    ) const;
    /// True if it says what principal() would say now.
    [[nodiscard]] bool is_current(const model::Principal& principal) const;

    /// Takes over a stored record; things and credentials in any order, then link().
    [[nodiscard]] Result<void> load(
        std::string_view key, std::uint8_t record_version, ByteView body
    );
    /// Notes at each thing its credentials. @errors malformed_record: a credential without its
    /// thing.
    [[nodiscard]] Result<void> link();

    void remove_thing(std::string_view path);
    void put_credential(std::string_view key, Credential credential);
    void remove_credential(std::string_view key);
};

/// The record key of the credential that a principal was proved by.
[[nodiscard]] std::string credential_key(const model::Principal& principal);

}  // namespace weir::identity::detail
