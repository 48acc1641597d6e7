/// The stable codes of errors in the gateway's configuration: WEIR-04xx.
#pragma once

#include <span>
#include <string_view>

#include <weir/document/codes.hpp>

namespace weir::app {

namespace code {
inline constexpr std::string_view kPlaintext = "WEIR-0401";
inline constexpr std::string_view kNameTaken = "WEIR-0402";
inline constexpr std::string_view kBadName = "WEIR-0403";
inline constexpr std::string_view kBadAddress = "WEIR-0404";
inline constexpr std::string_view kAddressTaken = "WEIR-0405";
inline constexpr std::string_view kOpenSecret = "WEIR-0406";
inline constexpr std::string_view kNoSuchVariable = "WEIR-0407";
inline constexpr std::string_view kUnreadable = "WEIR-0408";
inline constexpr std::string_view kTls = "WEIR-0409";
inline constexpr std::string_view kInclude = "WEIR-0410";
inline constexpr std::string_view kBadUrl = "WEIR-0411";
inline constexpr std::string_view kContradiction = "WEIR-0412";
inline constexpr std::string_view kUnknownStream = "WEIR-0413";
inline constexpr std::string_view kUnknownSink = "WEIR-0414";
inline constexpr std::string_view kNotAvailable = "WEIR-0415";
inline constexpr std::string_view kBadCertificate = "WEIR-0416";
inline constexpr std::string_view kCertificateEnds = "WEIR-0417";
inline constexpr std::string_view kNoPolicy = "WEIR-0418";
inline constexpr std::string_view kBadHeader = "WEIR-0419";
}  // namespace code

[[nodiscard]] std::span<const document::CodeInfo> codes() noexcept;

}  // namespace weir::app
