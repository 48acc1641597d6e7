/// A device's connection, from its first byte to its last.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <weir/broker/subscriber.hpp>
#include <weir/endpoints/connections.hpp>
#include <weir/endpoints/endpoint.hpp>
#include <weir/endpoints/listener.hpp>
#include <weir/endpoints/services.hpp>
#include <weir/metering/formula.hpp>
#include <weir/mqtt/topic.hpp>
#include <weir/net/acceptor.hpp>
#include <weir/net/connection.hpp>
#include <weir/why/decision_log.hpp>

namespace weir::endpoints {

/// Finds out what the peer speaks (one front door for all protocols) and carries its Endpoint. Owned by the Connections of
/// the shard that it is on; everything is called there.
class Connection final : public net::Connection {
public:
    /// Whether the endpoint has told the peer already why the connection ends.
    enum class Goodbye : std::uint8_t { to_be_said, said };

    Connection(Services& services, ListenerPtr listener, net::Accepted accepted);
    ~Connection() override;

    /// Once, on the shard that accepted it. False: it is over already.
    [[nodiscard]] bool start();

    // For its endpoint.

    [[nodiscard]] Services& services() const noexcept { return *services_; }
    /// Of this connection on this shard; never used again. Changes when it moves.
    [[nodiscard]] std::uint64_t id() const noexcept { return id_; }
    [[nodiscard]] const model::Limits& limits() const noexcept { return listener_->limits; }
    /// The limits for who outlives the connection.
    [[nodiscard]] std::shared_ptr<const model::Limits> shared_limits() const noexcept {
        return {listener_, &listener_->limits};
    }
    [[nodiscard]] mqtt::TopicLimits topic_limits() const noexcept;
    [[nodiscard]] const identity::Methods& methods() const noexcept { return listener_->methods; }
    [[nodiscard]] const Listener& listener() const noexcept { return *listener_; }
    [[nodiscard]] bool is_encrypted() const noexcept { return transport().tls() != nullptr; }
    /// Of the client certificate that TLS verified.
    [[nodiscard]] std::optional<Sha256> certificate() const;
    [[nodiscard]] std::string_view peer_address() const noexcept { return peer_; }
    [[nodiscard]] broker::PeerInfo peer_info(std::string_view protocol) const noexcept {
        return {
            .protocol = protocol,
            .listener = listener_->name,
            .address = peer_,
            .encrypted = is_encrypted(),
        };
    }
    /// The thing, or what the peer calls itself, or else its address: under this name decisions are kept.
    [[nodiscard]] std::string_view device() const noexcept;
    /// The peer calls itself so; it may be anybody.
    void set_claimed(std::string_view name) { early().device = name; }
    /// The peer has proved to be this thing.
    void set_device(std::string_view thing) {
        early().device = thing;
        is_proved_ = true;
    }
    [[nodiscard]] why::Who who() const noexcept { return {device(), !is_proved_}; }
    /// Of what the session that has this connection publishes.
    [[nodiscard]] pipeline::Origin origin(const broker::Session& session) const noexcept;
    /// Counts and records that something was refused, with the peer's address.
    /// @param detail  What the reason leaves open; may come from the peer.
    void refuse(
        model::Action action,
        model::Verdict verdict,
        std::string_view topic = {},
        std::string_view detail = {}
    ) const;

    [[nodiscard]] net::SendQueue& out() noexcept { return output(); }
    /// Puts the connection's end on its way. The first call counts.
    void close(model::Reason reason, Goodbye goodbye = Goodbye::to_be_said);
    /// on_bytes() gets again what it left, and what came since. Until then the peer was not silent: nobody listened.
    void resume() noexcept;
    /// Reads nothing until resume(): for an endpoint that began to wait outside of on_bytes().
    void wait() noexcept { pause(); }
    /// What ends a silence.
    enum class Heard : std::uint8_t { bytes, packets };
    /// Everything so far was the handshake: from now on silence for this long ends the connection. Zero: never.
    /// The first call counts.
    void established(std::chrono::milliseconds silence_max, Heard breaks_silence = Heard::bytes);
    /// The connection goes to that shard when this wake ends, and Endpoint::on_arrival is called there.
    void move_to(unsigned shard) noexcept;
    /// Calls Endpoint::on_retry in a moment.
    void retry_later() { services_->connections.retry(id_); }
    /// Runs `work()` when this wake ends, if the connection still lives.
    template <class Work>
    void later(Work work);
    /// Runs `work()` on the blocking pool, then `done(what it returned)` here, if the connection still lives.
    template <class Work, class Done>
    void run_blocking(Work work, Done done);

    void open_meter(std::string_view tenant, std::string_view device);
    [[nodiscard]] metering::DeviceMeter* meter() const noexcept { return meter_; }
    void meter_count(const storage::UsageDelta& delta) noexcept {
        if (meter_ != nullptr) {
            services_->meter.count(*meter_, delta);
        }
    }
    /// The same for what each message costs: `add` is one of metering's adders.
    template <class What>
    void meter_add(
        void (*add)(storage::UsageDelta&, What) noexcept, std::type_identity_t<What> what
    ) noexcept {
        if (meter_ != nullptr) {
            add(services_->meter.sums(*meter_), what);
        }
    }

    [[nodiscard]] Endpoint* endpoint() const noexcept { return endpoint_.get(); }
    [[nodiscard]] SteadyTime since() const noexcept { return since_; }

private:
    friend class Connections;

    enum class Phase : std::uint8_t {
        preface,   ///< A PROXY preface comes first.
        sniffing,  ///< The first bytes tell the protocol.
        speaking,  ///< The endpoint has it.
    };

    /// What is needed only until the meter names the device.
    struct Early {
        Bytes bytes;         ///< Came before the protocol was known.
        std::string device;  ///< What the peer calls itself.
    };

    void on_bytes(ByteView bytes) noexcept override;
    void on_blocked() noexcept override;
    void on_drained() noexcept override;
    std::optional<SteadyTime> on_timeout(SteadyTime now) noexcept override;
    void on_handshake_failed(const error_code& error) noexcept override;
    void on_closed(error_code reason) noexcept override;
    void on_moving() noexcept override;

    /// Without the port.
    [[nodiscard]] static std::string host_of(const net::Address& peer);
    [[nodiscard]] Early& early();
    // What does the peer speak? connection_opening.cpp
    void recognize(ByteView bytes);
    void read_preface(ByteView bytes);
    void sniff(ByteView bytes);
    void upgrade(ByteView bytes);
    void speak(std::unique_ptr<Endpoint> endpoint, ByteView bytes);

    void feed(ByteView bytes);
    void note_packet(std::size_t taken);
    [[nodiscard]] SteadyTime silence_ends() const noexcept;
    [[nodiscard]] bool comes_too_slowly(SteadyTime now) const noexcept;
    /// Looks soon, and then again and again, whether the peer goes on with what it began.
    void watch();
    void end_endpoint();
    void arrive(Services& services);

    Services* services_;
    ListenerPtr listener_;
    net::ConnectionSlot slot_;
    std::uint64_t id_ = 0;
    std::unique_ptr<Endpoint> endpoint_;
    metering::DeviceMeter* meter_ = nullptr;
    std::string peer_;
    std::unique_ptr<Early> early_;
    SteadyTime since_;
    // Stamps: the lower half of the clock's milliseconds, for ages below 49 days.
    std::uint32_t heard_ms_;             ///< The last byte.
    std::uint32_t heard_packet_ms_;      ///< The last byte that ended a packet.
    std::uint32_t packet_began_ms_ = 0;  ///< The packet whose rest has not come; 0: none.
    std::uint32_t silence_max_ms_ = 0;
    Phase phase_ = Phase::sniffing;
    model::Reason reason_ = model::Reason::peer_closed;
    bool established_ = false;
    bool is_watched_ : 1 = false;
    bool is_moving_ : 1 = false;
    bool is_proved_ : 1 = false;  ///< Who the peer is.
    Heard breaks_silence_ = Heard::bytes;
    bool endpoint_ended_ = false;
    std::uint16_t destination_ = 0;
};

static_assert(sizeof(Connection) <= 280, "part of every idle connection");

template <class Work>
void Connection::later(Work work) {
    services_->shard.defer([&table = services_->connections, id = id_, work = std::move(work)](
                           ) mutable {
        if (table.find(id) != nullptr) {
            work();
        }
    });
}

template <class Work, class Done>
void Connection::run_blocking(Work work, Done done) {
    using Outcome = decltype(work());
    auto job = [&table = services_->connections,
                id = id_,
                work = std::move(work),
                done = std::move(done)]() mutable {
        return runtime::Task{[&table,
                              id,
                              done = std::move(done),
                              outcome = std::make_unique<Outcome>(work())]() mutable {
            if (table.find(id) != nullptr) {
                done(std::move(*outcome));
            }
        }};
    };
    if (!services_->pool.try_run(services_->shard, std::move(job))) {
        refuse(
            model::Action::connect,
            {model::Reason::connections_limit},
            {},
            "too many passwords are being verified"
        );
        close(model::Reason::connections_limit);
    }
}

}  // namespace weir::endpoints
