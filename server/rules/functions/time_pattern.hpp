/// Times as text by a pattern of letters.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <weir/rules/functions/time_zone.hpp>

namespace weir::rules {

/// Two dialects share most letters. Printing follows Joda-Time's DateTimeFormat, reading follows java.time's
/// DateTimeFormatter, because parse_time and time_to_epoch of AWS do. Names of months and days are English.
class TimePattern {
public:
    static constexpr std::size_t kBytesMax = 256;

    /// Joda: G C Y y x w e E D M d a K h H k m s S z Z, and text in quotes.
    [[nodiscard]] static std::optional<TimePattern> for_printing(std::string_view pattern);
    /// java.time: G u y D M L d E a h K k H m s S n V z O X x Z, and text in quotes. No optional parts.
    [[nodiscard]] static std::optional<TimePattern> for_reading(std::string_view pattern);

    /// Appends the time in the zone.
    void print(std::string& out, std::int64_t utc_ms, const TimeZone& zone) const;
    /// Milliseconds since 1970; UTC if the text names no zone. Nothing if the text does not follow the pattern, all of
    /// it, or names no date.
    [[nodiscard]] std::optional<std::int64_t> read(std::string_view text) const;

private:
    struct Item {
        char letter = '\0';     ///< NUL: text.
        std::size_t count = 0;  ///< How often the letter stands there.
        std::string text;
    };

    [[nodiscard]] static std::optional<TimePattern> compile(
        std::string_view pattern, std::string_view letters
    );

    std::vector<Item> items_;
};

}  // namespace weir::rules
