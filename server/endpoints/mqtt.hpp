/// MQTT 3.1, 3.1.1 and 5: packets <-> sessions and publishes.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <weir/broker/broker.hpp>
#include <weir/endpoints/ack_queue.hpp>
#include <weir/endpoints/endpoint.hpp>
#include <weir/identity/exchange.hpp>
#include <weir/mqtt/server_protocol.hpp>
#include <weir/pipeline/publish.hpp>

namespace weir::endpoints {

class Connection;

/// One MQTT connection. Life: CONNECT is read on the shard that accepted the connection, which also authenticates; then the
/// connection goes once to the shard that owns the client id, where the session is; from there on it stays.
class MqttEndpoint final : public Endpoint,
                           private mqtt::ServerProtocol::Handler,
                           private broker::Subscriber {
public:
    explicit MqttEndpoint(Connection& connection);
    ~MqttEndpoint() override;

    std::size_t on_bytes(ByteView bytes) noexcept override;
    [[nodiscard]] bool is_waiting() const noexcept override;
    void on_arrival() noexcept override;
    void on_writable() noexcept override;
    [[nodiscard]] std::size_t unfinished() const noexcept override { return protocol_.unfinished(); }
    void on_durable(std::uint64_t number, bool stored) noexcept override;
    void on_retry() noexcept override;
    void say_goodbye(model::Reason reason) noexcept override;
    void on_ended(model::Reason reason) noexcept override;
    [[nodiscard]] const char* protocol() const noexcept override { return "mqtt"; }

private:
    /// SUBSCRIBEs that may wait for their answer; nothing is decoded until one of them has it.
    static constexpr std::uint8_t kSubscribesMax = 16;
    /// Other answers that may wait for a commit, likewise: PUBCOMP, UNSUBACK.
    static constexpr std::uint16_t kCommitsMax = 1'024;
    /// PUBACKs and PUBRECs that may wait behind one that is not ready: as many as there are packet ids. MQTT 3.1.1 knows no other bound.
    static constexpr std::size_t kOwedMax = 65'535;

    /// What CONNECT said, while it is being answered.
    struct Connecting;
    struct Rounds;
    struct Extra;

    /// A SUBACK that waits.
    struct Suback {
        std::uint16_t packet_id;
        std::vector<mqtt::ReasonCode> codes = {};  ///< One per filter.
        model::Reason why = model::Reason::none;  ///< Of the first filter that was refused.
    };

    // Connecting: mqtt_connect.cpp
    mqtt::Next on_connect(const mqtt::Connect& packet) noexcept override;
    [[nodiscard]] static mqtt::ServerLimits server_limits(const model::Limits& limits) noexcept;
    void authenticate();
    void authenticated(Result<model::PrincipalPtr> outcome);
    void attach();
    void attached(bool stored);
    /// Reads on, unless CONNECT still waits for its answer.
    void go_on();
    void accept(bool session_present);
    void write_connack(mqtt::PropertyWriter& properties, std::uint16_t keep_alive_s) const;
    void refuse(mqtt::ReasonCode code, model::Verdict verdict);
    [[nodiscard]] std::optional<std::string> response_information() const;

    // Authentication in rounds: mqtt_auth.cpp
    [[nodiscard]] std::unique_ptr<Rounds> begin_rounds(std::string_view method) const;
    /// One round more; a challenge has been sent to the client.
    [[nodiscard]] identity::Step advance(Rounds& rounds, ByteView data);
    void send_auth(mqtt::ReasonCode code, std::string_view method, ByteView data);
    void exchange();
    mqtt::Next on_auth(const mqtt::Auth& packet) noexcept override;
    void reauthenticate(ByteView data);

    // From the client, and the end: mqtt.cpp
    [[nodiscard]] Extra& extra();
    void give_up(const error_code& error);
    /// Of a client that does not read. @return False if that is too much: it was disconnected.
    [[nodiscard]] bool may_answer(std::size_t bytes);
    /// Tells the client, records it and closes.
    void leave(mqtt::ReasonCode code, model::Verdict verdict);
    /// Puts CONNACK or DISCONNECT, with its reason, behind what was sent.
    void say(mqtt::ReasonCode code, model::Reason reason);
    /// A Reason String is worth its bytes: the client takes it, and the code stands for several reasons.
    [[nodiscard]] bool needs_words(mqtt::ReasonCode code) const noexcept;
    mqtt::Next on_ack(const mqtt::Ack& packet) noexcept override;
    mqtt::Next on_subscribe(const mqtt::Subscribe& packet) noexcept override;
    mqtt::Next on_unsubscribe(const mqtt::Unsubscribe& packet) noexcept override;
    mqtt::Next on_pingreq() noexcept override;
    mqtt::Next on_disconnect(const mqtt::Disconnect& packet) noexcept override;
    /// What the listener does not have of a subscription's kind; none: nothing.
    [[nodiscard]] model::Reason unavailable(const mqtt::SubscriptionFilter& wanted) const noexcept;
    /// @param verdicts  Of the filters whose code is not an error yet.
    void subscribed(Suback answer, std::span<const model::Verdict> verdicts);
    /// Runs `work` when what was done so far is stored or refused, if the session lasts and the connection is still there.
    void after_commit(std::move_only_function<void(bool stored)> work);
    /// After a handler: nothing more is decoded while answers wait, or at the end.
    [[nodiscard]] mqtt::Next next() const noexcept;

    // PUBLISH and its acknowledgements: mqtt_publish.cpp
    mqtt::Next on_publish(const mqtt::Publish& packet) noexcept override;
    [[nodiscard]] pipeline::Origin origin() const noexcept;
    mqtt::Next violation(const mqtt::Publish& packet, model::Verdict verdict);
    /// Makes room for one more QoS 2 publish among those that the session has not released, on this connection or an earlier
    /// one. @return False: there is none.
    [[nodiscard]] bool may_await_release(std::uint16_t packet_id);
    /// If so many await their release, forgets those whose time for it is over. @return False: there are none.
    [[nodiscard]] bool make_room_to_await_release(std::uint64_t most);
    /// @param since  As in Extra::unreleased.
    [[nodiscard]] bool is_release_overdue(std::uint16_t packet_id, std::uint32_t since) const;
    /// An MQTT 5 client is told, and may go on; another one is disconnected.
    mqtt::Next refuse_unreleased(const mqtt::Publish& packet);
    [[nodiscard]] std::uint32_t seconds_now() const noexcept;
    /// The publish failed. @return False if the id was not known.
    bool forget_inbound(std::uint16_t packet_id);
    /// PUBREL, or it did not come in time. @return False if the id was not known.
    bool release_inbound(std::uint16_t packet_id);
    void publish(const mqtt::Publish& packet, const model::MessagePtr& message);
    void owe(
        mqtt::PacketType type,
        std::uint16_t packet_id,
        mqtt::ReasonCode code,
        model::Reason reason = model::Reason::none
    );
    /// PUBREC for an id that is known already.
    void owe_known(std::uint16_t packet_id);
    /// What a full outbox holds back is lost with the connection: at QoS 2 it is a new message when it comes again.
    void drop_parked() noexcept;
    void settle(std::uint64_t number, bool stored);
    void send_ready_acks();

    // To the client: mqtt_deliver.cpp
    [[nodiscard]] bool ready(model::Qos qos) const noexcept override;
    void deliver(const broker::Delivery& delivery) noexcept override;
    /// What the client cannot take counts as delivered. [MQTT5-3.1.2-25]
    void drop_too_large(const broker::Delivery& delivery);
    void release(std::uint16_t packet_id) noexcept override;
    void end(model::Reason reason) noexcept override;
    [[nodiscard]] broker::PeerInfo peer() const noexcept override;
    /// The client takes packets of that size.
    [[nodiscard]] bool fits(std::size_t packet_bytes) const noexcept {
        return packet_bytes_max_ == 0 || packet_bytes <= packet_bytes_max_;
    }
    template <class Packet>
    void send(const Packet& packet);
    /// The same; a Reason String is added where it may be, and fits.
    template <class Packet>
    void send_why(Packet packet, model::Reason reason);
    void send_ack(
        mqtt::PacketType type,
        std::uint16_t packet_id,
        mqtt::ReasonCode code,
        model::Reason reason = model::Reason::none
    );

    Connection& connection_;
    mqtt::ServerProtocol protocol_;
    broker::Session* session_ = nullptr;  ///< Null before CONNACK and after end().
    std::unique_ptr<Connecting> connecting_;
    std::unique_ptr<Extra> extra_;
    AckQueue acks_;
    std::uint32_t packet_bytes_max_ = 0;  ///< The client's Maximum Packet Size; 0: none.
    std::uint16_t aliases_max_ = 0;       ///< That we may give to the client.
    std::uint16_t commits_ = 0;           ///< Answers that wait for a commit.
    std::uint8_t subscribes_ = 0;         ///< SUBSCRIBEs that wait for other shards or the disk.
    bool publish_will_ : 1 = true;
    bool takes_words_ : 1 = false;  ///< The client speaks MQTT 5 and takes Reason Strings.
};

static_assert(sizeof(MqttEndpoint) <= 160, "part of every idle connection");

}  // namespace weir::endpoints
