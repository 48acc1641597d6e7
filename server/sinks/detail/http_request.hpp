/// Records to requests.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <weir/base/clock.hpp>
#include <weir/http_client/client.hpp>
#include <weir/sinks/config.hpp>
#include <weir/storage/store.hpp>

namespace weir::sinks::detail {

/// True if both may travel in one request: same rule, URL and headers.
[[nodiscard]] bool same_request(
    const storage::OutboxRecord& a, const storage::OutboxRecord& b
) noexcept;

/// How many records a batch may have; a body that is a payload as it is takes one.
[[nodiscard]] std::size_t batch_messages(const Delivery& delivery) noexcept;

/// "<sink>/<first>-<last>@<time>" of a batch, which is not empty: the same on each attempt, also
/// after a restart. Batches of one outbox have no record in common, so no two of them have the same
/// first offset; the time of its first record tells it from a batch of an outbox that began anew, or
/// went back to a backup.
[[nodiscard]] std::string idempotency_key(
    std::string_view sink, std::span<const storage::OutboxEntry> batch
);

/// The request for a batch, which is not empty.
/// @param key       Of idempotency.
/// @param redirect  Where a redirect within the server led; empty: to the sink's or the records'
///                  own URL.
/// @param now       For signatures.
/// @errors http_client::errc::bad_request: a record's URL is of another origin than the sink's, or
///         the sink's URL has a template that the rule did not resolve.
///         storage errors: headers that are damaged.
[[nodiscard]] Result<http_client::Request> make_request(
    std::span<const storage::OutboxEntry> batch,
    const HttpSinkConfig& config,
    std::string_view key,
    std::string_view redirect,
    WallTime now
);

/// Whether a refused request goes on to `response.location`: within the sink's server, where its method and body stay.
/// @param followed  How many redirects led here.
[[nodiscard]] bool follows_redirect(
    const HttpSinkConfig& config, const http_client::Response& response, std::uint32_t followed
);

}  // namespace weir::sinks::detail
