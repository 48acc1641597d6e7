/// The dialects of rule SQL.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace weir::rules {

/// Which language a rule is written in. They share one grammar and one evaluator; the differences:
///
/// |                        | native            | aws_2016            | aws_2015            |
/// |------------------------|-------------------|---------------------|---------------------|
/// | AND, OR with Undefined | Kleene            | Undefined           | Undefined           |
/// | `!=`, `a[i]`, CASE WHEN| yes               | no                  | no                  |
/// | FOREACH, NOT IN, `--`  | yes               | no                  | no                  |
/// | several filters in FROM| yes               | no                  | no                  |
/// | wrong count of arguments| error            | Undefined           | Undefined           |
/// | hole in a template     | fails the action  | empty text          | empty text          |
/// | 7 / 2                  | 3.5               | 3                   | 3                   |
/// | 10.0 in a payload      | stays 10.0        | 10                  | stays 10.0          |
/// | literals, sub-queries  | yes               | yes                 | no                  |
/// | `a/#` matches `a`      | yes               | no                  | no                  |
enum class Profile : std::uint8_t { native, aws_2016, aws_2015 };

inline constexpr std::array<std::string_view, 3> kProfileNames = {
    "native", "aws-2016-03-23", "aws-2015-10-08"
};

[[nodiscard]] constexpr std::string_view name(Profile profile) noexcept {
    return kProfileNames[static_cast<std::size_t>(profile)];
}

[[nodiscard]] constexpr std::optional<Profile> parse_profile(std::string_view text) noexcept {
    for (std::size_t i = 0; i < kProfileNames.size(); ++i) {
        if (kProfileNames[i] == text) {
            return static_cast<Profile>(i);
        }
    }
    return std::nullopt;
}

}  // namespace weir::rules
