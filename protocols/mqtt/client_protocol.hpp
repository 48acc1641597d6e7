/// The client's end of one MQTT connection, for demo, bench and test peers.
#pragma once

#include <cstddef>
#include <cstdint>

#include <weir/base/bytes.hpp>
#include <weir/mqtt/alias_table.hpp>
#include <weir/mqtt/encoder.hpp>
#include <weir/mqtt/frame_reader.hpp>
#include <weir/mqtt/packet_order.hpp>
#include <weir/mqtt/server_protocol.hpp>

namespace weir::mqtt {

/// One connection: connect() once, then feed() what the server sends. Packets other than CONNECT
/// are written with append_packet() and append_publish() of the encoder. Never reads a clock;
/// PINGREQ is the caller's.
class ClientProtocol {
public:
    /// Takes the packets, in order. Must not destroy the protocol or call feed() from inside.
    class Handler {
    public:
        virtual Next on_connack(const Connack& packet) noexcept = 0;
        virtual Next on_publish(const Publish& packet) noexcept = 0;
        virtual Next on_ack(const Ack& packet) noexcept = 0;
        virtual Next on_suback(const Suback& packet) noexcept = 0;
        virtual Next on_unsuback(const Unsuback& packet) noexcept = 0;
        virtual Next on_pingresp() noexcept = 0;
        virtual Next on_disconnect(const Disconnect& packet) noexcept = 0;
        virtual Next on_auth(const Auth& packet) noexcept = 0;

    protected:
        ~Handler() = default;
    };

    /// @param packet_bytes_max Largest packet taken from the server.
    explicit ClientProtocol(std::uint32_t packet_bytes_max = 16 * 1024 * 1024) noexcept
        : packet_bytes_max_{packet_bytes_max} {}

    /// Appends the CONNECT to `out`; call once, first.
    void connect(Bytes& out, const Connect& packet);

    /// As ServerProtocol::feed.
    [[nodiscard]] Result<std::size_t> feed(ByteView in, Handler& handler) noexcept;

    /// 1..65535, then from 1 again. Whether it is free is for the caller to know.
    [[nodiscard]] std::uint16_t next_packet_id() noexcept {
        last_packet_id_ = last_packet_id_ == 0xFFFF
                              ? std::uint16_t{1}
                              : static_cast<std::uint16_t>(last_packet_id_ + 1);
        return last_packet_id_;
    }

    [[nodiscard]] ConnectionState state() const noexcept { return state_; }
    [[nodiscard]] Version version() const noexcept { return version_; }

private:
    [[nodiscard]] Result<void> check_order(ByteView in) const noexcept;
    [[nodiscard]] Result<Next> dispatch(const Frame& frame, Handler& handler) noexcept;
    [[nodiscard]] Result<Next> take_connack(const Frame& frame, Handler& handler) noexcept;
    [[nodiscard]] Result<Next> take_publish(const Frame& frame, Handler& handler) noexcept;
    [[nodiscard]] DecodeOptions options() const noexcept;

    FrameReader reader_;
    AliasTable aliases_;
    std::uint32_t packet_bytes_max_;
    std::uint16_t topic_alias_maximum_ = 0;
    std::uint16_t last_packet_id_ = 0;
    Version version_ = Version::v5;
    ConnectionState state_ = ConnectionState::start;
    bool auth_agreed_ = false;
};

}  // namespace weir::mqtt
