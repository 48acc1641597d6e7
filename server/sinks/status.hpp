/// What a sink is doing, for `weir sinks list` and metrics.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include <weir/base/clock.hpp>

namespace weir::sinks {

enum class Activity : std::uint8_t {
    starting,     ///< Its state was not read yet.
    idle,         ///< The outbox is empty.
    gathering,    ///< An incomplete batch is kept open.
    delivering,   ///< A request or a commit is under way.
    backing_off,  ///< The last attempt failed; the next one has its time.
    removed,      ///< No longer configured, but it left records behind.
};

/// "starting", "idle", ...
[[nodiscard]] std::string_view name(Activity activity) noexcept;

/// Of the circuit breaker, see BreakerPolicy.
enum class BreakerState : std::uint8_t {
    closed,     ///< Requests are sent.
    half_open,  ///< One request is under way to find out whether the receiver is back.
    open,       ///< Too many attempts failed: nothing is sent for a while.
};

/// "closed", "half_open", "open"
[[nodiscard]] std::string_view name(BreakerState state) noexcept;

/// How long answers took, whatever they said. Since start.
struct LatencyHistogram {
    /// Upper bounds; one more bucket counts what is above all of them.
    static constexpr std::array<std::chrono::milliseconds, 10> kBounds = {
        std::chrono::milliseconds{5},
        std::chrono::milliseconds{10},
        std::chrono::milliseconds{25},
        std::chrono::milliseconds{50},
        std::chrono::milliseconds{100},
        std::chrono::milliseconds{250},
        std::chrono::milliseconds{500},
        std::chrono::milliseconds{1'000},
        std::chrono::milliseconds{2'500},
        std::chrono::milliseconds{10'000},
    };
    std::array<std::uint64_t, kBounds.size() + 1> counts{};
    std::chrono::milliseconds sum{0};

    void add(std::chrono::milliseconds took) noexcept;
    [[nodiscard]] std::uint64_t count() const noexcept;
};

/// Over the life of the outbox, crash-exact: in = delivered + pending + dead + lost, where `in` is
/// SinkStatus::in.
struct SinkCounters {
    std::uint64_t delivered = 0;
    std::uint64_t dead = 0;  ///< Became dead letters: refused by the receiver, or too old
                             ///< (sink_rejected, sink_expired).
    std::uint64_t lost = 0;  ///< Removed by drop_oldest (sink_full), or by an operator after the
                             ///< sink was removed.

    [[nodiscard]] std::uint64_t total() const noexcept { return delivered + dead + lost; }

    friend bool operator==(const SinkCounters&, const SinkCounters&) = default;
};

struct SinkStatus {
    std::string name = {};
    std::string url = {};
    Activity activity = Activity::starting;
    std::uint64_t in = 0;       ///< Records ever enqueued.
    std::uint64_t pending = 0;  ///< Records in the outbox.
    std::uint64_t pending_bytes = 0;
    std::chrono::milliseconds oldest_age{0};  ///< Of the oldest pending record.
    std::uint64_t dead_letters = 0;           ///< Kept now.
    SinkCounters counters = {};
    std::uint64_t attempts = 0;   ///< Requests since start.
    std::uint64_t failures = 0;   ///< Of them, failed.
    std::uint64_t reports_lost = 0;  ///< Of dead letters, since start: the error sink of their rule had no room.
    std::uint32_t in_flight = 0;  ///< Requests without an answer yet.
    LatencyHistogram latency = {};
    BreakerState breaker = BreakerState::closed;
    std::uint32_t batch_attempts = 0;           ///< For the oldest batch under way.
    std::chrono::milliseconds next_attempt{0};  ///< From now, if backing off.
    std::string last_error = {
    };  ///< "503 Service Unavailable: ..."; stays until a delivery succeeds.
    WallTime last_error_time{0};
};

}  // namespace weir::sinks
