/// The HTTP request that opens a WebSocket, and its answer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <weir/base/bytes.hpp>

namespace weir::websocket {

/// Largest request head that is read.
inline constexpr std::size_t kUpgradeBytesMax = 8 * 1024;

/// What the peer will speak inside; the name is echoed as it was offered.
enum class Subprotocol : std::uint8_t { mqtt, mqttv31, amqp, amqpwsb10 };

/// "mqtt", "mqttv3.1", "amqp", "AMQPWSB10".
[[nodiscard]] std::string_view name(Subprotocol subprotocol) noexcept;
[[nodiscard]] constexpr bool is_amqp(Subprotocol subprotocol) noexcept {
    return subprotocol == Subprotocol::amqp || subprotocol == Subprotocol::amqpwsb10;
}

/// A listener's rules. Shared by its connections and immutable.
struct UpgradeRules {
    std::vector<std::string> paths;  ///< Served paths, compared exactly; a query may follow.
    /// Values of `Origin` that may connect, "*" for all. A request without `Origin` (every device)
    /// and one from the origin that it is sent to are always let in.
    std::vector<std::string> origins;
    bool mqtt = true;  ///< Offer mqtt and mqttv3.1.
    bool amqp = true;  ///< Offer amqp and AMQPWSB10.
};

struct UpgradeAnswer {
    enum class Kind : std::uint8_t {
        need_more,   ///< The head is incomplete: call again with the same bytes and more.
        accepted,    ///< Send `response`; WebSocket frames follow the first `consumed` bytes.
        refused,     ///< Send `response`, then close.
        plain_http,  ///< A request that asks for no WebSocket; nothing was consumed.
    };

    Kind kind = Kind::need_more;
    Subprotocol subprotocol = Subprotocol::mqtt;
    std::uint16_t status = 0;  ///< 101, or the error's.
    std::size_t consumed = 0;
    /// Path and query as sent, without what stands before them in a whole URI; some clouds' clients
    /// authenticate by the query.
    std::string target = {};
    std::string response = {};
};

/// Reads `in`, which starts with an HTTP request. Stateless: only a complete head is parsed.
///
/// Refusals: 400 malformed or incomplete handshake, 403 origin, 404 path, 426 WebSocket version,
/// 431 head too long.
/// @cost A search for the head's end; once, when it is there, a parse with a few allocations.
[[nodiscard]] UpgradeAnswer answer_upgrade(ByteView in, const UpgradeRules& rules);

/// The value of Sec-WebSocket-Accept for a key. [RFC6455-4.2.2]
[[nodiscard]] std::string accept_key(std::string_view key);

}  // namespace weir::websocket
