#include <weir/rules/functions/time_pattern.hpp>

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <chrono>
#include <iterator>

#include <weir/rules/detail/text.hpp>

namespace weir::rules {
namespace {

using std::chrono::days;
using std::chrono::sys_days;
using std::chrono::year_month_day;

constexpr std::array<std::string_view, 12> kMonths = {
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
};
constexpr std::array<std::string_view, 7> kWeekdays = {
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
};
constexpr std::size_t kShortName = 3;

constexpr std::int64_t kDayMs = 86'400'000;

/// A moment, taken apart in its zone.
struct Fields {
    Fields(std::int64_t utc_ms, const TimeZone& zone) noexcept {
        const std::int64_t utc_s = (utc_ms - ((utc_ms % 1000) + 1000) % 1000) / 1000;
        local = zone.at(utc_s);
        const std::int64_t local_ms = utc_ms + std::int64_t{local.offset_s} * 1000;
        millisecond_of_day = ((local_ms % kDayMs) + kDayMs) % kDayMs;
        day = sys_days{days{(local_ms - millisecond_of_day) / kDayMs}};
        date = year_month_day{day};
    }

    [[nodiscard]] std::int64_t hour() const noexcept { return millisecond_of_day / 3'600'000; }
    [[nodiscard]] std::int64_t minute() const noexcept { return millisecond_of_day / 60'000 % 60; }
    [[nodiscard]] std::int64_t second() const noexcept { return millisecond_of_day / 1000 % 60; }
    [[nodiscard]] std::int64_t millisecond() const noexcept { return millisecond_of_day % 1000; }
    [[nodiscard]] std::int64_t year() const noexcept { return static_cast<int>(date.year()); }
    [[nodiscard]] std::int64_t year_of_era() const noexcept {
        return year() > 0 ? year() : 1 - year();
    }
    [[nodiscard]] unsigned month() const noexcept { return static_cast<unsigned>(date.month()); }
    /// Monday is 1.
    [[nodiscard]] unsigned weekday() const noexcept {
        return std::chrono::weekday{day}.iso_encoding();
    }
    [[nodiscard]] std::int64_t day_of_year() const noexcept {
        return (day - sys_days{date.year() / std::chrono::January / 1}).count() + 1;
    }
    /// ISO 8601: the week belongs to the year of its Thursday.
    [[nodiscard]] Fields thursday() const noexcept {
        Fields moved = *this;
        moved.day += days{4 - static_cast<int>(weekday())};
        moved.date = year_month_day{moved.day};
        return moved;
    }

    TimeZone::Local local;
    std::int64_t millisecond_of_day = 0;
    sys_days day;
    year_month_day date;
};

void append_number(std::string& out, std::int64_t value, std::size_t width) {
    fmt::format_to(std::back_inserter(out), "{:0{}}", value, value < 0 ? width + 1 : width);
}

/// Two letters mean the last two digits.
void append_year(std::string& out, std::int64_t year, std::size_t count) {
    append_number(out, count == 2 ? ((year % 100) + 100) % 100 : year, count);
}

void append_name(std::string& out, std::string_view name, std::size_t count) {
    out += count > kShortName ? name : name.substr(0, kShortName);
}

void append_offset(std::string& out, std::int32_t offset_s, bool colon) {
    const std::int32_t minutes = std::abs(offset_s) / 60;
    fmt::format_to(
        std::back_inserter(out),
        "{}{:02}{}{:02}",
        offset_s < 0 ? '-' : '+',
        minutes / 60,
        colon ? ":" : "",
        minutes % 60
    );
}

void append_fraction(std::string& out, std::int64_t milliseconds, std::size_t count) {
    const auto digits = fmt::format("{:03}", milliseconds);
    out.append(digits, 0, std::min<std::size_t>(count, digits.size()));
    out.append(count > digits.size() ? count - digits.size() : 0, '0');
}

void append_zone(std::string& out, const TimeZone::Local& local) {
    if (!local.abbreviation.empty()) {
        out += local.abbreviation;
    } else if (local.offset_s == 0) {
        out += "UTC";
    } else {
        append_offset(out, local.offset_s, true);
    }
}

void append_field(std::string& out, char letter, std::size_t count, const Fields& fields) {
    switch (letter) {
        case 'G':
            out += fields.year() > 0 ? "AD" : "BC";
            return;
        case 'C':
            return append_number(out, fields.year_of_era() / 100, count);
        case 'Y':
            return append_year(out, fields.year_of_era(), count);
        case 'y':
            return append_year(out, fields.year(), count);
        case 'x':
            return append_year(out, fields.thursday().year(), count);
        case 'w':
            return append_number(out, (fields.thursday().day_of_year() + 6) / 7, count);
        case 'e':
            return append_number(out, fields.weekday(), count);
        case 'E':
            return append_name(out, kWeekdays[fields.weekday() - 1], count);
        case 'D':
            return append_number(out, fields.day_of_year(), count);
        case 'M':
            return count >= kShortName ? append_name(out, kMonths[fields.month() - 1], count)
                                       : append_number(out, fields.month(), count);
        case 'd':
            return append_number(out, static_cast<unsigned>(fields.date.day()), count);
        case 'a':
            out += fields.hour() < 12 ? "AM" : "PM";
            return;
        case 'K':
            return append_number(out, fields.hour() % 12, count);
        case 'h':
            return append_number(out, (fields.hour() + 11) % 12 + 1, count);
        case 'H':
            return append_number(out, fields.hour(), count);
        case 'k':
            return append_number(out, (fields.hour() + 23) % 24 + 1, count);
        case 'm':
            return append_number(out, fields.minute(), count);
        case 's':
            return append_number(out, fields.second(), count);
        case 'S':
            return append_fraction(out, fields.millisecond(), count);
        case 'z':
            return append_zone(out, fields.local);
        case 'Z':
            return append_offset(out, fields.local.offset_s, count > 1);
        default:
            return;
    }
}

/// Takes a text apart by the letters of a pattern.
class Reader {
public:
    explicit Reader(std::string_view text) noexcept : rest_{text} {}

    [[nodiscard]] bool literal(std::string_view text) noexcept {
        const bool is = rest_.starts_with(text);
        rest_.remove_prefix(is ? text.size() : 0);
        return is;
    }

    [[nodiscard]] bool field(char letter, std::size_t count);
    [[nodiscard]] std::optional<std::int64_t> result() const noexcept;

private:
    /// Several letters are so many digits; one letter takes as many digits as there are.
    [[nodiscard]] bool number(std::int64_t& out, std::size_t count) noexcept {
        constexpr std::size_t kDigitsMax = 9;
        const std::size_t wanted = count == 1 ? kDigitsMax : count;
        std::size_t size = 0;
        std::int64_t value = 0;
        while (size < std::min({wanted, rest_.size(), kDigitsMax}) && rest_[size] >= '0' &&
               rest_[size] <= '9') {
            value = value * 10 + (rest_[size++] - '0');
        }
        rest_.remove_prefix(size);
        out = value;
        return count == 1 ? size > 0 : size == count;
    }

    /// @return The index of the name that stands here, in full or short.
    template <std::size_t N>
    [[nodiscard]] std::optional<std::size_t> name(const std::array<std::string_view, N>& names
    ) noexcept {
        for (const bool full : {true, false}) {
            for (std::size_t i = 0; i < N; ++i) {
                const auto name = full ? names[i] : names[i].substr(0, kShortName);
                if (detail::equal_ignoring_case(rest_.substr(0, name.size()), name)) {
                    rest_.remove_prefix(name.size());
                    return i;
                }
            }
        }
        return std::nullopt;
    }

    [[nodiscard]] bool year(std::size_t count) noexcept {
        const bool negative = count != 2 && literal("-");
        if (!number(year_, count)) {
            return false;
        }
        year_ = negative ? -year_ : year_;
        year_ += count == 2 ? 2000 : 0;
        has_year_ = true;
        return true;
    }

    [[nodiscard]] bool month(std::size_t count) noexcept {
        if (count < kShortName) {
            return number(month_, count);
        }
        const auto index = name(kMonths);
        month_ = static_cast<std::int64_t>(index.value_or(0)) + 1;
        return index.has_value();
    }

    [[nodiscard]] bool fraction(std::size_t count) noexcept {
        std::int64_t digits = 0;
        if (count > 9 || !number(digits, count == 1 ? 2 : count)) {
            // One letter is one digit.
            if (count != 1 || rest_.empty() || rest_.front() < '0' || rest_.front() > '9') {
                return false;
            }
        }
        for (std::size_t i = count; i < 9; ++i) {
            digits *= 10;
        }
        nanoseconds_ = digits;
        return true;
    }

    [[nodiscard]] bool half_day() noexcept {
        constexpr std::array<std::string_view, 2> kHalves = {"AM", "PM"};
        const auto index = name(kHalves);
        afternoon_ = index == std::size_t{1};
        return index.has_value();
    }

    [[nodiscard]] bool zone() noexcept {
        const auto end = std::ranges::find_if(rest_, [](char c) {
            const char small = detail::lower(c);
            const bool word = (small >= 'a' && small <= 'z') || (c >= '0' && c <= '9');
            return !word && c != '/' && c != '_' && c != '+' && c != '-' && c != ':';
        });
        const auto size = static_cast<std::size_t>(end - rest_.begin());
        const auto found = find_time_zone(rest_.substr(0, size));
        rest_.remove_prefix(size);
        zone_ = found.value_or(TimeZone{});
        return found.has_value();
    }

    std::string_view rest_;
    std::int64_t year_ = 0;
    std::int64_t month_ = 0;
    std::int64_t day_ = 0;
    std::int64_t day_of_year_ = 0;
    std::int64_t hour_ = 0;
    std::int64_t half_day_hour_ = 0;
    std::int64_t minute_ = 0;
    std::int64_t second_ = 0;
    std::int64_t nanoseconds_ = 0;
    bool has_year_ = false;
    bool has_half_day_hour_ = false;
    bool afternoon_ = false;
    bool before_christ_ = false;
    TimeZone zone_;
};

bool Reader::field(char letter, std::size_t count) {
    constexpr std::array<std::string_view, 2> kEras = {"BC", "AD"};
    switch (letter) {
        case 'G': {
            const auto era = name(kEras);
            before_christ_ = era == std::size_t{0};
            return era.has_value();
        }
        case 'u':
        case 'y':
            return year(count);
        case 'D':
            return number(day_of_year_, count);
        case 'M':
        case 'L':
            return month(count);
        case 'd':
            return number(day_, count);
        case 'E':
            return name(kWeekdays).has_value();
        case 'a':
            return half_day();
        case 'h':
        case 'K': {
            has_half_day_hour_ = true;
            const bool ok = number(half_day_hour_, count) && half_day_hour_ <= 12;
            half_day_hour_ %= 12;
            return ok;
        }
        case 'k': {
            const bool ok = number(hour_, count) && hour_ <= 24;
            hour_ %= 24;
            return ok;
        }
        case 'H':
            return number(hour_, count);
        case 'm':
            return number(minute_, count);
        case 's':
            return number(second_, count);
        case 'S':
            return fraction(count);
        case 'n':
            return number(nanoseconds_, count);
        default:
            return zone();
    }
}

std::optional<std::int64_t> Reader::result() const noexcept {
    if (!rest_.empty() || !has_year_ || year_ > 9999 || year_ < -9999) {
        return std::nullopt;
    }
    const std::chrono::year in{static_cast<int>(before_christ_ ? 1 - year_ : year_)};
    sys_days date;
    if (day_of_year_ > 0) {
        if (day_of_year_ > (in.is_leap() ? 366 : 365)) {
            return std::nullopt;
        }
        date = sys_days{in / std::chrono::January / 1} + days{day_of_year_ - 1};
    } else {
        const auto written = in / static_cast<int>(month_) / static_cast<int>(day_);
        if (month_ > 12 || day_ > 31 || !written.ok()) {
            return std::nullopt;
        }
        date = sys_days{written};
    }
    const std::int64_t hour = has_half_day_hour_ ? half_day_hour_ + (afternoon_ ? 12 : 0) : hour_;
    if (hour > 23 || minute_ > 59 || second_ > 59) {
        return std::nullopt;
    }
    const std::int64_t local_s = std::int64_t{date.time_since_epoch().count()} * 86'400 +
                                 hour * 3600 + minute_ * 60 + second_;
    return zone_.to_utc(local_s) * 1000 + nanoseconds_ / 1'000'000;
}

}  // namespace

std::optional<TimePattern> TimePattern::for_printing(std::string_view pattern) {
    return compile(pattern, "GCYyxweEDMdaKhHkmsSzZ");
}

std::optional<TimePattern> TimePattern::for_reading(std::string_view pattern) {
    return compile(pattern, "GuyDMLdEahKkHmsSnVzOXxZ");
}

std::optional<TimePattern> TimePattern::compile(
    std::string_view pattern, std::string_view letters
) {
    if (pattern.size() > kBytesMax) {
        return std::nullopt;
    }
    TimePattern result;
    const auto add_text = [&](std::string_view text) {
        if (result.items_.empty() || result.items_.back().letter != '\0') {
            result.items_.emplace_back();
        }
        result.items_.back().text += text;
    };
    for (std::size_t at = 0; at < pattern.size();) {
        const char c = pattern[at];
        const char small = detail::lower(c);
        if (c == '\'') {
            // Two quotes are a quote, outside and inside of quoted text.
            const auto end = pattern.find('\'', at + 1);
            if (end == std::string_view::npos) {
                return std::nullopt;
            }
            const bool inside = at > 0 && pattern[at - 1] == '\'' && end != at + 1;
            add_text(end == at + 1 || inside ? "'" : "");
            add_text(pattern.substr(at + 1, end - at - 1));
            at = end + 1;
        } else if (small >= 'a' && small <= 'z') {
            if (letters.find(c) == std::string_view::npos) {
                return std::nullopt;
            }
            const auto end = std::min(pattern.find_first_not_of(c, at), pattern.size());
            result.items_.push_back({c, end - at, {}});
            at = end;
        } else {
            if (c == '[' || c == ']' || c == '{' || c == '}' || c == '#') {
                return std::nullopt;
            }
            add_text({&c, 1});
            ++at;
        }
    }
    return result;
}

void TimePattern::print(std::string& out, std::int64_t utc_ms, const TimeZone& zone) const {
    const Fields fields{utc_ms, zone};
    for (const Item& item : items_) {
        if (item.letter == '\0') {
            out += item.text;
        } else {
            append_field(out, item.letter, item.count, fields);
        }
    }
}

std::optional<std::int64_t> TimePattern::read(std::string_view text) const {
    Reader reader{text};
    for (const Item& item : items_) {
        const bool ok =
            item.letter == '\0' ? reader.literal(item.text) : reader.field(item.letter, item.count);
        if (!ok) {
            return std::nullopt;
        }
    }
    return reader.result();
}

}  // namespace weir::rules
