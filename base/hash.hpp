/// Hashing of names that peers choose.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

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

/// For sets of pointers that are found by a key in what they point to: a map would hold each key twice.
/// @tparam KeyOf  Gives the key of an entry, and returns what is a key already: a text or an id.
template <class KeyOf>
struct HashBy {
    using is_transparent = void;
    template <class T>
    [[nodiscard]] std::size_t operator()(const T& entry_or_key) const noexcept {
        const auto key = KeyOf{}(entry_or_key);
        if constexpr (std::is_integral_v<decltype(key)>) {
            return static_cast<std::size_t>(key);  // The table mixes it.
        } else {
            return hash_seeded(key);
        }
    }
};
template <class KeyOf>
struct EqualBy {
    using is_transparent = void;
    template <class A, class B>
    [[nodiscard]] bool operator()(const A& a, const B& b) const noexcept {
        return KeyOf{}(a) == KeyOf{}(b);
    }
};

}  // namespace weir
