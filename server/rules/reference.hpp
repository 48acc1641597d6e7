/// The function reference, made from the function table.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include <weir/rules/functions/function.hpp>

namespace weir::rules {

/// Functions that belong together.
struct FunctionGroup {
    std::string_view title;
    std::span<const Function> functions;
};
[[nodiscard]] std::span<const FunctionGroup> function_groups() noexcept;

/// One use of a function.
struct Example {
    std::string_view function;
    std::string_view expression;
    std::string_view result;  ///< JSON, `Undefined`; empty if it differs from time to time.
};
/// The message that examples are evaluated with, in the native profile unless their function is
/// not in it.
inline constexpr std::string_view kExampleTopic = "data/p7/temp";
inline constexpr std::string_view kExamplePayload =
    R"({"temp":21.5,"name":"Probe 7","tags":["a","b"],"site":{"city":"Bergen"},"gone":null})";
/// The message before it, for what remembers.
inline constexpr std::string_view kExampleBefore = R"({"temp":20,"name":"Probe 7"})";
/// 2023-11-14T22:13:20.123Z
inline constexpr std::int64_t kExampleTimeMs = 1'700'000'000'123;
/// At least one for each function that can be called.
[[nodiscard]] std::span<const Example> examples() noexcept;

/// The tables of docs/rules.md.
[[nodiscard]] std::string reference_markdown();
/// What is to know about one function, for a terminal.
[[nodiscard]] std::string describe(const Function& function);

}  // namespace weir::rules
