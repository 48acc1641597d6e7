/// Values as keys of what a rule remembers.
#pragma once

#include <string>

#include <weir/rules/detail/context.hpp>
#include <weir/rules/value.hpp>

namespace weir::rules::detail {

/// Appends the key of a value. Two values have the same key if they are equal by the operator `=`, and only then. A text
/// is its own key; that of another value begins with a byte that no text has, and goes on as JSON: numbers in their
/// shortest form, members sorted by name. Such keys are stored: what a value's key is stays so.
/// @return False: there is none, for Undefined, Null, bytes, the empty text, and numbers beyond 9.99E999; or the budget is
///         exceeded. What is longer than kStateKeyBytesMax is cut somewhere beyond that.
[[nodiscard]] bool write_key(std::string& out, const Value& value, Context& context);

}  // namespace weir::rules::detail
