/// Values as an operator would write them: exact, in the largest unit that gives a whole number.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace weir::app::detail {

[[nodiscard]] std::string written_size(std::uint64_t bytes);
[[nodiscard]] std::string written_duration(std::chrono::milliseconds duration);

}  // namespace weir::app::detail
