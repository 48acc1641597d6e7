#include <array>
#include <string_view>

#include <fmt/format.h>

#include <weir/app_config/detail/written.hpp>

namespace weir::app::detail {
namespace {

struct Unit {
    std::uint64_t factor;
    std::string_view name;
};

/// `units` from large to small; the last one has factor 1.
template <std::size_t N>
std::string written(std::uint64_t value, const std::array<Unit, N>& units) {
    for (const auto& unit : units) {
        if (value != 0 && value % unit.factor == 0) {
            return fmt::format("{}{}", value / unit.factor, unit.name);
        }
    }
    return "0";
}

}  // namespace

std::string written_size(std::uint64_t bytes) {
    constexpr std::array kUnits = {
        Unit{1ULL << 40U, "TiB"},
        Unit{1ULL << 30U, "GiB"},
        Unit{1ULL << 20U, "MiB"},
        Unit{1ULL << 10U, "KiB"},
        Unit{1, "B"},
    };
    return written(bytes, kUnits);
}

std::string written_duration(std::chrono::milliseconds duration) {
    constexpr std::array kUnits = {
        Unit{86'400'000, "d"},
        Unit{3'600'000, "h"},
        Unit{60'000, "m"},
        Unit{1'000, "s"},
        Unit{1, "ms"},
    };
    return written(static_cast<std::uint64_t>(duration.count()), kUnits);
}

}  // namespace weir::app::detail
