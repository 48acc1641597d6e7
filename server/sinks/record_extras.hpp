/// What a rule evaluated for one message beside its URL, and what its error action will ask for, as it lies in
/// storage::OutboxRecord::headers.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <weir/base/bytes.hpp>
#include <weir/base/error.hpp>
#include <weir/http_client/client.hpp>
#include <weir/storage/records.hpp>

namespace weir::sinks {

/// The message that a record was made of: kept where the rule has an error action that may have to be told of it.
struct Published {
    enum class Kept : std::uint8_t {
        as_record,  ///< The record's payload is the message's.
        beside,     ///< The record has another one.
        dropped,    ///< It was not kept: the message has several records.
    };
    std::string_view client_id = {};
    std::uint8_t hops = 0;  ///< How many rules republished it.
    Kept kept = Kept::as_record;
    ByteView payload = {};  ///< Of `beside`; published_of() fills it in for `as_record` too.
};

/// Version byte, the order key, what was published if that is given, and per header, name and value; texts stand
/// behind their 16-bit length, a payload behind its 32-bit length.
/// No key, no headers, nothing published: no bytes at all. Texts beyond 65,535 bytes are cut.
[[nodiscard]] Bytes encode_extras(
    std::span<const http_client::Header> headers,
    std::string_view order_key = {},
    const std::optional<Published>& published = {}
);

/// @errors storage::errc::malformed_record, storage::errc::newer_version.
[[nodiscard]] Result<std::vector<http_client::Header>> decode_headers(ByteView extras);

/// Records of one key are delivered in their order: the key that the rule evaluated, else the
/// device, else the topic.
[[nodiscard]] std::string_view order_key_of(const storage::OutboxRecord& record) noexcept;

/// What the record was made of. Nothing: it was not kept, or is damaged. Views into the record.
[[nodiscard]] std::optional<Published> published_of(const storage::OutboxRecord& record) noexcept;

/// The encoded headers without what stands before them: equal for equal headers.
[[nodiscard]] ByteView header_bytes(ByteView extras) noexcept;

}  // namespace weir::sinks
