/// Percent-encoding of URLs. RFC 3986 section 2.1
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace weir {

/// All bytes but letters, digits and "-._~" become "%XX", in upper case. Those of `kept` stay too:
/// "/" for a whole path.
[[nodiscard]] std::string percent_encode(std::string_view text, std::string_view kept = {});

/// "%41" -> "A". Nothing if an escape is cut short or not hexadecimal. "+" stays as it is; what
/// comes out may hold NUL and need not be UTF-8.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text);

}  // namespace weir
