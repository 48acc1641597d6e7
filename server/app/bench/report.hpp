/// What a run found.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <weir/bench/histogram.hpp>
#include <weir/bench/options.hpp>

namespace weir::bench {

struct Times {
    std::uint64_t count = 0;
    double mean_us = 0;
    double p50_us = 0;
    double p90_us = 0;
    double p99_us = 0;
    double p999_us = 0;
    double max_us = 0;
};
[[nodiscard]] Times times_of(const Histogram& histogram);

/// Counts are of the whole run, warm-up included; `delivered` and the rest of that group are of the
/// measured time alone.
struct Messages {
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    std::int64_t lost = 0;        ///< Copies that were due and did not come; negative: too many.
    std::uint64_t skipped = 0;    ///< Numbers missing before higher ones; 0 where flows are shared.
    std::uint64_t reordered = 0;  ///< Came after a higher number, or twice.
    std::int64_t unacknowledged = 0;
    std::uint64_t refused = 0;
    std::uint64_t foreign = 0;
    std::uint32_t stalls = 0;  ///< Seconds in which nothing came.

    double seconds = 0;
    std::uint64_t delivered = 0;
    Times latency;
};

struct Clients {
    std::uint64_t wanted = 0;
    std::uint64_t connected = 0;
    std::uint64_t failed = 0;
    std::uint64_t closed = 0;  ///< Ended by the broker after they were connected.
    double seconds = 0;        ///< Until all were connected.
    Times connect;
    std::uint64_t pings = 0;
    std::uint64_t pongs = 0;
};

/// Processor time of a process per delivered message, or else per connection.
struct Processor {
    double seconds = 0;
    double percent = 0;  ///< Of one core.
    double us_each = 0;
};

/// Growth from before the first connection to the end of idle, or to the first message.
struct Growth {
    std::int64_t pss_bytes = 0;
    std::int64_t kernel_tcp_bytes = 0;
    double pss_bytes_each = 0;  ///< Per client; wild: per filter.
};

struct Report {
    Options options = {};
    Clients clients = {};
    std::optional<Messages> messages = {};
    Processor generator = {};
    std::optional<Processor> broker = {};
    std::optional<Growth> broker_memory = {};
    std::string error = {};  ///< The first thing that went wrong at a client.

    /// Everything was connected, stayed, and came once and in order.
    [[nodiscard]] bool is_good() const noexcept;
};

/// One JSON object on a line.
[[nodiscard]] std::string to_json(const Report& report);
/// For people.
[[nodiscard]] std::string to_text(const Report& report);

}  // namespace weir::bench
