#include <weir/amqp/error.hpp>

#include <weir/amqp/conditions.hpp>

namespace weir::amqp {
namespace {

std::string_view text_of(errc code) noexcept {
    switch (code) {
        case errc::truncated:
            return "the bytes end inside a value";
        case errc::malformed_value:
            return "a value is not encoded as AMQP requires";
        case errc::too_deep:
            return "values are nested too deeply";
        case errc::too_many_elements:
            return "too many values";
        case errc::unknown_section:
            return "the message has a section of unknown kind";
        case errc::section_order:
            return "a message section is out of order or repeated";
        case errc::wrong_field_type:
            return "a field has the wrong type";
        case errc::bad_address:
            return "the address is not valid";
        case errc::address_not_allowed:
            return "the address cannot be used in this role";
        case errc::unknown_link:
            return "the link does not exist";
        case errc::no_credit:
            return "the link has no credit";
        case errc::message_too_large:
            return "the message is larger than the peer takes";
    }
    return "unknown error";
}

}  // namespace

const boost::system::error_category& category() noexcept {
    static const ErrorCategory<errc> instance{"amqp", text_of};
    return instance;
}

std::string_view condition_of(const error_code& error) noexcept {
    if (error.category() != category()) {
        return condition::kInternalError;
    }
    switch (static_cast<errc>(error.value())) {
        case errc::truncated:
        case errc::malformed_value:
        case errc::unknown_section:
        case errc::section_order:
            return condition::kDecodeError;
        case errc::too_deep:
        case errc::too_many_elements:
            return condition::kResourceLimitExceeded;
        case errc::wrong_field_type:
        case errc::bad_address:
            return condition::kInvalidField;
        case errc::address_not_allowed:
            return condition::kNotAllowed;
        case errc::message_too_large:
            return condition::kMessageSizeExceeded;
        case errc::unknown_link:
        case errc::no_credit:
            return condition::kInternalError;
    }
    return condition::kInternalError;
}

}  // namespace weir::amqp
