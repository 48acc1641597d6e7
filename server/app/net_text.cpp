#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <weir/app_config/detail/net_text.hpp>

namespace weir::app {
namespace {

/// 4 or 16 bytes; nothing if it is no address.
std::optional<std::string> address_bytes(std::string_view text) {
    const std::string terminated{text};
    std::array<char, sizeof(in6_addr)> raw{};
    if (terminated.find('\0') != std::string::npos) {
        return std::nullopt;
    }
    if (inet_pton(AF_INET, terminated.c_str(), raw.data()) == 1) {
        return std::string{raw.data(), sizeof(in_addr)};
    }
    if (inet_pton(AF_INET6, terminated.c_str(), raw.data()) == 1) {
        return std::string{raw.data(), raw.size()};
    }
    return std::nullopt;
}

std::optional<unsigned> parse_number(std::string_view text, unsigned max) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size() || value > max) {
        return std::nullopt;
    }
    return value;
}

}  // namespace

bool is_address(std::string_view text) noexcept {
    return address_bytes(text).has_value();
}

bool is_loopback(std::string_view address) noexcept {
    return address == "::1" || (address.starts_with("127.") && is_address(address));
}

namespace detail {

std::optional<Endpoint> parse_endpoint(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) {
        return std::nullopt;
    }
    auto address = text.substr(0, colon);
    const bool brackets = address.starts_with('[') && address.ends_with(']');
    if (brackets) {
        address = address.substr(1, address.size() - 2);
    }
    const bool v6 = address.find(':') != std::string_view::npos;
    const auto port = parse_number(text.substr(colon + 1), 65'535);
    if (!port || v6 != brackets || !is_address(address)) {
        return std::nullopt;
    }
    return Endpoint{std::string{address}, static_cast<std::uint16_t>(*port)};
}

std::optional<Network> parse_network(std::string_view text) {
    const auto slash = text.find('/');
    const auto address = text.substr(0, slash);
    const auto bytes = address_bytes(address);
    if (!bytes) {
        return std::nullopt;
    }
    const auto bits = static_cast<unsigned>(bytes->size() * 8);
    const auto prefix = slash == std::string_view::npos
                            ? std::optional{bits}
                            : parse_number(text.substr(slash + 1), bits);
    if (!prefix) {
        return std::nullopt;
    }
    return Network{std::string{address}, static_cast<std::uint8_t>(*prefix)};
}

std::optional<std::string> url_error(std::string_view text) {
    auto rest = text;
    if (rest.starts_with("https://")) {
        rest.remove_prefix(8);
    } else if (rest.starts_with("http://")) {
        rest.remove_prefix(7);
    } else {
        return "a URL begins with https:// or http://";
    }
    const auto is_bad = [](char c) { return static_cast<unsigned char>(c) <= 0x20U || c == 0x7F; };
    const auto host = rest.substr(0, rest.find_first_of("/?"));
    if (host.find('@') != std::string_view::npos) {
        return "a URL has no user name or password";
    }
    if (host.empty() || host.starts_with(':')) {
        return "the URL has no host";
    }
    if (host.find("${") != std::string_view::npos) {
        return "the host of a URL is fixed: ${...} may only stand behind it";
    }
    // Blanks may stand in the expressions of ${...}.
    if (std::ranges::any_of(host, is_bad)) {
        return "the host of the URL has a blank";
    }
    if (text.find('#') != std::string_view::npos) {
        return "a URL of a request has no fragment ('#')";
    }
    return std::nullopt;
}

}  // namespace detail
}  // namespace weir::app
