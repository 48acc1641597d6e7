/// The stable codes of errors and warnings in policy files: WEIR-02xx.
#pragma once

#include <span>
#include <string_view>

#include <weir/document/codes.hpp>

namespace weir::policy {

namespace code {
inline constexpr std::string_view kBadPattern = "WEIR-0201";
inline constexpr std::string_view kEveryClientId = "WEIR-0202";
inline constexpr std::string_view kWide = "WEIR-0203";
inline constexpr std::string_view kStar = "WEIR-0204";
inline constexpr std::string_view kEmptyMatch = "WEIR-0205";
inline constexpr std::string_view kNoRight = "WEIR-0206";
inline constexpr std::string_view kSameName = "WEIR-0207";
inline constexpr std::string_view kRetain = "WEIR-0208";
inline constexpr std::string_view kUnboundClientId = "WEIR-0209";
inline constexpr std::string_view kTooManyRules = "WEIR-0210";
inline constexpr std::string_view kBadName = "WEIR-0211";
}  // namespace code

/// With the texts that `weir explain WEIR-02xx` prints.
[[nodiscard]] std::span<const document::CodeInfo> codes() noexcept;

}  // namespace weir::policy
