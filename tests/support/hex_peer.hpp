/// A TCP client that sends and expects exact bytes, written as in bytes_of().
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <stdexcept>
#include <string_view>

#include <weir/base/bytes.hpp>

#include "support/hex.hpp"
#include "support/socket_peer.hpp"

namespace weir::test {

/// What does not come within kPatience seconds is a failure of the test.
class HexPeer {
public:
    static constexpr int kPatience = SocketPeer::kPatience;

    explicit HexPeer(std::uint16_t port) : socket_{port} {}

    void sends(std::string_view hex) {
        const Bytes bytes = bytes_of(hex);
        ASSERT_EQ(
            ::send(socket_.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
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
    void drops() { ::shutdown(socket_.fd(), SHUT_RDWR); }

private:
    /// Fewer if the server closes.
    Bytes reads(std::size_t count) {
        Bytes out(count);
        std::size_t got = 0;
        while (got < count) {
            const auto more = ::recv(socket_.fd(), out.data() + got, count - got, 0);
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

    SocketPeer socket_;
};

}  // namespace weir::test
