/// AMQP 1.0: links on topics <-> sessions and publishes.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <weir/amqp/address.hpp>
#include <weir/amqp/server_connection.hpp>
#include <weir/broker/broker.hpp>
#include <weir/endpoints/amqp_link.hpp>
#include <weir/endpoints/amqp_messages.hpp>
#include <weir/endpoints/endpoint.hpp>
#include <weir/endpoints/parking.hpp>
#include <weir/pipeline/publish.hpp>
#include <weir/runtime/timer_wheel.hpp>

namespace weir::endpoints {

class Connection;

/// One AMQP connection. Life: SASL and Open are read on the shard that accepted the connection; then the connection goes
/// once to the shard that owns its container id, where its session is. That session has no subscriptions: it stands for
/// the connection, so that a container id is connected once. Each link that receives has a session of its own beside it.
///
/// The engine is driven in turns (feed, process, output, tick); what happens outside of a turn asks for one with
/// turn_later(), so that many acknowledgements and messages share it.
class AmqpEndpoint final : public Endpoint,
                           private amqp::Events,
                           private broker::Subscriber,
                           private runtime::Timer {
public:
    explicit AmqpEndpoint(Connection& connection);
    ~AmqpEndpoint() override;

    std::size_t on_bytes(ByteView bytes) noexcept override;
    [[nodiscard]] bool is_waiting() const noexcept override { return waiting_; }
    [[nodiscard]] std::size_t unfinished() const noexcept override {
        return protocol_.unfinished();
    }
    void on_arrival() noexcept override;
    void on_writable() noexcept override { turn(); }
    void on_durable(std::uint64_t number, bool stored) noexcept override;
    void on_retry() noexcept override;
    void say_goodbye(model::Reason reason) noexcept override;
    void on_ended(model::Reason reason) noexcept override;
    [[nodiscard]] const char* protocol() const noexcept override { return "amqp"; }

    // For its links.

    /// A turn when the wake ends.
    void turn_later();
    /// Ends a link when the wake ends.
    void detach_later(amqp::LinkId id, model::Reason reason);

private:
    /// Where a link on which the peer sends goes to.
    struct Target {
        amqp::LinkId id;
        std::string topic;  ///< Empty: each message says.
    };

    // Turns of the engine: amqp.cpp
    void turn() noexcept;
    void run_engine() noexcept;
    void take_output() noexcept;
    [[nodiscard]] bool pump_links() noexcept;
    std::optional<SteadyTime> on_deadline(SteadyTime now) noexcept override;

    // Up to the answer to Open: amqp_connect.cpp
    [[nodiscard]] static amqp::Settings settings_for(const model::Limits& limits);
    [[nodiscard]] static amqp::SaslOffer offer_for(const Connection& connection);
    void on_sasl(const amqp::SaslInit& init) noexcept override;
    void on_open(const amqp::Open& open) noexcept override;
    void authenticated(Result<model::PrincipalPtr> outcome);
    void identify(model::PrincipalPtr principal);
    void join();
    void refuse_open(model::Verdict verdict);

    // Links: amqp_links.cpp
    void on_attach(const amqp::Attach& attach) noexcept override;
    void on_detach(amqp::LinkId link, const amqp::Detach& detach) noexcept override;
    void on_credit(amqp::LinkId link, std::uint32_t credit, bool drain) noexcept override;
    void on_disposition(
        amqp::LinkId link, amqp::DeliveryId delivery, const amqp::Outcome& outcome
    ) noexcept override;
    [[nodiscard]] AmqpRefusal attach_target(const amqp::Attach& attach);
    [[nodiscard]] AmqpRefusal attach_source(const amqp::Attach& attach);
    void subscribe(
        const amqp::Attach& attach,
        std::string_view filter,
        std::string_view group,
        std::unique_ptr<AmqpLink> link
    );
    void forget(amqp::LinkId id);
    void leave_links();

    // Messages of the peer: amqp_publish.cpp
    void on_transfer(const amqp::Transfer& transfer) noexcept override;
    [[nodiscard]] AmqpRefusal publish(const amqp::Transfer& transfer, const Target& target);
    /// The topic that `to` of a message names. @return Why it names none.
    [[nodiscard]] std::optional<AmqpRefusal> read_topic(std::string_view to, std::string& topic) const;
    /// A policy or a limit is against it.
    [[nodiscard]] AmqpRefusal violation(amqp::DeliveryId delivery, model::Reason reason);
    void route(const model::MessagePtr& message, amqp::DeliveryId delivery);
    void park(const model::MessagePtr& message, std::uint64_t number);
    void accept(amqp::DeliveryId delivery);
    void settle(amqp::DeliveryId delivery, const amqp::Outcome& outcome);
    void set_flow(bool open);

    void on_close(const amqp::Error& error) noexcept override;

    // The connection's own session.
    [[nodiscard]] bool ready(model::Qos /*qos*/) const noexcept override { return false; }
    void deliver(const broker::Delivery& /*delivery*/) noexcept override {}
    void release(std::uint16_t /*packet_id*/) noexcept override {}
    void end(model::Reason reason) noexcept override;
    [[nodiscard]] broker::PeerInfo peer() const noexcept override;

    Connection& connection_;
    const amqp::Settings settings_;
    amqp::ServerConnection protocol_;
    model::PrincipalPtr principal_;
    std::string container_;
    broker::Session* session_ = nullptr;  ///< Null before Open is answered and after end().
    boost::unordered_flat_map<std::uint64_t, Target> targets_;
    boost::unordered_flat_map<std::uint64_t, std::unique_ptr<AmqpLink>> links_;
    boost::unordered_flat_map<std::uint64_t, amqp::DeliveryId>
        owed_;  ///< Unsettled publishes by their number.
    std::unique_ptr<Parking> parking_;
    std::uint64_t publishes_ = 0;
    std::uint64_t sources_ = 0;            ///< Links ever made on which the peer receives.
    std::optional<model::Reason> ending_;  ///< The connection ends with this after the turn.
    SteadyTime heard_{0};
    bool waiting_ = false;
    bool in_engine_ = false;
    bool is_turn_due_ = false;
    bool is_moving_ = false;
};

}  // namespace weir::endpoints
