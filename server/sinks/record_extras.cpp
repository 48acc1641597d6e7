#include <weir/sinks/record_extras.hpp>

#include <algorithm>
#include <limits>
#include <optional>

#include <weir/storage/error.hpp>

namespace weir::sinks {
namespace {

/// Without an order key: written by releases before it, and understood for what waits on disk.
constexpr Byte kHeadersOnly = 1;
constexpr Byte kUnpublished = 2;  ///< Nothing of the message is kept.
constexpr Byte kVersion = 3;

using Kept = Published::Kept;

void append_text(Bytes& out, std::string_view text) {
    const auto size = std::min<std::size_t>(text.size(), std::numeric_limits<std::uint16_t>::max());
    append_be(out, static_cast<std::uint16_t>(size));
    append(out, text.substr(0, size));
}

std::optional<std::string_view> read_text(ByteCursor& cursor) {
    const auto size = cursor.read_be<std::uint16_t>();
    const auto text = size ? cursor.read(*size) : std::nullopt;
    return text ? std::optional{as_text(*text)} : std::nullopt;
}

void append_published(Bytes& out, const Published& published) {
    append_text(out, published.client_id);
    out.push_back(published.hops);
    out.push_back(static_cast<Byte>(published.kept));
    if (published.kept == Kept::beside) {
        append_be(out, static_cast<std::uint32_t>(published.payload.size()));
        append(out, published.payload);
    }
}

std::optional<Published> read_published(ByteCursor& cursor) {
    const auto client_id = read_text(cursor);
    const auto hops = client_id ? cursor.read_be<std::uint8_t>() : std::nullopt;
    const auto kept = hops ? cursor.read_be<std::uint8_t>() : std::nullopt;
    if (!kept || *kept > static_cast<std::uint8_t>(Kept::dropped)) {
        return std::nullopt;
    }
    Published published{.client_id = *client_id, .hops = *hops, .kept = static_cast<Kept>(*kept)};
    if (published.kept == Kept::beside) {
        const auto size = cursor.read_be<std::uint32_t>();
        const auto payload = size ? cursor.read(*size) : std::nullopt;
        if (!payload) {
            return std::nullopt;
        }
        published.payload = *payload;
    }
    return published;
}

/// What stands before the headers, and they. Damaged bytes have no key.
struct Parts {
    std::string_view order_key = {};
    std::optional<Published> published = {};
    ByteView headers = {};
    bool intact = true;
};

Parts split(ByteView extras) noexcept {
    if (extras.empty() || extras.front() > kVersion) {
        return {.intact = extras.empty()};
    }
    if (extras.front() == kHeadersOnly) {
        return {.headers = extras.subspan(1)};
    }
    ByteCursor cursor{extras.subspan(1)};
    const auto key = read_text(cursor);
    if (!key) {
        return {.intact = false};
    }
    Parts parts{.order_key = *key};
    if (extras.front() == kVersion) {
        parts.published = read_published(cursor);
        if (!parts.published) {
            return {.intact = false};
        }
    }
    parts.headers = cursor.rest();
    return parts;
}

}  // namespace

Bytes encode_extras(
    std::span<const http_client::Header> headers,
    std::string_view order_key,
    const std::optional<Published>& published
) {
    Bytes out;
    if (headers.empty() && order_key.empty() && !published) {
        return out;
    }
    out.push_back(published ? kVersion : kUnpublished);
    append_text(out, order_key);
    if (published) {
        append_published(out, *published);
    }
    for (const auto& header : headers) {
        append_text(out, header.name);
        append_text(out, header.value);
    }
    return out;
}

Result<std::vector<http_client::Header>> decode_headers(ByteView extras) {
    if (!extras.empty() && extras.front() > kVersion) {
        return storage::errc::newer_version;
    }
    const auto parts = split(extras);
    if (!parts.intact) {
        return storage::errc::malformed_record;
    }
    std::vector<http_client::Header> out;
    ByteCursor cursor{parts.headers};
    while (!cursor.empty()) {
        const auto name = read_text(cursor);
        const auto value = name ? read_text(cursor) : std::nullopt;
        if (!value) {
            return storage::errc::malformed_record;
        }
        out.push_back({std::string{*name}, std::string{*value}});
    }
    return out;
}

std::string_view order_key_of(const storage::OutboxRecord& record) noexcept {
    if (const auto evaluated = split(record.headers).order_key; !evaluated.empty()) {
        return evaluated;
    }
    return record.key.empty() ? record.topic : record.key;
}

std::optional<Published> published_of(const storage::OutboxRecord& record) noexcept {
    auto published = split(record.headers).published;
    if (published && published->kept == Kept::as_record) {
        published->payload = record.payload;
    }
    return published;
}

ByteView header_bytes(ByteView extras) noexcept {
    return split(extras).headers;
}

}  // namespace weir::sinks
