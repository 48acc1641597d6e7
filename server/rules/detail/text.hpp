/// Characters: keywords and names do not depend on a locale, texts are UTF-8.
#pragma once

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>

namespace weir::rules::detail {

[[nodiscard]] constexpr char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

[[nodiscard]] constexpr bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
    return std::ranges::equal(a, b, {}, lower, lower);
}

[[nodiscard]] inline std::string lowered(std::string_view text) {
    std::string result{text};
    std::ranges::transform(result, result.begin(), lower);
    return result;
}

[[nodiscard]] constexpr bool continues_character(char c) noexcept {
    return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

/// Where the character of UTF-8 behind the one at `at` begins; beyond the end if `at` is there.
[[nodiscard]] constexpr std::size_t next_character(std::string_view text, std::size_t at) noexcept {
    ++at;
    while (at < text.size() && continues_character(text[at])) {
        ++at;
    }
    return at;
}

/// Where `part` begins at or behind `from`; npos: nowhere. In linear time, unlike std::string_view::find: both may come
/// from a device.
[[nodiscard]] inline std::size_t find_text(
    std::string_view text, std::string_view part, std::size_t from = 0
) noexcept {
    const auto rest = text.substr(from);
    const void* found = memmem(rest.data(), rest.size(), part.data(), part.size());
    return found == nullptr
               ? std::string_view::npos
               : static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

}  // namespace weir::rules::detail
