/// The stable codes of errors in rules: WEIR-03xx. `weir explain` prints the text behind them.
#pragma once

#include <span>
#include <string_view>

#include <weir/document/codes.hpp>

namespace weir::rules {

namespace code {
inline constexpr std::string_view kSyntax = "WEIR-0301";
inline constexpr std::string_view kUnknownFunction = "WEIR-0302";
inline constexpr std::string_view kArguments = "WEIR-0303";
inline constexpr std::string_view kProfile = "WEIR-0304";
inline constexpr std::string_view kTopicFilter = "WEIR-0305";
inline constexpr std::string_view kVariable = "WEIR-0306";
inline constexpr std::string_view kLimit = "WEIR-0307";
inline constexpr std::string_view kExternal = "WEIR-0308";
inline constexpr std::string_view kFrontMatter = "WEIR-0309";
inline constexpr std::string_view kNeverTrue = "WEIR-0310";
inline constexpr std::string_view kAlwaysUndefined = "WEIR-0311";
inline constexpr std::string_view kTemplate = "WEIR-0312";
inline constexpr std::string_view kAlias = "WEIR-0313";
inline constexpr std::string_view kBudget = "WEIR-0314";
inline constexpr std::string_view kLoop = "WEIR-0315";
inline constexpr std::string_view kUntested = "WEIR-0316";
inline constexpr std::string_view kState = "WEIR-0317";
inline constexpr std::string_view kUnknownField = "WEIR-0318";
}  // namespace code

[[nodiscard]] std::span<const document::CodeInfo> codes() noexcept;

}  // namespace weir::rules
