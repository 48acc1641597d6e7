#include <weir/sinks/detail/http_request.hpp>

#include <fmt/format.h>

#include <algorithm>

#include <weir/base/digest.hpp>
#include <weir/sinks/detail/request_body.hpp>
#include <weir/sinks/record_extras.hpp>

namespace weir::sinks::detail {
namespace {

using http_client::Header;
using http_client::set_header;

constexpr std::string_view kUserAgent = "weir";
constexpr std::string_view kTemplateStart = "${";
constexpr std::uint32_t kRedirectsMax = 3;

Result<std::string> url_of(
    const storage::OutboxRecord& record, const HttpSinkConfig& config, std::string_view redirect
) {
    const auto origin = http_client::origin_of(config.url);
    std::string url{redirect};
    if (redirect.empty() && record.target.empty()) {
        url = config.url;
        if (url.find(kTemplateStart) != std::string::npos) {
            return http_client::errc::bad_request;
        }
    } else if (redirect.empty()) {
        const bool is_path = record.target.starts_with('/') || record.target.starts_with('?');
        url = (is_path ? origin.value_or("") : "") + std::string{record.target};
    }
    if (http_client::origin_of(url) != origin) {
        return http_client::errc::bad_request;
    }
    return url;
}

void add_credentials(http_client::Request& request, const HttpSinkConfig& config) {
    if (!config.bearer_token.empty()) {
        set_header(request.headers, {"Authorization", "Bearer " + config.bearer_token});
    } else if (!config.basic_user.empty()) {
        const auto credentials = config.basic_user + ':' + config.basic_password;
        set_header(request.headers, {"Authorization", "Basic " + to_base64(as_bytes(credentials))});
    }
}

void compress_body(http_client::Request& request, Compression how) {
    if (how == Compression::none || request.body.size() < kCompressedBytesMin) {
        return;
    }
    if (auto smaller = compress(request.body, how); !smaller.empty()) {
        request.body = std::move(smaller);
        set_header(
            request.headers, {"Content-Encoding", how == Compression::gzip ? "gzip" : "zstd"}
        );
    }
}

}  // namespace

bool same_request(const storage::OutboxRecord& a, const storage::OutboxRecord& b) noexcept {
    return a.rule == b.rule && a.target == b.target &&
           std::ranges::equal(header_bytes(a.headers), header_bytes(b.headers));
}

std::size_t batch_messages(const Delivery& delivery) noexcept {
    return delivery.body == BodyFormat::raw ? 1 : delivery.batch.messages;
}

bool follows_redirect(
    const HttpSinkConfig& config, const http_client::Response& response, std::uint32_t followed
) {
    const bool keeps_method = response.status == 307 || response.status == 308;
    return config.redirects == Redirects::same_origin && keeps_method &&
           !response.location.empty() && followed < kRedirectsMax &&
           http_client::origin_of(response.location) == http_client::origin_of(config.url);
}

std::string idempotency_key(std::string_view sink, std::span<const storage::OutboxEntry> batch) {
    const auto& first = batch.front();
    return fmt::format(
        "{}/{}-{}@{}", sink, first.offset, batch.back().offset, first.record.time_ms
    );
}

Result<http_client::Request> make_request(
    std::span<const storage::OutboxEntry> batch,
    const HttpSinkConfig& config,
    std::string_view key,
    std::string_view redirect,
    WallTime now
) {
    const auto& record = batch.front().record;
    WEIR_TRY(auto url, url_of(record, config, redirect));
    WEIR_TRY(const auto own_headers, decode_headers(record.headers));
    auto body = make_body(batch, config.delivery_of(record.rule), config.name);

    http_client::Request request{
        .method = config.method,
        .url = std::move(url),
        .headers =
            {{"Content-Type", std::string{body.content_type}},
             {"User-Agent", std::string{kUserAgent}}},
        .body = std::move(body.text),
        .timeout = config.timeout,
        .connect_timeout = config.connect_timeout,
        .tls = config.tls,
        .proxy = config.proxy,
    };
    for (const auto* const list : {&config.headers, &own_headers}) {
        for (const auto& header : *list) {
            set_header(request.headers, header);
        }
    }
    add_credentials(request, config);
    compress_body(request, config.compression);
    set_header(request.headers, {"Idempotency-Key", std::string{key}});
    if (config.sigv4) {
        WEIR_CHECK(http_client::sign(request, *config.sigv4, now));
    }
    return request;
}

}  // namespace weir::sinks::detail
