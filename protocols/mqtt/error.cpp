#include <weir/mqtt/error.hpp>

#include <array>

namespace weir::mqtt {
namespace {

struct Row {
    errc code;
    std::string_view text;
    ReasonCode reason_code;
};

// clang-format off
constexpr std::array kRows = {
    Row{errc::need_more, "the packet is not complete", ReasonCode::malformed_packet},
    Row{errc::malformed_packet, "malformed packet", ReasonCode::malformed_packet},
    Row{errc::protocol_error, "protocol error", ReasonCode::protocol_error},
    Row{errc::packet_too_large, "the packet is larger than the limit", ReasonCode::packet_too_large},
    Row{errc::unsupported_version, "unsupported protocol version", ReasonCode::unsupported_protocol_version},
    Row{errc::client_identifier_invalid, "the client identifier is not valid", ReasonCode::client_identifier_not_valid},
    Row{errc::topic_name_invalid, "the topic name is not valid", ReasonCode::topic_name_invalid},
    Row{errc::topic_too_deep, "the topic name has more levels or bytes than the limit", ReasonCode::topic_name_invalid},
    Row{errc::topic_filter_invalid, "the topic filter is not valid", ReasonCode::topic_filter_invalid},
    Row{errc::topic_alias_invalid, "the topic alias is not valid", ReasonCode::topic_alias_invalid},
    Row{errc::receive_maximum_exceeded, "more publishes in flight than the receive maximum", ReasonCode::receive_maximum_exceeded},
    Row{errc::too_many_properties, "more user properties than the limit", ReasonCode::quota_exceeded},
    Row{errc::bad_authentication_method, "the authentication method is not the one of CONNECT", ReasonCode::bad_authentication_method},
};
// clang-format on

const Row* find_row(int code) noexcept {
    for (const Row& row : kRows) {
        if (static_cast<int>(row.code) == code) {
            return &row;
        }
    }
    return nullptr;
}

std::string_view text_of(errc code) noexcept {
    const Row* const row = find_row(static_cast<int>(code));
    return row == nullptr ? "unknown" : row->text;
}

}  // namespace

const boost::system::error_category& category() noexcept {
    static const ErrorCategory<errc> instance{"mqtt", text_of};
    return instance;
}

ReasonCode reason_code_of(const error_code& error) noexcept {
    const Row* const row = error.category() == category() ? find_row(error.value()) : nullptr;
    return row == nullptr ? ReasonCode::unspecified_error : row->reason_code;
}

}  // namespace weir::mqtt
