#include <weir/archive/object_name.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

namespace weir::archive {
namespace {

constexpr std::size_t kTemplateBytesMax = 512;
/// Behind the longest segment there is room for an ending and for what marks an unfinished file.
constexpr std::size_t kSegmentBytesMax = 230;

constexpr std::array<std::string_view, 9> kPlaceholders = {
    "sink", "stream", "date", "year", "month", "day", "hour", "first", "last"};

bool is_plain(char c) noexcept {
    constexpr std::string_view kMarks = "-_.=!'()+,@/";
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kMarks.find(c) != std::string_view::npos;
}

/// Calls `plain(char)` and `placeholder(name)` in order.
/// @return What is wrong with the braces.
template <class Plain, class Placeholder>
std::string walk(std::string_view text, Plain&& plain, Placeholder&& placeholder) {
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] != '{') {
            plain(text[at]);
            continue;
        }
        const auto end = text.find('}', at);
        if (end == std::string_view::npos) {
            return "a '{' is not closed";
        }
        placeholder(text.substr(at + 1, end - at - 1));
        at = end;
    }
    return {};
}

struct Date {
    explicit Date(std::int64_t time_ms) noexcept {
        using namespace std::chrono;
        const sys_time<milliseconds> time{milliseconds{time_ms}};
        const auto midnight = floor<days>(time);
        const year_month_day day_of{midnight};
        year = static_cast<int>(day_of.year());
        month = static_cast<unsigned>(day_of.month());
        day = static_cast<unsigned>(day_of.day());
        hour = static_cast<unsigned>(floor<hours>(time - midnight).count());
    }

    int year;
    unsigned month;
    unsigned day;
    unsigned hour;
};

std::string value_of(std::string_view placeholder, const NameParts& parts) {
    const Date date{parts.time_ms};
    if (placeholder == "sink") {
        return std::string{parts.sink};
    }
    if (placeholder == "stream") {
        return std::string{parts.stream};
    }
    if (placeholder == "date") {
        return fmt::format("{:04}-{:02}-{:02}", date.year, date.month, date.day);
    }
    if (placeholder == "year") {
        return fmt::format("{:04}", date.year);
    }
    if (placeholder == "month") {
        return fmt::format("{:02}", date.month);
    }
    if (placeholder == "day") {
        return fmt::format("{:02}", date.day);
    }
    if (placeholder == "hour") {
        return fmt::format("{:02}", date.hour);
    }
    return fmt::format("{:012}", placeholder == "first" ? parts.first : parts.last);
}

std::string check_segments(std::string_view name) {
    while (true) {
        const auto slash = name.find('/');
        const auto segment = name.substr(0, slash);
        if (segment.empty()) {
            return "a segment between '/' is empty";
        }
        if (segment.starts_with('.')) {
            return "a segment begins with a point";
        }
        if (segment.size() > kSegmentBytesMax) {
            return fmt::format("a segment may have more than {} bytes", kSegmentBytesMax);
        }
        if (slash == std::string_view::npos) {
            return {};
        }
        name.remove_prefix(slash + 1);
    }
}

}  // namespace

std::string check_object_name(std::string_view text) {
    if (text.empty() || text.size() > kTemplateBytesMax) {
        return fmt::format("the name has 1 to {} bytes", kTemplateBytesMax);
    }
    bool has_first = false;
    std::string problem;
    auto braces = walk(
        text,
        [&](char c) {
            if (!is_plain(c) && problem.empty()) {
                problem = "names are made of letters, digits, '/' and -_.=!'()+,@";
            }
        },
        [&](std::string_view placeholder) {
            has_first = has_first || placeholder == "first";
            if (std::ranges::find(kPlaceholders, placeholder) == kPlaceholders.end() &&
                problem.empty()) {
                problem = fmt::format(
                    "there is no {{{}}}, only {{{}}}", placeholder, fmt::join(kPlaceholders, "}, {")
                );
            }
        }
    );
    if (!braces.empty()) {
        return braces;
    }
    if (!problem.empty()) {
        return problem;
    }
    if (!has_first) {
        return "without {first} two objects could have one name";
    }
    const std::string longest(64, 'a');
    return check_segments(object_name(
        text, {.sink = longest, .stream = longest, .first = UINT64_MAX, .last = UINT64_MAX}
    ));
}

std::string object_name(std::string_view text, const NameParts& parts) {
    std::string name;
    static_cast<void>(walk(
        text,
        [&](char c) { name += c; },
        [&](std::string_view placeholder) { name += value_of(placeholder, parts); }
    ));
    return name;
}

}  // namespace weir::archive
