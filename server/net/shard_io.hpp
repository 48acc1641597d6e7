/// What the connections of one shard have in common.
#pragma once

#include <cstddef>
#include <cstdint>

#include <boost/intrusive/list.hpp>

#include <weir/base/counters.hpp>
#include <weir/net/chunk_pool.hpp>
#include <weir/net/tls_engine.hpp>
#include <weir/runtime/shard.hpp>

namespace weir::net {

/// Read from anywhere.
struct IoCounters {
    Counter bytes_in;   ///< After decryption and unframing.
    Counter bytes_out;  ///< Before framing and encryption.
    Counter reads;
    Counter writes;
    Counter handshakes;  ///< Completed.
    Counter handshakes_failed;
    Counter handshakes_evicted;
    Gauge connections;
    Counter pauses;  ///< Of reading, while a protocol waits for something.
};

/// A connection's place among the handshakes under way.
struct HandshakeLink : boost::intrusive::list_base_hook<> {};

/// Bounds the TLS handshakes under way. When one more comes the oldest goes: an honest peer is done
/// in a few round trips, so that those who stall push out each other.
class HandshakeGate {
public:
    explicit HandshakeGate(std::size_t at_once_max) noexcept : at_once_max_{at_once_max} {}

    /// @return who has to go, already out of the gate; usually nobody.
    [[nodiscard]] HandshakeLink* enter(HandshakeLink& newcomer) noexcept {
        HandshakeLink* oldest = nullptr;
        if (!order_.empty() && order_.size() >= at_once_max_) {
            oldest = &order_.front();
            order_.pop_front();
        }
        order_.push_back(newcomer);
        return oldest;
    }
    void leave(HandshakeLink& done) noexcept { order_.erase(order_.iterator_to(done)); }
    [[nodiscard]] std::size_t size() const noexcept { return order_.size(); }

private:
    boost::intrusive::list<HandshakeLink> order_;
    std::size_t at_once_max_;
};

struct ShardIoOptions {
    std::size_t handshakes_max = 2048;  ///< Per shard; about 60 KiB each while under way.
};

/// One per shard, made before its connections and outliving them. Used on that shard.
struct ShardIo {
    explicit ShardIo(runtime::Shard& owner, ShardIoOptions options = {})
        : shard{owner}, gate{options.handshakes_max} {}

    runtime::Shard& shard;
    ChunkPool chunks;
    TlsEngine tls;
    HandshakeGate gate;
    IoCounters counters;
};

}  // namespace weir::net
