#include <weir/base/text.hpp>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>
#include <iomanip>
#include <limits>
#include <sstream>
#include <vector>

namespace weir {
namespace {

struct Unit {
    std::string_view name;
    std::uint64_t factor;
};

constexpr std::array kSizeUnits = {
    Unit{"B", 1},
    Unit{"KiB", 1ULL << 10U},
    Unit{"MiB", 1ULL << 20U},
    Unit{"GiB", 1ULL << 30U},
    Unit{"TiB", 1ULL << 40U},
    Unit{"KB", 1'000},
    Unit{"MB", 1'000'000},
    Unit{"GB", 1'000'000'000},
    Unit{"TB", 1'000'000'000'000},
};

constexpr std::array kTimeUnits = {
    Unit{"ms", 1},
    Unit{"s", 1'000},
    Unit{"m", 60'000},
    Unit{"h", 3'600'000},
    Unit{"d", 86'400'000},
};

std::optional<std::uint64_t> take_number(std::string_view& text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{}) {
        return std::nullopt;
    }
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return value;
}

std::string_view take_letters(std::string_view& text) {
    const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    std::size_t count = 0;
    while (count < text.size() && is_letter(text[count])) {
        ++count;
    }
    const auto word = text.substr(0, count);
    text.remove_prefix(count);
    return word;
}

std::optional<std::uint64_t> scale(std::uint64_t value, std::string_view unit, std::span<const Unit> units) {
    for (const Unit& known : units) {
        if (known.name == unit) {
            if (value > std::numeric_limits<std::int64_t>::max() / known.factor) {
                return std::nullopt;
            }
            return value * known.factor;
        }
    }
    return std::nullopt;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) {
        row[j] = j;
    }
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t above = row[j];
            row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0U : 1U)});
            diagonal = above;
        }
    }
    return row[b.size()];
}

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

/// Bytes of the character that `text` begins with: 1 to 4; 0 if it begins with none (or is empty).
std::size_t utf8_character(std::string_view text) noexcept {
    const auto* const in = reinterpret_cast<const unsigned char*>(text.data());
    const auto tail = [&](std::size_t i) { return i < text.size() && (in[i] & 0xC0U) == 0x80U; };
    if (text.empty()) {
        return 0;
    }
    if (in[0] < 0x80U) {
        return 1;
    }
    if (in[0] >= 0xC2U && in[0] <= 0xDFU) {
        return tail(1) ? 2 : 0;
    }
    if ((in[0] & 0xF0U) == 0xE0U) {
        const bool is_whole = tail(1) && tail(2) && (in[0] != 0xE0U || in[1] >= 0xA0U) &&
                              (in[0] != 0xEDU || in[1] <= 0x9FU);
        return is_whole ? 3 : 0;
    }
    if (in[0] >= 0xF0U && in[0] <= 0xF4U) {
        const bool is_whole = tail(1) && tail(2) && tail(3) && (in[0] != 0xF0U || in[1] >= 0x90U) &&
                              (in[0] != 0xF4U || in[1] <= 0x8FU);
        return is_whole ? 4 : 0;
    }
    return 0;
}

bool is_space(std::string_view character) noexcept {
    return character.find_first_not_of(" \t\n\v\f\r") == std::string_view::npos;
}

/// Of one character. Control characters are C0, DEL and C1 (U+0080 to U+009F).
bool is_printable(std::string_view character) noexcept {
    const auto first = static_cast<unsigned char>(character[0]);
    if (character.size() == 1) {
        return first >= 0x20U && first < 0x7FU;
    }
    return first != 0xC2U || static_cast<unsigned char>(character[1]) >= 0xA0U;
}

}  // namespace

bool is_utf8(std::string_view text) noexcept {
    while (!text.empty()) {
        const std::size_t size = utf8_character(text);
        if (size == 0) {
            return false;
        }
        text.remove_prefix(size);
    }
    return true;
}

std::string_view take_character(std::string_view& text) noexcept {
    const std::size_t size = utf8_character(text);
    const auto character = size == 0 ? kReplacement : text.substr(0, size);
    text.remove_prefix(std::max<std::size_t>(size, 1));
    return character;
}

std::string_view utf8_start(std::string_view text, std::size_t bytes_max) noexcept {
    if (text.size() <= bytes_max) {
        return text;
    }
    std::size_t end = bytes_max;  // Bytes 10xxxxxx continue a character, which has three of them at most.
    while (end > 0 && bytes_max - end < 3 &&
           (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) {
        --end;
    }
    return text.substr(0, end);
}

std::string printable(std::string_view foreign, std::size_t bytes_max) {
    std::string out;
    out.reserve(std::min(foreign.size(), bytes_max));
    while (!foreign.empty()) {
        auto shown = take_character(foreign);
        if (is_space(shown)) {
            shown = out.empty() || out.ends_with(' ') ? "" : " ";
        } else if (!is_printable(shown)) {
            shown = kReplacement;
        }
        if (out.size() + shown.size() > bytes_max) {
            return out + "...";
        }
        out += shown;
    }
    return out;
}

std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> candidates) {
    std::optional<std::string_view> best;
    std::size_t best_distance = word.size() < 4 ? 2 : 2 + word.size() / 3;
    for (const auto candidate : candidates) {
        const auto distance = edit_distance(word, candidate);
        if (distance < best_distance) {
            best_distance = distance;
            best = candidate;
        }
    }
    return best;
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
    const auto value = take_number(text);
    if (!value) {
        return std::nullopt;
    }
    while (text.starts_with(' ')) {
        text.remove_prefix(1);
    }
    return scale(*value, text.empty() ? "B" : text, kSizeUnits);
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
    if (text == "0") {
        return std::chrono::milliseconds{0};
    }
    std::uint64_t total = 0;
    do {
        const auto value = take_number(text);
        if (!value) {
            return std::nullopt;
        }
        const auto part = scale(*value, take_letters(text), kTimeUnits);
        if (!part || *part > std::numeric_limits<std::int64_t>::max() - total) {
            return std::nullopt;
        }
        total += *part;
    } while (!text.empty());
    return std::chrono::milliseconds{static_cast<std::int64_t>(total)};
}

std::string format_time(std::int64_t wall_ms) {
    const std::chrono::sys_time<std::chrono::milliseconds> time{std::chrono::milliseconds{wall_ms}};
    const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
    return fmt::format(
        "{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
        fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)),
        (time - seconds).count()
    );
}

std::optional<std::int64_t> parse_time(std::string_view text) {
    std::tm parts{};
    std::istringstream in{std::string{text}};
    in >> std::get_time(&parts, "%Y-%m-%dT%H:%M:%S");
    if (in.fail()) {
        return std::nullopt;
    }
    std::string rest;
    in >> rest;
    std::int64_t millis = 0;
    if (rest.size() == 5 && rest.front() == '.') {
        const auto digits = std::string_view{rest}.substr(1, 3);
        const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), millis);
        if (read.ec != std::errc{} || read.ptr != digits.data() + digits.size()) {
            return std::nullopt;
        }
        rest = rest.back();
    }
    if (rest != "Z" || millis < 0) {
        return std::nullopt;
    }
    return std::int64_t{::timegm(&parts)} * 1'000 + millis;
}

std::string wrapped(std::string_view text, std::size_t width, std::size_t indent, std::size_t first) {
    const auto characters = [](std::string_view word) {
        return static_cast<std::size_t>(std::ranges::count_if(word, [](char c) {
            return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
        }));
    };
    const auto word_size = [](std::string_view rest) {
        bool is_quoted = false;
        const auto end = std::ranges::find_if(rest, [&](char c) {
            is_quoted = is_quoted != (c == '`');
            return c == '\n' || (c == ' ' && !is_quoted);
        });
        return static_cast<std::size_t>(end - rest.begin());
    };
    std::string out;
    std::size_t column = first;
    bool begins_line = true;
    const auto end_line = [&] {
        out += '\n';
        out.append(indent, ' ');
        column = indent;
        begins_line = true;
    };
    while (!text.empty()) {
        const auto length = word_size(text);
        const auto word = text.substr(0, length);
        if (!begins_line && column + 1 + characters(word) > width) {
            end_line();
        } else if (!begins_line) {
            out += ' ';
            ++column;
        }
        out += word;
        column += characters(word);
        begins_line = false;
        const bool ends = length < text.size() && text[length] == '\n';
        text.remove_prefix(std::min(length + 1, text.size()));
        if (ends) {
            end_line();
        }
    }
    return out;
}

std::string format_size(std::uint64_t bytes) {
    constexpr std::array<std::string_view, 5> kNames = {"B", "KiB", "MiB", "GiB", "TiB"};
    if (bytes < 1024) {
        return fmt::format("{} B", bytes);
    }
    auto value = static_cast<double>(bytes);
    std::size_t i = 0;
    while (value >= 1024 && i + 1 < kNames.size()) {
        value /= 1024;
        ++i;
    }
    return fmt::format("{:.1f} {}", value, kNames[i]);
}

}  // namespace weir
