/// Copies of what is published, for an operator who looks on.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include <weir/base/clock.hpp>
#include <weir/model/message.hpp>
#include <weir/model/tap.hpp>
#include <weir/pipeline/origin.hpp>

namespace weir::pipeline {

/// Takes messages on all shards until its time is over, or nobody reads it on. It holds what came since it was read, and so at most
/// what kPatience admits of its rates. Owned by its reader and by the shards, which let it go in time.
class Tap {
public:
    /// Nobody has read it for so long: its reader is gone.
    static constexpr std::chrono::seconds kPatience{5};

    Tap(model::TapQuery query, std::size_t shards, SteadyTime now);

    // On a shard, with its number.

    [[nodiscard]] bool wants(std::string_view topic) const noexcept;
    /// Room for a message within the rates. @return False: it is left out, and counted.
    [[nodiscard]] bool admit(const model::Message& message, SteadyTime now) noexcept;
    void keep(unsigned shard, model::Tapped&& tapped);
    /// What came since the last time.
    [[nodiscard]] std::vector<model::Tapped> hand_out(unsigned shard) noexcept;

    // Any thread.

    void was_read(SteadyTime now) noexcept;
    /// It takes no more; what it has may still be read.
    [[nodiscard]] bool is_closed(SteadyTime now) const noexcept { return now >= ends_; }
    [[nodiscard]] bool is_abandoned(SteadyTime now) const noexcept;
    [[nodiscard]] std::uint64_t over_messages() const noexcept { return over_messages_; }
    [[nodiscard]] std::uint64_t over_bytes() const noexcept { return over_bytes_; }

private:
    const model::TapQuery query_;
    const SteadyTime ends_;
    std::vector<std::vector<model::Tapped>> kept_;  ///< By shard, which alone touches its own.
    std::atomic<std::int64_t> read_ms_;
    // What the shards took together in the second at hand. A shard whose clock is late counts into the next one.
    std::atomic<std::int64_t> second_{0};
    std::atomic<std::uint64_t> messages_{0};
    std::atomic<std::uint64_t> bytes_{0};
    std::atomic<std::uint64_t> over_messages_{0};
    std::atomic<std::uint64_t> over_bytes_{0};
};

/// Those that are open, as a shard knows them.
class Taps {
public:
    explicit Taps(unsigned shard) noexcept : shard_{shard} {}

    [[nodiscard]] bool empty() const noexcept { return taps_.empty(); }
    void open(std::shared_ptr<Tap> tap) { taps_.push_back(std::move(tap)); }
    void close(const Tap& tap);
    /// @param wall  What rules take for the time.
    void take(
        const Origin& origin, const model::MessagePtr& message, SteadyTime now, WallTime wall
    );
    /// Lets those go that nobody reads, with what they hold. Once a second.
    void advance(SteadyTime now);

private:
    unsigned shard_;
    std::vector<std::shared_ptr<Tap>> taps_;
};

}  // namespace weir::pipeline
