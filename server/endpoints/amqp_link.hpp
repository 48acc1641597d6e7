/// A link on which a peer receives: one subscription with its own credit.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <string_view>
#include <vector>

#include <weir/amqp/server_connection.hpp>
#include <weir/broker/broker.hpp>

namespace weir::endpoints {

class AmqpEndpoint;
class Connection;

/// Each is a session of its own at the broker, because each has its own credit and its own unsettled deliveries.
/// Owned by its endpoint, on the connection's shard.
class AmqpLink final : public broker::Subscriber {
public:
    struct Parts {
        AmqpEndpoint& endpoint;
        Connection& connection;
        amqp::ServerConnection& protocol;
        amqp::LinkId id;
        model::Qos qos;  ///< Of the subscription: 0 sends everything settled.
    };

    explicit AmqpLink(const Parts& parts) noexcept : parts_{parts} {}

    [[nodiscard]] amqp::LinkId id() const noexcept { return parts_.id; }
    [[nodiscard]] model::Qos qos() const noexcept { return parts_.qos; }
    [[nodiscard]] broker::Session* session() const noexcept { return session_; }
    void use(broker::Session& session) noexcept { session_ = &session; }
    /// The subscription is made; it is withdrawn if it is gone later.
    void subscribed() noexcept { subscribed_ = true; }
    [[nodiscard]] bool is_withdrawn() const noexcept;
    /// Ends the session.
    void leave(broker::Broker& broker);

    /// The peer gave credit, or room was made.
    /// @param drain  Credit that nothing uses now is given back.
    void on_credit(bool drain);
    void on_outcome(amqp::DeliveryId delivery, const amqp::Outcome& outcome);
    /// Sends what waits, as far as credit and backlog allow.
    /// @return True if anything was sent.
    bool pump();

    [[nodiscard]] bool ready(model::Qos qos) const noexcept override;
    [[nodiscard]] bool queues_at_most_once() const noexcept override { return true; }
    void deliver(const broker::Delivery& delivery) noexcept override;
    void release(std::uint16_t /*packet_id*/) noexcept override {}  // There is no QoS 2 here.
    void end(model::Reason reason) noexcept override;
    [[nodiscard]] broker::PeerInfo peer() const noexcept override;

private:
    /// A copy that is larger than the peer takes: dropped as if it had been delivered.
    void drop(const broker::Delivery& delivery);

    Parts parts_;
    broker::Session* session_ = nullptr;
    /// Packet ids of the session, by DeliveryId::number.
    boost::unordered_flat_map<std::uint64_t, std::uint16_t> unsettled_;
    /// Of copies that the peer cannot take: settled with the next pump().
    std::vector<std::uint16_t> unfit_;
    std::uint64_t sent_ = 0;
    bool subscribed_ = false;
    bool draining_ = false;
};

}  // namespace weir::endpoints
