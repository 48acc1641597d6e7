/// What the clients of one thread share.
#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <vector>

#include <weir/base/counters.hpp>
#include <weir/bench/detail/board.hpp>
#include <weir/bench/detail/connection.hpp>
#include <weir/bench/histogram.hpp>

namespace weir::bench::detail {

class Client;

/// Read by the coordinator while the thread runs.
struct CrewCounters {
    Counter ready;   ///< Clients that were accepted, and subscribed.
    Counter failed;  ///< Clients that never got there.
    Counter closed;  ///< Clients that the broker ended later.
    Counter sent;
    Counter received;
    Counter acknowledged;
    Counter refused;  ///< PUBACK or PUBREC with an error.
    Counter foreign;  ///< Messages that are not of this run.
    Counter pings;
    Counter pongs;
};

/// Touched by its thread alone, but for the counters.
struct Crew {
    Crew(Board& run, unsigned thread)
        : board{run}, number{thread}, scratch(kScratchBytes), random{thread + 1} {}

    [[nodiscard]] Connection::Shared shared() noexcept {
        return {
            .options = board.options,
            .address = board.address,
            .tls = board.tls,
            .epoll = epoll,
            .scratch = scratch,
        };
    }
    /// A client has a reason to end early; the first one is reported.
    void note_error(const std::string& text) {
        if (error.empty()) {
            error = text;
        }
    }

    static constexpr std::size_t kScratchBytes = 256 * 1'024;

    Board& board;
    unsigned number;
    int epoll = -1;
    std::vector<Byte> scratch;
    std::minstd_rand random;
    std::uint64_t now_ns = 0;  ///< When the bytes in hand were read.
    CrewCounters counters;
    Histogram latency;
    Histogram connect_time;
    std::vector<Client*> unsent;  ///< Have written something since the last turn.
    std::vector<Client*> eager;   ///< Publishers that may have something to send.
    /// Publisher p of the run is number p / threads of thread p % threads.
    std::vector<Client*> publishers;
    bool others_have_room = false;  ///< A publisher of another thread has.
    std::uint32_t starting = 0;     ///< Clients under way.
    std::string error;              ///< The first one; for the coordinator after the thread's end.
};

}  // namespace weir::bench::detail
