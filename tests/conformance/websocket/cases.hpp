/// What a WebSocket client may send, and what this server answers: the cases of the Autobahn test
/// suite under their numbers, and some of our own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include <weir/base/bytes.hpp>

namespace weir::websocket::test {

/// All that a server which echoes data sends back.
struct Reply {
    std::string data = {};                  ///< Of all frames together: their borders mean nothing.
    std::vector<std::string> control = {};  ///< "pong abc", "close 1000", "close" without a code.

    friend bool operator==(const Reply&, const Reply&) = default;
};

struct Case {
    std::string id;  ///< Autobahn's number; W for ours. Letters tell variants of a case apart.
    std::string about;
    Bytes sent;
    Reply reply = {};
    std::size_t chop = 0;  ///< Bytes per write of the client; 0: all at once.
    std::uint64_t message_bytes_max = 16 * 1024 * 1024;
};

inline void PrintTo(const Case& one, std::ostream* out) {
    *out << one.id << ": " << one.about;
}

/// Where Autobahn sends text to be echoed, there are two cases: the same with binary data, and the
/// text, which is refused. [MQTT5-6.0.0-1]
[[nodiscard]] const std::vector<Case>& cases();

}  // namespace weir::websocket::test
