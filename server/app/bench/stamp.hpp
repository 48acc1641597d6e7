/// What the first bytes of each payload tell the receiver.
#pragma once

#include <cstddef>
#include <cstdint>

#include <weir/base/bytes.hpp>

namespace weir::bench {

struct Stamp {
    std::uint64_t sent_ns = 0;  ///< When it was due; on the clock of steady_ns().
    std::uint32_t publisher = 0;
    std::uint32_t sequence = 0;  ///< Per publisher, from 0.
};

inline constexpr std::size_t kStampBytes = 16;

/// @param out  kStampBytes of room.
inline void write_stamp(Byte* out, const Stamp& stamp) noexcept {
    store_be(out, stamp.sent_ns);
    store_be(out + 8, stamp.publisher);
    store_be(out + 12, stamp.sequence);
}

/// @param in  kStampBytes.
[[nodiscard]] inline Stamp read_stamp(const Byte* in) noexcept {
    return {
        .sent_ns = load_be<std::uint64_t>(in),
        .publisher = load_be<std::uint32_t>(in + 8),
        .sequence = load_be<std::uint32_t>(in + 12),
    };
}

}  // namespace weir::bench
