/// Records to requests.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <weir/http_client/client.hpp>
#include <weir/sinks/config.hpp>
#include <weir/storage/store.hpp>

namespace weir::sinks::detail {

/// True if both may travel in one request: same rule, URL and headers.
[[nodiscard]] bool same_request(
    const storage::OutboxRecord& a, const storage::OutboxRecord& b
) noexcept;

/// How many of `entries`, from the first on, one batch takes, and whether it can take no more.
struct BatchSize {
    std::size_t records = 0;
    bool complete = false;
};
[[nodiscard]] BatchSize batch_size(
    std::span<const storage::OutboxEntry> entries, const HttpSinkConfig& config
) noexcept;

/// "<sink>/<first>-<last>": the same on each attempt, also after a restart.
[[nodiscard]] std::string idempotency_key(
    std::string_view sink, std::uint64_t first, std::uint64_t last
);

/// The request for a batch, which is not empty.
/// @errors http_client::errc::bad_request: a record's URL is of another origin than the sink's, or
/// the sink's URL has a
///         template that the rule did not resolve. storage errors: headers that are damaged.
[[nodiscard]] Result<http_client::Request> make_request(
    std::span<const storage::OutboxEntry> batch, const HttpSinkConfig& config
);

}  // namespace weir::sinks::detail
