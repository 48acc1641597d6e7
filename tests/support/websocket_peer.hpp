/// A blocking WebSocket client for tests against a gateway in the same process.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <weir/websocket/frames.hpp>

#include "support/socket_peer.hpp"

namespace weir::test {

class WebSocketPeer {
public:
    struct Request {
        std::string_view path = "/mqtt";
        std::string_view subprotocol = "mqtt";  ///< Empty: the header is left out.
        std::string_view version = "13";
        std::string_view more = {};  ///< Further header lines, each with its CR LF.
    };

    explicit WebSocketPeer(std::uint16_t port) : socket_{port} {}

    [[nodiscard]] static std::string head_of(const Request& request) {
        std::string head = "GET " + std::string{request.path} +
                           " HTTP/1.1\r\nHost: gateway.test\r\nUpgrade: websocket\r\n"
                           "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                           "Sec-WebSocket-Version: " +
                           std::string{request.version} + "\r\n";
        if (!request.subprotocol.empty()) {
            head += "Sec-WebSocket-Protocol: " + std::string{request.subprotocol} + "\r\n";
        }
        return head + std::string{request.more} + "\r\n";
    }

    /// @param behind Frames that are sent with the request. @return The head of the answer.
    std::string upgrade(const Request& request, ByteView behind = {}) {
        socket_.send(head_of(request) + std::string{as_text(behind)});
        std::string answer = socket_.read_until("\r\n\r\n");
        const auto end = answer.find("\r\n\r\n") + 4;
        append(unread_, std::string_view{answer}.substr(end));
        answer.resize(end);
        return answer;
    }

    [[nodiscard]] SocketPeer& socket() noexcept { return socket_; }
    void send(ByteView frames) { socket_.send(frames); }
    void send_binary(ByteView data) {
        send(websocket::client_frame(websocket::Opcode::binary, data, 0x37FA213D));
    }

    /// The next `size` bytes of data; pings, pongs and closing frames on the way are put to control().
    Bytes receive(std::size_t size) {
        while (data_.size() < size && read()) {
        }
        const auto count = std::min(size, data_.size());
        const Bytes out{data_.begin(), data_.begin() + static_cast<std::ptrdiff_t>(count)};
        data_.erase(data_.begin(), data_.begin() + static_cast<std::ptrdiff_t>(count));
        return out;
    }
    /// Reads until the server has ended the stream. @return All the data that was left.
    Bytes until_end() {
        while (read()) {
        }
        return std::exchange(data_, {});
    }
    /// "pong abc", "close 1000", "close" without a code; in order.
    [[nodiscard]] const std::vector<std::string>& control() const noexcept { return control_; }

private:
    bool read() {
        if (unread_.empty()) {
            unread_ = socket_.read();
            if (unread_.empty()) {
                return false;
            }
        }
        append(carry_, std::exchange(unread_, {}));
        std::span<Byte> in{carry_};
        for (;;) {
            const auto event = decoder_.next(in);
            if (!event) {
                throw std::runtime_error{
                    "the server broke the protocol: " + event.error().message()};
            }
            using Kind = websocket::Event::Kind;
            if (event->kind == Kind::need_more) {
                break;
            }
            const std::string payload{as_text(event->data)};
            if (event->kind == Kind::data) {
                append(data_, event->data);
            } else if (event->kind == Kind::close) {
                control_.push_back(
                    event->close_code == websocket::kCloseNoStatus
                        ? "close"
                        : "close " + std::to_string(event->close_code)
                );
            } else {
                control_.push_back((event->kind == Kind::ping ? "ping " : "pong ") + payload);
            }
        }
        carry_ = Bytes{in.begin(), in.end()};
        return true;
    }

    SocketPeer socket_;
    websocket::FrameDecoder decoder_{websocket::Role::client};
    Bytes unread_;
    Bytes carry_;
    Bytes data_;
    std::vector<std::string> control_;
};

}  // namespace weir::test
