/// Everything of the gateway that belongs to one shard. Private to the gateway.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include <weir/app/message_rates.hpp>
#include <weir/base/guarded.hpp>
#include <weir/broker/broker.hpp>
#include <weir/endpoints/connections.hpp>
#include <weir/endpoints/services.hpp>
#include <weir/metering/ledger.hpp>
#include <weir/metering/meter.hpp>
#include <weir/model/metrics.hpp>
#include <weir/net/shard_io.hpp>
#include <weir/pipeline/publish.hpp>
#include <weir/runtime/shard.hpp>
#include <weir/why/decision_log.hpp>

#include "status_topics.hpp"

namespace weir::app {

/// Time as the shard's wake sees it.
class ShardClock final : public Clock {
public:
    explicit ShardClock(const runtime::Shard& shard) noexcept : shard_{shard} {}
    [[nodiscard]] SteadyTime steady() const noexcept override { return shard_.now(); }
    [[nodiscard]] WallTime wall() const noexcept override { return shard_.wall_now(); }

private:
    const runtime::Shard& shard_;
};

/// The broker's way to other shards: mailboxes, and a list where one is full and nothing may be lost.
class ShardPeers final : public broker::Peers {
public:
    ShardPeers(runtime::Shard& shard, std::size_t shards) : shard_{shard}, waiting_(shards) {}

    [[nodiscard]] bool try_send(unsigned shard, runtime::Task& work) noexcept override;
    void send(unsigned shard, runtime::Task work) override;

private:
    void drain(unsigned shard);

    runtime::Shard& shard_;
    std::vector<std::deque<runtime::Task>>
        waiting_;  // By destination; in order behind its mailbox.
};

/// Made before the shards run, destroyed after they ended; in between used on its shard only, but for the counters.
class GatewayShard final : private runtime::Timer {
public:
    struct Shared {
        storage::Store& store;
        const metering::Ledger& ledger;
        const identity::Registry& registry;
        const identity::Mechanisms& mechanisms;
        runtime::BlockingPool& pool;
        const model::Limits& limits;
        std::span<broker::Broker* const> brokers;
        std::span<pipeline::Publisher* const> publishers;
        endpoints::Services* const* services;
        std::size_t decision_bytes_max;
        StatusTopics::Gateway status;
    };

    GatewayShard(runtime::Shard& shard, unsigned number, const Shared& shared);

    /// On the shard: begins the work of every second.
    void start();
    /// Messages of devices, and copies handed to subscribers, since the start. Any thread.
    [[nodiscard]] MessageTotals totals() const noexcept;
    /// On the shard: puts what is only counted in memory into the store, and calls `done()` here when it is stored or the
    /// store refused it.
    void flush_usage(std::move_only_function<void()> done);

    runtime::Shard& shard;
    ShardClock clock;
    model::ShardMetrics metrics;
    Guarded<MessageRates> rates;  ///< Of totals(); sampled every second.
    why::DecisionLog decisions;
    broker::Context context;
    net::ShardIo io;
    metering::Meter meter;
    ShardPeers peers;
    broker::Journal journal;
    broker::Broker broker;
    endpoints::Connections connections;
    pipeline::Publisher publisher;
    endpoints::Services services;
    StatusTopics status;

private:
    std::optional<SteadyTime> on_deadline(SteadyTime now) noexcept override;
    void begin_flush();
    void flush_some();
    void end_flush();

    storage::Store& store_;
    const metering::Ledger& ledger_;
    const identity::Registry& registry_;
    std::uint64_t registry_version_ = 0;
    std::vector<std::move_only_function<void()>> flush_;       // Who waits for the one under way,
    std::vector<std::move_only_function<void()>> next_flush_;  // and for all that was counted since it began.
};

}  // namespace weir::app
