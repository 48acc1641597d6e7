/// Why a WebSocket peer is closed.
#pragma once

#include <cstdint>
#include <type_traits>

#include <weir/base/error.hpp>

namespace weir::websocket {

enum class errc : std::uint8_t {
    reserved_bits = 1,  ///< An extension bit is set and none was agreed. [RFC6455-5.2]
    reserved_opcode,
    mask_missing,     ///< A client must mask. [RFC6455-5.1]
    mask_unexpected,  ///< A server must not.
    length_not_minimal,
    length_overflow,   ///< The top bit of a 64-bit length.
    message_too_big,   ///< The message's fragments together exceed the limit.
    control_too_long,  ///< More than 125 bytes.
    control_fragmented,
    continuation_unexpected,  ///< No message was begun.
    message_interleaved,      ///< A new message inside a fragmented one.
    text_refused,             ///< MQTT and AMQP are binary. [MQTT5-6.0.0-1]
    close_code_invalid,
    close_reason_invalid,  ///< Not UTF-8.
};

[[nodiscard]] const boost::system::error_category& category() noexcept;
[[nodiscard]] error_code make_error_code(errc code) noexcept;

/// The code for the closing frame that answers `error`: 1002, 1003, 1007 or 1009; 1011 for foreign
/// errors.
[[nodiscard]] std::uint16_t close_code(const error_code& error) noexcept;

}  // namespace weir::websocket

template <>
struct boost::system::is_error_code_enum<weir::websocket::errc> : std::true_type {};
