/// From the storage thread back to a shard: which publishes are durable now.
#pragma once

#include <cstdint>
#include <vector>

#include <weir/base/guarded.hpp>
#include <weir/runtime/shard.hpp>

namespace weir::pipeline {

/// An acknowledgement that is owed once something is durable. Zero connection: nobody waits.
struct AckToken {
    std::uint64_t connection =
        0;  ///< As its endpoint numbers connections on this shard; never used again.
    std::uint64_t number = 0;  ///< The endpoint's own.
};

/// Implemented by the endpoints. Called on the shard.
class DurableListener {
public:
    virtual ~DurableListener() = default;
    /// @param stored  False: storage refused the batch; the message was not accepted.
    virtual void on_durable(AckToken token, bool stored) noexcept = 0;
};

/// Belongs to a shard; add() is called on the storage thread. Many completions of one group commit cost one wake.
class Completions {
public:
    Completions(runtime::Shard& shard, DurableListener& listener)
        : shard_{shard}, listener_{listener} {}

    void add(AckToken token, bool stored);

private:
    struct Done {
        AckToken token;
        bool stored;
    };

    void deliver() noexcept;

    runtime::Shard& shard_;
    DurableListener& listener_;
    Guarded<std::vector<Done>> done_;
    std::vector<Done> delivering_;  // Of the shard; keeps its memory.
};

}  // namespace weir::pipeline
