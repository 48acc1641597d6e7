/// What a price list may hold.
#pragma once

#include <cstddef>
#include <cstdint>

namespace weir::metering::detail {

inline constexpr std::size_t kPlanBytesMax = 64;
inline constexpr std::size_t kCurrencyBytesMax = 8;
inline constexpr std::size_t kPricesMax = 100;
inline constexpr std::size_t kTiersMax = 20;
inline constexpr std::int64_t kUnitsMax = 1'000'000'000'000'000;

}  // namespace weir::metering::detail
