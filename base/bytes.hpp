/// Views of bytes, and the one bounds-checked cursor that every decoder reads with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

using Byte = std::uint8_t;
using Bytes = std::vector<Byte>;
using ByteView = std::span<const Byte>;

[[nodiscard]] inline std::string_view as_text(ByteView bytes) noexcept {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

[[nodiscard]] inline ByteView as_bytes(std::string_view text) noexcept {
    return {reinterpret_cast<const Byte*>(text.data()), text.size()};
}

[[nodiscard]] inline Bytes to_bytes(std::string_view text) {
    const auto view = as_bytes(text);
    return {view.begin(), view.end()};
}

/// Big-endian loads and stores; the caller has checked that sizeof(T) bytes are there.
template <class T>
[[nodiscard]] constexpr T load_be(const Byte* in) noexcept {
    T value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) {
        value = static_cast<T>((value << 8U) | in[i]);
    }
    return value;
}

template <class T>
constexpr void store_be(Byte* out, T value) noexcept {
    for (std::size_t i = 0; i < sizeof(T); ++i) {
        out[i] = static_cast<Byte>(value >> (8U * (sizeof(T) - 1 - i)));
    }
}

/// Appends a big-endian integer.
template <class T>
void append_be(Bytes& out, T value) {
    Byte raw[sizeof(T)];
    store_be(raw, value);
    out.insert(out.end(), raw, raw + sizeof(T));
}

inline void append(Bytes& out, ByteView bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }
inline void append(Bytes& out, std::string_view text) { append(out, as_bytes(text)); }

/// Reads forward through untrusted bytes. Every read says whether the bytes were there; a failed read moves nothing.
class ByteCursor {
public:
    constexpr explicit ByteCursor(ByteView bytes) noexcept : rest_{bytes} {}

    [[nodiscard]] constexpr std::size_t size() const noexcept { return rest_.size(); }
    [[nodiscard]] constexpr bool empty() const noexcept { return rest_.empty(); }
    [[nodiscard]] constexpr ByteView rest() const noexcept { return rest_; }

    template <class T>
    [[nodiscard]] constexpr std::optional<T> read_be() noexcept {
        if (rest_.size() < sizeof(T)) {
            return std::nullopt;
        }
        const T value = load_be<T>(rest_.data());
        rest_ = rest_.subspan(sizeof(T));
        return value;
    }

    [[nodiscard]] constexpr std::optional<ByteView> read(std::size_t count) noexcept {
        if (rest_.size() < count) {
            return std::nullopt;
        }
        const auto taken = rest_.first(count);
        rest_ = rest_.subspan(count);
        return taken;
    }

private:
    ByteView rest_;
};

}  // namespace weir
