#include <weir/base/hash.hpp>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <array>

#include <weir/base/digest.hpp>

namespace weir {
namespace {

std::uint64_t draw_seed() {
    std::array<Byte, 8> raw{};
    random_bytes(raw);
    return load_be<std::uint64_t>(raw.data());
}

}  // namespace

std::uint64_t hash_stable(std::string_view text) noexcept {
    return XXH3_64bits(text.data(), text.size());
}

std::uint64_t hash_seeded(std::string_view text) noexcept {
    static const std::uint64_t seed = draw_seed();
    return XXH3_64bits_withSeed(text.data(), text.size(), seed);
}

}  // namespace weir
