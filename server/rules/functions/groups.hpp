/// The parts of the function table. Each is a table in its own file; functions() joins them.
#pragma once

#include <span>

#include <weir/rules/functions/function.hpp>

namespace weir::rules {

[[nodiscard]] std::span<const Function> math_functions() noexcept;
[[nodiscard]] std::span<const Function> text_functions() noexcept;
[[nodiscard]] std::span<const Function> regex_functions() noexcept;
[[nodiscard]] std::span<const Function> digest_functions() noexcept;
[[nodiscard]] std::span<const Function> value_functions() noexcept;
[[nodiscard]] std::span<const Function> list_functions() noexcept;
[[nodiscard]] std::span<const Function> byte_functions() noexcept;
[[nodiscard]] std::span<const Function> time_functions() noexcept;
[[nodiscard]] std::span<const Function> message_functions() noexcept;
[[nodiscard]] std::span<const Function> state_functions() noexcept;
[[nodiscard]] std::span<const Function> external_functions() noexcept;

}  // namespace weir::rules
