#include <weir/sinks/detail/http_request.hpp>

#include <fmt/format.h>

#include <algorithm>

#include <weir/base/digest.hpp>
#include <weir/sinks/record_headers.hpp>

namespace weir::sinks::detail {
namespace {

using http_client::Header;
using http_client::set_header;

constexpr std::string_view kUserAgent = "weir";
constexpr std::string_view kTemplateStart = "${";

Result<std::string> url_of(const storage::OutboxRecord& record, const HttpSinkConfig& config) {
    const std::string url{record.target.empty() ? std::string_view{config.url} : record.target};
    const bool unresolved = record.target.empty() && url.find(kTemplateStart) != std::string::npos;
    if (unresolved || http_client::origin_of(url) != http_client::origin_of(config.url)) {
        return http_client::errc::bad_request;
    }
    return url;
}

std::string body_of(std::span<const storage::OutboxEntry> batch) {
    if (batch.size() == 1) {
        return std::string{as_text(batch.front().record.payload)};
    }
    std::string out = "[";
    for (const auto& entry : batch) {
        if (out.size() > 1) {
            out += ',';
        }
        out += as_text(entry.record.payload);
    }
    return out + ']';
}

}  // namespace

bool same_request(const storage::OutboxRecord& a, const storage::OutboxRecord& b) noexcept {
    return a.rule == b.rule && a.target == b.target && std::ranges::equal(a.headers, b.headers);
}

BatchSize batch_size(
    std::span<const storage::OutboxEntry> entries, const HttpSinkConfig& config
) noexcept {
    if (entries.empty()) {
        return {};
    }
    const auto& delivery = config.delivery_of(entries.front().record.rule);
    const std::size_t messages = delivery.body == BodyFormat::raw ? 1 : delivery.batch.messages;
    std::uint64_t bytes = 0;
    std::size_t count = 0;
    while (count < entries.size() && count < messages) {
        const auto& record = entries[count].record;
        bytes += record.payload.size();
        if (count > 0 &&
            (bytes > delivery.batch.bytes || !same_request(entries.front().record, record))) {
            return {count, true};
        }
        ++count;
    }
    return {count, count == messages || bytes >= delivery.batch.bytes};
}

std::string idempotency_key(std::string_view sink, std::uint64_t first, std::uint64_t last) {
    return fmt::format("{}/{}-{}", sink, first, last);
}

Result<http_client::Request> make_request(
    std::span<const storage::OutboxEntry> batch, const HttpSinkConfig& config
) {
    const auto& record = batch.front().record;
    const auto format = config.delivery_of(record.rule).body;
    WEIR_TRY(auto url, url_of(record, config));
    WEIR_TRY(const auto own_headers, decode_headers(record.headers));

    std::vector<Header> headers = {
        {"Content-Type",
         format == BodyFormat::json ? "application/json" : "application/octet-stream"},
        {"User-Agent", std::string{kUserAgent}},
    };
    for (const auto* const list : {&config.headers, &own_headers}) {
        for (const auto& header : *list) {
            set_header(headers, header);
        }
    }
    if (!config.bearer_token.empty()) {
        set_header(headers, {"Authorization", "Bearer " + config.bearer_token});
    } else if (!config.basic_user.empty()) {
        const auto credentials = config.basic_user + ':' + config.basic_password;
        set_header(headers, {"Authorization", "Basic " + to_base64(as_bytes(credentials))});
    }
    set_header(
        headers,
        {"Idempotency-Key", idempotency_key(config.name, batch.front().offset, batch.back().offset)}
    );
    return http_client::Request{
        .method = config.method,
        .url = std::move(url),
        .headers = std::move(headers),
        .body = body_of(batch),
        .timeout = config.timeout,
        .tls = config.tls,
    };
}

}  // namespace weir::sinks::detail
