/// The bytes of an HTTP/1.1 answer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <weir/base/bytes.hpp>
#include <weir/base/clock.hpp>

namespace weir::http {

struct Response {
    std::uint16_t status = 200;
    std::string content_type = {};  ///< Empty: no Content-Type.
    std::string body = {};
    std::vector<std::pair<std::string, std::string>> headers = {
    };  ///< Beyond those that to_wire() writes itself.
};

/// How an answer is written, apart from what it says.
struct WireOptions {
    bool keep_alive = true;  ///< False: "Connection: close"; the caller closes after the last byte.
    bool head_only = false;  ///< For HEAD: the length, but no body.
    WallTime date{0};        ///< For the Date header; 0: none.
};

/// "OK", "Not Found", ...; "Unknown" for a status without a phrase.
[[nodiscard]] std::string_view phrase(std::uint16_t status) noexcept;

/// Status line, Date, Content-Type, Content-Length, Connection, `headers`, body. 204 and 304 have
/// no body. Control characters in header values become spaces, so that no value can end its line.
[[nodiscard]] Bytes to_wire(const Response& response, const WireOptions& options);

}  // namespace weir::http
