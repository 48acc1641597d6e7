/// What the operator says about a sink.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <weir/http_client/client.hpp>
#include <weir/http_client/sigv4.hpp>

namespace weir::sinks {

/// What happens to a message whose sink has a full outbox.
enum class OnFull : std::uint8_t {
    block,        ///< The publisher is held back for `block_timeout`; then as dead_letter.
    dead_letter,  ///< It counts as lost{sink_full} and the rule's on_error runs.
    drop_oldest,  ///< It is taken; the oldest entries are removed and count as lost of the sink.
};

/// Key `outbox`. A reload changes all of it.
struct OutboxLimits {
    std::uint64_t size_bytes = 1ULL << 30U;  ///< As storage::outbox_cost counts.
    std::chrono::milliseconds age{
        24 * 3'600'000
    };  ///< Older entries become dead letters; at least 1 s.
    OnFull on_full = OnFull::block;
    std::chrono::milliseconds block_timeout{30'000};
    std::uint64_t dead_letter_bytes = 64ULL
                                      << 20U;  ///< Beyond, the oldest dead letters are purged.
};

/// How long to wait after a failed attempt: between half and all of min * 2^(attempt - 1), at most
/// max. A longer Retry-After wins, up to one hour. Attempts end when the records are older than
/// OutboxLimits::age.
struct RetryPolicy {
    std::chrono::milliseconds min{1'000};
    std::chrono::milliseconds max{300'000};
};

/// After so many failed attempts in a row, of whichever batches, the sink sends nothing for
/// `pause`, then one batch as a probe.
struct BreakerPolicy {
    std::uint32_t failures = 5;               ///< 0: never.
    std::chrono::milliseconds pause{30'000};  ///< Between half and all of it; likewise Retry-After.
};

enum class BodyFormat : std::uint8_t {
    json,         ///< One record: its payload. Several: a JSON array of them.
    json_lines,   ///< One line of JSON per record.
    array,        ///< A JSON array, of one record too.
    cloudevents,  ///< CloudEvents 1.0 in JSON: one event, or the batch form where batches may have
                  ///< more than one record.
    raw,          ///< The payload as it is; a request never carries more than one.
};

enum class Compression : std::uint8_t { none, gzip, zstd };

/// What happens to a redirect. It never leads to another scheme, host or port.
enum class Redirects : std::uint8_t {
    none,         ///< It is a refusal like any other.
    same_origin,  ///< 307 and 308 are followed, three times at most, within the server.
};

/// A batch closes with the first limit that it reaches.
struct BatchLimits {
    std::uint32_t messages = 1;         ///< 1..10'000.
    std::uint64_t bytes = 256 * 1024;   ///< Of payloads. A single larger record is sent alone.
    std::chrono::milliseconds wait{0};  ///< How long an incomplete batch is kept open.
};

/// How the records of one rule become requests: key `http` in a rule's `to`.
struct Delivery {
    BodyFormat body = BodyFormat::json;
    BatchLimits batch = {};
};

/// A rule with an error action, which is told what a sink gave up of the rule: in the batch of the dead letter where that is a
/// stream, or another sink whose requests take nothing of the message, else by ErrorActions once the dead letter is stored.
/// Never the sink itself: since a rule has one error action, no report is made of a report.
struct ErrorTarget {
    std::string rule;
    std::string action;  ///< Of the rule, with this sink: "http" or "alert".
    std::string stream = {};
    std::string sink = {};  ///< Without a stream; neither: ErrorActions.
    std::uint64_t sink_bytes = 0;  ///< reserve_limit() of that sink.
    bool sink_drops_oldest = false;
};

/// A file of sinks.d/ with `type: http`, and the rules that name it.
struct HttpSinkConfig {
    std::string name = {};  ///< Also the name of its outbox; at most 255 bytes.
    /// http or https; the path and query may hold a template (${...}), the host may not. A record
    /// whose rule resolved the template brings its own path and query.
    std::string url = {};
    std::string method = "POST";  ///< POST, PUT, PATCH or DELETE.
    /// Sent with each request, after those that the sink sets itself (Content-Type,
    /// Idempotency-Key, User-Agent, Authorization); a header given here replaces Content-Type.
    std::vector<http_client::Header> headers = {};
    std::string bearer_token = {};  ///< Authorization: Bearer. A secret: never logged or shown.
    std::string basic_user = {};    ///< Authorization: Basic, with basic_password.
    std::string basic_password = {};
    std::optional<http_client::SigV4> sigv4 = {};  ///< Excludes bearer and basic.
    http_client::TlsOptions tls = {};
    http_client::ProxyOptions proxy = {};
    Redirects redirects = Redirects::none;
    Compression compression = Compression::none;       ///< Of bodies from kCompressedBytesMin on.
    std::chrono::milliseconds timeout{10'000};         ///< Of one attempt.
    std::chrono::milliseconds connect_timeout{5'000};  ///< Of it, until TLS is up.
    /// Requests at a time, 1..64. Records of one order key never overtake each other: those of one
    /// device, unless the sink's file says `order_by`.
    std::uint32_t in_flight = 8;
    OutboxLimits outbox = {};
    RetryPolicy retry = {};
    BreakerPolicy breaker = {};
    Delivery delivery = {};  ///< For rules that say nothing else.
    std::vector<std::pair<std::string, Delivery>> by_rule = {};  ///< Rule name to its own.
    std::vector<ErrorTarget> error_targets = {};

    [[nodiscard]] const Delivery& delivery_of(std::string_view rule) const noexcept;
    /// Null: nobody is told.
    [[nodiscard]] const ErrorTarget* error_target_of(std::string_view rule) const noexcept;
};

inline constexpr std::size_t kCompressedBytesMin = 256;
/// Some of the largest messages, so that a small outbox takes what comes in the moment until older entries are gone.
inline constexpr std::uint64_t kHeadroomMin = 256 * 1024;

/// What is wrong with a config, for people ("url: ..."); empty if nothing is.
[[nodiscard]] std::string check(const HttpSinkConfig& config);

/// The bound that publishers reserve room against (storage::OutboxRoom::reserve). With drop_oldest
/// there is headroom of an eighth, and of kHeadroomMin at least, within which old entries are removed.
[[nodiscard]] std::uint64_t reserve_limit(const OutboxLimits& limits) noexcept;

}  // namespace weir::sinks
