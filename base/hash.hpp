/// Hashing of names that peers choose.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir {

/// XXH3, 64 bits. The same in every process: for placement and records, not for tables that a peer
/// can fill.
[[nodiscard]] std::uint64_t hash_stable(std::string_view text) noexcept;

/// XXH3 with a seed drawn at start, so that nobody outside can choose texts that collide.
[[nodiscard]] std::uint64_t hash_seeded(std::string_view text) noexcept;

/// For tables with std::string keys: looks up by std::string_view without making a string.
/// Use with std::equal_to<>.
struct TextHash {
    using is_transparent = void;
    using is_avalanching = void;
    [[nodiscard]] std::size_t operator()(std::string_view text) const noexcept {
        return hash_seeded(text);
    }
};

}  // namespace weir
