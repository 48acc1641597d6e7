/// What a sink keeps in the store beside its outbox: the batch under way, and its counters.
#pragma once

#include <cstdint>
#include <string>

#include <weir/sinks/status.hpp>
#include <weir/storage/store.hpp>

namespace weir::sinks::detail {

/// Offsets first..last of a batch whose borders are fixed; first 0: none.
struct Claim {
    std::uint64_t first = 0;
    std::uint64_t last = 0;

    [[nodiscard]] bool held() const noexcept { return first != 0; }
    friend bool operator==(const Claim&, const Claim&) = default;
};

struct SinkState {
    Claim claim;
    SinkCounters counters;

    friend bool operator==(const SinkState&, const SinkState&) = default;
};

void put_state(storage::Batch& batch, const std::string& sink, const SinkState& state);
/// A sink without a state has an empty one.
[[nodiscard]] Result<SinkState> load_state(const storage::Store& store, const std::string& sink);

}  // namespace weir::sinks::detail
