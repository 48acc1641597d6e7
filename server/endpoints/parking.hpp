/// Publishes of one connection that must wait for room in an outbox.
#pragma once

#include <deque>

#include <weir/endpoints/connection.hpp>
#include <weir/model/message.hpp>
#include <weir/pipeline/publish.hpp>

namespace weir::endpoints {

/// In order: while one is parked, all that follow are. Bounded by the limit `parked_bytes`; who sends beyond it is
/// disconnected.
class Parking {
public:
    [[nodiscard]] bool empty() const noexcept { return parked_.empty(); }

    /// Keeps a publish back and asks the connection for a retry.
    /// @param number Of its acknowledgement; 0 at QoS 0.
    /// @param inbound_id As in AckToken.
    /// @return False: that is too much, and the connection was closed.
    bool hold(
        Connection& connection,
        model::MessagePtr message,
        std::uint64_t number,
        std::uint16_t inbound_id = 0
    );

    /// Publishes what has room by now; asks for another retry if something is left.
    /// `done(number)` is called for each that had all its effects and waits for an acknowledgement.
    template <class Done>
    void retry(Connection& connection, const pipeline::Origin& origin, Done&& done);

    /// Calls `visit(packet_id)` for each publish at QoS 2 that is held back.
    template <class Visit>
    void for_each_inbound_id(Visit&& visit) const {
        for (const Parked& each : parked_) {
            if (each.inbound_id != 0) {
                visit(each.inbound_id);
            }
        }
    }

private:
    struct Parked {
        model::MessagePtr message;
        std::uint64_t number;
        std::uint16_t inbound_id;
        SteadyTime since;  ///< Held back since then.
    };

    std::deque<Parked> parked_;
    std::size_t bytes_ = 0;
};

template <class Done>
void Parking::retry(Connection& connection, const pipeline::Origin& origin, Done&& done) {
    const Services& services = connection.services();
    while (!parked_.empty()) {
        Parked& first = parked_.front();
        const std::uint64_t number = first.number;
        const auto progress = services.publisher.route(
            origin,
            first.message,
            {number == 0 ? 0 : connection.id(), number, first.inbound_id},
            services.shard.now() - first.since
        );
        if (pipeline::is_held_back(progress)) {
            if (progress == pipeline::Progress::throttled) {
                first.since = services.shard.now();  // It has not come to the outboxes yet.
            }
            connection.retry_later();
            return;
        }
        bytes_ -= first.message->footprint();
        parked_.pop_front();
        if (pipeline::is_done(progress) && number != 0) {
            done(number);
        }
    }
}

}  // namespace weir::endpoints
