#include <weir/broker/durable_records.hpp>

#include <algorithm>
#include <chrono>
#include <optional>

#include <weir/broker/session.hpp>

namespace weir::broker {
namespace {

constexpr Byte kVersion = 1;

template <class E>
[[nodiscard]] E known(std::uint8_t value, E last) noexcept {
    return static_cast<E>(std::min(value, static_cast<std::uint8_t>(last)));
}

[[nodiscard]] std::uint32_t seconds(std::chrono::seconds duration) noexcept {
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(duration.count(), 0, 0xFFFF'FFFF));
}

}  // namespace

storage::MessageRecord record_of(const model::Message& message) noexcept {
    return {
        .created_ms = message.created().count(),
        .expires_ms = message.expires().count(),
        .qos = static_cast<std::uint8_t>(message.qos()),
        .retain = message.retain(),
        .protocol = static_cast<std::uint8_t>(message.protocol()),
        .hops = message.hops(),
        .topic = message.topic(),
        .properties = message.properties(),
        .payload = message.payload(),
    };
}

SubscriptionOptions options_of(const storage::SubscriptionRecord& record) noexcept {
    return {
        .qos = static_cast<model::Qos>(record.qos),
        .no_local = record.no_local,
        .retain_as_published = record.retain_as_published,
        .retain_handling = static_cast<RetainHandling>(record.retain_handling),
        .id = record.id,
    };
}

model::MessagePtr message_of(const storage::MessageRecord& record) {
    return model::Message::make({
        .topic = record.topic,
        .payload = record.payload,
        .properties = record.properties,
        .qos = known(record.qos, model::Qos::exactly_once),
        .retain = record.retain,
        .protocol = known(record.protocol, model::Protocol::internal),
        .hops = record.hops,
        .created = WallTime{record.created_ms},
        .expires = WallTime{record.expires_ms},
    });
}

storage::WillRecord record_of(const Will& will) noexcept {
    return {
        .delay_s = seconds(will.delay),
        .expiry_s = will.expiry ? std::optional{seconds(*will.expiry)} : std::nullopt,
        .message = record_of(*will.message),
    };
}

Will will_of(const storage::WillRecord& record) {
    Will will{
        .message = message_of(record.message),
        .delay = std::chrono::seconds{record.delay_s},
    };
    if (record.expiry_s) {
        will.expiry = std::chrono::seconds{*record.expiry_s};
    }
    return will;
}

Bytes encode_credential(const model::Principal& principal) {
    Bytes out;
    out.reserve(2 + principal.credential.size());
    out.push_back(kVersion);
    out.push_back(static_cast<Byte>(principal.method));
    append(out, principal.credential);
    return out;
}

model::PrincipalPtr decode_principal(
    std::string_view tenant, std::string_view thing, ByteView credential
) {
    auto made = std::make_shared<model::Principal>();
    made->tenant = tenant;
    made->thing = thing;
    made->method = thing.empty() ? model::AuthMethod::anonymous : model::AuthMethod::token;
    if (credential.size() >= 2 && credential[0] == kVersion) {
        const auto method = known(credential[1], model::AuthMethod::token);
        // Only who has no name may come unproved.
        if ((method == model::AuthMethod::anonymous) == thing.empty()) {
            made->method = method;
        }
        made->credential = as_text(credential.subspan(2));
    }
    return made;
}

}  // namespace weir::broker
