/// How the structured families lay out their keys. Byte order is the order wanted by readers.
///
///   streams  h NAME              head          outbox  h NAME              head
///            r len NAME offset   record                r len NAME offset   record
///            i len NAME offset   index                 d len NAME offset   dead letter
///   usage    hour len TENANT DEVICE            meta    schema, usage_open_hour
#pragma once

#include <array>
#include <string>
#include <string_view>

#include <weir/base/bytes.hpp>
#include <weir/storage/records.hpp>

namespace weir::storage::detail {

/// What an outbox entry costs beside its record: key and bookkeeping.
inline constexpr std::size_t kOutboxEntryOverhead = 32;

inline constexpr char kHead = 'h';
inline constexpr char kRecord = 'r';
inline constexpr char kIndex = 'i';
inline constexpr char kDead = 'd';

inline constexpr std::string_view kSchemaKey = "schema";
inline constexpr std::string_view kUsageOpenHourKey = "usage_open_hour";
inline constexpr std::uint32_t kSchemaVersion = 1;

[[nodiscard]] inline std::string head_key(std::string_view name) {
    std::string key{kHead};
    key += name;
    return key;
}

/// Key of one kind of record of one log. Kept by its user and moved from offset to offset without
/// allocating.
class LogKey {
public:
    LogKey(char kind, std::string_view name, std::uint64_t offset = 0) {
        text_.reserve(2 + name.size() + sizeof offset);
        text_ += kind;
        text_ += static_cast<char>(name.size());
        text_ += name;
        text_.append(sizeof offset, '\0');
        move_to(offset);
    }

    void move_to(std::uint64_t offset) {
        store_be(reinterpret_cast<Byte*>(text_.data() + text_.size() - sizeof offset), offset);
    }
    [[nodiscard]] std::string_view view() const { return text_; }

    /// The offset at the end of a key of a log.
    [[nodiscard]] static std::uint64_t offset_of(std::string_view key) {
        const auto bytes = as_bytes(key);
        return bytes.size() < sizeof(std::uint64_t) ? 0
                                                    : load_be<std::uint64_t>(bytes.last(8).data());
    }

private:
    std::string text_;
};

/// A usage key on the stack.
class UsageKeyBytes {
public:
    /// Names are at most kNameBytesMax long.
    explicit UsageKeyBytes(const UsageKey& key) noexcept {
        store_be(bytes_.data(), key.hour);
        bytes_[4] = static_cast<Byte>(key.tenant.size());
        std::memcpy(bytes_.data() + 5, key.tenant.data(), key.tenant.size());
        std::memcpy(bytes_.data() + 5 + key.tenant.size(), key.device.data(), key.device.size());
        size_ = 5 + key.tenant.size() + key.device.size();
    }
    [[nodiscard]] std::string_view view() const noexcept { return as_text({bytes_.data(), size_}); }

private:
    std::array<Byte, 5 + 2 * kNameBytesMax> bytes_;
    std::size_t size_;
};

/// @errors malformed_record. The views point into `key`.
[[nodiscard]] inline Result<UsageKey> parse_usage_key(std::string_view key) noexcept {
    ByteCursor in{as_bytes(key)};
    const auto hour = in.read_be<std::uint32_t>();
    const auto size = in.read_be<std::uint8_t>();
    if (!hour || !size || in.size() < *size) {
        return errc::malformed_record;
    }
    const auto tenant = *in.read(*size);
    return UsageKey{as_text(tenant), as_text(in.rest()), *hour};
}

}  // namespace weir::storage::detail
