#include <weir/websocket/error.hpp>


namespace weir::websocket {
namespace {

[[nodiscard]] std::string_view text_of(errc code) noexcept {
    switch (code) {
        case errc::reserved_bits:
            return "a reserved bit is set, but no extension was agreed";
        case errc::reserved_opcode:
            return "the opcode is reserved";
        case errc::mask_missing:
            return "a frame of a client is not masked";
        case errc::mask_unexpected:
            return "a frame of a server is masked";
        case errc::length_not_minimal:
            return "a length is not in its shortest form";
        case errc::length_overflow:
            return "a 64-bit length has its top bit set";
        case errc::message_too_big:
            return "the message is larger than the limit";
        case errc::control_too_long:
            return "a control frame has more than 125 bytes";
        case errc::control_fragmented:
            return "a control frame is fragmented";
        case errc::continuation_unexpected:
            return "a continuation frame without a message";
        case errc::message_interleaved:
            return "a new message began inside a fragmented one";
        case errc::text_refused:
            return "text frames are not accepted";
        case errc::close_code_invalid:
            return "the close code is invalid";
        case errc::close_reason_invalid:
            return "the close reason is not UTF-8";
    }
    return "unknown WebSocket error";
}

}  // namespace

const boost::system::error_category& category() noexcept {
    static const ErrorCategory<errc> instance{"websocket", text_of};
    return instance;
}

error_code make_error_code(errc code) noexcept {
    return {static_cast<int>(code), category()};
}

std::uint16_t close_code(const error_code& error) noexcept {
    if (error.category() != category()) {
        return 1011;
    }
    switch (static_cast<errc>(error.value())) {
        case errc::text_refused:
            return 1003;
        case errc::close_reason_invalid:
            return 1007;
        case errc::message_too_big:
            return 1009;
        default:
            return 1002;
    }
}

}  // namespace weir::websocket
