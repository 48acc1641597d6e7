/// Values as JSON text.
#pragma once

#include <string>
#include <string_view>

#include <weir/rules/detail/context.hpp>
#include <weir/rules/value.hpp>

namespace weir::rules::detail {

/// Appends `value` as compact JSON. What stands in a parsed document is copied as it stands,
/// without white space between its tokens. Undefined and binary members are left out, such
/// elements are null; alone they are nothing.
/// @return false: the budget is exceeded; `out` is cut short.
[[nodiscard]] bool write_json(std::string& out, const Value& value, Budget& budget);

/// Appends `text` in quotes, with escapes.
void write_json_string(std::string& out, std::string_view text);

}  // namespace weir::rules::detail
