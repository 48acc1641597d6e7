/// Functions of other rule languages.
#pragma once

#include <span>
#include <string_view>

namespace weir::rules {

/// A name that people try, and what does the same here.
struct ForeignFunction {
    std::string_view name;     ///< In lower case.
    std::string_view instead;  ///< "list[0]".
};

/// Of EMQX and of Azure IoT Hub; none of them is a function here. Sorted by name.
[[nodiscard]] std::span<const ForeignFunction> foreign_functions() noexcept;
/// @param name  In lower case. @return Null if it is none of them.
[[nodiscard]] const ForeignFunction* find_foreign_function(std::string_view name) noexcept;

}  // namespace weir::rules
