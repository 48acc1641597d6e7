/// What the endpoints of one shard work with.
#pragma once

#include <atomic>
#include <memory>

#include <weir/broker/broker.hpp>
#include <weir/identity/exchange.hpp>
#include <weir/identity/registry.hpp>
#include <weir/metering/meter.hpp>
#include <weir/net/shard_io.hpp>
#include <weir/pipeline/publish.hpp>
#include <weir/runtime/blocking_pool.hpp>
#include <weir/runtime/shard.hpp>

namespace weir::endpoints {

class Connections;

/// Made by the Gateway, one per shard; outlives the shard's connections.
struct Services {
    runtime::Shard& shard;
    net::ShardIo& io;
    unsigned self;
    unsigned shards;
    broker::Broker& broker;
    pipeline::Publisher& publisher;
    metering::Meter& meter;
    const identity::Registry& registry;
    const identity::Mechanisms& mechanisms;
    runtime::BlockingPool& pool;
    Connections& connections;
    Services* const* all;  ///< Of every shard, by number.

    [[nodiscard]] broker::Context& context() const noexcept { return broker.context(); }
    [[nodiscard]] model::ShardMetrics& metrics() const noexcept { return broker.context().metrics; }
};

}  // namespace weir::endpoints
