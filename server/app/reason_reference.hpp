/// What `weir explain` knows about reasons beside their texts.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <weir/model/reason.hpp>

namespace weir::app {

inline constexpr std::size_t kExplainWidth = 100;  ///< Characters of a line that `weir explain` prints.

struct ReasonHelp {
    model::Reason reason;
    std::string_view device;  ///< What the device sees.
    std::string_view remedy;  ///< What the operator does.
};

[[nodiscard]] const ReasonHelp& help(model::Reason reason) noexcept;

/// For a reason's name. Nothing for other texts.
[[nodiscard]] std::optional<std::string> explain_reason(std::string_view name);

}  // namespace weir::app
