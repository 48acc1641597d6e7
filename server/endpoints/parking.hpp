/// Publishes of one connection that must wait for room in an outbox.
#pragma once

#include <deque>

#include <weir/model/limits.hpp>
#include <weir/model/message.hpp>
#include <weir/pipeline/publish.hpp>

namespace weir::endpoints {

/// In order: while one is parked, all that follow are. Bounded in bytes; what is above the bound ends the connection.
class Parking {
public:
    struct Parked {
        model::MessagePtr message;
        std::uint64_t number;  ///< Of its acknowledgement; 0 at QoS 0.
        SteadyTime forced_at;  ///< When it goes whether there is room or not.
    };

    [[nodiscard]] bool empty() const noexcept { return parked_.empty(); }
    /// @return False if it does not fit any more.
    [[nodiscard]] bool add(Parked parked, const model::Limits& limits) {
        const std::size_t size = parked.message->footprint();
        if (bytes_ + size > limits.parked_bytes && !parked_.empty()) {
            return false;
        }
        bytes_ += size;
        parked_.push_back(std::move(parked));
        return true;
    }

    /// Publishes what has room by now. `done(number)` is called for each that had all its effects.
    template <class Done>
    void retry(
        pipeline::Publisher& publisher,
        const pipeline::Origin& origin,
        std::uint64_t connection,
        SteadyTime now,
        Done&& done
    ) {
        while (!parked_.empty()) {
            const Parked& first = parked_.front();
            const auto progress = publisher.route(
                origin, first.message, {connection, first.number}, first.forced_at <= now
            );
            if (pipeline::is_held_back(progress)) {
                return;
            }
            const std::uint64_t number = first.number;
            bytes_ -= first.message->footprint();
            parked_.pop_front();
            if (progress == pipeline::Progress::done && number != 0) {
                done(number);
            }
        }
    }

private:
    std::deque<Parked> parked_;
    std::size_t bytes_ = 0;
};

}  // namespace weir::endpoints
