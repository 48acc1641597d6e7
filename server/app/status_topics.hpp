/// What the gateway says of itself under `$SYS`. Private to the gateway.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include <weir/base/clock.hpp>
#include <weir/broker/broker.hpp>

namespace weir::app {

class GatewayShard;

/// Belongs to one shard and tells that shard's sessions only; the numbers are of the whole gateway. A shard where nobody
/// subscribes below `$SYS` does nothing.
class StatusTopics {
public:
    struct Gateway {
        std::span<const GatewayShard* const> shards;  ///< All; filled before the first tick.
        std::chrono::milliseconds interval;           ///< Zero: nothing is said.
        std::string_view version;
    };

    StatusTopics(broker::Broker& broker, const Gateway& gateway) noexcept
        : broker_{broker}, gateway_{gateway} {}

    /// Once a second: says everything if the interval is over, or somebody new listens.
    void tick(SteadyTime now, WallTime wall);

private:
    template <class Read>
    [[nodiscard]] std::int64_t sum(Read&& read) const;
    void say(std::string_view topic, std::string_view text) const;
    void say(std::string_view topic, std::int64_t number) const;
    void say_all(SteadyTime now);

    broker::Broker& broker_;
    Gateway gateway_;
    SteadyTime started_{0};
    SteadyTime due_{0};
    WallTime wall_{0};
    std::uint64_t listeners_ = 0;  ///< Subscriptions that there ever were when it last spoke.
};

}  // namespace weir::app
