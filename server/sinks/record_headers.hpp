/// How headers that a rule evaluated for one message lie in storage::OutboxRecord::headers.
#pragma once

#include <span>
#include <vector>

#include <weir/base/bytes.hpp>
#include <weir/base/error.hpp>
#include <weir/http_client/client.hpp>

namespace weir::sinks {

/// Version byte, then per header: 16-bit length and name, 16-bit length and value. None: no bytes
/// at all. Names and values beyond 65'535 bytes are cut.
[[nodiscard]] Bytes encode_headers(std::span<const http_client::Header> headers);

/// @errors storage::errc::malformed_record, storage::errc::newer_version.
[[nodiscard]] Result<std::vector<http_client::Header>> decode_headers(ByteView bytes);

}  // namespace weir::sinks
