/// A blocking client of a TCP port or a Unix socket that knows no protocol.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <weir/base/bytes.hpp>

namespace weir::test {

/// Waits at most kPatience for anything; what does not come is an exception.
class SocketPeer {
public:
    static constexpr int kPatience = 20;  ///< Seconds.

    /// @param receive_buffer Bytes that the kernel takes for a peer that does not read; 0: its default.
    explicit SocketPeer(std::uint16_t port, int receive_buffer = 0)
        : fd_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
        if (receive_buffer != 0) {
            ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
        }
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(port);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        connect(reinterpret_cast<const sockaddr*>(&to), sizeof to);
    }
    explicit SocketPeer(const std::filesystem::path& socket)
        : fd_{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
        sockaddr_un to{};
        to.sun_family = AF_UNIX;
        socket.native().copy(to.sun_path, sizeof to.sun_path - 1);
        connect(reinterpret_cast<const sockaddr*>(&to), sizeof to);
    }
    SocketPeer(SocketPeer&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
    SocketPeer& operator=(SocketPeer&&) = delete;
    ~SocketPeer() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }

    [[nodiscard]] int fd() const noexcept { return fd_; }

    void send(ByteView bytes) {
        while (!bytes.empty()) {
            const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) {
                throw std::runtime_error{"cannot send"};
            }
            bytes = bytes.subspan(static_cast<std::size_t>(sent));
        }
    }
    void send(std::string_view text) { send(as_bytes(text)); }
    /// Never waits. @return How many bytes the socket took; -1: the connection is gone.
    std::ptrdiff_t try_send(ByteView bytes) {
        const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        return sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? 0 : sent;
    }
    /// What comes next, at least one byte; empty at the end.
    [[nodiscard]] Bytes read() {
        std::array<Byte, 16 * 1024> buffer;
        const auto count = ::recv(fd_, buffer.data(), buffer.size(), 0);
        if (count < 0 && errno != ECONNRESET) {
            throw std::runtime_error{"waited in vain"};
        }
        return {buffer.begin(), buffer.begin() + std::max<std::ptrdiff_t>(count, 0)};
    }
    /// Everything until the server closes.
    [[nodiscard]] std::string read_all() {
        std::string all;
        for (Bytes part = read(); !part.empty(); part = read()) {
            all += as_text(part);
        }
        return all;
    }
    [[nodiscard]] std::string read_until(std::string_view end) {
        std::string all;
        while (!all.contains(end)) {
            const Bytes part = read();
            if (part.empty()) {
                throw std::runtime_error{"the server closed after: " + all};
            }
            all += as_text(part);
        }
        return all;
    }
    /// Sends nothing more; reading goes on.
    void finish() { ::shutdown(fd_, SHUT_WR); }

private:
    void connect(const sockaddr* to, socklen_t size) {
        const timeval patience{.tv_sec = kPatience, .tv_usec = 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        if (::connect(fd_, to, size) != 0) {
            ::close(fd_);
            throw std::runtime_error{"cannot connect"};
        }
    }

    int fd_;
};

}  // namespace weir::test
