/// What all record encodings share: version, sized fields, the default tenant.
#pragma once

#include <optional>
#include <string_view>

#include <weir/base/bytes.hpp>
#include <weir/storage/error.hpp>

namespace weir::storage::detail {

inline constexpr Byte kRecordVersion = 1;
inline constexpr std::string_view kDefaultTenant = "default";

/// The default tenant is stored as nothing: it would be most of a small record.
[[nodiscard]] inline std::string_view stored_tenant(std::string_view tenant) noexcept {
    return tenant == kDefaultTenant ? "" : tenant;
}
[[nodiscard]] inline std::string_view read_tenant(std::string_view tenant) noexcept {
    return tenant.empty() ? kDefaultTenant : tenant;
}

template <class Size>
void append_sized(Bytes& out, ByteView field) {
    append_be(out, static_cast<Size>(field.size()));
    append(out, field);
}
template <class Size>
void append_sized(Bytes& out, std::string_view field) {
    append_sized<Size>(out, as_bytes(field));
}

/// Reads a record's fields in order; remembers whether all of them were there.
class RecordReader {
public:
    explicit RecordReader(ByteView in) noexcept : in_{in} {}

    template <class T>
    T integer() noexcept {
        const auto value = in_.read_be<T>();
        complete_ = complete_ && value.has_value();
        return value.value_or(0);
    }
    template <class Size>
    ByteView sized() noexcept {
        const auto field = in_.read(integer<Size>());
        complete_ = complete_ && field.has_value();
        return field.value_or(ByteView{});
    }
    template <class Size>
    std::string_view text() noexcept {
        return as_text(sized<Size>());
    }
    ByteView rest() noexcept { return in_.rest(); }
    [[nodiscard]] bool complete() const noexcept { return complete_; }
    /// Complete, and nothing follows.
    [[nodiscard]] bool at_end() const noexcept { return complete_ && in_.empty(); }

private:
    ByteCursor in_;
    bool complete_ = true;
};

/// Past the version. @errors malformed_record, newer_version
[[nodiscard]] inline Result<RecordReader> open_record(
    ByteView in, Byte newest = kRecordVersion
) noexcept {
    if (in.empty() || in[0] == 0) {
        return errc::malformed_record;
    }
    if (in[0] > newest) {
        return errc::newer_version;
    }
    return RecordReader{in.subspan(1)};
}

}  // namespace weir::storage::detail
