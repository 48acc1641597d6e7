/// Time zones, from the system's IANA database.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace weir::rules {

struct ZoneRules;

/// A zone of the database, or a fixed offset. Cheap to copy; lives as long as the process.
class TimeZone {
public:
    static constexpr std::int32_t kOffsetMax = 18 * 3600;

    TimeZone() noexcept = default;  ///< UTC.
    explicit TimeZone(std::int32_t offset_s) noexcept : offset_s_{offset_s} {}
    explicit TimeZone(const ZoneRules& rules) noexcept : rules_{&rules} {}

    struct Local {
        std::int32_t offset_s = 0;           ///< East of Greenwich.
        std::string_view abbreviation = {};  ///< CET; empty for a fixed offset.
    };
    [[nodiscard]] Local at(std::int64_t utc_s) const noexcept;
    /// Seconds since 1970 of a local time. One that occurs twice is the earlier, one that is left out is moved on.
    [[nodiscard]] std::int64_t to_utc(std::int64_t local_s) const noexcept;

private:
    const ZoneRules* rules_ = nullptr;
    std::int32_t offset_s_ = 0;
};

/// Reads the database, once per process. To be called where files may be read, before find_time_zone.
void load_time_zones();

/// `UTC`, `Z`, `GMT`, an IANA name, or an offset: `+02:00`, `UTC+2`, `-0530`. Names are case-sensitive.
/// @cost No file is read; before load_time_zones only offsets are known.
[[nodiscard]] std::optional<TimeZone> find_time_zone(std::string_view name) noexcept;
/// `+HH[[:]MM[[:]SS]]` with either sign.
[[nodiscard]] std::optional<std::int32_t> parse_offset(std::string_view text) noexcept;

}  // namespace weir::rules
