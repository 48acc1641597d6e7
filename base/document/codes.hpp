/// The stable codes of errors in documents, with the text that `weir explain WEIR-xxxx` prints.
///
/// Ranges: 01xx documents in general (here), 02xx policies, 03xx rules, 04xx gateway configuration.
#pragma once

#include <span>
#include <string_view>

namespace weir::document {

struct CodeInfo {
    std::string_view code;         ///< "WEIR-0102"; never reused for something else.
    std::string_view title;        ///< One line, lower case.
    std::string_view explanation;  ///< Why it is an error and how to mend it.
};

namespace code {
inline constexpr std::string_view kSyntax = "WEIR-0101";
inline constexpr std::string_view kUnknownKey = "WEIR-0102";
inline constexpr std::string_view kDuplicateKey = "WEIR-0103";
inline constexpr std::string_view kAlias = "WEIR-0104";
inline constexpr std::string_view kTag = "WEIR-0105";
inline constexpr std::string_view kSecondDocument = "WEIR-0106";
inline constexpr std::string_view kTab = "WEIR-0107";
inline constexpr std::string_view kTooDeep = "WEIR-0108";
inline constexpr std::string_view kTooLarge = "WEIR-0109";
inline constexpr std::string_view kEncoding = "WEIR-0110";
inline constexpr std::string_view kWrongType = "WEIR-0111";
inline constexpr std::string_view kOutOfRange = "WEIR-0112";
inline constexpr std::string_view kUnknownValue = "WEIR-0113";
inline constexpr std::string_view kMissingKey = "WEIR-0114";
}  // namespace code

[[nodiscard]] std::span<const CodeInfo> codes() noexcept;

}  // namespace weir::document
