/// What a WebSocket client may send, and what this server answers: the cases of the Autobahn test
/// suite under their numbers, and some of our own.
#pragma once

#include <cstddef>
#include <concepts>
#include <cstdint>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include <weir/base/bytes.hpp>

namespace weir::websocket::test {

/// A value, or how to make it: what is large is made only by the case that runs.
template <class T>
class Made {
public:
    Made() : Made{T{}} {}
    template <class Value>
        requires std::convertible_to<Value, T>
    Made(const Value& value)  // NOLINT(google-explicit-constructor)
        : make_{[value = T(value)] { return value; }} {}
    template <class Make>
        requires std::is_invocable_r_v<T, const Make&>
    Made(Make make)  // NOLINT(google-explicit-constructor)
        : make_{std::move(make)} {}

    [[nodiscard]] T operator()() const { return make_(); }

private:
    std::function<T()> make_;
};

/// All that a server which echoes data sends back.
struct Reply {
    std::string data = {};                  ///< Of all frames together: their borders mean nothing.
    std::vector<std::string> control = {};  ///< "pong abc", "close 1000", "close" without a code.

    friend bool operator==(const Reply&, const Reply&) = default;
};

struct ExpectedReply {
    Made<std::string> data = {};
    std::vector<std::string> control = {};
};

struct Case {
    std::string id;  ///< Autobahn's number; W for ours. Letters tell variants of a case apart.
    std::string about;
    Made<Bytes> sent;
    ExpectedReply reply = {};
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
