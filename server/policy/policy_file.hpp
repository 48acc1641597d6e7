/// The native YAML form of policies.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <weir/document/diagnostic.hpp>
#include <weir/policy/policy_set.hpp>

namespace weir::policy {

/// Patterns in one policy.
inline constexpr std::size_t kRulesMax = 1'000;
/// Of a policy's name.
inline constexpr std::size_t kNameBytesMax = 128;

/// A file that was read by the caller.
struct PolicyFile {
    std::string path;  ///< As it is to appear in diagnostics, verdicts and logs.
    std::string text;
};

/// Reads one policy. All errors and lints of the file go to `diagnostics`.
/// @return Nothing if there was an error; a policy with warnings only is returned.
[[nodiscard]] std::optional<Policy> parse_policy(
    std::string_view text, std::string_view path, document::Diagnostics& diagnostics
);

/// Reads all files of a configuration.
/// @return Null if any file has an error: then the policies in force stay.
[[nodiscard]] PolicySetPtr load_policies(
    std::span<const PolicyFile> files, document::Diagnostics& diagnostics
);

}  // namespace weir::policy
