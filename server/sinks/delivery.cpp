#include <weir/sinks/detail/delivery.hpp>

#include <fmt/format.h>

#include <algorithm>

#include <weir/base/text.hpp>

namespace weir::sinks::detail {
namespace {

constexpr std::size_t kExcerptBytes = 256;

constexpr bool is_temporary(std::uint16_t status) noexcept {
    return status == 408 || status == 425 || status == 429 || (status >= 500 && status <= 599);
}

}  // namespace

Fate fate_of(const http_client::Outcome& outcome) noexcept {
    if (outcome.error == http_client::errc::cancelled) {
        return Fate::undecided;
    }
    if (outcome.error) {
        return outcome.error == http_client::errc::bad_request ? Fate::never : Fate::again;
    }
    const auto status = outcome.response.status;
    if (status >= 200 && status <= 299) {
        return Fate::delivered;
    }
    return is_temporary(status) ? Fate::again : Fate::never;
}

std::string describe(const http_client::Outcome& outcome) {
    if (outcome.error) {
        return outcome.detail.empty() ? outcome.error.message()
                                      : printable(outcome.detail, kExcerptBytes);
    }
    auto excerpt = printable(outcome.response.body, kExcerptBytes);
    excerpt.erase(excerpt.find_last_not_of(' ') + 1);  // Most bodies end with a line end.
    return excerpt.empty() ? fmt::format("status {}", outcome.response.status)
                           : fmt::format("status {}: {}", outcome.response.status, excerpt);
}

std::chrono::milliseconds Backoff::pause(
    const RetryPolicy& policy, std::uint32_t attempt, const http_client::Response& response
) {
    auto longest = policy.min;
    for (std::uint32_t i = 1; i < attempt && longest < policy.max; ++i) {
        longest *= 2;
    }
    return pause(std::min(longest, policy.max), response);
}

std::chrono::milliseconds Backoff::pause(
    std::chrono::milliseconds longest, const http_client::Response& response
) {
    std::uniform_int_distribution<std::int64_t> spread{(longest.count() + 1) / 2, longest.count()};
    const std::chrono::milliseconds own{spread(random_)};
    const std::chrono::milliseconds asked = std::min<std::chrono::milliseconds>(
        response.retry_after.value_or(std::chrono::seconds{0}), kRetryAfterMax
    );
    return std::max(own, asked);
}

}  // namespace weir::sinks::detail
