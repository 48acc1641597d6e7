#include <weir/sinks/record_extras.hpp>

#include <algorithm>
#include <limits>
#include <optional>

#include <weir/storage/error.hpp>

namespace weir::sinks {
namespace {

/// Without an order key: written by releases before it, and understood for what waits on disk.
constexpr Byte kHeadersOnly = 1;
constexpr Byte kVersion = 2;

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

/// The order key, and what stands behind it. Damaged bytes have no key.
struct Parts {
    std::string_view order_key = {};
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
    return key ? Parts{.order_key = *key, .headers = extras.subspan(1 + 2 + key->size())}
               : Parts{.intact = false};
}

}  // namespace

Bytes encode_extras(std::span<const http_client::Header> headers, std::string_view order_key) {
    Bytes out;
    if (headers.empty() && order_key.empty()) {
        return out;
    }
    out.push_back(kVersion);
    append_text(out, order_key);
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

ByteView header_bytes(ByteView extras) noexcept {
    return split(extras).headers;
}

}  // namespace weir::sinks
