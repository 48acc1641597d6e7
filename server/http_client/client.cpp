#include <weir/http_client/client.hpp>

#include <curl/curl.h>

#include <algorithm>
#include <cctype>
#include <memory>

namespace weir::http_client {
namespace {

[[nodiscard]] std::string_view text_of(errc code) noexcept {
    switch (code) {
        case errc::bad_request:
            return "the URL or a header cannot be sent";
        case errc::resolve_failed:
            return "the host name could not be resolved";
        case errc::connect_failed:
            return "the connection could not be made";
        case errc::tls_failed:
            return "TLS failed";
        case errc::timed_out:
            return "the answer did not come in time";
        case errc::transfer_failed:
            return "the connection broke or the answer is not HTTP";
        case errc::overloaded:
            return "too many requests are in flight";
        case errc::cancelled:
            return "the client is stopping";
    }
    return "unknown HTTP client error";
}

struct FreeUrl {
    void operator()(CURLU* url) const noexcept { curl_url_cleanup(url); }
};

struct FreeText {
    void operator()(char* text) const noexcept { curl_free(text); }
};

using Url = std::unique_ptr<CURLU, FreeUrl>;

std::optional<std::string> part_of(const Url& url, CURLUPart part, unsigned flags = 0) {
    char* raw = nullptr;
    if (curl_url_get(url.get(), part, &raw, flags) != CURLUE_OK) {
        return std::nullopt;
    }
    const std::unique_ptr<char, FreeText> text{raw};
    return std::string{text.get()};
}

}  // namespace

const boost::system::error_category& category() noexcept {
    static const ErrorCategory<errc> instance{"http_client", text_of};
    return instance;
}

error_code make_error_code(errc code) noexcept {
    return {static_cast<int>(code), category()};
}

std::optional<std::string> origin_of(const std::string& text) {
    const Url url{curl_url()};
    if (curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK ||
        part_of(url, CURLUPART_USER)) {
        return std::nullopt;
    }
    const auto scheme = part_of(url, CURLUPART_SCHEME);
    const auto host = part_of(url, CURLUPART_HOST);
    if (!scheme || !host || (*scheme != "http" && *scheme != "https")) {
        return std::nullopt;
    }
    const auto port = part_of(url, CURLUPART_PORT, CURLU_NO_DEFAULT_PORT);
    auto origin = *scheme + "://" + *host + (port ? ":" + *port : "");
    std::ranges::transform(origin, origin.begin(), [](unsigned char c) {
        return static_cast<char>(std::tolower(c));
    });
    return origin;
}

bool same_name(std::string_view a, std::string_view b) noexcept {
    const auto lower = [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    };
    return std::ranges::equal(a, b, {}, lower, lower);
}

bool is_header_value(std::string_view value) noexcept {
    return std::ranges::none_of(value, [](unsigned char c) {
        return (c < 0x20 && c != '\t') || c == 0x7F;
    });
}

void set_header(std::vector<Header>& headers, Header header) {
    const auto found = std::ranges::find_if(headers, [&](const Header& other) {
        return same_name(other.name, header.name);
    });
    if (found == headers.end()) {
        headers.push_back(std::move(header));
    } else {
        *found = std::move(header);
    }
}

}  // namespace weir::http_client
