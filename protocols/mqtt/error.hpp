/// Why bytes from a peer were refused.
#pragma once

#include <boost/system/error_category.hpp>
#include <boost/system/error_code.hpp>
#include <type_traits>

#include <weir/base/error.hpp>
#include <weir/mqtt/reason_code.hpp>

namespace weir::mqtt {

enum class errc {
    need_more = 1,     ///< No error of the peer: the packet is not complete yet.
    malformed_packet,  ///< Cannot be parsed. [MQTT5-4.13.1]
    protocol_error,    ///< Parsed, but not allowed there or then. [MQTT5-4.13.1]
    packet_too_large,
    unsupported_version,
    client_identifier_invalid,  ///< Empty where the version does not allow it.
    topic_name_invalid,         ///< Wildcards, or empty.
    topic_too_deep,             ///< More levels or bytes than the limits allow.
    topic_filter_invalid,
    topic_alias_invalid,  ///< 0, over the maximum, or never set.
    receive_maximum_exceeded,
    too_many_properties,        ///< More user properties, or bytes in them, than the limits allow.
    bad_authentication_method,  ///< AUTH with another method than CONNECT named.
};

[[nodiscard]] const boost::system::error_category& category() noexcept;

[[nodiscard]] inline error_code make_error_code(errc code) noexcept {
    return {static_cast<int>(code), category()};
}

/// What an MQTT 5 peer is told in CONNACK or DISCONNECT. Codes of other categories are unspecified
/// errors.
[[nodiscard]] ReasonCode reason_code_of(const error_code& error) noexcept;

}  // namespace weir::mqtt

template <>
struct boost::system::is_error_code_enum<weir::mqtt::errc> : std::true_type {};
