#include <weir/sinks/record_headers.hpp>

#include <algorithm>
#include <limits>
#include <optional>

#include <weir/storage/error.hpp>

namespace weir::sinks {
namespace {

constexpr Byte kVersion = 1;

void append_text(Bytes& out, std::string_view text) {
    const auto size = std::min<std::size_t>(text.size(), std::numeric_limits<std::uint16_t>::max());
    append_be(out, static_cast<std::uint16_t>(size));
    append(out, text.substr(0, size));
}

std::optional<std::string> read_text(ByteCursor& cursor) {
    const auto size = cursor.read_be<std::uint16_t>();
    const auto text = size ? cursor.read(*size) : std::nullopt;
    return text ? std::optional{std::string{as_text(*text)}} : std::nullopt;
}

}  // namespace

Bytes encode_headers(std::span<const http_client::Header> headers) {
    Bytes out;
    if (headers.empty()) {
        return out;
    }
    out.push_back(kVersion);
    for (const auto& header : headers) {
        append_text(out, header.name);
        append_text(out, header.value);
    }
    return out;
}

Result<std::vector<http_client::Header>> decode_headers(ByteView bytes) {
    std::vector<http_client::Header> out;
    if (bytes.empty()) {
        return out;
    }
    if (bytes.front() > kVersion) {
        return storage::errc::newer_version;
    }
    ByteCursor cursor{bytes.subspan(1)};
    while (!cursor.empty()) {
        auto name = read_text(cursor);
        auto value = name ? read_text(cursor) : std::nullopt;
        if (!value) {
            return storage::errc::malformed_record;
        }
        out.push_back({std::move(*name), std::move(*value)});
    }
    return out;
}

}  // namespace weir::sinks
