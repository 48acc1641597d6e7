/// Why a request cannot be read.
#pragma once

#include <cstdint>
#include <type_traits>

#include <weir/base/error.hpp>

namespace weir::http {

enum class errc : std::uint8_t {
    malformed = 1,
    head_too_long,
    body_too_long,
    version_unsupported,
    transfer_coding_unsupported,  ///< Any but chunked.
};

[[nodiscard]] const boost::system::error_category& category() noexcept;
[[nodiscard]] error_code make_error_code(errc code) noexcept;

/// The status that answers `error`: 400, 413, 431, 501, 505; 500 for foreign errors. The connection
/// ends with it.
[[nodiscard]] std::uint16_t status_of(const error_code& error) noexcept;

}  // namespace weir::http

template <>
struct boost::system::is_error_code_enum<weir::http::errc> : std::true_type {};
