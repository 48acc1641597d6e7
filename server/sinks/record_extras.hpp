/// What a rule evaluated for one message beside its URL, as it lies in
/// storage::OutboxRecord::headers.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <weir/base/bytes.hpp>
#include <weir/base/error.hpp>
#include <weir/http_client/client.hpp>
#include <weir/storage/records.hpp>

namespace weir::sinks {

/// Version byte, then the order key and, per header, name and value, each behind its 16-bit length.
/// No key and no headers: no bytes at all. Texts beyond 65,535 bytes are cut.
[[nodiscard]] Bytes encode_extras(
    std::span<const http_client::Header> headers, std::string_view order_key = {}
);

/// @errors storage::errc::malformed_record, storage::errc::newer_version.
[[nodiscard]] Result<std::vector<http_client::Header>> decode_headers(ByteView extras);

/// Records of one key are delivered in their order: the key that the rule evaluated, else the
/// device, else the topic.
[[nodiscard]] std::string_view order_key_of(const storage::OutboxRecord& record) noexcept;

/// The encoded headers without the order key: equal for equal headers.
[[nodiscard]] ByteView header_bytes(ByteView extras) noexcept;

}  // namespace weir::sinks
