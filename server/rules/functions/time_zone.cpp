#include <weir/rules/functions/time_zone.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/unordered/unordered_flat_map.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include <weir/base/bytes.hpp>

namespace weir::rules {

/// One file of the database. RFC 8536.
struct ZoneRules {
    struct Kind {
        std::int32_t offset_s = 0;
        std::string abbreviation;
    };
    /// The day of a change by the rule that holds after the last listed transition: Mm.w.d/time.
    struct Change {
        unsigned month = 0;
        unsigned week = 0;  ///< 5: the last one.
        unsigned weekday = 0;
        std::int32_t time_s = 2 * 3600;
    };

    std::vector<std::int64_t> transitions;  ///< UTC, ascending.
    std::vector<std::uint8_t> kinds_after;  ///< By transition.
    std::vector<Kind> kinds;
    Kind standard;  ///< After the last transition, if `ruled`.
    Kind summer;
    Change summer_begins;
    Change summer_ends;
    bool ruled = false;
    bool has_summer = false;
};

namespace {

using Zones = boost::unordered_flat_map<std::string, ZoneRules>;

/// Reads the text that ends a file: `CET-1CEST,M3.5.0,M10.5.0/3`. RFC 8536 section 3.3.
class FooterReader {
public:
    explicit FooterReader(std::string_view text) noexcept : rest_{text} {}

    [[nodiscard]] bool read(ZoneRules& zone) {
        if (!kind(zone.standard, std::nullopt)) {
            return false;
        }
        zone.ruled = true;
        if (rest_.empty()) {
            return true;
        }
        zone.has_summer = kind(zone.summer, zone.standard.offset_s + 3600) &&
                          change(zone.summer_begins) && change(zone.summer_ends) && rest_.empty();
        zone.ruled = zone.has_summer;
        return zone.ruled;
    }

private:
    [[nodiscard]] bool take(char c) noexcept {
        const bool is = rest_.starts_with(c);
        rest_.remove_prefix(is ? 1 : 0);
        return is;
    }

    [[nodiscard]] std::optional<std::int32_t> number() noexcept {
        std::size_t size = 0;
        std::int32_t value = 0;
        while (size < rest_.size() && size < 4 && rest_[size] >= '0' && rest_[size] <= '9') {
            value = value * 10 + (rest_[size++] - '0');
        }
        rest_.remove_prefix(size);
        return size > 0 ? std::optional{value} : std::nullopt;
    }

    /// [+-]hh[:mm[:ss]]
    [[nodiscard]] std::optional<std::int32_t> time() noexcept {
        const bool negative = take('-');
        if (!negative) {
            (void)take('+');
        }
        const auto hours = number();
        if (!hours) {
            return std::nullopt;
        }
        std::int32_t seconds = *hours * 3600;
        for (const int unit : {60, 1}) {
            if (take(':')) {
                seconds += number().value_or(0) * unit;
            }
        }
        return negative ? -seconds : seconds;
    }

    /// A name and how far it is west; `fallback` is east, for a summer time that does not say.
    [[nodiscard]] bool kind(ZoneRules::Kind& kind, std::optional<std::int32_t> fallback) {
        const bool quoted = take('<');
        const auto end = quoted ? rest_.find('>') : rest_.find_first_of("+-0123456789,");
        kind.abbreviation = rest_.substr(0, end);
        rest_.remove_prefix(std::min(end, rest_.size()));
        if (quoted && !take('>')) {
            return false;
        }
        if (kind.abbreviation.empty()) {
            return false;
        }
        if (fallback && (rest_.empty() || rest_.front() == ',')) {
            kind.offset_s = *fallback;
            return true;
        }
        const auto west = time();
        kind.offset_s = -west.value_or(0);
        return west.has_value();
    }

    [[nodiscard]] bool change(ZoneRules::Change& change) noexcept {
        if (!take(',') || !take('M')) {
            return false;
        }
        const auto month = number();
        const bool week_follows = take('.');
        const auto week = number();
        const bool day_follows = take('.');
        const auto day = number();
        if (!month || !week_follows || !week || !day_follows || !day) {
            return false;
        }
        change.month = static_cast<unsigned>(*month);
        change.week = static_cast<unsigned>(*week);
        change.weekday = static_cast<unsigned>(*day);
        if (take('/')) {
            change.time_s = time().value_or(2 * 3600);
        }
        return *month >= 1 && *month <= 12 && *week >= 1 && *week <= 5 && *day <= 6;
    }

    std::string_view rest_;
};

struct Counts {
    std::uint32_t ut = 0;
    std::uint32_t standard = 0;
    std::uint32_t leap = 0;
    std::uint32_t times = 0;
    std::uint32_t kinds = 0;
    std::uint32_t characters = 0;

    [[nodiscard]] std::size_t body_bytes(std::size_t time_bytes) const noexcept {
        return times * time_bytes + times + kinds * 6UL + characters + leap * (time_bytes + 4) +
               standard + ut;
    }
};

std::optional<Counts> read_header(ByteCursor& in) noexcept {
    constexpr std::size_t kReserved = 16;
    constexpr std::uint32_t kCountMax = 10'000;
    const auto magic = in.read(4);
    if (!magic || as_text(*magic) != "TZif" || !in.read(kReserved)) {
        return std::nullopt;
    }
    Counts counts;
    for (auto* count :
         {&counts.ut,
          &counts.standard,
          &counts.leap,
          &counts.times,
          &counts.kinds,
          &counts.characters}) {
        const auto value = in.read_be<std::uint32_t>();
        if (!value || *value > kCountMax) {
            return std::nullopt;
        }
        *count = *value;
    }
    return counts;
}

/// The second, 64 bit part of a file and its footer.
std::optional<ZoneRules> read_zone(ByteView bytes) {
    ByteCursor in{bytes};
    const auto old = read_header(in);
    if (!old || !in.read(old->body_bytes(4))) {
        return std::nullopt;
    }
    const auto counts = read_header(in);
    if (!counts || counts->kinds == 0 || in.size() < counts->body_bytes(8)) {
        return std::nullopt;
    }
    ZoneRules zone;
    for (std::uint32_t i = 0; i < counts->times; ++i) {
        zone.transitions.push_back(static_cast<std::int64_t>(*in.read_be<std::uint64_t>()));
    }
    for (std::uint32_t i = 0; i < counts->times; ++i) {
        zone.kinds_after.push_back(*in.read_be<std::uint8_t>());
        if (zone.kinds_after.back() >= counts->kinds) {
            return std::nullopt;
        }
    }
    std::vector<std::uint8_t> names;
    for (std::uint32_t i = 0; i < counts->kinds; ++i) {
        zone.kinds.push_back({static_cast<std::int32_t>(*in.read_be<std::uint32_t>()), {}});
        (void)in.read_be<std::uint8_t>();  // Whether it is summer time.
        names.push_back(*in.read_be<std::uint8_t>());
    }
    const auto characters = as_text(*in.read(counts->characters));
    for (std::uint32_t i = 0; i < counts->kinds; ++i) {
        const auto name = characters.substr(std::min<std::size_t>(names[i], characters.size()));
        zone.kinds[i].abbreviation = name.substr(0, name.find('\0'));
    }
    (void)in.read(counts->leap * 12UL + counts->standard + counts->ut);
    auto footer = as_text(in.rest());
    if (footer.starts_with('\n')) {
        footer.remove_prefix(1);
        (void)FooterReader{footer.substr(0, footer.find('\n'))}.read(zone);
    }
    return zone;
}

Zones read_database() {
    constexpr std::string_view kDirectory = "/usr/share/zoneinfo";
    constexpr std::uintmax_t kFileBytesMax = 64 * 1024;
    namespace fs = std::filesystem;
    Zones zones;
    std::error_code error;
    for (fs::recursive_directory_iterator it{kDirectory, error}, end; it != end && !error;
         it.increment(error)) {
        const auto name = it->path().lexically_relative(kDirectory).string();
        if (name == "posix" || name == "right") {
            it.disable_recursion_pending();
            continue;
        }
        std::error_code ignored;
        if (!it->is_regular_file(ignored) || it->file_size(ignored) > kFileBytesMax) {
            continue;
        }
        std::ifstream in{it->path(), std::ios::binary};
        const std::string content{std::istreambuf_iterator<char>{in}, {}};
        if (auto zone = read_zone(as_bytes(content))) {
            zones.emplace(name, std::move(*zone));
        }
    }
    return zones;
}

std::atomic<const Zones*> loaded_zones{nullptr};

/// UTC of a change in a year; `offset_s` is what holds before it.
std::int64_t change_at(
    const ZoneRules::Change& change, std::chrono::year year, std::int32_t offset_s
) noexcept {
    using namespace std::chrono;
    const month of{change.month};
    const weekday day{change.weekday};
    const sys_days date =
        change.week == 5 ? sys_days{year / of / day[last]} : sys_days{year / of / day[change.week]};
    return sys_seconds{date}.time_since_epoch().count() + change.time_s - offset_s;
}

const ZoneRules::Kind& kind_by_rule(const ZoneRules& zone, std::int64_t utc_s) noexcept {
    using namespace std::chrono;
    if (!zone.has_summer) {
        return zone.standard;
    }
    const auto local = sys_seconds{seconds{utc_s + zone.standard.offset_s}};
    const year in = year_month_day{floor<days>(local)}.year();
    const auto begins = change_at(zone.summer_begins, in, zone.standard.offset_s);
    const auto ends = change_at(zone.summer_ends, in, zone.summer.offset_s);
    const bool summer =
        begins < ends ? utc_s >= begins && utc_s < ends : utc_s >= begins || utc_s < ends;
    return summer ? zone.summer : zone.standard;
}

}  // namespace

TimeZone::Local TimeZone::at(std::int64_t utc_s) const noexcept {
    if (rules_ == nullptr) {
        return {offset_s_, {}};
    }
    const auto& times = rules_->transitions;
    const auto next = std::ranges::upper_bound(times, utc_s);
    if (next == times.end() && rules_->ruled) {
        const auto& kind = kind_by_rule(*rules_, utc_s);
        return {kind.offset_s, kind.abbreviation};
    }
    const auto passed = static_cast<std::size_t>(next - times.begin());
    const auto& kind = rules_->kinds[passed == 0 ? 0 : rules_->kinds_after[passed - 1]];
    return {kind.offset_s, kind.abbreviation};
}

std::int64_t TimeZone::to_utc(std::int64_t local_s) const noexcept {
    constexpr std::int64_t kDay = 86'400;
    // The offsets that hold around that time are one, or two if the clock changes in between.
    const auto before = at(local_s - kDay).offset_s;
    const auto after = at(local_s + kDay).offset_s;
    const std::int64_t early = local_s - before;
    const std::int64_t late = local_s - after;
    if (at(early).offset_s == before) {
        return early;
    }
    return at(late).offset_s == after ? late : early;
}

void load_time_zones() {
    static const Zones kZones = read_database();
    loaded_zones.store(&kZones, std::memory_order_release);
}

std::optional<std::int32_t> parse_offset(std::string_view text) noexcept {
    if (text.size() < 2 || (text.front() != '+' && text.front() != '-')) {
        return std::nullopt;
    }
    const bool negative = text.front() == '-';
    text.remove_prefix(1);
    std::array<std::int32_t, 3> parts{};
    for (std::size_t i = 0; i < parts.size() && !text.empty(); ++i) {
        if (i > 0 && text.front() == ':') {
            text.remove_prefix(1);
        }
        // Hours may have one digit.
        const std::size_t digits = i == 0 && (text.size() == 1 || text[1] == ':') ? 1 : 2;
        if (text.size() < digits) {
            return std::nullopt;
        }
        for (std::size_t digit = 0; digit < digits; ++digit) {
            if (text[digit] < '0' || text[digit] > '9') {
                return std::nullopt;
            }
            parts[i] = parts[i] * 10 + (text[digit] - '0');
        }
        text.remove_prefix(digits);
    }
    const std::int32_t seconds = parts[0] * 3600 + parts[1] * 60 + parts[2];
    if (!text.empty() || parts[1] > 59 || parts[2] > 59 || seconds > TimeZone::kOffsetMax) {
        return std::nullopt;
    }
    return negative ? -seconds : seconds;
}

std::optional<TimeZone> find_time_zone(std::string_view name) noexcept {
    if (const auto offset = parse_offset(name)) {
        return TimeZone{*offset};
    }
    if (const auto* zones = loaded_zones.load(std::memory_order_acquire)) {
        const auto found = zones->find(std::string{name});
        if (found != zones->end()) {
            return TimeZone{found->second};
        }
    }
    for (const std::string_view prefix : {"UTC", "GMT", "UT", "Z"}) {
        if (name == prefix) {
            return TimeZone{};
        }
        if (name.starts_with(prefix)) {
            if (const auto offset = parse_offset(name.substr(prefix.size()))) {
                return TimeZone{*offset};
            }
        }
    }
    return std::nullopt;
}

}  // namespace weir::rules
