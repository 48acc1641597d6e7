/// What a sink keeps in the store beside its outbox: the batches under way, and its counters.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <weir/sinks/status.hpp>
#include <weir/storage/store.hpp>

namespace weir::sinks::detail {

/// Offsets that follow each other, both ends included.
struct Run {
    std::uint64_t first = 0;
    std::uint64_t last = 0;

    friend bool operator==(const Run&, const Run&) = default;
};

/// The records of a batch whose borders are fixed: at least one run, ascending.
using Claim = std::vector<Run>;

/// Runs that one batch may have; a batch that needs more is complete.
inline constexpr std::size_t kRunsMax = 256;

/// The runs of a batch, which is in the order of offsets.
[[nodiscard]] Claim claim_of(const std::vector<storage::OutboxEntry>& batch);

struct SinkState {
    std::vector<Claim> claims;
    SinkCounters counters;

    friend bool operator==(const SinkState&, const SinkState&) = default;
};

void put_state(storage::Batch& batch, const std::string& sink, const SinkState& state);
/// @errors storage::errc::malformed_record, storage::errc::newer_version.
[[nodiscard]] Result<SinkState> decode_state(std::uint8_t version, ByteView body);
/// A sink without a state has an empty one.
[[nodiscard]] Result<SinkState> load_state(const storage::Store& store, const std::string& sink);

/// What the outbox itself tells about a sink.
void add_outbox(SinkStatus& status, const storage::OutboxInfo& outbox, WallTime now);
/// What is stored of the sink that the status names: its outbox, and the counters of the same moment.
/// @errors As load_state().
[[nodiscard]] Result<void> add_stored(SinkStatus& status, storage::Store& store, WallTime now);

}  // namespace weir::sinks::detail
