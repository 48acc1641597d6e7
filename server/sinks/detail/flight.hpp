/// A batch on its way.
#pragma once

#include <cstdint>
#include <string>

#include <weir/base/clock.hpp>
#include <weir/sinks/detail/event_queue.hpp>
#include <weir/sinks/detail/read_ahead.hpp>

namespace weir::sinks::detail {

/// claim -> send -> settle. Where a batch never has more than one record, its borders are certain
/// and need no claim.
struct Flight {
    enum class Phase : std::uint8_t {
        claim,   ///< Its borders have to be stored.
        send,    ///< It is sent when `due`, or waits for the answer.
        settle,  ///< Its outcome has to be stored.
    };

    Entries batch;  ///< Not empty, in the order of offsets.
    Phase phase = Phase::send;
    bool is_claimed = false;
    bool is_committing = false;  ///< The commit under way stores its claim or its outcome.
    Ticket answer = 0;           ///< Of the request whose answer is awaited; 0: none.
    SteadyTime due{0};           ///< Of the next attempt.
    SteadyTime sent{0};
    std::uint32_t attempts = 0;
    std::uint32_t redirects = 0;  ///< Followed since the last attempt at the sink's own URL.
    std::string redirect = {};    ///< Where the next attempt goes; empty: to the sink's own URL.
    std::string given_up = {};    ///< Why it becomes dead letters; empty: it was delivered.

    [[nodiscard]] bool waits_to_send() const noexcept {
        return phase == Phase::send && answer == 0;
    }
};

}  // namespace weir::sinks::detail
