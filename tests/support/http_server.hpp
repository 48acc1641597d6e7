/// A tiny HTTP server for tests of clients: each connection has a thread, each request goes to the
/// test's handler.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace weir::test {

struct HttpRequest {
    std::string head;  ///< Request line and headers.
    std::string body;
    std::size_t connection;  ///< Number of the connection that it came by.

    /// Value of a header, whose name must be spelled as sent.
    [[nodiscard]] std::string header(const std::string& name) const {
        const auto start = head.find("\r\n" + name + ": ");
        if (start == std::string::npos) {
            return {};
        }
        const auto value = start + name.size() + 4;
        return head.substr(value, head.find("\r\n", value) - value);
    }
};

/// The whole answer with its head; none: close the connection without one. "hang" keeps it open and
/// says nothing.
using HttpReply = std::optional<std::string>;
inline const std::string kHang = "hang";

[[nodiscard]] inline std::string http_reply(
    int status, const std::string& body = {}, const std::string& headers = {}
) {
    return "HTTP/1.1 " + std::to_string(status) +
           " Test\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + headers + "\r\n" +
           body;
}

/// A socket that listens on a free port of 127.0.0.1.
class LoopbackListener {
public:
    LoopbackListener() : socket_{::socket(AF_INET, SOCK_STREAM, 0)} {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof(address);
        auto* const plain = reinterpret_cast<sockaddr*>(&address);
        EXPECT_EQ(::bind(socket_, plain, size), 0);
        EXPECT_EQ(::listen(socket_, 64), 0);
        EXPECT_EQ(::getsockname(socket_, plain, &size), 0);
        port_ = ntohs(address.sin_port);
    }
    LoopbackListener(const LoopbackListener&) = delete;
    LoopbackListener& operator=(const LoopbackListener&) = delete;
    ~LoopbackListener() { ::close(socket_); }

    [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
    /// The socket of the next connection; nothing after end().
    [[nodiscard]] std::optional<int> accept() const {
        const int socket = ::accept(socket_, nullptr, nullptr);
        return socket < 0 ? std::nullopt : std::optional{socket};
    }
    /// Any thread.
    void end() const { ::shutdown(socket_, SHUT_RDWR); }

private:
    int socket_;
    std::uint16_t port_ = 0;
};

/// Listens from construction to destruction. The handler runs under the server's lock.
class HttpServer {
public:
    using Handler = std::function<HttpReply(const HttpRequest&)>;

    explicit HttpServer(Handler handler) : handler_{std::move(handler)} {
        acceptor_ = std::thread{[this] { accept_all(); }};
    }

    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    ~HttpServer() {
        listener_.end();
        acceptor_.join();
        for (const int socket : sockets_) {
            ::shutdown(socket, SHUT_RDWR);
        }
        for (auto& connection : connections_) {
            connection.join();
        }
        for (const int socket : sockets_) {
            ::close(socket);
        }
    }

    [[nodiscard]] std::string url(const std::string& path = "/") const {
        return "http://" + listener_.address() + path;
    }

    /// Waits until `count` requests came, thirty seconds at most, and gives them.
    [[nodiscard]] std::vector<HttpRequest> wait_for(std::size_t count) {
        std::unique_lock lock{mutex_};
        changed_.wait_for(lock, std::chrono::seconds{30}, [&] {
            return requests_.size() >= count;
        });
        EXPECT_GE(requests_.size(), count);
        return requests_;
    }

private:
    void accept_all() {
        while (const auto socket = listener_.accept()) {
            const std::size_t number = sockets_.size();
            sockets_.push_back(*socket);
            connections_.emplace_back([this, socket = *socket, number] { serve(socket, number); });
        }
    }

    void serve(int socket, std::size_t number) {
        std::string bytes;
        while (auto request = read_request(socket, bytes, number)) {
            HttpReply reply;
            {
                const std::lock_guard lock{mutex_};
                reply = handler_(*request);
                requests_.push_back(std::move(*request));
            }
            changed_.notify_all();
            if (reply == kHang) {
                continue;
            }
            if (!reply) {
                break;
            }
            if (::send(socket, reply->data(), reply->size(), MSG_NOSIGNAL) < 0) {
                break;
            }
        }
        ::shutdown(socket, SHUT_RDWR);
    }

    static std::optional<HttpRequest> read_request(
        int socket, std::string& bytes, std::size_t number
    ) {
        const auto more = [&] {
            char buffer[16 * 1024];
            const auto count = ::recv(socket, buffer, sizeof(buffer), 0);
            bytes.append(buffer, static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
            return count > 0;
        };
        std::size_t end = 0;
        while ((end = bytes.find("\r\n\r\n")) == std::string::npos) {
            if (!more()) {
                return std::nullopt;
            }
        }
        HttpRequest request{.head = bytes.substr(0, end + 2), .body = {}, .connection = number};
        const auto length = request.header("Content-Length");
        const std::size_t body_size = length.empty() ? 0 : std::stoul(length);
        while (bytes.size() < end + 4 + body_size) {
            if (!more()) {
                return std::nullopt;
            }
        }
        request.body = bytes.substr(end + 4, body_size);
        bytes.erase(0, end + 4 + body_size);
        return request;
    }

    Handler handler_;
    LoopbackListener listener_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<HttpRequest> requests_;
    std::vector<int> sockets_;  ///< The acceptor's until it is joined.
    std::vector<std::thread> connections_;
    std::thread acceptor_;
};

}  // namespace weir::test
