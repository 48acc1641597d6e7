/// What an answer means, and when to try again.
#pragma once

#include <chrono>
#include <cstdint>
#include <random>
#include <string>

#include <weir/http_client/client.hpp>
#include <weir/sinks/config.hpp>

namespace weir::sinks::detail {

enum class Fate : std::uint8_t {
    delivered,
    again,  ///< It may succeed later: 408, 425, 429, 5xx, or no answer.
    never,  ///< The receiver will not take it: other statuses, or a request that cannot be sent.
    undecided,  ///< The client stopped before there was an answer.
};

[[nodiscard]] Fate fate_of(const http_client::Outcome& outcome) noexcept;

/// "status 503: <start of the body>" or why there was no answer, for logs, dead letters and status;
/// printable, at most 256 bytes of what the receiver said.
[[nodiscard]] std::string describe(const http_client::Outcome& outcome);

inline constexpr std::chrono::hours kRetryAfterMax{1};

/// How long to leave a receiver alone.
class Backoff {
public:
    explicit Backoff(std::uint32_t seed) : random_{seed} {}
    /// After `attempt` (from 1) failed, see RetryPolicy.
    [[nodiscard]] std::chrono::milliseconds pause(
        const RetryPolicy& policy, std::uint32_t attempt, const http_client::Response& response
    );
    /// Between half and all of `longest`, or as the answer asks.
    [[nodiscard]] std::chrono::milliseconds pause(
        std::chrono::milliseconds longest, const http_client::Response& response
    );

private:
    std::minstd_rand random_;
};

}  // namespace weir::sinks::detail
