/// A blocking MQTT client for tests against a gateway in the same process.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <weir/base/bytes.hpp>
#include <weir/mqtt/client_protocol.hpp>
#include <weir/mqtt/encoder.hpp>

#include "support/socket_peer.hpp"

namespace weir::test {

/// Waits at most kPatience for anything; what does not come is an exception.
class MqttPeer final : private mqtt::ClientProtocol::Handler {
public:
    static constexpr int kPatience = SocketPeer::kPatience;

    struct Message {
        std::string topic;
        std::string payload;
        mqtt::Qos qos;
        bool retain;
        std::uint16_t packet_id;
    };

    explicit MqttPeer(std::uint16_t port) : socket_{port} {}

    /// @return The reason code of CONNACK.
    mqtt::ReasonCode connect(const mqtt::Connect& packet) {
        Bytes out;
        protocol_.connect(out, packet);
        send(out);
        until([this] { return connack_.has_value(); });
        return *connack_;
    }
    mqtt::ReasonCode connect(
        std::string_view client_id, mqtt::Version version = mqtt::Version::v5
    ) {
        return connect({.version = version, .client_id = client_id});
    }

    /// @return What SUBACK says.
    mqtt::ReasonCode subscribe(std::string_view filter, mqtt::Qos qos) {
        const std::size_t before = subacks_;
        send_subscribe({.filter = filter, .qos = qos});
        until([this, before] { return subacks_ > before; });
        return suback_;
    }
    void send_subscribe(const mqtt::Subscription& subscription) {
        Bytes list;
        mqtt::append_subscription(list, subscription);
        write(mqtt::Subscribe{.packet_id = protocol_.next_packet_id(), .subscriptions = {list, 1}});
    }
    void unsubscribe(std::string_view filter) {
        const std::size_t before = unsubacks_;
        send_unsubscribe(filter);
        until([this, before] { return unsubacks_ > before; });
    }
    void send_unsubscribe(std::string_view filter) {
        Bytes list;
        mqtt::append_filter(list, filter);
        write(mqtt::Unsubscribe{.packet_id = protocol_.next_packet_id(), .filters = {list, 1}});
    }

    /// Sends; above QoS 0 the acknowledgement is awaited with until_settled().
    void publish(
        std::string_view topic, std::string_view payload, mqtt::Qos qos, bool retain = false
    ) {
        Bytes out;
        mqtt::append_publish(
            out,
            {.topic = topic,
             .payload_bytes = payload.size(),
             .packet_id =
                 qos == mqtt::Qos::at_most_once ? std::uint16_t{0} : protocol_.next_packet_id(),
             .qos = qos,
             .retain = retain},
            as_bytes(payload),
            protocol_.version()
        );
        unsettled_ += qos == mqtt::Qos::at_most_once ? 0U : 1U;
        send(out);
    }
    void until_settled() {
        until([this] { return unsettled_ == 0; });
    }
    /// Publishes above QoS 0 without an acknowledgement.
    [[nodiscard]] std::size_t unsettled() const noexcept { return unsettled_; }
    /// Returns when the server has answered: what was sent before has been seen by then.
    void ping() {
        const std::size_t before = pingresps_;
        write(mqtt::Pingreq{});
        until([this, before] { return pingresps_ > before; });
    }
    Message receive() {
        until([this] { return !messages_.empty(); });
        Message first = std::move(messages_.front());
        messages_.pop_front();
        return first;
    }
    /// What was received (and acknowledged) and not asked for yet.
    std::deque<Message> take_received() { return std::exchange(messages_, {}); }
    /// Sends DISCONNECT and waits for the end. What still comes is not acknowledged, and not received.
    void disconnect() {
        write(mqtt::Disconnect{});
        leaving_ = true;
        closed();
    }
    /// Reads until the server has closed. @return The reason of its DISCONNECT, if there was one.
    std::optional<mqtt::ReasonCode> closed() {
        try {
            until([] { return false; });
        } catch (const std::runtime_error&) {
            // That is what was waited for.
        }
        return disconnect_;
    }
    /// Closes without DISCONNECT.
    void drop() { ::shutdown(socket_.fd(), SHUT_RDWR); }

    template <class Packet>
    void write(const Packet& packet) {
        Bytes out;
        mqtt::append_packet(out, packet, protocol_.version());
        send(out);
    }
    void send(ByteView bytes) {
        while (!bytes.empty()) {
            const auto sent = ::send(socket_.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) {
                throw std::runtime_error{"cannot send"};
            }
            bytes = bytes.subspan(static_cast<std::size_t>(sent));
        }
    }

private:
    template <class Condition>
    void until(Condition&& met) {
        std::array<Byte, 16 * 1024> buffer;
        while (!met()) {
            const auto count = ::recv(socket_.fd(), buffer.data(), buffer.size(), 0);
            if (count <= 0) {
                throw std::runtime_error{count == 0 ? "the server closed" : "waited in vain"};
            }
            if (!protocol_.feed(ByteView{buffer}.first(static_cast<std::size_t>(count)), *this)) {
                throw std::runtime_error{"the server broke the protocol"};
            }
        }
    }

    mqtt::Next on_connack(const mqtt::Connack& packet) noexcept override {
        connack_ = packet.reason_code;
        return mqtt::Next::go_on;
    }
    mqtt::Next on_publish(const mqtt::Publish& packet) noexcept override {
        if (leaving_) {
            return mqtt::Next::go_on;
        }
        messages_.push_back(
            {std::string{packet.topic},
             std::string{as_text(packet.payload)},
             packet.qos,
             packet.retain,
             packet.packet_id}
        );
        if (packet.qos == mqtt::Qos::at_least_once) {
            write(mqtt::Ack{.type = mqtt::PacketType::puback, .packet_id = packet.packet_id});
        } else if (packet.qos == mqtt::Qos::exactly_once) {
            write(mqtt::Ack{.type = mqtt::PacketType::pubrec, .packet_id = packet.packet_id});
        }
        return mqtt::Next::go_on;
    }
    mqtt::Next on_ack(const mqtt::Ack& packet) noexcept override {
        if (packet.type == mqtt::PacketType::puback || packet.type == mqtt::PacketType::pubcomp) {
            --unsettled_;
        } else if (packet.type == mqtt::PacketType::pubrec) {
            write(mqtt::Ack{.type = mqtt::PacketType::pubrel, .packet_id = packet.packet_id});
        } else {
            write(mqtt::Ack{.type = mqtt::PacketType::pubcomp, .packet_id = packet.packet_id});
        }
        return mqtt::Next::go_on;
    }
    mqtt::Next on_suback(const mqtt::Suback& packet) noexcept override {
        ++subacks_;
        suback_ = packet.reason_codes[0];
        return mqtt::Next::go_on;
    }
    mqtt::Next on_unsuback(const mqtt::Unsuback& /*packet*/) noexcept override {
        ++unsubacks_;
        return mqtt::Next::go_on;
    }
    mqtt::Next on_pingresp() noexcept override {
        ++pingresps_;
        return mqtt::Next::go_on;
    }
    mqtt::Next on_disconnect(const mqtt::Disconnect& packet) noexcept override {
        disconnect_ = packet.reason_code;
        return mqtt::Next::go_on;
    }
    mqtt::Next on_auth(const mqtt::Auth& /*packet*/) noexcept override { return mqtt::Next::go_on; }

    SocketPeer socket_;
    mqtt::ClientProtocol protocol_;
    std::optional<mqtt::ReasonCode> connack_;
    std::optional<mqtt::ReasonCode> disconnect_;
    std::deque<Message> messages_;
    std::size_t subacks_ = 0;
    std::size_t pingresps_ = 0;
    std::size_t unsubacks_ = 0;
    mqtt::ReasonCode suback_{};
    bool leaving_ = false;
    std::size_t unsettled_ = 0;
};

}  // namespace weir::test
