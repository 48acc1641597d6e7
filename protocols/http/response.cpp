#include <weir/http/response.hpp>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

namespace weir::http {
namespace {

struct Phrase {
    std::uint16_t status;
    std::string_view text;
};

constexpr std::array kPhrases = {
    Phrase{200, "OK"},
    Phrase{201, "Created"},
    Phrase{202, "Accepted"},
    Phrase{204, "No Content"},
    Phrase{304, "Not Modified"},
    Phrase{400, "Bad Request"},
    Phrase{401, "Unauthorized"},
    Phrase{403, "Forbidden"},
    Phrase{404, "Not Found"},
    Phrase{405, "Method Not Allowed"},
    Phrase{406, "Not Acceptable"},
    Phrase{408, "Request Timeout"},
    Phrase{409, "Conflict"},
    Phrase{413, "Content Too Large"},
    Phrase{414, "URI Too Long"},
    Phrase{415, "Unsupported Media Type"},
    Phrase{422, "Unprocessable Content"},
    Phrase{429, "Too Many Requests"},
    Phrase{431, "Request Header Fields Too Large"},
    Phrase{500, "Internal Server Error"},
    Phrase{501, "Not Implemented"},
    Phrase{503, "Service Unavailable"},
    Phrase{505, "HTTP Version Not Supported"},
    Phrase{507, "Insufficient Storage"},
};

std::string one_line(std::string_view value) {
    std::string out{value};
    std::ranges::replace_if(
        out, [](char c) { return static_cast<unsigned char>(c) < 0x20U || c == 0x7F; }, ' '
    );
    return out;
}

/// IMF-fixdate. [RFC9110-5.6.7]
std::string http_date(WallTime time) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(time).count();
    return fmt::format(
        "{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(static_cast<std::time_t>(seconds))
    );
}

constexpr bool has_body(std::uint16_t status) noexcept {
    return status >= 200 && status != 204 && status != 304;
}

}  // namespace

std::string_view phrase(std::uint16_t status) noexcept {
    const auto found = std::ranges::find(kPhrases, status, &Phrase::status);
    return found == kPhrases.end() ? "Unknown" : found->text;
}

Bytes to_wire(const Response& response, const WireOptions& options) {
    std::string head = fmt::format("HTTP/1.1 {} {}\r\n", response.status, phrase(response.status));
    auto out = std::back_inserter(head);
    if (options.date.count() != 0) {
        fmt::format_to(out, "Date: {}\r\n", http_date(options.date));
    }
    if (!response.content_type.empty()) {
        fmt::format_to(out, "Content-Type: {}\r\n", one_line(response.content_type));
    }
    if (has_body(response.status)) {
        fmt::format_to(out, "Content-Length: {}\r\n", response.body.size());
    }
    if (!options.keep_alive) {
        head += "Connection: close\r\n";
    }
    for (const auto& [name, value] : response.headers) {
        fmt::format_to(out, "{}: {}\r\n", one_line(name), one_line(value));
    }
    head += "\r\n";
    Bytes bytes = to_bytes(head);
    if (has_body(response.status) && !options.head_only) {
        append(bytes, response.body);
    }
    return bytes;
}

}  // namespace weir::http
