/// The server's end of one MQTT connection: bytes in, checked packets out.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include <weir/base/bytes.hpp>
#include <weir/mqtt/alias_table.hpp>
#include <weir/mqtt/decoder.hpp>
#include <weir/mqtt/error.hpp>
#include <weir/mqtt/frame_reader.hpp>
#include <weir/mqtt/packet.hpp>
#include <weir/mqtt/packet_order.hpp>

namespace weir::mqtt {

/// What a client may send. Told to MQTT 5 clients in CONNACK by the caller.
struct ServerLimits {
    /// Largest packet before CONNACK: what an unknown peer can make us hold.
    std::uint32_t connect_bytes = 64 * 1024;
    std::uint32_t packet_bytes = 256 * 1024;  ///< Largest packet after it.
    TopicLimits topics = {};
    PropertyLimits properties = {};
    /// QoS 1 and 2 publishes not yet answered; enforced for MQTT 5 only.
    std::uint16_t receive_maximum = 100;
    std::uint16_t topic_alias_maximum = 10;
};

/// What a handler wants after a packet.
enum class [[nodiscard]] Next : std::uint8_t {
    go_on,
    stop,  ///< Decode nothing more now; feed() returns and the rest stays with the caller.
};

/// What a peer is sent before its connection is closed; empty if its version has no such packet.
struct Farewell {
    Bytes bytes;

    [[nodiscard]] ByteView view() const noexcept { return bytes; }
};

/// The state machine of one connection. Owned by the connection and used on its thread only; it can
/// be moved, with the connection, while no call is in progress. Never writes, reads a clock or
/// keeps a packet: what it hands out is a view that lives as long as the call.
///
/// Life: feed() until on_connect; the caller decides, sends CONNACK and says accept(); then feed()
/// goes on. In between nothing but an authentication exchange is decoded. Idle, it holds no memory
/// outside itself, unless the client set topic aliases or named an authentication method.
class ServerProtocol {
public:
    /// Takes the packets, in order. Must not destroy the protocol or call feed() from inside.
    class Handler {
    public:
        virtual Next on_connect(const Connect& packet) noexcept = 0;
        /// The topic is resolved. At QoS 1 and 2, settled() must follow sooner or later.
        virtual Next on_publish(const Publish& packet) noexcept = 0;
        virtual Next on_ack(const Ack& packet) noexcept = 0;
        virtual Next on_subscribe(const Subscribe& packet) noexcept = 0;
        virtual Next on_unsubscribe(const Unsubscribe& packet) noexcept = 0;
        virtual Next on_pingreq() noexcept = 0;
        /// The protocol is closed; whatever follows stays undecoded.
        virtual Next on_disconnect(const Disconnect& packet) noexcept = 0;
        /// The method is CONNECT's.
        virtual Next on_auth(const Auth& packet) noexcept = 0;

    protected:
        ~Handler() = default;
    };

    explicit ServerProtocol(const ServerLimits& limits) noexcept : limits_{limits} {}

    /// Decodes packets until the input ends, the handler says stop, or the state takes no more.
    /// @return How many bytes were consumed; a packet that is cut counts, its start is kept here.
    /// @errors The peer broke a rule: send farewell(reason_code_of(error)) and close; do not feed
    /// again.
    [[nodiscard]] Result<std::size_t> feed(ByteView in, Handler& handler) noexcept;

    /// A CONNACK that accepts was sent. From here on `limits` hold.
    /// @param keep_alive_s The client's, or the Server Keep Alive that overrides it. 0: none.
    void accept(std::uint16_t keep_alive_s, const ServerLimits& limits) noexcept;

    /// An AUTH with success answered the client's re-authentication.
    void reauthenticated() noexcept { reauthenticating_ = false; }

    /// One inbound QoS 1 or 2 publish is answered for good: PUBACK, PUBCOMP, or PUBREC with an
    /// error was sent.
    void settled() noexcept {
        if (unsettled_ != 0) {
            --unsettled_;
        }
    }
    [[nodiscard]] std::uint16_t unsettled() const noexcept { return unsettled_; }

    /// What to send before closing for that reason: CONNACK before the connection was accepted,
    /// DISCONNECT after. A reason that may not stand there becomes the nearest that may.
    [[nodiscard]] Farewell farewell(
        ReasonCode reason, const Properties& properties = {}
    ) const noexcept;

    [[nodiscard]] ConnectionState state() const noexcept { return state_; }
    /// Of the client; v311 until CONNECT came.
    [[nodiscard]] Version version() const noexcept { return version_; }
    /// Close if nothing came for this long: 1.5 times keep-alive; 0: never. [MQTT5-3.1.2-22]
    [[nodiscard]] std::chrono::milliseconds keep_alive_timeout() const noexcept {
        return std::chrono::milliseconds{std::int64_t{keep_alive_s_} * 1'500};
    }
    /// Bytes kept of a packet whose rest has not come.
    [[nodiscard]] std::size_t unfinished() const noexcept { return reader_.kept(); }
    /// Bytes held outside the object.
    [[nodiscard]] std::size_t footprint() const noexcept;

private:
    /// What few connections need.
    struct Extra {
        AliasTable aliases;
        std::string authentication_method;
    };

    [[nodiscard]] Result<void> check_order(ByteView in) const noexcept;
    [[nodiscard]] Result<Next> dispatch(const Frame& frame, Handler& handler) noexcept;
    [[nodiscard]] Result<Next> take_connect(const Frame& frame, Handler& handler) noexcept;
    [[nodiscard]] Result<Next> take_publish(const Frame& frame, Handler& handler) noexcept;
    [[nodiscard]] Result<Next> take_disconnect(const Frame& frame, Handler& handler) noexcept;
    [[nodiscard]] Result<Next> take_auth(const Frame& frame, Handler& handler) noexcept;
    void note_version(ByteView body) noexcept;
    [[nodiscard]] DecodeOptions options() const noexcept;
    [[nodiscard]] Extra& extra();

    FrameReader reader_;
    std::unique_ptr<Extra> extra_;
    ServerLimits limits_;
    std::uint16_t keep_alive_s_ = 0;
    std::uint16_t unsettled_ = 0;
    Version version_ = Version::v311;
    ConnectionState state_ = ConnectionState::start;
    bool version_known_ = false;
    bool session_expires_at_once_ = false;  ///< CONNECT's Session Expiry Interval was 0 or absent.
    bool reauthenticating_ = false;
};

static_assert(sizeof(ServerProtocol) <= 128, "part of every idle connection");

}  // namespace weir::mqtt
