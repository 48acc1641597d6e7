/// A TCP client that sends and expects exact bytes, written as in bytes_of().
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <stdexcept>
#include <string_view>

#include <weir/base/bytes.hpp>

#include "support/hex.hpp"

namespace weir::test {

/// What does not come within kPatience seconds is a failure of the test.
class HexPeer {
public:
    static constexpr int kPatience = 20;

    explicit HexPeer(std::uint16_t port) : fd_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
        const timeval patience{.tv_sec = kPatience, .tv_usec = 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(port);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
            throw std::runtime_error{"cannot connect"};
        }
    }
    HexPeer(const HexPeer&) = delete;
    HexPeer& operator=(const HexPeer&) = delete;
    ~HexPeer() { ::close(fd_); }

    void sends(std::string_view hex) {
        const Bytes bytes = bytes_of(hex);
        ASSERT_EQ(
            ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(bytes.size())
        );
    }
    /// The next bytes are these.
    void expects(std::string_view hex) {
        const Bytes wanted = bytes_of(hex);
        EXPECT_EQ(text_of(reads(wanted.size())), text_of(wanted)) << hex;
    }
    /// The server closes and says nothing before.
    void expects_close() { EXPECT_EQ(text_of(reads(1)), ""); }
    /// The next packet, whole; empty: the server has closed.
    Bytes packet() {
        Bytes out = reads(2);
        for (std::size_t i = 1; i < out.size() && (out[i] & 0x80U) != 0; ++i) {
            append(out, reads(1));
        }
        std::size_t size = 0;
        for (std::size_t i = out.size(); i > 1; --i) {
            size = size << 7U | (out[i - 1] & 0x7FU);
        }
        append(out, reads(size));
        return out;
    }
    /// Ends the connection without a word.
    void drops() { ::shutdown(fd_, SHUT_RDWR); }

private:
    /// Fewer if the server closes.
    Bytes reads(std::size_t count) {
        Bytes out(count);
        std::size_t got = 0;
        while (got < count) {
            const auto more = ::recv(fd_, out.data() + got, count - got, 0);
            if (more < 0 && errno != ECONNRESET) {
                throw std::runtime_error{"waited in vain"};
            }
            if (more <= 0) {
                break;
            }
            got += static_cast<std::size_t>(more);
        }
        out.resize(got);
        return out;
    }
    static std::string text_of(ByteView bytes) {
        constexpr std::string_view kDigits = "0123456789abcdef";
        std::string out;
        for (const Byte byte : bytes) {
            out += kDigits[byte >> 4U];
            out += kDigits[byte & 15U];
        }
        return out;
    }

    int fd_;
};

}  // namespace weir::test
