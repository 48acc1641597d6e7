#include <weir/http/error.hpp>


namespace weir::http {
namespace {

[[nodiscard]] std::string_view text_of(errc code) noexcept {
    switch (code) {
        case errc::malformed:
            return "the request is not valid HTTP/1.1";
        case errc::head_too_long:
            return "the request's head is too long";
        case errc::body_too_long:
            return "the request's body is too long";
        case errc::version_unsupported:
            return "only HTTP/1.0 and HTTP/1.1 are served";
        case errc::transfer_coding_unsupported:
            return "the only transfer coding is chunked";
    }
    return "unknown HTTP error";
}

}  // namespace

const boost::system::error_category& category() noexcept {
    static const ErrorCategory<errc> instance{"http", text_of};
    return instance;
}

error_code make_error_code(errc code) noexcept {
    return {static_cast<int>(code), category()};
}

std::uint16_t status_of(const error_code& error) noexcept {
    if (error.category() != category()) {
        return 500;
    }
    switch (static_cast<errc>(error.value())) {
        case errc::head_too_long:
            return 431;
        case errc::body_too_long:
            return 413;
        case errc::version_unsupported:
            return 505;
        case errc::transfer_coding_unsupported:
            return 501;
        case errc::malformed:
            break;
    }
    return 400;
}

}  // namespace weir::http
