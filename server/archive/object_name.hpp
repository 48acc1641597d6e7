/// How objects are called.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace weir::archive {

/// What a name is made of. Nothing in it comes from a device.
struct NameParts {
    std::string_view sink = {};
    std::string_view stream = {};
    std::int64_t time_ms = 0;  ///< Of the batch's first record.
    std::uint64_t first = 0;   ///< Offsets, both included.
    std::uint64_t last = 0;
};

/// What is wrong with a template, for people; empty if nothing is.
///
/// Placeholders are {sink}, {stream}, {date} (2026-01-31), {year}, {month}, {day}, {hour} (UTC),
/// {first} and {last}; {first} is needed, or two objects could have one name. Beside them stand
/// letters, digits and `-_.=!'()+,@` in segments between '/'; a segment is never empty, and never
/// begins with a point: no name leads out of a folder.
[[nodiscard]] std::string check_object_name(std::string_view text);

/// @param text  Passed check_object_name.
/// @return Offsets have at least 12 digits, so that names sort like them.
[[nodiscard]] std::string object_name(std::string_view text, const NameParts& parts);

}  // namespace weir::archive
