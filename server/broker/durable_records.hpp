/// Between what the broker has in memory and what the storage keeps of it.
#pragma once

#include <weir/base/bytes.hpp>
#include <weir/model/message.hpp>
#include <weir/model/principal.hpp>
#include <weir/storage/session_records.hpp>

namespace weir::broker {

struct SubscriptionOptions;
struct Will;

/// Views into the message.
[[nodiscard]] storage::MessageRecord record_of(const model::Message& message) noexcept;
[[nodiscard]] storage::WillRecord record_of(const Will& will) noexcept;
[[nodiscard]] SubscriptionOptions options_of(const storage::SubscriptionRecord& record) noexcept;
[[nodiscard]] model::MessagePtr message_of(const storage::MessageRecord& record);
[[nodiscard]] Will will_of(const storage::WillRecord& record);

/// How a device proved who it is; tenant and thing have places of their own in the records.
[[nodiscard]] Bytes encode_credential(const model::Principal& principal);
/// A principal to be refreshed by the registry, which knows the rest: it has no rights of its own.
/// What cannot be read is a credential that nobody has.
[[nodiscard]] model::PrincipalPtr decode_principal(
    std::string_view tenant, std::string_view thing, ByteView credential
);

}  // namespace weir::broker
