/// A client that speaks in bytes, over each transport: what the specification says on the wire is compared with what is
/// on the wire, and no codec of ours stands in between.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include <weir/base/bytes.hpp>

namespace weir::conformance {

enum class Transport : std::uint8_t { tcp, tls, ws, wss };

[[nodiscard]] std::string_view name(Transport transport) noexcept;

/// Where a gateway listens.
struct Ports {
    std::uint16_t plain = 0;  ///< MQTT and WebSocket.
    std::uint16_t tls = 0;    ///< The same in TLS.
};

/// The bytes of a connection, in TLS or not. Blocks; what does not come in kPatience seconds fails the test and
/// counts as the end.
class Stream {
public:
    static constexpr int kPatience = 20;

    Stream(std::uint16_t port, bool tls);
    Stream(Stream&& other) noexcept;
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    ~Stream();

    void write(ByteView bytes);
    /// At least one byte; empty: the server has closed.
    [[nodiscard]] Bytes read();
    /// Ends it without a word, and waits until the server has noticed.
    void drop();

private:
    struct Free {
        void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
        void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
    };
    int fd_;
    std::unique_ptr<SSL_CTX, Free> context_;
    std::unique_ptr<SSL, Free> ssl_;
};

/// The properties of MQTT 5 that tests ask for, by identifier.
class Properties {
public:
    Properties() = default;
    /// @param raw  Without their length.
    explicit Properties(ByteView raw);

    [[nodiscard]] bool has(unsigned id) const { return values_.contains(id); }
    /// Of a property with a number; fails the test where it is missing.
    [[nodiscard]] std::uint32_t number(unsigned id) const;
    [[nodiscard]] std::string text(unsigned id) const;

private:
    std::multimap<unsigned, Bytes> values_;
};

/// What CONNACK said.
struct Connack {
    bool session_present = false;
    unsigned code = 0;
    std::size_t bytes = 0;  ///< Of the whole packet.
    Properties properties = {};
};

/// Packets as hex, in the form of bytes_of(). Whatever is not as expected fails the test.
class WirePeer {
public:
    WirePeer(Transport transport, Ports ports);

    WirePeer& sends(std::string_view hex) { return sends_bytes(bytes_of_hex(hex)); }
    WirePeer& sends_bytes(ByteView bytes);
    /// The next packets are exactly these.
    WirePeer& expects(std::string_view hex);
    /// Sends a CONNECT and reads the CONNACK.
    Connack connects(std::string_view hex);
    /// The next packet, whole; empty: the server has closed.
    [[nodiscard]] Bytes packet();
    /// Everything that the server had to say was read: it answers a PINGREQ with nothing before it.
    WirePeer& expects_nothing_more() { return sends("c0 00").expects("d0 00"); }
    /// The server closes, and says nothing before.
    void expects_close();
    /// DISCONNECT, and the server has closed.
    void leaves() { sends("e0 00").expects_close(); }
    /// Ends the connection without DISCONNECT, and the server has noticed.
    void drops() { stream_.drop(); }

    /// WebSocket only: one frame with that first byte (FIN and opcode), masked.
    void sends_frame(std::uint8_t first, ByteView payload);
    /// WebSocket only: the server's answer to the upgrade.
    [[nodiscard]] const std::string& upgrade_answer() const noexcept { return upgrade_answer_; }

private:
    static Bytes bytes_of_hex(std::string_view hex);
    void upgrade();
    /// Reads on until `in_` has that many bytes. @return False if the server closed before.
    bool fill(std::size_t count);
    bool read_frames();

    Stream stream_;
    bool websocket_;
    bool closed_ = false;
    Bytes raw_;  // Of the stream, not yet unframed.
    Bytes in_;   // MQTT.
    std::string upgrade_answer_;
};

/// A packet's first byte and body in hex, with the remaining length between them.
[[nodiscard]] std::string packet(std::string_view first, std::string_view body);
/// `text` as a UTF-8 Encoded String in hex.
[[nodiscard]] std::string text(std::string_view text);

/// CONNECT with keep-alive 60. @param flags hex. @param rest hex of what follows the client id.
[[nodiscard]] std::string connect3(
    std::string_view id, std::string_view flags = "02", std::string_view rest = {}
);
/// Asks for no reason strings, so that each answer has one form, unless `properties` begin with that property (17).
/// @param properties hex without their length.
[[nodiscard]] std::string connect5(
    std::string_view id,
    std::string_view flags = "02",
    std::string_view properties = {},
    std::string_view rest = {}
);
/// The properties of an MQTT 5 packet in hex, with their length in front.
[[nodiscard]] std::string properties(std::string_view hex);
/// A CONNECT property: the session outlives its connection by an hour.
inline constexpr std::string_view kOneHour = "11 00000e10";

}  // namespace weir::conformance
