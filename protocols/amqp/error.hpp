/// What can be wrong with AMQP bytes, addresses and calls.
#pragma once

#include <string_view>
#include <type_traits>

#include <weir/base/error.hpp>

namespace weir::amqp {

enum class errc {
    truncated = 1,      ///< The bytes end inside a value.
    malformed_value,    ///< Unknown format code, wrong size, bad UTF-8, impossible count.
    too_deep,           ///< More than kDepthMax values inside each other.
    too_many_elements,  ///< More than kElementsMax values in one message, or kFrameValuesMax in a performative.
    unknown_section,    ///< A descriptor that is no message section.
    section_order,      ///< A section out of order or twice. [AMQP-3.2]
    wrong_field_type,  ///< A field of a section has a type that the specification does not give it.
    bad_address,       ///< Empty name, NUL, bad UTF-8 or bad percent encoding.
    address_not_allowed,  ///< The address is valid but not for this role.
    unknown_link,         ///< The link is gone, or was never accepted.
    no_credit,            ///< The peer has granted no (more) credit.
    message_too_large,    ///< Larger than the peer takes on the link. [AMQP-2.7.3]
};

[[nodiscard]] const boost::system::error_category& category() noexcept;

[[nodiscard]] inline error_code make_error_code(errc code) noexcept {
    return {static_cast<int>(code), category()};
}

/// The condition that tells a peer about the error; amqp:internal-error for codes of other
/// categories.
[[nodiscard]] std::string_view condition_of(const error_code& error) noexcept;

}  // namespace weir::amqp

template <>
struct boost::system::is_error_code_enum<weir::amqp::errc> : std::true_type {};
