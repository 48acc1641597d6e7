// The engine's turns, and the connection's end.
#include <weir/endpoints/amqp.hpp>

#include <utility>
#include <vector>

#include <weir/amqp/conditions.hpp>
#include <weir/endpoints/connection.hpp>

namespace weir::endpoints {

using model::Reason;

std::size_t AmqpEndpoint::on_bytes(ByteView bytes) noexcept {
    heard_ = connection_.services().shard.now();
    std::size_t taken = 0;
    while (taken < bytes.size()) {
        const std::size_t count = protocol_.feed(bytes.subspan(taken));
        taken += count;
        turn();
        if (connection_.closing()) {
            return bytes.size();
        }
        if (is_waiting() || is_moving_) {
            return taken;
        }
        if (count == 0) {
            connection_.close(Reason::protocol_error);
            return bytes.size();
        }
    }
    return taken;
}

void AmqpEndpoint::turn() noexcept {
    is_turn_due_ = false;
    do {
        run_engine();
    } while (!connection_.closing() && pump_links());
    if (ending_) {
        connection_.close(*ending_, Connection::Goodbye::said);
        return;
    }
    if (protocol_.finished()) {
        connection_.close(Reason::peer_disconnected, Connection::Goodbye::said);
        return;
    }
    if (is_moving_ || connection_.closing()) {
        return;
    }
    const Services& services = connection_.services();
    if (const auto due = protocol_.tick(services.shard.now())) {
        services.shard.coarse_timers().arm(*this, *due);
    }
}

void AmqpEndpoint::run_engine() noexcept {
    in_engine_ = true;
    protocol_.process(*this);
    in_engine_ = false;
    take_output();
}

void AmqpEndpoint::take_output() noexcept {
    auto& out = connection_.out();
    while (!out.congested()) {
        const ByteView bytes = protocol_.output();
        if (bytes.empty()) {
            return;
        }
        out.append(bytes);
        protocol_.output_done(bytes.size());
        connection_.flush_later();
    }
}

bool AmqpEndpoint::pump_links() noexcept {
    bool sent = false;
    for (const auto& [number, link] : links_) {
        sent = link->pump() || sent;
    }
    return sent;
}

void AmqpEndpoint::turn_later() {
    if (!std::exchange(is_turn_due_, true)) {
        connection_.later([this] { turn(); });
    }
}

std::optional<SteadyTime> AmqpEndpoint::on_deadline(SteadyTime now) noexcept {
    std::vector<amqp::LinkId> withdrawn;
    for (const auto& [number, link] : links_) {
        if (link->is_withdrawn()) {
            withdrawn.push_back(link->id());
        }
    }
    for (const amqp::LinkId id : withdrawn) {
        forget(id);
        protocol_.detach(
            id, {amqp::condition::kUnauthorizedAccess, "the right to subscribe was withdrawn"}
        );
    }
    const auto due = protocol_.tick(now);
    turn_later();  // The engine has something to say, or has found that the peer is silent.
    return due;
}

// --- The end -------------------------------------------------------------------------------------------------------

void AmqpEndpoint::on_close(const amqp::Error& error) noexcept {
    if (ending_) {
        return;
    }
    const Services& services = connection_.services();
    if (error.condition.empty()) {
        ending_ = Reason::peer_disconnected;
        return;
    }
    const bool silent = services.shard.now() - heard_ >= settings_.idle_timeout;
    const bool reads_nothing = error.condition == amqp::condition::kResourceLimitExceeded &&
                               connection_.out().congested();
    ending_ = silent          ? Reason::keep_alive_timeout
              : reads_nothing ? Reason::slow_consumer
                              : Reason::protocol_error;
    connection_.refuse(
        model::Action::disconnect,
        {*ending_},
        {},
        error.text.empty() ? error.condition : error.text
    );
}

void AmqpEndpoint::end(Reason reason) noexcept {
    session_ = nullptr;
    connection_.close(reason);
    connection_.later([this] { leave_links(); });
}

broker::PeerInfo AmqpEndpoint::peer() const noexcept {
    return connection_.peer_info("amqp 1.0");
}

void AmqpEndpoint::say_goodbye(Reason reason) noexcept {
    if (reason == Reason::peer_closed) {
        return;
    }
    const auto refusal = refusal_of(reason);
    protocol_.close({refusal.condition, refusal.text});
    if (!in_engine_) {
        run_engine();
    }
}

void AmqpEndpoint::on_ended(Reason /*reason*/) noexcept {
    leave_links();
    if (session_ != nullptr) {
        connection_.services().broker.disconnect(*std::exchange(session_, nullptr), *this, false);
    }
}

}  // namespace weir::endpoints
