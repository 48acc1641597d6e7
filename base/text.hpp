/// Text helpers that more than one layer needs: UTF-8, suggestions, units.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace weir {

/// True if `text` is well-formed UTF-8 (no surrogates, shortest forms). NUL is allowed here.
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

/// Takes a character from the front of `text`, which is not empty. A byte that begins none is taken for U+FFFD.
[[nodiscard]] std::string_view take_character(std::string_view& text) noexcept;

/// The start of UTF-8 text that has at most `bytes_max` and ends between two characters.
[[nodiscard]] std::string_view utf8_start(std::string_view text, std::size_t bytes_max) noexcept;

/// What strangers sent, fit to be shown: UTF-8 of at most `bytes_max`, and "..." if that is not all.
/// White space becomes single spaces; other control characters, and bytes that are no text, become
/// U+FFFD. Not escaped: whoever writes JSON does that.
[[nodiscard]] std::string printable(std::string_view foreign, std::size_t bytes_max);

/// Broken at blanks into lines of at most `width` characters, but for longer words; line ends within stay, and so does
/// what stands between ` and `. Every line but the first begins with `indent` blanks, which count.
/// @param first  Characters that stand before the first line already.
[[nodiscard]] std::string wrapped(std::string_view text, std::size_t width, std::size_t indent, std::size_t first = 0);

/// The candidate nearest to `word` (edit distance at most 1 + a third of its length), for "did you mean".
[[nodiscard]] std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> candidates);

/// "128KiB", "4 MiB", "512", "1GB" -> bytes. Nothing on error or overflow.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text);
/// "30s", "1m30s", "2ms", "7d" -> duration. A number without a unit is an error, but for "0".
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

/// 2026-01-31T12:00:00.000Z from milliseconds since 1970.
[[nodiscard]] std::string format_time(std::int64_t wall_ms);
/// Milliseconds since 1970 of 2026-01-31T12:00:00Z or 2026-01-31T12:00:00.000Z.
[[nodiscard]] std::optional<std::int64_t> parse_time(std::string_view text);
/// 1.5 KiB, 3.0 GiB, 17 B.
[[nodiscard]] std::string format_size(std::uint64_t bytes);

}  // namespace weir
