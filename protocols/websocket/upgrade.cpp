#include <weir/websocket/upgrade.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <optional>

#include <weir/base/digest.hpp>

namespace weir::websocket {
namespace {

namespace http = boost::beast::http;
using boost::beast::iequals;

using Head = http::request_parser<http::empty_body>::value_type;

constexpr std::array<std::string_view, 4> kNames = {"mqtt", "mqttv3.1", "amqp", "AMQPWSB10"};
constexpr std::string_view kHeadEnd = "\r\n\r\n";
constexpr std::string_view kVersion = "13";
constexpr std::size_t kKeyBytes = 16;

/// Why a handshake is refused: status, reason phrase, text for the person who reads the client's
/// log.
struct Refusal {
    std::uint16_t status;
    std::string_view phrase;
    std::string_view text;
};

constexpr Refusal kMalformed{400, "Bad Request", "This is not a valid HTTP/1.1 request."};
constexpr Refusal kBadHandshake{
    400,
    "Bad Request",
    "The WebSocket handshake is incomplete or has a body (RFC 6455 section 4.1)."
};
constexpr Refusal kBadSubprotocol{
    400,
    "Bad Request",
    "Sec-WebSocket-Protocol must offer a protocol that is served here: mqtt, mqttv3.1, amqp or "
    "AMQPWSB10."
};
constexpr Refusal kBadOrigin{403, "Forbidden", "The origin is not in the listener's ws.origins."};
constexpr Refusal kBadPath{404, "Not Found", "The path is not in the listener's ws.paths."};
constexpr Refusal kBadVersion{
    426, "Upgrade Required", "Only version 13 of the WebSocket protocol is served."
};
constexpr Refusal kTooLong{
    431, "Request Header Fields Too Large", "The request's head is longer than 8 KiB."
};

UpgradeAnswer refuse(const Refusal& refusal) {
    const std::string_view version =
        refusal.status == kBadVersion.status ? "Sec-WebSocket-Version: 13\r\n" : "";
    return {
        .kind = UpgradeAnswer::Kind::refused,
        .status = refusal.status,
        .response = fmt::format(
            "HTTP/1.1 {} {}\r\n{}Content-Type: text/plain; charset=utf-8\r\nContent-Length: "
            "{}\r\nConnection: close\r\n\r\n{}\n",
            refusal.status,
            refusal.phrase,
            version,
            refusal.text.size() + 1,
            refusal.text
        ),
    };
}

/// The value of a header that must not stand twice.
std::optional<std::string_view> single(const Head& head, http::field field) {
    const auto [begin, end] = head.equal_range(field);
    if (begin == end || std::next(begin) != end) {
        return std::nullopt;
    }
    return std::string_view{begin->value()};
}

bool lists_token(const Head& head, http::field field, std::string_view token) {
    const auto [begin, end] = head.equal_range(field);
    return std::any_of(begin, end, [token](const auto& line) {
        return http::token_list{line.value()}.exists(token);
    });
}

bool asks_for_websocket(const Head& head) {
    return lists_token(head, http::field::upgrade, "websocket") ||
           head.count(http::field::sec_websocket_key) != 0;
}

bool is_handshake(const Head& head) {
    const auto key = single(head, http::field::sec_websocket_key);
    const auto nonce = key ? from_base64(*key) : std::nullopt;
    return head.method() == http::verb::get && head.version() == 11 &&
           single(head, http::field::host) &&
           lists_token(head, http::field::upgrade, "websocket") &&
           lists_token(head, http::field::connection, "upgrade") && nonce &&
           nonce->size() == kKeyBytes && head.count(http::field::content_length) == 0 &&
           head.count(http::field::transfer_encoding) == 0;
}

/// "https://h:443" and "h" name the same authority.
std::string_view without_default_port(std::string_view authority) {
    for (const std::string_view port : {":443", ":80"}) {
        if (authority.ends_with(port)) {
            authority.remove_suffix(port.size());
        }
    }
    return authority;
}

bool same_origin(std::string_view origin, std::string_view host) {
    const auto scheme_end = origin.find("://");
    if (scheme_end == std::string_view::npos) {
        return false;
    }
    return iequals(without_default_port(origin.substr(scheme_end + 3)), without_default_port(host));
}

bool origin_allowed(const Head& head, std::string_view host, const UpgradeRules& rules) {
    if (head.count(http::field::origin) == 0) {
        return true;
    }
    const auto origin = single(head, http::field::origin);
    if (!origin) {
        return false;
    }
    const auto matches = [&](const std::string& allowed) {
        return allowed == "*" || iequals(allowed, *origin);
    };
    return std::any_of(rules.origins.begin(), rules.origins.end(), matches) ||
           same_origin(*origin, host);
}

/// A request's target: "/path?query", or a whole URI. [RFC6455-4.2.1]
struct Target {
    std::string_view authority;  ///< Empty: the header Host names it.
    std::string_view rest;       ///< Path and query.
};

Target parse_target(std::string_view target) {
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (iequals(target.substr(0, scheme.size()), scheme)) {
            target.remove_prefix(scheme.size());
            const auto end = std::min(target.find_first_of("/?"), target.size());
            return {target.substr(0, end), end == target.size() ? "/" : target.substr(end)};
        }
    }
    return {{}, target};
}

bool path_served(std::string_view target, const UpgradeRules& rules) {
    const auto path = target.substr(0, target.find('?'));
    return std::find(rules.paths.begin(), rules.paths.end(), path) != rules.paths.end();
}

/// The first offer of the client that the listener serves. Names are compared as they are written.
std::optional<Subprotocol> choose_subprotocol(const Head& head, const UpgradeRules& rules) {
    const auto [begin, end] = head.equal_range(http::field::sec_websocket_protocol);
    for (auto line = begin; line != end; ++line) {
        for (const auto offer : http::token_list{line->value()}) {
            const auto found = std::find(kNames.begin(), kNames.end(), std::string_view{offer});
            if (found == kNames.end()) {
                continue;
            }
            const auto subprotocol = static_cast<Subprotocol>(found - kNames.begin());
            if (is_amqp(subprotocol) ? rules.amqp : rules.mqtt) {
                return subprotocol;
            }
        }
    }
    return std::nullopt;
}

UpgradeAnswer accept(const Head& head, std::string_view target, Subprotocol subprotocol) {
    return {
        .kind = UpgradeAnswer::Kind::accepted,
        .subprotocol = subprotocol,
        .status = 101,
        .target = std::string{target},
        .response = fmt::format(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: {}\r\nSec-WebSocket-Protocol: {}\r\n\r\n",
            accept_key(std::string_view{head[http::field::sec_websocket_key]}),
            name(subprotocol)
        ),
    };
}

UpgradeAnswer answer_head(const Head& head, const UpgradeRules& rules) {
    if (!asks_for_websocket(head)) {
        return {.kind = UpgradeAnswer::Kind::plain_http};
    }
    if (single(head, http::field::sec_websocket_version) != kVersion) {
        return refuse(kBadVersion);
    }
    if (!is_handshake(head)) {
        return refuse(kBadHandshake);
    }
    const auto target = parse_target(head.target());
    if (!path_served(target.rest, rules)) {
        return refuse(kBadPath);
    }
    // A whole URI overrules the header. [RFC7230-5.4]
    const std::string_view host = target.authority.empty() ? std::string_view{head[http::field::host]}
                                                           : target.authority;
    if (!origin_allowed(head, host, rules)) {
        return refuse(kBadOrigin);
    }
    const auto subprotocol = choose_subprotocol(head, rules);
    return subprotocol ? accept(head, target.rest, *subprotocol) : refuse(kBadSubprotocol);
}

}  // namespace

std::string_view name(Subprotocol subprotocol) noexcept {
    return kNames[static_cast<std::size_t>(subprotocol)];
}

std::string accept_key(std::string_view key) {
    const auto salted = std::string{key} + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    return to_base64(digest(DigestKind::sha1, as_bytes(salted)));
}

UpgradeAnswer answer_upgrade(ByteView in, const UpgradeRules& rules) {
    const auto text = as_text(in.first(std::min(in.size(), kUpgradeBytesMax)));
    const auto head_end = text.find(kHeadEnd);
    if (head_end == std::string_view::npos) {
        return text.size() < kUpgradeBytesMax ? UpgradeAnswer{} : refuse(kTooLong);
    }
    const auto head_size = head_end + kHeadEnd.size();
    http::request_parser<http::empty_body> parser;
    parser.header_limit(kUpgradeBytesMax);
    parser.body_limit(boost::none);
    boost::beast::error_code error;
    parser.put(boost::asio::buffer(in.data(), head_size), error);
    if (error || !parser.is_header_done()) {
        return refuse(kMalformed);
    }
    auto answer = answer_head(parser.get(), rules);
    if (answer.kind == UpgradeAnswer::Kind::accepted) {
        answer.consumed = head_size;
    }
    return answer;
}

}  // namespace weir::websocket
