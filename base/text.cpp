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

}  // namespace

bool is_utf8(std::string_view text) noexcept {
    const auto* in = reinterpret_cast<const unsigned char*>(text.data());
    const auto* const end = in + text.size();
    while (in < end) {
        if (*in < 0x80U) {
            ++in;
            continue;
        }
        const auto left = static_cast<std::size_t>(end - in);
        const auto tail = [&](std::size_t i) { return (in[i] & 0xC0U) == 0x80U; };
        if (in[0] >= 0xC2U && in[0] <= 0xDFU) {
            if (left < 2 || !tail(1)) {
                return false;
            }
            in += 2;
        } else if ((in[0] & 0xF0U) == 0xE0U) {
            if (left < 3 || !tail(1) || !tail(2) || (in[0] == 0xE0U && in[1] < 0xA0U) || (in[0] == 0xEDU && in[1] > 0x9FU)) {
                return false;
            }
            in += 3;
        } else if (in[0] >= 0xF0U && in[0] <= 0xF4U) {
            if (left < 4 || !tail(1) || !tail(2) || !tail(3) || (in[0] == 0xF0U && in[1] < 0x90U) ||
                (in[0] == 0xF4U && in[1] > 0x8FU)) {
                return false;
            }
            in += 4;
        } else {
            return false;
        }
    }
    return true;
}

std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> candidates) {
    std::optional<std::string_view> best;
    std::size_t best_distance = 2 + word.size() / 3;
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
