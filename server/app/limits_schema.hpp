/// The limits that the configuration can set, and their presets.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <weir/app_config/config_schema.hpp>
#include <weir/document/readers.hpp>
#include <weir/model/limits.hpp>

namespace weir::app {

enum class Preset : std::uint8_t {
    standard,  ///< Generous: protects the gateway, does not pace devices.
    cloud,     ///< What public clouds allow, rates included.
    none,      ///< Every limit at its largest value: for benches and conformance suites.
};
inline constexpr std::array<std::string_view, 3> kPresetNames = {"standard", "cloud", "none"};

/// A row of the table of limits.
struct LimitKey {
    using Member = std::variant<
        std::uint64_t model::Limits::*,
        std::chrono::milliseconds model::Limits::*,
        std::optional<document::Rate> model::Limits::*>;

    std::string_view name;
    Member member;
    Type type;  ///< integer, size, duration or rate.
    std::uint64_t min;
    std::uint64_t
        max;  ///< Also the value of the preset `none`; kUnlimited: `unlimited` is accepted.
    std::string_view
        cloud;  ///< Value in the preset `cloud`, as one would write it; empty: as in `standard`.
    std::string_view help;
};

[[nodiscard]] const std::vector<LimitKey>& limit_keys();
/// Those that stay as they were at the start: they bound tables that are made then.
inline constexpr std::array<std::string_view, 4> kStartLimits = {
    "connections", "hops", "retained_messages", "sessions"
};
/// The one limit that is a word: `queue_full`.
inline constexpr std::array<std::string_view, 2> kQueueFullNames = {"drop_oldest", "reject_new"};
[[nodiscard]] model::Limits limits_of(Preset preset);
/// As one would write it: "128KiB", "1h", "unlimited".
[[nodiscard]] std::string written(const model::Limits& limits, const LimitKey& key);

}  // namespace weir::app
