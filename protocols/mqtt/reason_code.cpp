#include <weir/mqtt/reason_code.hpp>

#include <algorithm>
#include <array>

namespace weir::mqtt {
namespace {

using enum PacketContext;
using Return = ConnectReturnCode;

template <class... Contexts>
constexpr ContextMask in(Contexts... contexts) {
    return (mask_of(contexts) | ...);
}

constexpr ContextMask kAck = in(puback, pubrec);
constexpr ContextMask kRelease = in(pubrel, pubcomp);
constexpr ContextMask kBye = in(disconnect_from_client, disconnect_from_server);
constexpr ContextMask kServerBye = in(disconnect_from_server);
constexpr ContextMask kConnack = in(connack);
constexpr ContextMask kSuback = in(suback);
constexpr ContextMask kUnsuback = in(unsuback);

// clang-format off
constexpr std::array kReasonCodes = {
    ReasonCodeInfo{ReasonCode::success, "success", kConnack | kAck | kRelease | kSuback | kUnsuback | kBye | in(auth_from_server), Return::accepted},
    ReasonCodeInfo{ReasonCode::granted_qos_1, "granted_qos_1", kSuback, {}},
    ReasonCodeInfo{ReasonCode::granted_qos_2, "granted_qos_2", kSuback, {}},
    ReasonCodeInfo{ReasonCode::disconnect_with_will, "disconnect_with_will", in(disconnect_from_client), {}},
    ReasonCodeInfo{ReasonCode::no_matching_subscribers, "no_matching_subscribers", kAck, {}},
    ReasonCodeInfo{ReasonCode::no_subscription_existed, "no_subscription_existed", kUnsuback, {}},
    ReasonCodeInfo{ReasonCode::continue_authentication, "continue_authentication", in(auth_from_client, auth_from_server), {}},
    ReasonCodeInfo{ReasonCode::reauthenticate, "reauthenticate", in(auth_from_client), {}},
    ReasonCodeInfo{ReasonCode::unspecified_error, "unspecified_error", kConnack | kAck | kSuback | kUnsuback | kBye, {}},
    ReasonCodeInfo{ReasonCode::malformed_packet, "malformed_packet", kConnack | kBye, {}},
    ReasonCodeInfo{ReasonCode::protocol_error, "protocol_error", kConnack | kBye, {}},
    ReasonCodeInfo{ReasonCode::implementation_specific_error, "implementation_specific_error", kConnack | kAck | kSuback | kUnsuback | kBye, {}},
    ReasonCodeInfo{ReasonCode::unsupported_protocol_version, "unsupported_protocol_version", kConnack, Return::unacceptable_protocol_version},
    ReasonCodeInfo{ReasonCode::client_identifier_not_valid, "client_identifier_not_valid", kConnack, Return::identifier_rejected},
    ReasonCodeInfo{ReasonCode::bad_user_name_or_password, "bad_user_name_or_password", kConnack, Return::bad_user_name_or_password},
    ReasonCodeInfo{ReasonCode::not_authorized, "not_authorized", kConnack | kAck | kSuback | kUnsuback | kServerBye, Return::not_authorized},
    ReasonCodeInfo{ReasonCode::server_unavailable, "server_unavailable", kConnack, Return::server_unavailable},
    ReasonCodeInfo{ReasonCode::server_busy, "server_busy", kConnack | kServerBye, Return::server_unavailable},
    ReasonCodeInfo{ReasonCode::banned, "banned", kConnack, Return::not_authorized},
    ReasonCodeInfo{ReasonCode::server_shutting_down, "server_shutting_down", kServerBye, Return::server_unavailable},
    ReasonCodeInfo{ReasonCode::bad_authentication_method, "bad_authentication_method", kConnack | kServerBye, {}},
    ReasonCodeInfo{ReasonCode::keep_alive_timeout, "keep_alive_timeout", kServerBye, {}},
    ReasonCodeInfo{ReasonCode::session_taken_over, "session_taken_over", kServerBye, {}},
    ReasonCodeInfo{ReasonCode::topic_filter_invalid, "topic_filter_invalid", kSuback | kUnsuback | kServerBye, {}},
    ReasonCodeInfo{ReasonCode::topic_name_invalid, "topic_name_invalid", kConnack | kAck | kBye, {}},
    ReasonCodeInfo{ReasonCode::packet_identifier_in_use, "packet_identifier_in_use", kAck | kSuback | kUnsuback, {}},
    ReasonCodeInfo{ReasonCode::packet_identifier_not_found, "packet_identifier_not_found", kRelease, {}},
    ReasonCodeInfo{ReasonCode::receive_maximum_exceeded, "receive_maximum_exceeded", kBye, {}},
    ReasonCodeInfo{ReasonCode::topic_alias_invalid, "topic_alias_invalid", kBye, {}},
    ReasonCodeInfo{ReasonCode::packet_too_large, "packet_too_large", kConnack | kBye, {}},
    ReasonCodeInfo{ReasonCode::message_rate_too_high, "message_rate_too_high", kBye, {}},
    ReasonCodeInfo{ReasonCode::quota_exceeded, "quota_exceeded", kConnack | kAck | kSuback | kBye, Return::server_unavailable},
    ReasonCodeInfo{ReasonCode::administrative_action, "administrative_action", kBye, {}},
    ReasonCodeInfo{ReasonCode::payload_format_invalid, "payload_format_invalid", kConnack | kAck | kBye, {}},
    ReasonCodeInfo{ReasonCode::retain_not_supported, "retain_not_supported", kConnack | kServerBye, {}},
    ReasonCodeInfo{ReasonCode::qos_not_supported, "qos_not_supported", kConnack | kServerBye, {}},
    ReasonCodeInfo{ReasonCode::use_another_server, "use_another_server", kConnack | kServerBye, Return::server_unavailable},
    ReasonCodeInfo{ReasonCode::server_moved, "server_moved", kConnack | kServerBye, Return::server_unavailable},
    ReasonCodeInfo{ReasonCode::shared_subscriptions_not_supported, "shared_subscriptions_not_supported", kSuback | kServerBye, {}},
    ReasonCodeInfo{ReasonCode::connection_rate_exceeded, "connection_rate_exceeded", kConnack | kServerBye, Return::server_unavailable},
    ReasonCodeInfo{ReasonCode::maximum_connect_time, "maximum_connect_time", kServerBye, {}},
    ReasonCodeInfo{ReasonCode::subscription_identifiers_not_supported, "subscription_identifiers_not_supported", kSuback | kServerBye, {}},
    ReasonCodeInfo{ReasonCode::wildcard_subscriptions_not_supported, "wildcard_subscriptions_not_supported", kSuback | kServerBye, {}},
};
// clang-format on

static_assert(
    std::ranges::is_sorted(kReasonCodes, {}, &ReasonCodeInfo::code), "found by binary search"
);

}  // namespace

const ReasonCodeInfo* find_reason_code(std::uint8_t code) noexcept {
    const auto wanted = static_cast<ReasonCode>(code);
    const auto* const found =
        std::ranges::lower_bound(kReasonCodes, wanted, {}, &ReasonCodeInfo::code);
    return found != kReasonCodes.end() && found->code == wanted ? found : nullptr;
}

bool is_allowed(ReasonCode code, PacketContext context) noexcept {
    const auto* const found = find_reason_code(static_cast<std::uint8_t>(code));
    return found != nullptr && (found->packets & mask_of(context)) != 0;
}

std::string_view name(ReasonCode code) noexcept {
    const auto* const found = find_reason_code(static_cast<std::uint8_t>(code));
    return found == nullptr ? "undefined" : found->name;
}

std::optional<ConnectReturnCode> return_code_of(ReasonCode code) noexcept {
    const auto* const found = find_reason_code(static_cast<std::uint8_t>(code));
    return found == nullptr ? std::nullopt : found->return_code;
}

}  // namespace weir::mqtt
