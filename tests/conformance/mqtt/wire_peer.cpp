#include "conformance/mqtt/wire_peer.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <utility>

#include "support/hex.hpp"

namespace weir::conformance {
namespace {

std::string hex_of(ByteView bytes) {
    std::string out;
    for (const Byte byte : bytes) {
        out += fmt::format("{:02x}", byte);
    }
    return out;
}

std::size_t size_of_hex(std::string_view hex) {
    return test::bytes_of(hex).size();
}

/// Variable byte integer in hex.
std::string varint(std::size_t value) {
    std::string out;
    do {
        const std::size_t low = value % 128;
        value /= 128;
        out += fmt::format("{:02x}", low + (value > 0 ? 128U : 0U));
    } while (value > 0);
    return out;
}

constexpr std::string_view kUpgrade =
    "GET /mqtt HTTP/1.1\r\n"
    "Host: localhost\r\n"
    "Upgrade: websocket\r\n"
    "Connection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Protocol: mqtt\r\n"
    "\r\n";

constexpr std::uint8_t kBinary = 0x82;
constexpr std::uint8_t kClose = 0x88;

}  // namespace

std::string_view name(Transport transport) noexcept {
    constexpr std::array<std::string_view, 4> kNames = {"tcp", "tls", "ws", "wss"};
    return kNames[static_cast<std::size_t>(transport)];
}

// --- Stream ----------------------------------------------------------------------------------------------------------

Stream::Stream(std::uint16_t port, bool tls)
    : fd_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    const timeval patience{.tv_sec = kPatience, .tv_usec = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
        throw std::runtime_error{"cannot connect"};
    }
    if (tls) {
        context_.reset(SSL_CTX_new(TLS_client_method()));
        ssl_.reset(SSL_new(context_.get()));
        SSL_set_fd(ssl_.get(), fd_);
        if (SSL_connect(ssl_.get()) != 1) {
            throw std::runtime_error{"no TLS"};
        }
    }
}

Stream::Stream(Stream&& other) noexcept
    : fd_{std::exchange(other.fd_, -1)},
      context_{std::move(other.context_)},
      ssl_{std::move(other.ssl_)} {}

Stream::~Stream() {
    if (fd_ >= 0) {
        ::close(fd_);
    }
}

void Stream::write(ByteView bytes) {
    while (!bytes.empty()) {
        const auto sent = ssl_ ? SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()))
                               : ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) {
            return;  // The server has closed: reading tells.
        }
        bytes = bytes.subspan(static_cast<std::size_t>(sent));
    }
}

Bytes Stream::read() {
    Bytes buffer(16 * 1024);
    errno = 0;
    const auto count = ssl_ ? SSL_read(ssl_.get(), buffer.data(), static_cast<int>(buffer.size()))
                            : ::recv(fd_, buffer.data(), buffer.size(), 0);
    if (count <= 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        ADD_FAILURE() << "waited in vain";
    }
    buffer.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return buffer;
}

void Stream::drop() {
    ::shutdown(fd_, SHUT_WR);
    std::array<Byte, 1024> ignored;
    while (::recv(fd_, ignored.data(), ignored.size(), 0) > 0) {
    }
}

// --- Properties ------------------------------------------------------------------------------------------------------

Properties::Properties(ByteView raw) {
    while (!raw.empty()) {
        const unsigned id = raw[0];
        raw = raw.subspan(1);
        std::size_t size = 0;
        switch (id) {
            case 0x01:
            case 0x17:
            case 0x19:
            case 0x24:
            case 0x25:
            case 0x28:
            case 0x29:
            case 0x2A:
                size = 1;
                break;
            case 0x13:
            case 0x21:
            case 0x22:
            case 0x23:
                size = 2;
                break;
            case 0x02:
            case 0x11:
            case 0x18:
            case 0x27:
                size = 4;
                break;
            case 0x0B:
                size = raw[0] < 0x80 ? 1 : 2;
                break;
            case 0x26:
                size = 2U + load_be<std::uint16_t>(raw.data());
                size += 2U + load_be<std::uint16_t>(raw.data() + size);
                break;
            default:
                size = 2U + load_be<std::uint16_t>(raw.data());
                break;
        }
        values_.emplace(id, Bytes(raw.begin(), raw.begin() + static_cast<std::ptrdiff_t>(size)));
        raw = raw.subspan(size);
    }
}

std::uint32_t Properties::number(unsigned id) const {
    const auto found = values_.find(id);
    if (found == values_.end()) {
        ADD_FAILURE() << "no property " << id;
        return 0;
    }
    std::uint32_t out = 0;
    for (const Byte byte : found->second) {
        out = out << 8U | byte;
    }
    return out;
}

std::string Properties::text(unsigned id) const {
    const auto found = values_.find(id);
    if (found == values_.end()) {
        ADD_FAILURE() << "no property " << id;
        return {};
    }
    return std::string{as_text(ByteView{found->second}.subspan(2))};
}

// --- WirePeer --------------------------------------------------------------------------------------------------------

WirePeer::WirePeer(Transport transport, Ports ports)
    : stream_{transport == Transport::tls || transport == Transport::wss ? ports.tls : ports.plain, transport == Transport::tls || transport == Transport::wss},
      websocket_{transport == Transport::ws || transport == Transport::wss} {
    if (websocket_) {
        upgrade();
    }
}

Bytes WirePeer::bytes_of_hex(std::string_view hex) {
    return test::bytes_of(hex);
}

void WirePeer::upgrade() {
    stream_.write(as_bytes(kUpgrade));
    for (;;) {
        const Bytes more = stream_.read();
        if (more.empty()) {
            throw std::runtime_error{"no upgrade"};
        }
        raw_.insert(raw_.end(), more.begin(), more.end());
        const auto so_far = as_text(raw_);
        if (const auto end = so_far.find("\r\n\r\n"); end != std::string_view::npos) {
            upgrade_answer_ = so_far.substr(0, end);
            raw_.erase(raw_.begin(), raw_.begin() + static_cast<std::ptrdiff_t>(end + 4));
            return;
        }
    }
}

void WirePeer::sends_frame(std::uint8_t first, ByteView payload) {
    Bytes frame{first};
    constexpr std::uint8_t kMasked = 0x80;
    if (payload.size() < 126) {
        frame.push_back(static_cast<Byte>(kMasked | payload.size()));
    } else {
        frame.push_back(kMasked | 126U);
        frame.push_back(static_cast<Byte>(payload.size() >> 8U));
        frame.push_back(static_cast<Byte>(payload.size() & 0xFFU));
    }
    constexpr std::array<Byte, 4> kMask = {1, 2, 3, 4};
    frame.insert(frame.end(), kMask.begin(), kMask.end());
    for (std::size_t i = 0; i < payload.size(); ++i) {
        frame.push_back(static_cast<Byte>(payload[i] ^ kMask[i % 4]));
    }
    stream_.write(frame);
}

WirePeer& WirePeer::sends_bytes(ByteView bytes) {
    if (websocket_) {
        sends_frame(kBinary, bytes);
    } else {
        stream_.write(bytes);
    }
    return *this;
}

/// Unframes what is complete in `raw_`. @return False after a closing frame.
bool WirePeer::read_frames() {
    for (;;) {
        if (raw_.size() < 2) {
            return true;
        }
        std::size_t size = raw_[1];
        std::size_t head = 2;
        if (size == 126) {
            if (raw_.size() < 4) {
                return true;
            }
            size = load_be<std::uint16_t>(raw_.data() + 2);
            head = 4;
        }
        if (raw_.size() < head + size) {
            return true;
        }
        if (raw_[0] == kClose) {
            return false;
        }
        EXPECT_EQ(raw_[0], kBinary) << "[MQTT5-6.0.0-1]";
        const auto begin = raw_.begin() + static_cast<std::ptrdiff_t>(head);
        const auto end = begin + static_cast<std::ptrdiff_t>(size);
        in_.insert(in_.end(), begin, end);
        raw_.erase(raw_.begin(), end);
    }
}

bool WirePeer::fill(std::size_t count) {
    while (in_.size() < count && !closed_) {
        if (websocket_) {
            closed_ = !read_frames();
            if (closed_ || in_.size() >= count) {
                continue;
            }
        }
        const Bytes more = stream_.read();
        closed_ = more.empty();
        auto& into = websocket_ ? raw_ : in_;
        into.insert(into.end(), more.begin(), more.end());
    }
    return in_.size() >= count;
}

Bytes WirePeer::packet() {
    if (!fill(2)) {
        EXPECT_TRUE(in_.empty()) << "cut: " << hex_of(in_);
        return {};
    }
    std::size_t head = 1;
    std::size_t body = 0;
    for (std::size_t shift = 0;; shift += 7) {
        if (!fill(head + 1)) {
            ADD_FAILURE() << "cut: " << hex_of(in_);
            return {};
        }
        const Byte byte = in_[head++];
        body += std::size_t{byte & 0x7FU} << shift;
        if ((byte & 0x80U) == 0) {
            break;
        }
    }
    if (!fill(head + body)) {
        ADD_FAILURE() << "cut: " << hex_of(in_);
        return {};
    }
    const auto end = in_.begin() + static_cast<std::ptrdiff_t>(head + body);
    Bytes out(in_.begin(), end);
    in_.erase(in_.begin(), end);
    return out;
}

WirePeer& WirePeer::expects(std::string_view hex) {
    const Bytes wanted = test::bytes_of(hex);
    Bytes got;
    while (got.size() < wanted.size()) {
        const Bytes next = packet();
        if (next.empty()) {
            ADD_FAILURE() << "closed instead of " << hex << " after " << hex_of(got);
            return *this;
        }
        got.insert(got.end(), next.begin(), next.end());
    }
    EXPECT_EQ(hex_of(got), hex_of(wanted));
    return *this;
}

Connack WirePeer::connects(std::string_view hex) {
    sends(hex);
    const Bytes got = packet();
    if (got.size() < 4 || got[0] != 0x20) {
        ADD_FAILURE() << "no CONNACK: " << hex_of(got);
        return {.session_present = false, .code = 0xFF};
    }
    EXPECT_LE(got[2], 1) << "[MQTT5-3.2.2-1]";
    Connack out{.session_present = got[2] == 1, .code = got[3], .bytes = got.size()};
    if (got.size() > 5) {
        EXPECT_EQ(got[4] + 5U, got.size());
        out.properties = Properties{ByteView{got}.subspan(5)};
    }
    return out;
}

void WirePeer::expects_close() {
    EXPECT_EQ(hex_of(packet()), "");
    EXPECT_TRUE(closed_);
}

// --- Packets ---------------------------------------------------------------------------------------------------------

std::string packet(std::string_view first, std::string_view body) {
    return fmt::format("{} {} {}", first, varint(size_of_hex(body)), body);
}

std::string text(std::string_view text) {
    return text.empty() ? "0000" : fmt::format("{:04x} '{}'", text.size(), text);
}

std::string properties(std::string_view hex) {
    return fmt::format("{} {}", varint(size_of_hex(hex)), hex);
}

std::string connect3(std::string_view id, std::string_view flags, std::string_view rest) {
    return packet("10", fmt::format("0004 'MQTT' 04 {} 003c {} {}", flags, text(id), rest));
}

std::string connect5(
    std::string_view id, std::string_view flags, std::string_view given, std::string_view rest
) {
    const std::string_view no_reasons = given.starts_with("17") ? "" : "17 00 ";
    const auto all = properties(fmt::format("{}{}", no_reasons, given));
    return packet("10", fmt::format("0004 'MQTT' 05 {} 003c {} {} {}", flags, all, text(id), rest));
}

}  // namespace weir::conformance
