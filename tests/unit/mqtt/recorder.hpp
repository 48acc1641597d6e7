/// Handlers that write down what they were given, and packets to give them.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <weir/mqtt/client_protocol.hpp>
#include <weir/mqtt/server_protocol.hpp>

namespace weir::mqtt::test {

using Events = std::vector<std::string>;

inline constexpr std::string_view kConnect5 = "10 0e 0004 'MQTT' 05 02 003c 00 0001 'c'";

/// One packet of each type, valid in MQTT 5 wherever it is legal.
inline constexpr std::array<std::pair<PacketType, std::string_view>, 15> kOneOfEach = {{
    {PacketType::connect, kConnect5},
    {PacketType::connack, "20 03 00 00 00"},
    {PacketType::publish, "30 04 0001 'a' 00"},
    {PacketType::puback, "40 02 0001"},
    {PacketType::pubrec, "50 02 0001"},
    {PacketType::pubrel, "62 02 0001"},
    {PacketType::pubcomp, "70 02 0001"},
    {PacketType::subscribe, "82 07 0001 00 0001 'a' 00"},
    {PacketType::suback, "90 04 0001 00 00"},
    {PacketType::unsubscribe, "a2 06 0001 00 0001 'a'"},
    {PacketType::unsuback, "b0 04 0001 00 00"},
    {PacketType::pingreq, "c0 00"},
    {PacketType::pingresp, "d0 00"},
    {PacketType::disconnect, "e0 00"},
    {PacketType::auth, "f0 06 18 04 15 0001 'm'"},
}};

inline std::string text_of(std::string_view kind, std::uint16_t packet_id, ReasonCode code) {
    return std::string{kind} + ' ' + std::to_string(packet_id) + ' ' + std::string{name(code)};
}

inline std::string text_of(const Publish& publish) {
    return "publish " + std::string{publish.topic} + ' ' +
           std::to_string(static_cast<int>(publish.qos)) + ' ' + std::to_string(publish.packet_id) +
           ' ' + std::string{as_text(publish.payload)};
}

inline std::string text_of(const Ack& ack) {
    switch (ack.type) {
        case PacketType::puback:
            return text_of("puback", ack.packet_id, ack.reason_code);
        case PacketType::pubrec:
            return text_of("pubrec", ack.packet_id, ack.reason_code);
        case PacketType::pubrel:
            return text_of("pubrel", ack.packet_id, ack.reason_code);
        default:
            return text_of("pubcomp", ack.packet_id, ack.reason_code);
    }
}

/// Accepts every CONNECT at once unless told otherwise; stops after every packet of the kinds in
/// `stop_after`.
class ServerRecorder final : public ServerProtocol::Handler {
public:
    explicit ServerRecorder(ServerProtocol& protocol) : protocol_{protocol} {}

    Events events;
    bool accept = true;
    ServerLimits limits;
    std::string stop_after;

    Next on_connect(const Connect& packet) noexcept override {
        if (accept) {
            protocol_.accept(packet.keep_alive_s, limits);
        }
        return note("connect " + std::string{packet.client_id});
    }
    Next on_publish(const Publish& packet) noexcept override { return note(text_of(packet)); }
    Next on_ack(const Ack& packet) noexcept override { return note(text_of(packet)); }
    Next on_subscribe(const Subscribe& packet) noexcept override {
        std::string text = "subscribe";
        for (const Subscription subscription : packet.subscriptions) {
            text += ' ' + std::string{subscription.filter};
        }
        return note(std::move(text));
    }
    Next on_unsubscribe(const Unsubscribe& packet) noexcept override {
        std::string text = "unsubscribe";
        for (const std::string_view filter : packet.filters) {
            text += ' ' + std::string{filter};
        }
        return note(std::move(text));
    }
    Next on_pingreq() noexcept override { return note("pingreq"); }
    Next on_disconnect(const Disconnect& packet) noexcept override {
        return note("disconnect " + std::string{name(packet.reason_code)});
    }
    Next on_auth(const Auth& packet) noexcept override {
        return note("auth " + std::string{name(packet.reason_code)});
    }

private:
    Next note(std::string event) {
        events.push_back(std::move(event));
        return !stop_after.empty() && events.back().starts_with(stop_after) ? Next::stop
                                                                            : Next::go_on;
    }

    ServerProtocol& protocol_;
};

class ClientRecorder final : public ClientProtocol::Handler {
public:
    Events events;

    Next on_connack(const Connack& packet) noexcept override {
        return note("connack " + std::string{name(packet.reason_code)});
    }
    Next on_publish(const Publish& packet) noexcept override { return note(text_of(packet)); }
    Next on_ack(const Ack& packet) noexcept override { return note(text_of(packet)); }
    Next on_suback(const Suback& packet) noexcept override {
        return note(text_of("suback", packet.packet_id, packet.reason_codes[0]));
    }
    Next on_unsuback(const Unsuback& packet) noexcept override {
        return note("unsuback " + std::to_string(packet.packet_id));
    }
    Next on_pingresp() noexcept override { return note("pingresp"); }
    Next on_disconnect(const Disconnect& packet) noexcept override {
        return note("disconnect " + std::string{name(packet.reason_code)});
    }
    Next on_auth(const Auth& packet) noexcept override {
        return note("auth " + std::string{name(packet.reason_code)});
    }

private:
    Next note(std::string event) {
        events.push_back(std::move(event));
        return Next::go_on;
    }
};

}  // namespace weir::mqtt::test
